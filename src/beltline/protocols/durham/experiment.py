"""The Durham experiment: make what is missing, train what is missing, report what there is."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.cells import Say, chosen_scale, folder_of, keep_scale, train_cells
from beltline.protocols.durham.cell import run_cell
from beltline.protocols.durham.data import simulated_data
from beltline.protocols.durham.plan import DECIDING, SCALES, SELECTS, Cell, DurhamScale, cells
from beltline.protocols.durham.report import write_report


def reproduce_durham(
    out: Path,
    *,
    scale: str | DurhamScale = "smoke",
    max_minutes: float | None = None,
    say: Say = print,
) -> Path:
    """Run the experiment, or go on with it, on simulated devices.

    Args:
        out: Folder of the experiment.
        scale: One of `SCALES` by name, or one of its own.
        max_minutes: Start no training after so long.
        say: Receives progress.

    Returns:
        Path of report.md.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` was begun with other settings.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    settings = asdict(chosen)
    keep_scale(out, settings, selects=SELECTS)
    data = simulated_data(out / "data", chosen, say)

    def train(cell: Cell) -> None:
        run_cell(cell, data, chosen, folder_of(out, cell))

    plan = list(cells(chosen))
    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    card = {
        "command": "beltline reproduce durham",
        "data": "simulated devices",
        "decides": [asdict(one) for one in DECIDING],
        "scale": settings,
        "cells": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)
    return write_report(out, chosen, data, done, planned=len(plan))
