"""``beltline data``: compare and look after data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli import data_curate, data_devices, data_sets, data_shards, data_sixray
from beltline.cli.context import JsonFlag, print_json

if TYPE_CHECKING:
    from beltline.data import RealismReport

data_app = typer.Typer(no_args_is_help=True, help="Compare and look after data sets.")
data_sets.register(data_app)
data_sixray.register(data_app)
data_shards.register(data_app)
data_devices.register(data_app)
data_curate.register(data_app)


@data_app.callback()
def _data() -> None:
    """Compare and look after data sets."""


@data_app.command()
def realism(
    simulated: Annotated[Path, typer.Argument(help="Folder of simulated scans, or a simulated set.")],
    real: Annotated[Path, typer.Argument(help="Folder of real scans.")],
    limit: Annotated[int, typer.Option(help="Most scans read from each folder.", min=10)] = 200,
    seed: Annotated[int, typer.Option(help="Of folds and patches.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Compare two folders: luminance, gradients, colours, and how easily a classifier tells them apart.

    "hue" rows share out the coloured pixels; "pixels" rows count, among all that are not air, those of a
    saturation above 0.3 by hue (blue 190-260, green 80-160, orange 0-50 degrees) and the rest as pale.
    "value of blue" is the median HSV value of the blue ones: how far metal sinks into navy.

    AUC 0.5 means it cannot, 1.0 means it always can.

    Example: beltline data realism bags/images scans --limit 100
    """
    from beltline.data import compare_folders

    report = compare_folders(simulated, real, limit=limit, seed=seed)
    if as_json:
        print_json(report.to_json())
        return
    print("\n".join(_table(report)))


def _table(report: "RealismReport") -> list[str]:
    from beltline.data.compare.statistics import GRADIENT_PERCENTILES, HUES, LUMINANCE_PERCENTILES, PALETTE

    def row(title: str, form: str, *values: Any) -> str:
        shown = ("-" if value != value else f"{value:{form}}" for value in values)  # NaN: there is none
        return f"{title:24s}" + "".join(f"{text:>10s}" for text in shown)

    first, second = report.simulated, report.real
    rows = [row("", "s", "first", "second"), row("scans", "d", *report.scans)]
    for p, a, b in zip(LUMINANCE_PERCENTILES, first.luminance, second.luminance, strict=True):
        rows.append(row(f"luminance p{p}", ".1f", a, b))
    for p, a, b in zip(GRADIENT_PERCENTILES, first.gradient, second.gradient, strict=True):
        rows.append(row(f"|dL/dx| p{p}", ".1f", a, b))
    for name, a, b in zip(HUES, first.hue, second.hue, strict=True):
        rows.append(row(f"hue {name} %", ".1f", 100 * a, 100 * b))
    for name, a, b in zip(PALETTE, first.palette, second.palette, strict=True):
        rows.append(row(f"pixels {name} %", ".1f", 100 * a, 100 * b))
    rows.append(row("value of blue", ".3f", first.blue_value, second.blue_value))
    rows.append(row("foreground %", ".1f", 100 * first.foreground, 100 * second.foreground))
    rows.append(row("saturation", ".3f", first.saturation, second.saturation))
    rows.append(f"separable: whole scans AUC {report.auc_scans:.3f}, patches AUC {report.auc_patches:.3f}")
    return rows
