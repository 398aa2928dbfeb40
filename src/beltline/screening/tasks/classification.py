"""Classification: is a class in the scan, and where does its map point.

The graph ``model`` takes ``image`` (1, 3, H, W) float32, RGB in 0..1, white = air, H and W multiples of 32,
and gives ``logits`` (1, K) and ``cams`` (1, K, h, w), class-map logits at the network's stride.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, ClassFinding, Decision, ScanReport
from beltline.screening.cards import ModelCard
from beltline.screening.localize import activation, fine_map, point_and_box
from beltline.screening.prepare import Letterbox, Prepared, prepare
from beltline.screening.task import Arrays, ModelFailure, Names, Run, Screened, Task, require
from beltline.screening.tasks.reading import CLEAR_AND_NONE, THRESHOLDS

HOW_TO_READ = f"""
<p><strong>ALARM</strong>: at least one class reached its threshold. Box and cross show where the evidence was
strongest; they are pointers, not outlines. Point at a class to see its tint alone, or press h for all.</p>
{CLEAR_AND_NONE}
<p>A bar is the calibrated probability of a class; {THRESHOLDS}</p>
"""


@dataclass(frozen=True, eq=False)
class ClassMaps:
    """Raw answer for one scan: ``logits`` (K,) and ``cams`` (K, h, w), both float32 and finite."""

    logits: NDArray[np.float32]
    cams: NDArray[np.float32]


def probabilities(card: ModelCard, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Calibrated probabilities (K,) of logits (K,): ``sigmoid(scale * logit + bias)``."""
    z = np.clip(card.scale * logits + card.bias, -60.0, 60.0)
    return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float64)


def _check(card: ModelCard) -> ModelCard:
    if not card.thresholds:
        raise BadInputError("metadata needs thresholds; run beltline evaluate RUN --calibrate, then export")
    return card


def _answer(run: Run, inputs: Arrays, card: ModelCard) -> ClassMaps:
    outputs, k = run("model", inputs), len(card.classes)
    logits, cams = outputs["logits"], outputs["cams"]
    if logits.shape != (1, k) or cams.ndim != 4 or cams.shape[:2] != (1, k) or 0 in cams.shape:
        raise ModelFailure(f"model outputs have shapes {logits.shape} and {cams.shape} for {k} classes")
    require(outputs, finite=("logits", "cams"))
    return ClassMaps(logits[0].astype(np.float32), cams[0].astype(np.float32))


def _decide(
    entry: ScanReport,
    prepared: Prepared,
    answer: ClassMaps,
    card: ModelCard,
    thresholds: NDArray[np.float64],
) -> Screened:
    probs = probabilities(card, answer.logits)
    alarms = probs >= thresholds
    findings = tuple(
        _finding(label, float(prob), bool(alarm), cam, prepared.letterbox, card.box_threshold)
        for label, prob, alarm, cam in zip(card.classes, probs, alarms, answer.cams, strict=True)
    )
    decision: Decision = "alarm" if alarms.any() else "clear"
    maps = {
        finding.label: activation(fine_map(cam, prepared.letterbox))
        for finding, cam in zip(findings, answer.cams, strict=True)
        if finding.alarm
    }
    return Screened(replace(entry, decision=decision, classes=findings), prepared.letterbox, maps)


def _finding(
    label: str, prob: float, alarm: bool, cam: NDArray[np.float32], letterbox: Letterbox, box_threshold: float
) -> ClassFinding:
    (x, y), (x1, y1, x2, y2) = point_and_box(cam, letterbox, box_threshold=box_threshold)
    width, height = letterbox.scan_size
    return ClassFinding(
        label=label,
        probability=round(prob, 6),
        alarm=alarm,
        point=(_inside(x, width), _inside(y, height)),
        box=(_inside(x1, width), _inside(y1, height), _inside(x2, width), _inside(y2, height)),
    )


def _inside(value: float, limit: int) -> float:
    return round(min(max(value, 0.0), float(limit)), 1)


CLASSIFICATION: Task[ClassMaps] = Task(
    name="classification",
    graphs={"model": Names(("image",), ("logits", "cams"))},
    check=_check,
    prepare=lambda scan, card: prepare(scan, long_side=card.long_side),
    answer=_answer,
    scores=lambda answer, card: probabilities(card, answer.logits),
    decide=_decide,
    chances=lambda card, thresholds: thresholds,
    how_to_read=HOW_TO_READ,
)
