"""One cell of the experiment: train a model, choose its thresholds, judge every test set."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_json
from beltline.formats.device_shards import DeviceShards
from beltline.metrics.gated_fusion import fusion_of
from beltline.protocols.cells import RESULT, read_result, save_arrays
from beltline.protocols.durham.data import DurhamData
from beltline.protocols.durham.plan import AUGMENTATION, METHODS, Cell, DurhamScale
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.baselines import RULES, judge_places, remembering
from beltline.systems.anomaly.finding import Find, everything_dark, finder_of, finding_figures
from beltline.systems.anomaly.judge import Judged, judge
from beltline.systems.anomaly.recipe import AnomalyRecipe
from beltline.systems.anomaly.system import SYSTEM
from beltline.training import run as engine
from beltline.training.journal import without_nan
from beltline.training.run import Watching
from beltline.training.settings import TrainingSettings

SCORES = "scores.npz"
#: A backbone of random weights for the smoke: it shows that everything runs.
TINY_MEMORY = {"backbone": "resnet10t", "pretrained": False, "channels": (8, 8, 8, 8)}


Asked = Callable[[DeviceShards], Judged]


@dataclass(frozen=True, eq=False)
class Ready:
    """What answers for a cell.

    Attributes:
        parameters: How many it has.
        asked: Judges devices; None where it finds them alone.
        find: Finds them in whole scans; None where it does not.
    """

    parameters: int
    asked: Asked | None
    find: Find | None


@dataclass(frozen=True, eq=False)
class Done:
    """A cell that is done.

    Attributes:
        cell: Which.
        result: Figures by test set, what was chosen, seconds.
        scores: (D,) of the devices of each test set.
    """

    cell: Cell
    result: dict[str, Any]
    scores: dict[str, NDArray[np.float64]]


def recipe_of(cell: Cell, scale: DurhamScale) -> AnomalyRecipe:
    """The recipe that a cell is trained by.

    Raises:
        ValueError: If it is of a rule.
    """
    method = METHODS[cell.method]
    if method.level == "rule":
        raise ValueError(f"{cell.method} is not trained")
    side, batch = {
        "part": (scale.part, scale.part_batch),
        "object": (scale.whole, scale.batch),
        "places": ((scale.dense, scale.dense), scale.batch),
        "twins": ((scale.dense, scale.dense), scale.batch),
        "scan": ((scale.scan, scale.scan), scale.scan_batch),
    }[method.level]
    # the average follows a short training closely enough to forget its start
    ema_decay = min(0.998, max(0.0, 1 - 10 / scale.steps))
    training = TrainingSettings(
        batch_size=batch, lr=scale.lr, steps=scale.steps, ema_decay=ema_decay, seed=cell.seed
    )
    return AnomalyRecipe(
        method.classifier, method.level, scale.size, *side, augmentation=AUGMENTATION, training=training
    )


def run_cell(cell: Cell, data: DurhamData, scale: DurhamScale, out: Path) -> None:
    """Train and judge one cell; writes ``result.json`` and ``scores.npz``.

    Args:
        cell: Which.
        data: All sets.
        scale: How much.
        out: Folder of the cell; a training that was stopped begins again.
    """
    began = time.monotonic()
    ready = _prepared(cell, data, scale, out / "run")
    trained = round(time.monotonic() - began, 1)
    out.mkdir(parents=True, exist_ok=True)
    told = {"cell": asdict(cell), "parameters": ready.parameters, "train_seconds": trained}
    if ready.find is not None:
        told["finding"] = {name: finding_figures(ready.find, shards) for name, shards in data.tests.items()}
    judged, scores = ({}, {}) if ready.asked is None else _judged(ready.asked, data)
    save_arrays(out / SCORES, **scores)
    # where nothing alarms there is no precision
    write_json(out / RESULT, without_nan({**told, **judged}))


def _judged(asked: Asked, data: DurhamData) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """What is chosen on validation devices, figures by test set, and the scores of its devices."""
    chosen = figures.calibrate(asked(data.val))
    found, scores = {}, {}
    for name, shards in data.tests.items():
        began = time.monotonic()
        judged = asked(shards)
        seconds = (time.monotonic() - began) / len(shards)
        found[name] = {**figures.figures(judged, shards, chosen), "ms_a_device": round(1000 * seconds, 1)}
        probs = figures.probabilities(judged, chosen)
        scores[name] = fusion_of(chosen)(probs, judged.areas, judged.device, len(judged.truth))
    return {"chosen": chosen, "tests": found}, scores


def _prepared(cell: Cell, data: DurhamData, scale: DurhamScale, run: Path) -> Ready:
    """What answers for a cell."""
    if METHODS[cell.method].level == "rule":
        tiny = TINY_MEMORY if scale.size == "tiny" else {}
        rule = RULES.get(cell.method)
        places = rule or remembering(cell.method, data.train, **tiny)
        find: Find | None = everything_dark if cell.method == "darkness" else None
        return Ready(0, partial(judge_places, places=places), find)
    recipe = recipe_of(cell, scale)
    shutil.rmtree(run, ignore_errors=True)
    quiet = Watching(checkpoint_steps=10**9, log_steps=10**9, tensorboard=False)
    engine.train(SYSTEM, recipe, data.train, run, watching=quiet)
    model = engine.load(SYSTEM, run).model
    shutil.rmtree(run)
    parameters = sum(p.numel() for p in model.parameters())
    finder = finder_of(recipe, model) if recipe.level in ("places", "scan") else None
    if recipe.level == "scan":
        return Ready(parameters, None, finder)
    return Ready(parameters, lambda shards: judge(recipe, model, shards, np.arange(len(shards))), finder)


def read_cell(folder: Path, cell: Cell) -> Done:
    """A cell that is done."""
    result, scores = read_result(folder, SCORES)
    return Done(cell, result, scores)
