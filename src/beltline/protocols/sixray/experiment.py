"""The SIXray experiment: data, pretraining, every cell, then tables, figures and a report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.formats import write_json
from beltline.protocols.cards import made_with
from beltline.protocols.sixray.cell import RESULT, Start, run_cell
from beltline.protocols.sixray.parts import Part, simulated_part
from beltline.protocols.sixray.plan import (
    CLASSES,
    PAPER_IMAGES,
    SCALES,
    SELECTS,
    Cell,
    Scale,
    cells,
    options_of,
)
from beltline.protocols.sixray.pretraining import pretrain_backbone
from beltline.protocols.sixray.report import write_report
from beltline.protocols.sixray.results import PartOf
from beltline.simulate.library import ObjectLibrary, bake_library
from beltline.simulate.windows import WindowPlan, WindowSet, write_windows

SCALE = "scale.json"
SCORED_IN = "float32"  # cells of versions before were scored in bfloat16
Say = Callable[[str], None]


def reproduce_sixray(
    out: Path,
    *,
    data: str = "sim",
    scale: str | Scale = "small",
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
    if isinstance(scale, str) and scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    chosen = SCALES[scale] if isinstance(scale, str) else scale
    _check_same(out, chosen)
    write_json(out / SCALE, _as_json(chosen))
    began = time.monotonic()
    parts, windows = _source(out, data, chosen, say)
    plan = list(cells(chosen))
    for number, cell in enumerate(plan, start=1):
        folder = out / "cells" / cell.name
        if (folder / RESULT).is_file():
            continue
        if max_minutes is not None and time.monotonic() - began > 60 * max_minutes:
            say(f"time is up, {len(plan) - number + 1} of {len(plan)} cells not trained")
            break
        start = _start(out, cell, chosen, windows, weights, say)
        run_cell(cell, parts(cell), chosen, folder, start=start)
        say(f"{number}/{len(plan)} {cell.name}, {(time.monotonic() - began) / 60:.1f} min")
    done = [cell for cell in plan if (out / "cells" / cell.name / RESULT).is_file()]
    write_json(out / "card.json", _card(data, chosen, done, len(plan), time.monotonic() - began))
    return write_report(out, chosen, done, parts, simulated=data == "sim", planned=len(plan))


def _source(out: Path, data: str, scale: Scale, say: Say) -> tuple[PartOf, WindowSet | None]:
    if data != "sim":
        from beltline.protocols.sixray.real import real_parts

        return real_parts(Path(data), scale), None
    train, test = simulated_windows(out / "data", scale, say)
    cache: dict[tuple[str, int], Part] = {}

    def part(cell: Cell) -> Part:
        key = (cell.subset, cell.seed)
        if key not in cache:
            cache[key] = simulated_part(train, test, cell.subset, scale, cell.seed)
        return cache[key]

    return part, train


def simulated_windows(folder: Path, scale: Scale, say: Say) -> tuple[WindowSet, WindowSet]:
    """Training and test windows with SIXray's five classes and long-tailed counts; no item is in both."""
    made = []
    for number, split in enumerate(("train", "test")):
        positives = scale.train_positives if split == "train" else scale.test_positives
        negatives = scale.train_negatives if split == "train" else scale.test_negatives
        plan = WindowPlan(
            long_tailed(positives),
            negatives,
            size=scale.warp,
            items=scale.things,
            garments=scale.garments,
            seed=number + 1,
        )
        library = folder / f"{split}-items"
        if not (library / "index.json").is_file():
            say(f"baking the {split} items")
            bake_library(
                library,
                seed=411 + number,
                split="train" if split == "train" else "test",
                pixel_mm=scale.pixel_mm,
                each=scale.items_each,
                threats_each=scale.threats_each,
            )
        made.append(
            write_windows(
                folder / split,
                ObjectLibrary(library),
                plan,
                on_progress=partial(_tell, say, split),
            )
        )
    return made[0], made[1]


def _tell(say: Say, split: str, done: int, total: int, _item: str) -> None:
    if done and done % 500 == 0:
        say(f"{split} windows {done}/{total}")


def long_tailed(total: int) -> dict[str, int]:
    """SIXray's class counts scaled to ``total`` images, at least one each."""
    return {name: max(1, round(total * PAPER_IMAGES[name] / sum(PAPER_IMAGES.values()))) for name in CLASSES}


def _start(
    out: Path, cell: Cell, scale: Scale, windows: WindowSet | None, weights: Path | None, say: Say
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


def _as_json(scale: Scale) -> dict[str, Any]:
    nets = {name: asdict(net) for name, net in scale.nets.items()}
    return {**asdict(scale), "nets": nets, "scored_in": SCORED_IN}


def _check_same(out: Path, scale: Scale) -> None:
    path = out / SCALE
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    if before.get("scored_in") != SCORED_IN:
        raise BadInputError(
            f"{out}: its cells were scored in bfloat16 by an earlier version, in which scores tie; choose"
            " another folder"
        )
    now = json.loads(json.dumps(_as_json(scale)))
    changed = [key for key in now if key not in SELECTS and before.get(key, now[key]) != now[key]]
    if changed:
        raise BadInputError(
            f"{out}: its cells were trained with other {', '.join(changed)}; choose another folder"
        )


def _card(data: str, scale: Scale, done: Sequence[Cell], planned: int, seconds: float) -> dict[str, Any]:
    options = options_of(scale) or "(a scale of its own, see below)"
    return {
        "command": f"beltline reproduce sixray --data {'sim' if data == 'sim' else 'ROOT'} {options}",
        "data": "simulated windows" if data == "sim" else "SIXray from disk",
        "scale": _as_json(scale),
        "cells": {"planned": planned, "done": len(done)},
        "seeds": sorted({cell.seed for cell in done}),
        "minutes_of_this_call": round(seconds / 60, 1),
        **made_with(),
    }
