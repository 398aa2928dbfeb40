"""A whole system in one file: is a class in the scan, told by how dark the scan is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from beltline.core import ClassFinding
from beltline.screening import Screened, Task, make_card
from beltline.screening.prepare import prepare_whole
from beltline.screening.task import Names
from beltline.training.onnx_file import trace, write_onnx
from beltline.training.settings import TrainingSettings
from beltline.training.sources import open_source
from beltline.training.system import System


@dataclass(frozen=True)
class ToyRecipe:
    classes: tuple[str, ...] = ()
    scale: float = 20.0
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(steps=40, lr=0.3, warmup=0.0))


class Toy(nn.Module):
    def __init__(self, recipe):
        super().__init__()
        self.scale, self.line = recipe.scale, nn.Linear(1, len(recipe.classes))

    def forward(self, image):
        return self.line(self.scale * (1 - image.mean((1, 2, 3)))[:, None])


def open_toy(folder, recipe):
    source = open_source(folder, recipe.classes)
    return source, replace(recipe, classes=source.classes)


def look(source, row):
    sample = source[row]
    image = torch.from_numpy(prepare_whole(sample.scan, long_side=96).image)
    return image, torch.tensor([[float(name in sample.instances.labels) for name in source.classes]])


def batches(recipe, source):
    return lambda start, stride=1: (look(source, n % len(source)) for n in itertools.count(start, stride))


def loss(recipe):
    entropy = nn.functional.binary_cross_entropy_with_logits
    return lambda model, batch: {"loss": entropy(model(batch[0]), batch[1])}


def scores(model, source, limit):
    rows = [look(source, row) for row in range(len(source))[:limit]]
    return np.array([torch.sigmoid(model(image)).detach()[0].numpy() for image, _ in rows])


def calibrate(recipe, model, source, limit):
    found = scores(model, source, limit)
    return {"thresholds": {"0.05": np.median(found, axis=0).tolist()}, "scans": len(found)}


def measure(recipe, model, source, chosen, limit):
    found = scores(model, source, limit)
    alarms = (found >= chosen["thresholds"]["0.05"]).mean() if chosen else None
    return {"mean_score": float(found.mean()), "alarms": alarms and float(alarms)}


def export(recipe, model, request):
    card = make_card(
        request.name, recipe.classes, 96, thresholds=request.calibration["thresholds"], task="toy"
    )
    sides = {axis: 32 * torch.export.Dim(name, min=2, max=64) for axis, name in ((2, "rows"), (3, "columns"))}
    graph = trace(model, (64, 96), outputs=["logits"], sides=sides)
    return {"megabytes": write_onnx(request.path, graph, card.to_json(), max_megabytes=1)}


def decide(entry, prepared, logits, card, thresholds):
    chances = 1 / (1 + np.exp(-logits[0]))
    findings = [
        ClassFinding(name, float(p), bool(p >= t))
        for name, p, t in zip(card.classes, chances, thresholds, strict=True)
    ]
    decision = "alarm" if any(finding.alarm for finding in findings) else "clear"
    return Screened(replace(entry, decision=decision, classes=tuple(findings)), prepared.letterbox)


TASK = Task(
    name="toy",
    graphs={"model": Names(("image",), ("logits",))},
    check=lambda card: card,
    prepare=lambda scan, card: prepare_whole(scan, long_side=card.long_side),
    answer=lambda run, inputs, card: run("model", inputs)["logits"],
    decide=decide,
    chances=lambda card, thresholds: thresholds,
    how_to_read="<p>Dark bags alarm.</p>",
)
SYSTEM = System(
    name="toy",
    recipes={"toy": ToyRecipe},
    open=open_toy,
    build=Toy,
    batches=batches,
    loss=loss,
    calibrate=calibrate,
    measure=measure,
    table=lambda found: [f"mean score {found['mean_score']:.2f}, alarms {found['alarms']}"],
    export=export,
)
