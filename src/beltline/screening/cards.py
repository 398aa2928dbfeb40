"""What a screening model says about itself: the metadata entry "beltline" of its ONNX file, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError

METADATA_KEY = "beltline"
STRIDE = 32


@dataclass(frozen=True, eq=False)
class ModelCard:
    """What a model says about itself; written by `to_json`, read by `read_card`.

    Attributes:
        name: Model name.
        classes: K labels.
        long_side: Length in pixels to which the longer side of a scan is brought.
        scale: (K,) calibration slope, see the model's task.
        bias: (K,) calibration offset.
        thresholds: Thresholds (K,) by PFA (share of scans without any class that alarm): of probabilities, of
            a detector of its scores.
        box_threshold: Share of a class map's range above its median that belongs to the box, in (0, 1).
        details: Free text and figures for people (purpose, training data, limits, figures).
        task: Key of `beltline.screening.tasks.TASKS`.
    """

    name: str
    classes: tuple[str, ...]
    long_side: int
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    thresholds: Mapping[float, NDArray[np.float64]]
    box_threshold: float = 0.5
    details: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"

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

    def to_json(self) -> dict[str, Any]:
        """The card as `read_card` reads it."""
        return {
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "long_side": self.long_side,
            "calibration": {"scale": self.scale.tolist(), "bias": self.bias.tolist()},
            "thresholds": {f"{pfa:g}": values.tolist() for pfa, values in self.thresholds.items()},
            "box_threshold": self.box_threshold,
            "card": dict(self.details),
        }


def make_card(
    name: str,
    classes: tuple[str, ...],
    long_side: int,
    *,
    thresholds: Mapping[str, Any],
    calibration: Mapping[str, Any] | None = None,
    box_threshold: float = 0.5,
    details: Mapping[str, Any] | None = None,
    task: str = "classification",
) -> ModelCard:
    """A card from plain values, as runs and files have them.

    Args:
        name: Model name.
        classes: K labels.
        long_side: Pixels.
        thresholds: K numbers by PFA, keys like ``"0.05"``.
        calibration: ``scale`` and ``bias``, K each; None where scores count as they are.
        box_threshold: See `ModelCard`.
        details: See `ModelCard`.
        task: See `ModelCard`.

    Raises:
        ValueError: If a list is not as long as there are classes, or the calibration lacks one of the two.
    """
    count = len(classes)
    fitted = calibration or {"scale": [1.0] * count, "bias": [0.0] * count}
    if not {"scale", "bias"} <= fitted.keys():
        raise ValueError(f"calibration needs scale and bias, got {', '.join(fitted) or 'neither'}")
    return ModelCard(
        name,
        classes,
        long_side,
        _vector(fitted["scale"], count),
        _vector(fitted["bias"], count),
        {float(pfa): _vector(values, count) for pfa, values in thresholds.items()},
        box_threshold,
        dict(details or {}),
        task,
    )


def parse_card(text: str | None, name: str) -> ModelCard:
    """The metadata entry "beltline" of a model, before its task has checked it; see `read_card`.

    Args:
        text: The JSON text; None when the entry is missing.
        name: The model's name in messages.

    Raises:
        BadInputError: If a field is missing or not as long as there are classes.
    """
    if text is None:
        raise BadInputError(f"{name}: no metadata {METADATA_KEY!r}; this is not a Beltline screening model")
    try:
        raw = json.loads(text)
        card = make_card(
            str(raw["name"]),
            tuple(str(label) for label in raw["classes"]),
            int(raw["long_side"]),
            thresholds=raw.get("thresholds") or {},
            calibration=raw.get("calibration"),
            box_threshold=float(raw.get("box_threshold", 0.5)),
            details=raw.get("card", {}),
            task=raw.get("task", "classification"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInputError(f"{name}: bad metadata {METADATA_KEY!r}: {one_line(error)}") from error
    if not card.classes or not 0 < card.box_threshold < 1:
        raise BadInputError(f"{name}: metadata needs classes and 0 < box_threshold < 1")
    if card.long_side % STRIDE or not STRIDE <= card.long_side <= 4096:
        raise BadInputError(
            f"{name}: long_side must be a multiple of {STRIDE} up to 4096, got {card.long_side}"
        )
    return card


def one_line(error: BaseException) -> str:
    """An error's message on one line of at most 200 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"


def _vector(values: Any, count: int) -> NDArray[np.float64]:
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (count,) or not np.isfinite(vector).all():
        raise ValueError(f"expected {count} finite numbers, got shape {vector.shape}")
    return vector
