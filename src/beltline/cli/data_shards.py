"""``beltline data shards | clicks | electronics | inpainting``: composed bags, to train on."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli.context import Seed, note, usage
from beltline.core import PROHIBITED, STARTER_CLASSES, canonical

if TYPE_CHECKING:
    from beltline.simulate.bags import Split
    from beltline.simulate.framing import Styles
    from beltline.simulate.library import ObjectLibrary

# Guns and knives, which every public set holds, are drawn more often.
OFTEN = "gun,gun,knife,knife,knife,knife,scissors"
#: Classes of PIDray, on which Xsyn is published.
PIDRAY = "gun,knife,wrench,pliers,scissors,hammer,handcuffs,baton,bullet,lighter,battery,pressure_vessel"

Out = Annotated[Path, typer.Argument(help="Folder of the training set; shards of the same plan are kept.")]
SplitName = Annotated[str, typer.Option("--split", help="train, val or test; no item occurs in two.")]
Number = Annotated[int, typer.Option("--shards", help="How many.", min=1)]
First = Annotated[int, typer.Option(help="Number of the first shard.", min=0)]
Count = Annotated[int, typer.Option(help="Bags per shard.", min=1)]
Looks = Annotated[str, typer.Option("--styles", help="Looks with shares.")]
Library = Annotated[Path | None, typer.Option(help="Baked objects; default OUT-library.")]
Each = Annotated[int, typer.Option(help="Objects baked per everyday family.", min=1)]
PerClass = Annotated[int, typer.Option(help="Objects baked per label, shared over its families.", min=1)]
Hardest = Annotated[float, typer.Option(help="Difficulty of what is concealed, at most.", min=0.05, max=1)]
PixelMm = Annotated[float, typer.Option(help="Pixel pitch in mm.", min=0.5, max=10)]
Width = Annotated[int, typer.Option(help="Of a scan in pixels, a multiple of 8.", min=64, max=2048)]
Height = Annotated[int, typer.Option(help="Same.", min=64, max=2048)]
Processes = Annotated[
    int,
    typer.Option(
        help="That bake and compose; 0 for one a CPU.", min=0, callback=lambda n: n or os.cpu_count() or 1
    ),
]
MIXED = "random:0.6,any:0.4"


def shards(
    out: Out,
    split: SplitName = "train",
    number: Number = 40,
    first: First = 0,
    count: Count = 250,
    seed: Seed = 0,
    classes: Annotated[str, typer.Option(help="Labels, comma separated.")] = ",".join(STARTER_CLASSES),
    often: Annotated[
        str,
        typer.Option(help="Labels drawn once more for each mention, of the classes; '' draws all alike."),
    ] = OFTEN,
    styles: Looks = MIXED,
    library: Library = None,
    each: Each = 12,
    per_class: PerClass = 400,
    threats_each: Annotated[
        int | None, typer.Option(help="Objects per prohibited family instead, as earlier versions.", min=1)
    ] = None,
    pixel_mm: PixelMm = 1.3,
    width: Width = 448,
    height: Height = 320,
    processes: Processes = 1,
) -> None:
    """Bake an object library and compose training shards; a training run may read them meanwhile.

    Larger scans need a finer pitch: 640 pixels of 0.91 mm show what 448 of 1.3 mm do.

    Example: beltline data shards shards/train --split train --shards 40 --seed 1
    """
    from beltline.simulate.bags import BagRecipe
    from beltline.simulate.shards import ShardPlan, write_shards

    chosen = _split(split)
    _check_size(width, height)
    names = tuple(dict.fromkeys(_labels(classes, "--classes")))
    more = _labels(often, "--often")
    if often != OFTEN and (others := [name for name in more if name not in names]):
        raise typer.BadParameter(f"must be among the classes, got {', '.join(others)}", param_hint="--often")
    looks = _styles(styles)
    with usage("--classes or --styles"):
        plan = ShardPlan(names, height=height, width=width, count=count, styles=looks)
    baking: dict[str, Any] = {"seed": seed, "each": each, "threats_each": threats_each}
    if threats_each is None:
        labels = sorted({*names, *BagRecipe().everyday_prohibited})
        baking |= {"per_class": per_class, "labels": labels}
    opened = _opened(library, out, baking, split=chosen, pixel_mm=pixel_mm, processes=processes)
    drawn = (*names, *(name for name in more if name in names))
    written = write_shards(
        out, opened, plan, shards=number, first=first, seed=seed, drawn=drawn, processes=processes,
        on_progress=_report,
    )  # fmt: skip
    print(f"{out}: {written} shards of {count} bags from {len(opened.objects)} objects of the {split} split")
    counted = opened.exemplars()
    print("exemplars: " + ", ".join(f"{name} {counted.get(name, 0)}" for name in names))


def clicks(
    out: Out,
    split: SplitName = "train",
    number: Number = 16,
    first: First = 0,
    count: Count = 100,
    seed: Seed = 0,
    styles: Looks = MIXED,
    twins: Annotated[
        float, typer.Option(help="Share of things that a second one of their family touches.", min=0, max=1)
    ] = 0.25,
    library: Library = None,
    each: Each = 24,
    per_class: PerClass = 400,
    pixel_mm: PixelMm = 0.91,
    width: Width = 640,
    height: Height = 456,
    processes: Processes = 1,
) -> None:
    """Compose bags with the exact mask of everything in them, to train and judge click models on.

    They hold all prohibited labels of the library, and list everyday things too.

    Example: beltline data clicks clicks/train --split train --shards 16 --seed 1
    """
    from beltline.formats.click_shards import open_click_shards
    from beltline.simulate.click_shards import ClickPlan, write_click_shards

    chosen = _split(split)
    _check_size(width, height)
    looks = _styles(styles)
    with usage("--styles"):
        plan = ClickPlan(height=height, width=width, count=count, styles=looks, twins=twins)
    baking = {"seed": seed, "each": each, "per_class": per_class, "labels": sorted(PROHIBITED)}
    opened = _opened(library, out, baking, split=chosen, pixel_mm=pixel_mm, processes=processes)
    written = write_click_shards(
        out, opened, plan, shards=number, first=first, seed=seed, processes=processes, on_progress=_report
    )
    print(f"{out}: {written} shards of {count} bags from {len(opened.objects)} objects of the {split} split")
    objects = open_click_shards(out).objects
    print(f"objects to click: {len(objects)}, prohibited {objects['threat'].sum()}")


def electronics(
    out: Out,
    split: SplitName = "train",
    number: Number = 16,
    first: First = 0,
    pairs: Annotated[int, typer.Option(help="Devices per shard, benign and with an anomaly.", min=1)] = 50,
    seed: Seed = 0,
    styles: Looks = MIXED,
    families: Annotated[str, typer.Option(help="Devices, comma separated; empty means all.")] = "",
    kinds: Annotated[str, typer.Option(help="What is concealed, comma separated; empty means all.")] = "",
    hardest: Hardest = 1.0,
    in_bags: Annotated[
        float, typer.Option(help="Share in luggage; the others lie in trays.", min=0, max=1)
    ] = 0.5,
    library: Library = None,
    each: Each = 24,
    pixel_mm: PixelMm = 0.91,
    processes: Processes = 1,
) -> None:
    """Compose devices and their twins in trays and bags, cut out and into parts, to train anomaly models on.

    Example: beltline data electronics devices/train --split train --shards 16 --seed 1
    """
    from beltline.simulate import DEVICES, KINDS, BagRecipe, ElectronicsRecipe
    from beltline.simulate.device_shards import DeviceShardPlan, write_device_shards

    chosen = _split(split)
    with usage("--families, --kinds"):
        names = tuple(name.strip() for name in families.split(",") if name.strip()) or tuple(DEVICES)
        hidden = tuple(name.strip() for name in kinds.split(",") if name.strip()) or KINDS
        recipe = ElectronicsRecipe(names, hidden, hardest, twins=True, in_bags=in_bags, split=chosen)
    looks = _styles(styles)
    with usage("--styles"):
        plan = DeviceShardPlan(pairs, looks)
    everyday = sorted(BagRecipe().everyday_prohibited)
    baking = {"seed": seed, "each": each, "per_class": each, "labels": everyday}
    opened = _opened(library, out, baking, split=chosen, pixel_mm=pixel_mm, processes=processes)
    written = write_device_shards(
        out, opened, recipe, plan, shards=number, first=first, seed=seed, processes=processes,
        on_progress=_report,
    )  # fmt: skip
    print(f"{out}: {written} shards of {pairs} devices, each benign and with something concealed")


def inpainting(
    out: Out,
    split: SplitName = "train",
    number: Number = 16,
    first: First = 0,
    count: Count = 50,
    seed: Seed = 0,
    classes: Annotated[str, typer.Option(help="Labels, comma separated.")] = PIDRAY,
    library: Library = None,
    each: Each = 12,
    per_class: PerClass = 120,
    pixel_mm: PixelMm = 0.91,
    processes: Processes = 1,
    alone: Annotated[
        bool, typer.Option("--alone", help="Single threats over air instead, for the recipe xsyn_lone.")
    ] = False,
    threats: Annotated[
        Path | None, typer.Option(help="Library of your own; each of its threats alone, once.")
    ] = None,
) -> None:
    """Compose bags and cut a window around each threat, with it and without it, to train painters on.

    With --alone no bag is composed: each window holds one threat, drawn from the library, over air, and
    --count counts windows. With --threats they are those of a library (`synthesize library`), each once, of
    two energies or in colour.

    Example: beltline data inpainting windows/train --split train --shards 16 --seed 1
    """
    from beltline.formats.inpainting_shards import open_inpainting_shards
    from beltline.simulate.bags import BagRecipe
    from beltline.simulate.inpainting_shards import InpaintingPlan, write_inpainting_shards
    from beltline.simulate.lone_shards import LonePlan, write_lone_shards

    if threats is not None:
        _own_threats(out, threats, seed)
        return
    chosen = _split(split)
    names = tuple(dict.fromkeys(_labels(classes, "--classes")))
    labels = sorted(names if alone else {*names, *BagRecipe().everyday_prohibited})
    baking = {"seed": seed, "each": each, "per_class": per_class, "labels": labels}
    with usage("--classes"):
        BagRecipe(classes=names)  # refuses unknown ones before anything is baked
    opened = _opened(library, out, baking, split=chosen, pixel_mm=pixel_mm, processes=processes)
    how: dict[str, Any] = {"shards": number, "first": first, "seed": seed, "processes": processes}
    if alone:
        written = write_lone_shards(out, opened, LonePlan(names, count), **how, on_progress=_report)
    else:
        written = write_inpainting_shards(
            out, opened, InpaintingPlan(names, count), **how, on_progress=_report
        )
    found = len(open_inpainting_shards(out))
    of = "lone threats" if alone else "bags"
    print(f"{out}: {written} shards of {count} {of} of the {split} split; {found} windows in all")


def _own_threats(out: Path, threats: Path, seed: int) -> None:
    from beltline.synthesis.library import read_library
    from beltline.synthesis.lone_windows import write_library_windows

    library = read_library(threats)
    count = write_library_windows(out, library, seed=seed)
    print(f"{out}: {count} windows of lone threats of {', '.join(library.labels)}")


def _split(name: str) -> "Split":
    from beltline.simulate.bags import SPLITS

    chosen = next((s for s in SPLITS if s == name), None)
    if chosen is None:
        raise typer.BadParameter(f"must be one of {', '.join(SPLITS)}, got {name!r}", param_hint="--split")
    return chosen


def _check_size(width: int, height: int) -> None:
    if width % 8 or height % 8:
        raise typer.BadParameter(f"must be multiples of 8, got {width}x{height}", param_hint="--width")


def _styles(listed: str) -> "Styles":
    with usage("--styles"):
        parts = (one.partition(":") for one in listed.split(","))
        return tuple((name, float(share or 1)) for name, _, share in parts)


def _report(done: int, total: int, _item: str) -> None:
    if done:
        note(f"shard {done} of {total}")


def _opened(
    library: Path | None,
    out: Path,
    baking: dict[str, Any],
    *,
    split: "Split",
    pixel_mm: float,
    processes: int,
) -> "ObjectLibrary":
    """The library that was named, or the set's own; baked first where there is none."""
    from beltline.simulate.library import INDEX, bake_library, open_library

    root = library or out.with_name(f"{out.name}-library")
    if not (root / INDEX).is_file():
        note(f"baking objects into {root} ...")
        bake_library(root, split=split, pixel_mm=pixel_mm, processes=processes, **baking)
    # one library may serve several seeds where it was named
    return open_library(root, split=split, pixel_mm=pixel_mm, **(baking if library is None else {}))


def _labels(listed: str, option: str) -> list[str]:
    """Taxonomy names of an option's list with commas."""
    with usage(option):
        return [canonical(name) for name in listed.split(",") if name.strip()]


def register(app: typer.Typer) -> None:
    """Add these commands to ``beltline data``."""
    app.command()(shards)
    app.command()(clicks)
    app.command()(electronics)
    app.command()(inpainting)
