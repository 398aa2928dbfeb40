"""``beltline data``: compare and look after data sets."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import JsonFlag, print_json

data_app = typer.Typer(no_args_is_help=True, help="Compare and look after data sets.")


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
    """Compare two folders: luminance, gradients, hues, and how easily a classifier tells them apart.

    AUC 0.5 means it cannot, 1.0 means it always can.

    Example: beltline data realism bags/images scans --limit 100
    """
    from beltline.data import compare_folders

    report = compare_folders(simulated, real, limit=limit, seed=seed)
    if as_json:
        print_json(report.to_json())
        return
    print("\n".join(_table(report)))


def _table(report: "object") -> list[str]:
    from beltline.data import RealismReport
    from beltline.data.statistics import GRADIENT_PERCENTILES, HUES, LUMINANCE_PERCENTILES

    assert isinstance(report, RealismReport)
    rows = [
        f"{'':24s}{'first':>10s}{'second':>10s}",
        f"{'scans':24s}{report.scans[0]:10d}{report.scans[1]:10d}",
    ]
    pairs = [(f"luminance p{p}", "luminance", i) for i, p in enumerate(LUMINANCE_PERCENTILES)]
    pairs += [(f"|dL/dx| p{p}", "gradient", i) for i, p in enumerate(GRADIENT_PERCENTILES)]
    for title, field, i in pairs:
        rows.append(
            f"{title:24s}{getattr(report.simulated, field)[i]:10.1f}{getattr(report.real, field)[i]:10.1f}"
        )
    for i, name in enumerate(HUES):
        rows.append(
            f"{'hue ' + name + ' %':24s}{100 * report.simulated.hue[i]:10.1f}{100 * report.real.hue[i]:10.1f}"
        )
    rows.append(
        f"{'foreground %':24s}{100 * report.simulated.foreground:10.1f}{100 * report.real.foreground:10.1f}"
    )
    rows.append(f"{'saturation':24s}{report.simulated.saturation:10.3f}{report.real.saturation:10.3f}")
    rows.append(f"separable: whole scans AUC {report.auc_scans:.3f}, patches AUC {report.auc_patches:.3f}")
    return rows
