"""``beltline data``: compare and look after data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli import data_sets, data_sixray
from beltline.cli.context import JsonFlag, Seed, note, print_json, usage
from beltline.core import STARTER_CLASSES, canonical

if TYPE_CHECKING:
    from beltline.data import RealismReport
    from beltline.simulate.bags import Split
    from beltline.simulate.library import ObjectLibrary

# Guns and knives, which every public set holds, are drawn more often.
OFTEN = "gun,gun,knife,knife,knife,knife,scissors"

data_app = typer.Typer(no_args_is_help=True, help="Compare and look after data sets.")
data_sets.register(data_app)
data_sixray.register(data_app)


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


@data_app.command()
def shards(
    out: Annotated[
        Path, typer.Argument(help="Folder of the training set; shards of the same plan are kept.")
    ],
    split: Annotated[str, typer.Option(help="train, val or test; no item occurs in two.")] = "train",
    number: Annotated[int, typer.Option("--shards", help="How many.", min=1)] = 40,
    first: Annotated[int, typer.Option(help="Number of the first shard.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="Bags per shard.", min=1)] = 250,
    seed: Seed = 0,
    classes: Annotated[str, typer.Option(help="Labels, comma separated.")] = ",".join(STARTER_CLASSES),
    often: Annotated[
        str,
        typer.Option(help="Labels drawn once more for each mention, of the classes; '' draws all alike."),
    ] = OFTEN,
    styles: Annotated[str, typer.Option(help="Looks with shares.")] = "random:0.6,any:0.4",
    library: Annotated[Path | None, typer.Option(help="Baked objects; default OUT-library.")] = None,
    each: Annotated[int, typer.Option(help="Objects baked per everyday family.", min=1)] = 12,
    per_class: Annotated[
        int, typer.Option(help="Objects baked per label, shared over its families.", min=1)
    ] = 400,
    threats_each: Annotated[
        int | None, typer.Option(help="Objects per prohibited family instead, as earlier versions.", min=1)
    ] = None,
    pixel_mm: Annotated[float, typer.Option(help="Pixel pitch in mm.", min=0.5, max=10)] = 1.3,
    width: Annotated[int, typer.Option(help="Of a scan in pixels, a multiple of 8.", min=64, max=2048)] = 448,
    height: Annotated[int, typer.Option(help="Same.", min=64, max=2048)] = 320,
) -> None:
    """Bake an object library and compose training shards; a training run may read them meanwhile.

    Larger scans need a finer pitch: 640 pixels of 0.91 mm show what 448 of 1.3 mm do.

    Example: beltline data shards shards/train --split train --shards 40 --seed 1
    """
    from beltline.simulate.bags import SPLITS, BagRecipe
    from beltline.simulate.shards import ShardPlan, write_shards

    chosen = next((s for s in SPLITS if s == split), None)
    if chosen is None:
        raise typer.BadParameter(f"must be one of {', '.join(SPLITS)}, got {split!r}", param_hint="--split")
    if width % 8 or height % 8:
        raise typer.BadParameter(f"must be multiples of 8, got {width}x{height}", param_hint="--width")
    names = tuple(dict.fromkeys(_labels(classes, "--classes")))
    more = _labels(often, "--often")
    if often != OFTEN and (others := [name for name in more if name not in names]):
        raise typer.BadParameter(f"must be among the classes, got {', '.join(others)}", param_hint="--often")
    with usage("--styles"):
        looks = tuple(
            (name, float(share or 1)) for name, _, share in (s.partition(":") for s in styles.split(","))
        )
    with usage("--classes or --styles"):
        plan = ShardPlan(names, height=height, width=width, count=count, styles=looks)
    baking: dict[str, Any] = {"seed": seed, "each": each, "threats_each": threats_each}
    if threats_each is None:
        labels = sorted({*names, *BagRecipe().everyday_prohibited})
        baking |= {"per_class": per_class, "labels": labels}
    opened = _opened(library, out, baking, split=chosen, pixel_mm=pixel_mm)
    drawn = (*names, *(name for name in more if name in names))

    def report(done: int, total: int, _item: str) -> None:
        if done:
            note(f"shard {done} of {total}")

    written = write_shards(
        out, opened, plan, shards=number, first=first, seed=seed, drawn=drawn, on_progress=report
    )
    print(f"{out}: {written} shards of {count} bags from {len(opened.objects)} objects of the {split} split")
    counted = opened.exemplars()
    print("exemplars: " + ", ".join(f"{name} {counted.get(name, 0)}" for name in names))


def _opened(
    library: Path | None, out: Path, baking: dict[str, Any], *, split: "Split", pixel_mm: float
) -> "ObjectLibrary":
    """The library that was named, or the set's own; baked first where there is none."""
    from beltline.simulate.library import INDEX, bake_library, open_library

    root = library or out.with_name(f"{out.name}-library")
    if not (root / INDEX).is_file():
        note(f"baking objects into {root} ...")
        bake_library(root, split=split, pixel_mm=pixel_mm, **baking)
    # one library may serve several seeds where it was named
    return open_library(root, split=split, pixel_mm=pixel_mm, **(baking if library is None else {}))


def _labels(listed: str, option: str) -> list[str]:
    """Taxonomy names of an option's list with commas."""
    with usage(option):
        return [canonical(name) for name in listed.split(",") if name.strip()]


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
