"""The RWSC experiment: data, fusion networks, every detector, then tables, figures and a report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.rwsc.cell import RESULT, run_cell
from beltline.protocols.rwsc.data import simulated_data
from beltline.protocols.rwsc.plan import HARDENED, SCALES, TRUTH, WITHOUT_EDGES, Cell, Scale, cells
from beltline.protocols.rwsc.real import RealSets, real_data
from beltline.protocols.rwsc.report import write_report
from beltline.protocols.rwsc.synthesis import OnPairs, of_pairs, synthesis
from beltline.synthesis.fusion import drawn_fuser
from beltline.systems.fusion.recipe import METHODS
from beltline.systems.fusion.system import load_fusion

SCALE = "scale.json"
Say = Callable[[str], None]


def reproduce_rwsc(
    out: Path,
    *,
    sets: RealSets | None = None,
    scale: str | Scale = "small",
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
    if isinstance(scale, str) and scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    chosen = SCALES[scale] if isinstance(scale, str) else scale
    _check_same(out, chosen)
    write_json(out / SCALE, asdict(chosen))
    began = time.monotonic()
    data = simulated_data(out / "data", chosen, say) if sets is None else real_data(sets, chosen, say)
    if sets is not None:
        chosen = without_truth(chosen)
    fusions: dict[str, OnPairs] = {}
    for method in chosen.quality:
        say(f"fusion {method}")
        fusions[method] = synthesis(method, data, chosen, out / "fusion")
    plan = list(cells(chosen))
    for number, cell in enumerate(plan, start=1):
        if (out / "cells" / cell.name / RESULT).is_file():
            continue
        if max_minutes is not None and time.monotonic() - began > 60 * max_minutes:
            say(f"time is up, {len(plan) - number + 1} of {len(plan)} detectors not trained")
            break
        run_cell(cell, data, chosen, out)
        say(f"{number}/{len(plan)} {cell.name}, {(time.monotonic() - began) / 60:.1f} min")
    done = [cell for cell in plan if (out / "cells" / cell.name / RESULT).is_file()]
    write_json(out / "card.json", _card(chosen, sets, done, len(plan), time.monotonic() - began))
    return write_report(out, chosen, data, fusions, unpasted(out / "fusion", chosen), done, len(plan))


def unpasted(runs: Path, scale: Scale) -> dict[str, OnPairs]:
    """What the trained networks of the paper's edge ablation draw, the bag not pasted back."""
    names = [name for name in ("RWSC", WITHOUT_EDGES) if name in scale.quality]
    return {name: of_pairs(drawn_fuser(load_fusion(runs / name.replace(" ", "_")))) for name in names}


def _check_same(out: Path, scale: Scale) -> None:
    if not (out / SCALE).is_file():
        return
    before = json.loads((out / SCALE).read_text(encoding="utf-8"))
    now = json.loads(json.dumps(asdict(scale)))
    selects = {"seeds", "methods", "quality"}
    changed = [key for key in now if key not in selects and before.get(key) != now[key]]
    if changed:
        raise BadInputError(
            f"{out}: holds an experiment with other {', '.join(changed)}; choose another folder"
        )


def without_truth(scale: Scale) -> Scale:
    """A scale without the methods that only the simulator has data for."""
    needs = {"TIP", HARDENED, TRUTH, *(name for name, method in METHODS.items() if method.taught)}
    return replace(
        scale,
        methods=tuple(name for name in scale.methods if name not in needs),
        quality=tuple(name for name in scale.quality if name not in needs),
    )


def _card(
    scale: Scale, sets: RealSets | None, done: Sequence[Cell], planned: int, seconds: float
) -> dict[str, Any]:
    parts = {"methods": scale.methods, "quality": scale.quality, "seeds": scale.seeds}
    known = [name for name, one in SCALES.items() if replace(one, **parts) == scale]  # type: ignore[arg-type]
    name = next(iter(known), "(a scale of its own, see below)")
    data = "sim" if sets is None else "POSITIVES --bags BAGS --test TEST"
    return {
        "command": f"beltline reproduce rwsc --data {data} --scale {name}",
        "data": "simulated windows" if sets is None else "real scans",
        "scale": asdict(scale),
        "detectors": {"planned": planned, "done": len(done)},
        "seeds": sorted({cell.seed for cell in done}),
        "minutes_of_this_call": round(seconds / 60, 1),
        **made_with(),
    }
