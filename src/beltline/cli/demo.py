"""``beltline demo``: simulated bags, screened, as a report in the browser."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import (
    JsonFlag,
    Seed,
    note,
    print_json,
    progress_bar,
    say,
)
from beltline.cli.screen import stoppable, summary, tell_left_out
from beltline.core.progress import Progress


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the bags and the report.")] = Path(
        "beltline-demo"
    ),
    bags: Annotated[int, typer.Option(help="Number of bags.", min=1, max=1000)] = 12,
    seed: Seed = 7,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the report.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Simulate bags, screen them, write and open a report with the truth beside the findings.

    Example: beltline demo --bags 2 --no-browser
    """
    from beltline.screening import RunOptions, load_model, screen_files

    model = load_model()
    note(f"simulating {bags} bags that the model never saw ...")
    with progress_bar("simulating") as on_progress:
        simulate_bags(out / "set", bags, seed, model.card.classes, on_progress)
    note("screening ...")
    with stoppable(out), progress_bar("screening") as on_progress:
        report = screen_files([out / "set"], out, model, options=RunOptions(), on_progress=on_progress)
    page = (out / "report.html").resolve()
    if as_json:
        print_json({**report.to_dict(), "report_html": str(page)})
    else:
        say(summary(report))
        say(str(page))
    tell_left_out(report)
    if not no_browser and _has_screen():
        webbrowser.open(page.as_uri())


def simulate_bags(
    out: Path,
    bags: int,
    seed: int,
    classes: tuple[str, ...],
    on_progress: Progress | None,
) -> None:
    """A small set of bags from the test split, so that no item was in the training data."""
    from beltline.core import LABELS, canonical
    from beltline.simulate import BagRecipe, Scanner, SetPlan, simulate_set

    known = tuple(dict.fromkeys(label for label in map(canonical, classes) if label in LABELS))
    plan = SetPlan(bags, seed, BagRecipe(known, positives=0.6, split="test"), Scanner(), "any")
    simulate_set(out, plan, workers=min(os.cpu_count() or 1, 4), on_progress=on_progress)


def _has_screen() -> bool:
    """Whether a browser window can open; a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
