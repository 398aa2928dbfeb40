"""What a screening model says about itself: the metadata entry "beltline" of its ONNX file, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError

Task = Literal["classification", "detection"]

METADATA_KEY = "beltline"
STRIDE = 32
SCORE_FLOOR = 0.02  # a detector's graph keeps no box below; its thresholds are chosen from the boxes kept


@dataclass(frozen=True, eq=False)
class ModelCard:
    """What a model says about itself.

    Attributes:
        name: Model name.
        classes: K labels.
        long_side: Length in pixels to which the longer side of a scan is brought.
        scale: (K,) calibration slope; probability = sigmoid(scale * logit + bias).
        bias: (K,) calibration offset.
        thresholds: Thresholds (K,) by PFA (share of scans without any class that alarm): of probabilities, of
            a detector of its scores.
        box_threshold: Share of a class map's range above its median that belongs to the box, in (0, 1).
        details: Free text and figures for people (purpose, training data, limits, figures).
        task: What the graph does. A detector gives scores instead of logits, see `of_scores`, and no class
            maps to cut a box from.
    """

    name: str
    classes: tuple[str, ...]
    long_side: int
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    thresholds: Mapping[float, NDArray[np.float64]]
    box_threshold: float
    details: Mapping[str, Any] = field(default_factory=dict)
    task: Task = "classification"

    def probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities (K,) of logits (K,)."""
        z = np.clip(self.scale * logits + self.bias, -60.0, 60.0)
        return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float64)

    def of_scores(
        self, scores: NDArray[np.floating[Any]], labels: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Calibrated probabilities of a detector's scores: the chance that the scan holds the class.

        Scores below `SCORE_FLOOR` count as that. A class with slope 1 and offset 0 keeps its scores.

        Args:
            scores: (N,) in [0, 1].
            labels: (N,) class of each; None for one score of every class.
        """
        rows = np.arange(len(self.classes)) if labels is None else labels
        value = scores.astype(np.float64)
        return _calibrated(value, self.scale[rows], self.bias[rows])

    def thresholds_at(self, pfa: float) -> NDArray[np.float64]:
        """Thresholds (K,) at an operating point, of what the graph's answer is compared with.

        Raises:
            ValueError: If the model was not given thresholds for this ``pfa``.
        """
        for known, values in self.thresholds.items():
            if math.isclose(known, pfa, rel_tol=1e-6):
                return values
        points = ", ".join(f"{p:g}" for p in sorted(self.thresholds))
        raise ValueError(f"model {self.name!r} has operating points {points}, not {pfa:g}")

    def probabilities_at(self, pfa: float) -> NDArray[np.float64]:
        """The thresholds of `thresholds_at` as probabilities, which is what a report shows."""
        values = self.thresholds_at(pfa)
        return self.of_scores(values) if self.task == "detection" else values


def read_card(text: str | None, name: str) -> ModelCard:
    """Parse the metadata entry "beltline" of a model.

    Args:
        text: The JSON text; None when the entry is missing.
        name: The model's name in messages.

    Raises:
        BadInputError: If the task is none that is screened with, a field is missing or not as long as there
            are classes, or a detector was not calibrated.
    """
    if text is None:
        raise BadInputError(f"{name}: no metadata {METADATA_KEY!r}; this is not a Beltline screening model")
    try:
        raw = json.loads(text)
        task = raw.get("task", "classification")
        if task not in _READERS:
            raise ValueError(f"task must be {' or '.join(_READERS)}, got {task!r}")
        card = _READERS[task](raw, name)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInputError(f"{name}: bad metadata {METADATA_KEY!r}: {one_line(error)}") from error
    if not card.classes or not card.thresholds or not 0 < card.box_threshold < 1:
        raise BadInputError(f"{name}: metadata needs classes, thresholds and 0 < box_threshold < 1")
    if card.long_side % STRIDE or not STRIDE <= card.long_side <= 4096:
        raise BadInputError(
            f"{name}: long_side must be a multiple of {STRIDE} up to 4096, got {card.long_side}"
        )
    return card


def one_line(error: BaseException) -> str:
    """An error's message on one line of at most 200 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"


def _classifier(raw: Mapping[str, Any], _name: str) -> ModelCard:
    classes = tuple(str(label) for label in raw["classes"])
    return ModelCard(
        name=str(raw["name"]),
        classes=classes,
        long_side=int(raw["long_side"]),
        scale=_vector(raw["calibration"]["scale"], len(classes)),
        bias=_vector(raw["calibration"]["bias"], len(classes)),
        thresholds={float(p): _vector(v, len(classes)) for p, v in raw["thresholds"].items()},
        box_threshold=float(raw["box_threshold"]),
        details=dict(raw.get("card", {})),
    )


def _detector(raw: Mapping[str, Any], name: str) -> ModelCard:
    classes = tuple(str(label) for label in raw["classes"])
    if not raw.get("thresholds"):
        raise BadInputError(
            f"{name}: this detector was exported without thresholds; run beltline evaluate RUN --calibrate "
            "--data VALIDATION, then beltline export RUN again"
        )
    thresholds = {float(p): _vector(v, len(classes)) for p, v in raw["thresholds"].items()}
    plain = {"scale": [1.0] * len(classes), "bias": [0.0] * len(classes)}
    scale, bias = (_vector((raw.get("calibration") or plain)[key], len(classes)) for key in plain)
    if (scale <= 0).any():
        raise ValueError(f"a detector's calibration needs positive slopes, got {scale.min():g}")
    return ModelCard(
        name=str(raw["name"]),
        classes=classes,
        long_side=int(raw["long_side"]),
        scale=scale,
        bias=bias,
        # where calibration saw no box of a class, its threshold is next to nothing
        thresholds={p: np.maximum(values, SCORE_FLOOR) for p, values in thresholds.items()},
        box_threshold=0.5,
        details=dict(raw.get("card", {})),
        task="detection",
    )


def _calibrated(
    scores: NDArray[np.float64], scale: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    held = np.clip(scores, SCORE_FLOOR, 1 - 1e-6)
    z = np.clip(scale * np.log(held / (1 - held)) + bias, -30.0, 30.0)
    return np.where((scale == 1) & (bias == 0), scores, 1.0 / (1.0 + np.exp(-z)))


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], ModelCard]] = {
    "classification": _classifier,
    "detection": _detector,
}


def _vector(values: Any, count: int) -> NDArray[np.float64]:
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (count,) or not np.isfinite(vector).all():
        raise ValueError(f"expected {count} finite numbers, got shape {vector.shape}")
    return vector
