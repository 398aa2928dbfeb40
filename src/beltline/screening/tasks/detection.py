"""Detection: a box an object.

The graph ``model`` takes ``image`` (1, 3, H, W) float32, RGB in 0..1, white = air, H and W multiples of 32,
and gives, best first, ``boxes`` (M, 4), xyxy pixels of the input, ``labels`` (M,), ``scores`` (M,), and
``best`` (1, K), the highest score of each class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, ClassFinding, Decision, InstanceFinding, ScanReport
from beltline.core.report import Box
from beltline.screening.cards import ModelCard
from beltline.screening.localize import boxes_on_scan
from beltline.screening.prepare import Prepared, prepare_whole
from beltline.screening.task import Arrays, ModelFailure, Names, Run, Screened, Task, require
from beltline.screening.tasks.reading import CLEAR_AND_NONE, THRESHOLDS

SCORE_FLOOR = 0.02  # a graph keeps no box below; thresholds are chosen from the boxes kept
OUTPUTS = ("best", "boxes", "labels", "scores")
HOW_TO_READ = f"""
<p><strong>ALARM</strong>: at least one class reached its threshold. Every object of an alarmed class that
reaches the threshold has a box; point at a class to see its boxes alone, open the scan to see them all.</p>
{CLEAR_AND_NONE}
<p>A bar is the chance that the scan holds the class, as calibration made it of the score of the class's best
box; {THRESHOLDS}</p>
"""


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """A detector's answer: ``best`` (K,), ``boxes`` (M, 4) xyxy, ``labels`` (M,) int64, ``scores`` (M,)."""

    best: NDArray[np.float32]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]


def chances_of(
    card: ModelCard, scores: NDArray[np.floating[Any]], labels: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Calibrated probabilities of scores: the chance that the scan holds the class.

    ``sigmoid(scale * logit(score) + bias)``; scores below `SCORE_FLOOR` count as that, and a class with slope
    1 and offset 0 keeps its scores.

    Args:
        card: Of the model.
        scores: (N,) in [0, 1].
        labels: (N,) class of each; None for one score of every class.
    """
    rows = np.arange(len(card.classes)) if labels is None else labels
    value, scale, bias = scores.astype(np.float64), card.scale[rows], card.bias[rows]
    held = np.clip(value, SCORE_FLOOR, 1 - 1e-6)
    z = np.clip(scale * np.log(held / (1 - held)) + bias, -30.0, 30.0)
    return np.where((scale == 1) & (bias == 0), value, 1.0 / (1.0 + np.exp(-z)))


def _check(card: ModelCard) -> ModelCard:
    if not card.thresholds:
        raise BadInputError(
            "this detector was exported without thresholds; run beltline evaluate RUN --calibrate "
            "--data VALIDATION, then beltline export RUN again"
        )
    if (card.scale <= 0).any():
        raise ValueError(f"a detector's calibration needs positive slopes, got {card.scale.min():g}")
    # where calibration saw no box of a class, its threshold is next to nothing
    held = {pfa: np.maximum(values, SCORE_FLOOR) for pfa, values in card.thresholds.items()}
    return replace(card, thresholds=held)


def _answer(run: Run, inputs: Arrays, card: ModelCard) -> FoundBoxes:
    outputs, k = run("model", inputs), len(card.classes)
    best, boxes, labels, scores = (outputs[name] for name in OUTPUTS)
    m = len(scores) if scores.ndim == 1 else -1
    if best.shape != (1, k) or boxes.shape != (m, 4) or labels.shape != (m,):
        shapes = ", ".join(str(outputs[name].shape) for name in OUTPUTS)
        raise ModelFailure(f"detector outputs have shapes {shapes} for {k} classes")
    require(outputs, finite=("best", "boxes", "scores"))
    probable = all(((values >= 0) & (values <= 1)).all() for values in (best, scores))
    if not probable or not ((labels >= 0) & (labels < k)).all():
        raise ModelFailure(f"detector gave scores outside 0..1 or labels outside 0..{k - 1}")
    return FoundBoxes(best[0], boxes, labels.astype(np.int64), scores)


def _decide(
    entry: ScanReport,
    prepared: Prepared,
    answer: FoundBoxes,
    card: ModelCard,
    thresholds: NDArray[np.float64],
) -> Screened:
    alarms = answer.best >= thresholds
    boxes = boxes_on_scan(answer.boxes, prepared.letterbox).round(1)
    there = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # not in the white that was added
    passed = there & (answer.scores >= thresholds[answer.labels])
    probs = chances_of(card, answer.best)
    chances = chances_of(card, answer.scores, answer.labels)
    findings = tuple(
        _boxed(label, float(best), bool(alarm), boxes[there & (answer.labels == k)])
        for k, (label, best, alarm) in enumerate(zip(card.classes, probs, alarms, strict=True))
    )
    instances = tuple(
        InstanceFinding(card.classes[label], round(float(score), 6), _box(box))
        for label, score, box in zip(answer.labels[passed], chances[passed], boxes[passed], strict=True)
    )
    decision: Decision = "alarm" if alarms.any() else "clear"
    report = replace(entry, decision=decision, classes=findings, instances=instances)
    return Screened(report, prepared.letterbox)


def _boxed(label: str, best: float, alarm: bool, boxes: NDArray[np.float64]) -> ClassFinding:
    """A class with its first, that is best, box; without where the detector kept none of it."""
    if not len(boxes):
        return ClassFinding(label, round(best, 6), alarm)
    x1, y1, x2, y2 = box = _box(boxes[0])
    point = (round((x1 + x2) / 2, 1), round((y1 + y2) / 2, 1))
    return ClassFinding(label, round(best, 6), alarm, point, box)


def _box(values: NDArray[np.float64]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2


DETECTION: Task[FoundBoxes] = Task(
    name="detection",
    graphs={"model": Names(("image",), OUTPUTS)},
    check=_check,
    prepare=lambda scan, card: prepare_whole(scan, long_side=card.long_side),
    answer=_answer,
    scores=lambda answer, card: answer.best,
    decide=_decide,
    chances=chances_of,
    how_to_read=HOW_TO_READ,
)
