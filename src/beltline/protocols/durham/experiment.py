"""The Durham experiment: make what is missing, train what is missing, report what there is."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.cells import Say, chosen_scale, folder_of, keep_scale, train_cells
from beltline.protocols.durham.cell import run_cell
from beltline.protocols.durham.data import own_data, simulated_data
from beltline.protocols.durham.plan import DECIDING, SCALES, SELECTS, Cell, DurhamScale, cells, without_parts
from beltline.protocols.durham.report import write_report

SIMULATED = "sim"


def reproduce_durham(
    out: Path,
    *,
    data: str = SIMULATED,
    scale: str | DurhamScale = "smoke",
    max_minutes: float | None = None,
    say: Say = print,
) -> Path:
    """Run the experiment, or go on with it.

    Args:
        out: Folder of the experiment.
        data: ``sim``, or the root of your own devices, see `own_data`; without masks of what is hidden
            only the rows of whole devices are trained.
        scale: One of `SCALES` by name, or one of its own.
        max_minutes: Start no training after so long.
        say: Receives progress.

    Returns:
        Path of report.md.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` was begun with other settings, or the data are not there.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    simulated = data == SIMULATED
    settings = {**asdict(chosen), "data": data if simulated else str(Path(data).resolve())}
    keep_scale(out, settings, selects=SELECTS)
    where = out / "data"
    sets = simulated_data(where, chosen, say) if simulated else own_data(Path(data), where, say)
    if not sets.masked:
        say("where things are hidden is not known: rows of whole devices alone")
        chosen = without_parts(chosen)

    def train(cell: Cell) -> None:
        run_cell(cell, sets, chosen, folder_of(out, cell))

    plan = list(cells(chosen))
    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    card = {
        "command": "beltline reproduce durham",
        "data": "simulated devices" if simulated else "devices of a user",
        "decides": [asdict(one) for one in DECIDING],
        "scale": asdict(chosen),
        "cells": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)
    return write_report(out, chosen, sets, done, planned=len(plan))
