"""``beltline simulate``: a labelled set of simulated bags, or of electronic devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beltline.cli.context import JsonFlag, Seed, print_json, progress_bar, say, usage

if TYPE_CHECKING:
    from beltline.simulate.bags import BagRecipe, Split
    from beltline.simulate.electronics import ElectronicsRecipe

SCENES = ("bags", "electronics")


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the set; one of the same plan is continued.")],
    bags: Annotated[int, typer.Option(help="Number of bags, or of scans of devices.", min=1)] = 100,
    seed: Seed = 0,
    scene: Annotated[str, typer.Option(help="bags, or electronics: one device a scan.")] = "bags",
    classes: Annotated[
        str, typer.Option(help="Prohibited labels in bags, comma separated; empty means all.")
    ] = "",
    positives: Annotated[
        float | None, typer.Option(help="Share of bags with a prohibited item; 0.5.", min=0, max=1)
    ] = None,
    anomalies: Annotated[
        float | None, typer.Option(help="Share of devices that conceal something; 0.5.", min=0, max=1)
    ] = None,
    families: Annotated[str, typer.Option(help="Devices, comma separated; empty means all.")] = "",
    kinds: Annotated[str, typer.Option(help="What is concealed, comma separated; empty means all.")] = "",
    hardest: Annotated[
        float | None, typer.Option(help="Difficulty of what is concealed, at most; 1.", min=0.05, max=1)
    ] = None,
    twins: Annotated[
        bool, typer.Option("--twins", help="Scan each device twice, benign and with its anomaly.")
    ] = False,
    views: Annotated[int, typer.Option(help="1, or 2 at 90 degrees.", min=1, max=2)] = 1,
    style: Annotated[str, typer.Option(help="white, grey, tray, olive, any or random.")] = "any",
    split: Annotated[str, typer.Option(help="train, val or test; no item occurs in two.")] = "train",
    pixel_mm: Annotated[float, typer.Option(help="Pixel pitch in mm.", min=0.3, max=10)] = 0.8,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Make a set: pseudo-colour images, dual-energy raw data, amodal masks, labels, replayable scenes.

    Example: beltline simulate bags --bags 4 --seed 1 --classes gun,knife --style white
    """
    from beltline.simulate import SPLITS, Scanner, SetPlan, simulate_set

    if scene not in SCENES:
        raise typer.BadParameter(f"must be {' or '.join(SCENES)}, got {scene!r}", param_hint="--scene")
    _refuse("bags", scene, {"--classes": classes, "--positives": positives})
    _refuse(
        "electronics",
        scene,
        {
            "--anomalies": anomalies,
            "--families": families,
            "--kinds": kinds,
            "--hardest": hardest,
            "--twins": twins or None,
        },
    )
    chosen = next((s for s in SPLITS if s == split), None)
    if chosen is None:
        raise typer.BadParameter(f"must be one of {', '.join(SPLITS)}, got {split!r}", param_hint="--split")
    recipe: BagRecipe | ElectronicsRecipe
    if scene == "bags":
        recipe = _bags(classes, 0.5 if positives is None else positives, chosen)
    else:
        recipe = _electronics(families, kinds, hardest or 1.0, anomalies, twins=twins, split=chosen)
    with usage("--style"):
        plan = SetPlan(bags, seed, recipe, Scanner(pixel_mm=pixel_mm, views=views), style)
    with progress_bar("simulating bags" if scene == "bags" else "simulating devices") as on_progress:
        card = simulate_set(out, plan, workers=workers, on_progress=on_progress)
    if as_json:
        print_json(card)
        return
    counts = card["counts"]
    say(f"{out}: {counts['images']} images, {counts['annotations']} objects, {counts['positives']} positive")


def _refuse(owner: str, scene: str, given: dict[str, object]) -> None:
    """Options that say nothing about this scene are a mistake, not to be passed over."""
    for option, value in given.items():
        if scene != owner and value not in (None, ""):
            raise typer.BadParameter(f"is for --scene {owner}, not {scene}", param_hint=option)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _bags(classes: str, positives: float, split: Split) -> BagRecipe:
    from beltline.core import LABELS, canonical
    from beltline.simulate import BagRecipe

    with usage("--classes"):
        names = tuple(dict.fromkeys(canonical(word) for word in _words(classes))) or LABELS
        return BagRecipe(classes=names, positives=positives, split=split)


def _electronics(
    families: str, kinds: str, hardest: float, anomalies: float | None, *, twins: bool, split: Split
) -> ElectronicsRecipe:
    from beltline.simulate import DEVICES, KINDS, ElectronicsRecipe

    with usage("--families, --kinds, --anomalies, --twins"):
        return ElectronicsRecipe(
            families=_words(families) or tuple(DEVICES),
            kinds=_words(kinds) or KINDS,
            hardest=hardest,
            anomalies=0.5 if anomalies is None else anomalies,
            twins=twins,
            split=split,
        )
