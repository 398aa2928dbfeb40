"""One cell of the experiment: train a network, ask it on every test set, keep the scores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from beltline.formats import write_json
from beltline.models.segmentation_losses import click_loss
from beltline.models.segmenter import ClickSegmenter
from beltline.protocols.cells import RESULT, build_fabric, read_result, save_arrays, short_run
from beltline.protocols.xseg.batches import ClickBatches
from beltline.protocols.xseg.measure import Scores, measure
from beltline.protocols.xseg.networks import build_network, trained_parameters
from beltline.protocols.xseg.plan import METHODS, Cell, XsegScale
from beltline.protocols.xseg.prompts import TRAINING_JITTER, Asker, Batch, ClickTraining
from beltline.protocols.xseg.sources import XsegData
from beltline.training.loop import fit
from beltline.training.schedule import cosine
from beltline.training.weight_decay import decay_groups

SCORES = "scores.npz"
Start = Mapping[str, Tensor]


def run_cell(cell: Cell, data: XsegData, scale: XsegScale, out: Path, *, start: Start | None) -> None:
    """Train and measure one cell.

    Writes ``result.json`` and ``scores.npz``, the `Scores` of every test set.

    Args:
        cell: Which.
        data: All sets.
        scale: How much.
        out: Folder of the cell.
        start: See `build_network`.
    """
    method = METHODS[cell.method]
    model = build_network(method, scale, cell.seed, start)
    parameters = sum(p.numel() for p in model.parameters()), trained_parameters(model)
    began = time.monotonic()
    if method.trains != "nothing":
        model = train(model, cell, data, scale)
    trained = time.monotonic() - began
    arrays: dict[str, Any] = {}
    for name, test in data.tests.items():
        scores = measure(model, test, Asker(method.points), clicks=scale.clicks, draws=scale.draws)
        arrays |= scores.arrays(name)
    out.mkdir(parents=True, exist_ok=True)
    save_arrays(out / SCORES, **arrays)
    write_json(
        out / RESULT,
        {
            "cell": asdict(cell),
            "parameters": parameters[0],
            "trained_parameters": parameters[1],
            "steps": 0 if method.trains == "nothing" else scale.steps,
            "train_seconds": round(trained, 1),
            "measure_seconds": round(time.monotonic() - began - trained, 1),
        },
    )


def train(model: ClickSegmenter, cell: Cell, data: XsegData, scale: XsegScale) -> Any:
    """A network trained by the row's rule; its averaged weights."""
    method = METHODS[cell.method]
    training = ClickTraining(model, Asker(method.points, jitter=TRAINING_JITTER))
    batches = ClickBatches(
        data.train,
        data.train.rows(),
        scale.batch,
        cell.seed,
        protocol=method.protocol,
        corrected=scale.corrected if method.protocol == "per_instance" else 0.0,
    )
    parameters = [p for p in model.parameters() if p.requires_grad]
    torch.manual_seed(cell.seed)
    result = fit(
        training,
        batches,
        answers_loss,
        torch.optim.AdamW(decay_groups(parameters, scale.decay), lr=scale.lr),
        steps=scale.steps,
        options=short_run(schedule=cosine(warmup=0.05), ema_decay=0.99),
        fabric=build_fabric(),
    )
    trained: Any = result.model
    return trained.segmenter


def answers_loss(model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
    """The paper's loss of every answer, their mean."""
    answers = model(batch)
    return {"loss": torch.stack([click_loss(logits, batch.mask) for logits in answers]).mean()}


def read_cell(out: Path) -> tuple[dict[str, Any], dict[str, Scores]]:
    """What `run_cell` wrote: result, and scores by test set."""
    result, arrays = read_result(out, SCORES)
    names = dict.fromkeys(name.rsplit(".", 1)[0] for name in arrays)
    return result, {name: Scores.of_arrays(arrays, name) for name in names}
