"""The SIXray experiment: data, pretraining, every cell, then tables, figures and a report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.cells import SCALE, Say, chosen_scale, folder_of, keep_scale, train_cells
from beltline.protocols.simulated import baked_items, long_tailed
from beltline.protocols.sixray.cell import Start, run_cell
from beltline.protocols.sixray.parts import SubsetData, simulated_part
from beltline.protocols.sixray.plan import SCALES, SELECTS, Cell, SixrayScale, cells, options_of
from beltline.protocols.sixray.pretraining import pretrain_backbone
from beltline.protocols.sixray.report import write_report
from beltline.protocols.sixray.results import PartOf
from beltline.simulate.windows import WindowPlan, WindowSet, write_windows

SCORED_IN = "float32"  # cells of versions before were scored in bfloat16


def reproduce_sixray(
    out: Path,
    *,
    data: str = "sim",
    scale: str | SixrayScale = "small",
    weights: Path | None = None,
    max_minutes: float | None = None,
    say: Say = lambda text: None,
) -> Path:
    """Train and evaluate every row of tables 2 to 4, and write them beside the printed numbers.

    Cells that are done are kept, so a stopped run goes on where it was.

    Args:
        out: Folder of the experiment.
        data: ``sim`` for simulated windows, else the root of a SIXray copy.
        scale: Key of `SCALES`, or a scale of one's own, for instance by `narrow`.
        weights: Folder of backbone weights, BACKBONE.safetensors or .pth, for machines without network; real
            data then start from them, else from ImageNet weights that timm fetches.
        max_minutes: Start no further cell after so long; the report then covers what is done.
        say: Receives progress.

    Returns:
        Path of the report.

    Raises:
        ValueError: If the scale is not known.
        BadInputError: If ``out`` holds cells that were trained another way.
    """
    began = time.monotonic()
    chosen = chosen_scale(scale, SCALES)
    _refuse_older_scores(out)
    settings = {**asdict(chosen), "nets": {name: asdict(net) for name, net in chosen.nets.items()}}
    settings |= {"scored_in": SCORED_IN}
    keep_scale(out, settings, selects=SELECTS)
    parts, windows = _source(out, data, chosen, say)

    def train(cell: Cell) -> None:
        start = _start(out, cell, chosen, windows, weights, say)
        run_cell(cell, parts(cell), chosen, folder_of(out, cell), start=start)

    plan = list(cells(chosen))
    done = train_cells(out, plan, train, began=began, max_minutes=max_minutes, say=say)
    card = {
        "command": _command(data, chosen),
        "data": "simulated windows" if data == "sim" else "SIXray from disk",
        "scale": settings,
        "cells": {"planned": len(plan), "done": len(done)},
        **made_with((cell.seed for cell in done), began),
    }
    write_json(out / "card.json", card)
    return write_report(out, chosen, done, parts, simulated=data == "sim", planned=len(plan))


def _command(data: str, scale: SixrayScale) -> str:
    options = options_of(scale) or "(a scale of its own, see below)"
    return f"beltline reproduce sixray --data {'sim' if data == 'sim' else 'ROOT'} {options}"


def _refuse_older_scores(out: Path) -> None:
    path = out / SCALE
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("scored_in") != SCORED_IN:
        raise BadInputError(
            f"{out}: its cells were scored in bfloat16 by an earlier version, in which scores tie; choose"
            " another folder"
        )


def _source(out: Path, data: str, scale: SixrayScale, say: Say) -> tuple[PartOf, WindowSet | None]:
    if data != "sim":
        from beltline.protocols.sixray.real import real_parts

        return real_parts(Path(data), scale), None
    train, test = simulated_windows(out / "data", scale, say)
    cache: dict[tuple[str, int], SubsetData] = {}

    def part(cell: Cell) -> SubsetData:
        key = (cell.subset, cell.seed)
        if key not in cache:
            cache[key] = simulated_part(train, test, cell.subset, scale, cell.seed)
        return cache[key]

    return part, train


def simulated_windows(folder: Path, scale: SixrayScale, say: Say) -> tuple[WindowSet, WindowSet]:
    """Training and test windows with SIXray's five classes and long-tailed counts; no item is in both."""
    baking: dict[str, Any] = {
        "pixel_mm": scale.pixel_mm,
        "each": scale.items_each,
        "threats_each": scale.threats_each,
    }
    bags: dict[str, Any] = {"size": scale.warp, "items": scale.things, "garments": scale.garments}

    def windows(split: str, positives: int, negatives: int, number: int) -> WindowSet:
        plan = WindowPlan(long_tailed(positives), negatives, **bags, seed=number)
        items = baked_items(folder / f"{split}-items", say, seed=410 + number, split=split, **baking)
        return write_windows(folder / split, items, plan, on_progress=partial(_tell, say, split))

    train = windows("train", scale.train_positives, scale.train_negatives, 1)
    return train, windows("test", scale.test_positives, scale.test_negatives, 2)


def _tell(say: Say, split: str, done: int, total: int, _item: str) -> None:
    if done and done % 500 == 0:
        say(f"{split} windows {done}/{total}")


def _start(
    out: Path, cell: Cell, scale: SixrayScale, windows: WindowSet | None, weights: Path | None, say: Say
) -> Start:
    net = scale.nets[cell.net]
    if weights is not None:
        return weights_in(weights, cell.net)
    if windows is None:
        return "imagenet"
    if scale.pretraining == 0:
        return "random"
    path = out / "pretrained" / f"{cell.net.replace(' ', '_')}.safetensors"
    if not path.is_file():
        say(f"pretraining {cell.net}")
    return pretrain_backbone(net, windows, scale, path)


def weights_in(folder: Path, net: str) -> Path:
    """The file of a backbone's weights.

    Raises:
        BadInputError: If the folder has none of its name.
    """
    stem = net.replace(" ", "_")
    found = [folder / f"{stem}{suffix}" for suffix in (".safetensors", ".pth", ".pt")]
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        names = " or ".join(path.name for path in found[:2])
        raise BadInputError(f"{folder}: expected {names} with the weights of {net}")
    return path
