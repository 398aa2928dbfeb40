"""The XSeg experiment: data, the SAM to start from, every cell, then tables, figures and a report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from beltline.core import BadInputError
from beltline.formats import read_set, write_json
from beltline.models.sam import official_shapes
from beltline.protocols.cards import made_with
from beltline.protocols.cells import Say, chosen_scale, folder_of, keep_scale, train_cells
from beltline.protocols.xseg.cell import run_cell
from beltline.protocols.xseg.networks import available
from beltline.protocols.xseg.plan import DECIDING, SCALES, SELECTS, Cell, XsegScale, cells
from beltline.protocols.xseg.pretraining import pretrained_sam
from beltline.protocols.xseg.report import write_report
from beltline.protocols.xseg.sources import XsegData, real_data, simulated_data
from beltline.training.sam_weights import read_sam


def reproduce_xseg(
    out: Path,
    *,
    data: str = "sim",
    scale: str | XsegScale = "small",
    sam: str = "",
    max_minutes: float | None = None,
    say: Say = lambda text: None,
) -> Path:
    """Train and measure every row, and write them beside the printed numbers.

    Cells that are done are kept, so a stopped run goes on where it was.

    Args:
        out: Folder of the experiment.
        data: ``sim`` for simulated bags, else an imported set with masks, see `real_data`.
        scale: Key of `SCALES`, or a scale of one's own, for instance by `narrow`.
        sam: Name of an imported SAM checkpoint, or its file, that the rows made of SAM start from; empty for
            one pretrained on simulated everyday things.
        max_minutes: Start no further cell after so long; the report then covers what is done.
        say: Receives progress.

    Returns:
        Path of the report.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` holds cells that were trained another way, or the checkpoint is of another
            size than the scale's.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    chosen = replace(chosen, methods=available(chosen))
    official = _official(sam, chosen) if sam else None
    real = None if data == "sim" else read_set(Path(data))
    source = "sim" if data == "sim" else str(Path(data).resolve())
    settings = {**asdict(chosen), "data": source, "start": sam or "everyday things"}
    keep_scale(out, settings, selects=SELECTS)
    if real is None:
        sets = simulated_data(out / "data", chosen, say)
    else:
        sets = real_data(real, out / "data", chosen, say, everyday=official is None)
    start = official or _stand_in(out, sets, chosen, say)

    def train(cell: Cell) -> None:
        run_cell(cell, sets, chosen, folder_of(out, cell), start=start)

    plan = list(cells(chosen))
    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    card = {
        "command": _command(data, chosen, sam),
        "data": "simulated bags" if data == "sim" else "an imported set with masks",
        "start": sam or "a SAM pretrained on simulated everyday things",
        "decides": asdict(DECIDING),
        "scale": settings,
        "cells": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)
    return write_report(out, chosen, sets, done, planned=len(plan), official=official is not None)


def _official(name: str, scale: XsegScale) -> Mapping[str, Tensor]:
    found = read_sam(name)
    expected = official_shapes(scale.sam)
    wrong = next((key for key, shape in expected.items() if tuple(found[key].shape) != shape), None)
    if set(found) != set(expected) or wrong:
        raise BadInputError(
            f"{name}: is a SAM of another size than this scale's networks; take --scale paper with ViT-B"
        )
    return found


def _stand_in(out: Path, sets: XsegData, scale: XsegScale, say: Say) -> Mapping[str, Tensor]:
    path = out / "pretrained" / "sam.safetensors"
    if not path.is_file():
        say("pretraining a SAM on everyday things")
    assert sets.everyday is not None
    return pretrained_sam(sets.everyday, scale, path)


def _command(data: str, scale: XsegScale, sam: str) -> str:
    known = [
        name
        for name, one in SCALES.items()
        if replace(one, **{part: getattr(scale, part) for part in SELECTS}) == scale
    ]
    options: dict[str, Any] = {
        "data": "sim" if data == "sim" else "FOLDER",
        "scale": next(iter(known), "(a scale of its own, see below)"),
    }
    if sam:
        options["sam"] = sam
    return " ".join(["beltline reproduce xseg", *(f"--{key} {value}" for key, value in options.items())])
