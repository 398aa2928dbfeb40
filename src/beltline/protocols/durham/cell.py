"""One cell of the experiment: train a model, choose its thresholds, judge every test set."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_json
from beltline.formats.device_shards import DeviceShards
from beltline.metrics.part_fusion import FUSIONS
from beltline.protocols.cells import RESULT, read_result, save_arrays
from beltline.protocols.durham.data import DurhamData
from beltline.protocols.durham.plan import METHODS, Cell, DurhamScale
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.baselines import RULES, judge_places, patchcore
from beltline.systems.anomaly.judge import Judged, judge
from beltline.systems.anomaly.recipe import AnomalyRecipe
from beltline.systems.anomaly.system import SYSTEM
from beltline.training import run as engine
from beltline.training.journal import without_nan
from beltline.training.run import Watching
from beltline.training.settings import TrainingSettings

SCORES = "scores.npz"
#: A backbone of random weights for the smoke: it shows that everything runs.
TINY_MEMORY = {"backbone": "resnet10t", "pretrained": False, "channels": (8, 8, 8, 8), "share": 0.05}


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
    side = {"part": scale.part, "object": scale.whole, "places": (scale.dense, scale.dense)}[method.level]
    training = TrainingSettings(batch_size=scale.batch, lr=scale.lr, steps=scale.steps, seed=cell.seed)
    return AnomalyRecipe(method.classifier, method.level, scale.size, *side, training=training)


def run_cell(cell: Cell, data: DurhamData, scale: DurhamScale, out: Path) -> None:
    """Train and judge one cell; writes ``result.json`` and ``scores.npz``.

    Args:
        cell: Which.
        data: All sets.
        scale: How much.
        out: Folder of the cell; a training that was stopped begins again.
    """
    began = time.monotonic()
    asked, parameters = _prepared(cell, data, scale, out / "run")
    trained = time.monotonic() - began
    chosen = figures.calibrate(asked(data.val))
    found, scores = {}, {}
    for name, shards in data.tests.items():
        began = time.monotonic()
        judged = asked(shards)
        seconds = (time.monotonic() - began) / len(shards)
        found[name] = {**figures.figures(judged, shards, chosen), "ms_a_device": round(1000 * seconds, 1)}
        probs = figures.probabilities(judged, chosen)
        scores[name] = FUSIONS[chosen["fusion"]](probs, judged.areas, judged.device, len(judged.truth))
    out.mkdir(parents=True, exist_ok=True)
    save_arrays(out / SCORES, **scores)
    told = {"cell": asdict(cell), "parameters": parameters, "train_seconds": round(trained, 1)}
    # where nothing alarms there is no precision
    write_json(out / RESULT, without_nan({**told, "chosen": chosen, "tests": found}))


def _prepared(
    cell: Cell, data: DurhamData, scale: DurhamScale, run: Path
) -> tuple[Callable[[DeviceShards], Judged], int]:
    """What answers for a cell, and how many parameters it has."""
    if METHODS[cell.method].level == "rule":
        tiny = TINY_MEMORY if scale.size == "tiny" else {}
        places = RULES[cell.method] if cell.method in RULES else patchcore(data.train, **tiny)
        return lambda shards: judge_places(shards, places), 0
    recipe = recipe_of(cell, scale)
    shutil.rmtree(run, ignore_errors=True)
    quiet = Watching(checkpoint_steps=10**9, log_steps=10**9, tensorboard=False)
    engine.train(SYSTEM, recipe, data.train, run, watching=quiet)
    model = engine.load(SYSTEM, run).model
    shutil.rmtree(run)
    parameters = sum(p.numel() for p in model.parameters())
    return lambda shards: judge(recipe, model, shards, np.arange(len(shards))), parameters


def read_cell(folder: Path, cell: Cell) -> Done:
    """A cell that is done."""
    result, scores = read_result(folder, SCORES)
    return Done(cell, result, scores)
