"""The RWSC experiment: data, fusion networks, every detector, then tables, figures and a report."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.cells import Say, chosen_scale, keep_scale, train_cells
from beltline.protocols.rwsc.cell import run_cell
from beltline.protocols.rwsc.data import simulated_data
from beltline.protocols.rwsc.plan import (
    HARDENED,
    SCALES,
    TRUTH,
    WITHOUT_EDGES,
    DetectorCell,
    RwscScale,
    cells,
)
from beltline.protocols.rwsc.real import RealSets, real_data
from beltline.protocols.rwsc.report import write_report
from beltline.protocols.rwsc.synthesis import OnPairs, of_pairs, synthesis
from beltline.synthesis.fusion import drawn_fuser
from beltline.systems.fusion.recipe import METHODS
from beltline.systems.fusion.system import load_fusion


def reproduce_rwsc(
    out: Path,
    *,
    sets: RealSets | None = None,
    scale: str | RwscScale = "small",
    max_minutes: float | None = None,
    say: Say = lambda text: None,
) -> Path:
    """Measure every fusion and train every detector of the four-way protocol.

    Detectors that are done are kept, so a stopped run goes on where it was.

    Args:
        out: Folder of the experiment.
        sets: Real scans; None simulates them.
        scale: Key of `SCALES`, or a scale of one's own.
        max_minutes: Start no further detector after so long; the report then covers what is done.
        say: Receives progress.

    Returns:
        Path of the report.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` holds an experiment of another scale.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    keep_scale(out, asdict(chosen), selects=("seeds", "methods", "quality"))
    data = simulated_data(out / "data", chosen, say) if sets is None else real_data(sets, chosen, say)
    if sets is not None:
        chosen = without_truth(chosen)
    fusions: dict[str, OnPairs] = {}
    for method in chosen.quality:
        say(f"fusion {method}")
        fusions[method] = synthesis(method, data, chosen, out / "fusion")
    plan = list(cells(chosen))

    def train(cell: DetectorCell) -> None:
        run_cell(cell, data, chosen, out)

    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    card = {
        "command": _command(chosen, "sim" if sets is None else "POSITIVES --bags BAGS --test TEST"),
        "data": "simulated windows" if sets is None else "real scans",
        "scale": asdict(chosen),
        "detectors": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)
    return write_report(out, chosen, data, fusions, unpasted(out / "fusion", chosen), done, len(plan))


def _command(scale: RwscScale, data: str) -> str:
    parts = {"methods": scale.methods, "quality": scale.quality, "seeds": scale.seeds}
    known = [name for name, one in SCALES.items() if replace(one, **parts) == scale]  # type: ignore[arg-type]
    name = next(iter(known), "(a scale of its own, see below)")
    return f"beltline reproduce rwsc --data {data} --scale {name}"


def unpasted(runs: Path, scale: RwscScale) -> dict[str, OnPairs]:
    """What the trained networks of the paper's edge ablation draw, the bag not pasted back."""
    names = [name for name in ("RWSC", WITHOUT_EDGES) if name in scale.quality]
    return {name: of_pairs(drawn_fuser(load_fusion(runs / name.replace(" ", "_")))) for name in names}


def without_truth(scale: RwscScale) -> RwscScale:
    """A scale without the methods that only the simulator has data for."""
    needs = {"TIP", HARDENED, TRUTH, *(name for name, method in METHODS.items() if method.taught)}
    return replace(
        scale,
        methods=tuple(name for name in scale.methods if name not in needs),
        quality=tuple(name for name in scale.quality if name not in needs),
    )
