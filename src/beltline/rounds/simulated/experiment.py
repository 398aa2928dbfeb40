"""The unattended rounds from scans to report; cells that are done are kept, so a stopped run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beltline.core import Progress
from beltline.formats import require_same, write_json
from beltline.rounds.simulated.cell import RESULT, Room, run_cell
from beltline.rounds.simulated.plan import Cell, SimulationPlan, cells
from beltline.rounds.simulated.report import write_report
from beltline.rounds.simulated.trivial import trivial_ious
from beltline.rounds.simulated.world import open_world
from beltline.screening import load_model

PLAN = "simulation.json"


def simulate_rounds(
    out: Path,
    plan: SimulationPlan,
    *,
    say: Callable[[str], None] = lambda text: None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Simulate the scans, then all rounds of all arms and seeds, then write the report.

    Args:
        out: Folder; one of the same plan goes on, and more arms or seeds may be asked of it.
        plan: See `SimulationPlan`.
        say: Receives a line for each cell.
        on_progress: Told scans while they are simulated.

    Returns:
        What report.json holds.

    Raises:
        BadInputError: If ``out`` was begun with another plan.
        MissingExtraError: If a shipped model is not there.
    """
    _keep_plan(out, plan)
    world = open_world(out / "scans", plan, on_progress)
    room = Room(world, out, load_model(plan.detector))
    wanted = list(cells(plan))
    for number, cell in enumerate(wanted, start=1):
        if not (room.folder(cell) / RESULT).is_file():
            found = run_cell(room, cell)
            say(f"{number}/{len(wanted)} {_line(found)}")
            room.forget()
    results = [_read(room, cell) for cell in wanted]
    return write_report(out, plan, results, trivial_ious(world))


def _keep_plan(out: Path, plan: SimulationPlan) -> None:
    now = json.loads(json.dumps(asdict(plan)))
    path = out / PLAN
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        way_out = "choose another folder"
        require_same(before, now, f"{out}: was simulated otherwise:", way_out, free=("arms", "seeds"))
    write_json(path, now, indent=1)


def _read(room: Room, cell: Cell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((room.folder(cell) / RESULT).read_text(encoding="utf-8"))
    return found


def _line(found: dict[str, Any]) -> str:
    test = found["test"]
    clicks = test["presses"] / max(test["masks"], 1)
    iou = test["iou"] / max(test["objects"], 1)
    promoted = ", promoted" if found["promoted"] else ""
    return (
        f"{found['arm']}, seed {found['seed']}, round {found['round']}: {clicks:.1f} clicks per mask on the"
        f" test scans, IoU {iou:.3f}{promoted}, {sum(found['seconds'].values()):.0f} s"
    )
