"""The Xsyn experiment: sets, painter, what it is worth by truth, every detector, then a report."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.cells import Say, chosen_scale, keep_scale, train_cells
from beltline.protocols.xsyn.arms import TRUTH, arm_of
from beltline.protocols.xsyn.cell import run_cell
from beltline.protocols.xsyn.data import XsynData, simulated_data
from beltline.protocols.xsyn.finishing import made_set
from beltline.protocols.xsyn.judging import Asked, judge_painter
from beltline.protocols.xsyn.painted import Makers
from beltline.protocols.xsyn.painters import PainterInUse, open_painter, own_painter, require_fit
from beltline.protocols.xsyn.plan import DECIDING, SCALES, SELECTS, XsynCell, XsynScale, cells
from beltline.protocols.xsyn.real import RealSets, real_data
from beltline.protocols.xsyn.report import Told, write_report
from beltline.protocols.xsyn.results import read_results
from beltline.systems.xsyn.painting import adds
from beltline.systems.xsyn.segment import click_segment

SIMULATED, OWN = "sim", "own"


def reproduce_xsyn(
    out: Path,
    *,
    sets: RealSets | None = None,
    model: str = "",
    scale: str | XsynScale = "smoke",
    max_minutes: float | None = None,
    say: Say = lambda text: None,
) -> Path:
    """Run the experiment, or go on with it; what is made and trained is kept.

    Args:
        out: Folder of the experiment.
        sets: Real scans; None simulates them.
        model: Run folder of a painter; without one, one is trained on simulated windows first.
        scale: One of `SCALES` by name, or one of its own.
        max_minutes: Start no further detector after so long; the report then covers what is done.
        say: Receives progress.

    Returns:
        Path of report.md.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` was begun with other settings, data or another painter, or the painter does
            not fit the data.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    where = SIMULATED if sets is None else sets.named
    given = open_painter(model) if model else None
    settings = {**asdict(chosen), "data": where, "painter": given.digest if given else OWN}
    keep_scale(out, settings, selects=SELECTS)
    data = simulated_data(out / "data", chosen, say) if sets is None else real_data(sets, chosen, say)
    use = require_fit(given or own_painter(data, chosen, out / "painter", say), data)
    if data.true is None:
        chosen = replace(chosen, ablations=tuple(name for name in chosen.ablations if name != TRUTH))
    if adds(use.painter):
        say("a painter that adds to the bag cannot paint an item anew: Xsyn-M is left out")
        chosen = without_repainting(chosen)
    segment = click_segment()
    judged = None
    if data.windows is not None:
        asked = Asked(use, data.windows, data.view, chosen, segment)
        judged = judge_painter(asked, out / "judge", say)
    makers = Makers(data, chosen, use, out / "made")
    plan = list(cells(chosen))

    def train(cell: XsynCell) -> None:
        made = made_set(cell.arm, arm_of(cell.arm), cell.percent, makers, segment)
        run_cell(cell, made, data, chosen, out)

    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    _write_card(out, chosen, where, use, plan, done, began)
    results = read_results(out, done, data.test.objects, len(data.test), data.classes)
    told = Told(_told(chosen, data), use.told, len(plan), judged)
    return write_report(out, chosen, results, told)


def without_repainting(scale: XsynScale) -> XsynScale:
    """A scale without the arms that paint existing items anew."""

    def stays(name: str) -> bool:
        return arm_of(name).generator != "M"

    return replace(
        scale, arms=tuple(filter(stays, scale.arms)), ablations=tuple(filter(stays, scale.ablations))
    )


def _write_card(
    out: Path,
    scale: XsynScale,
    data: str,
    use: PainterInUse,
    plan: list[XsynCell],
    done: list[XsynCell],
    began: float,
) -> None:
    card = {
        "command": "beltline reproduce xsyn",
        "data": "simulated windows" if data == SIMULATED else "real scans",
        "decides": asdict(DECIDING),
        "scale": asdict(scale),
        "painter": {"sha256": use.digest, "told": use.told},
        "cells": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)


def _told(scale: XsynScale, data: XsynData) -> str:
    if data.true is None:
        return (
            f"Scans of a real set, fitted into {scale.size} pixels and shown to detectors at {scale.shown}:"
            f" {len(data.real)} to train on, {len(data.test)} to test on."
        )
    return (
        f"**Simulated windows** of {scale.size} pixels at {scale.pixel_mm} mm, shown to detectors at"
        f" {scale.shown}: {len(data.real)} with an item are 100 %, {len(data.bags)} benign bags to add items"
        f" to, {len(data.test) // 2} test bags of other articles, each with its item and without it."
        " Heights are not comparable with the printed ones."
    )
