"""``beltline simulate``: a labelled set of simulated bags."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import JsonFlag, Seed, print_json, progress_bar, say, usage


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the set; one of the same plan is continued.")],
    bags: Annotated[int, typer.Option(help="Number of bags.", min=1)] = 100,
    seed: Seed = 0,
    classes: Annotated[str, typer.Option(help="Prohibited labels, comma separated; empty means all.")] = "",
    positives: Annotated[
        float, typer.Option(help="Share of bags with a prohibited item.", min=0, max=1)
    ] = 0.5,
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
    from beltline.core import LABELS, canonical
    from beltline.simulate import SPLITS, BagRecipe, Scanner, SetPlan, simulate_set

    chosen = next((s for s in SPLITS if s == split), None)
    if chosen is None:
        raise typer.BadParameter(f"must be one of {', '.join(SPLITS)}, got {split!r}", param_hint="--split")
    with usage("--classes"):
        names = tuple(dict.fromkeys(canonical(n) for n in classes.split(",") if n.strip())) or LABELS
        recipe = BagRecipe(classes=names, positives=positives, split=chosen)
    with usage("--style"):
        plan = SetPlan(bags, seed, recipe, Scanner(pixel_mm=pixel_mm, views=views), style)
    with progress_bar("simulating bags") as on_progress:
        card = simulate_set(out, plan, workers=workers, on_progress=on_progress)
    if as_json:
        print_json(card)
        return
    counts = card["counts"]
    say(f"{out}: {counts['images']} images, {counts['annotations']} objects, {counts['positives']} positive")
