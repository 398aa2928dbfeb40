"""A screening model: an ONNX graph, its card, and a run that ends in time or fails.

Contract of the graph: input ``image`` float32 (1, 3, H, W), RGB in 0..1, white is air, H and W multiples
of 32; outputs ``logits`` (1, K) and ``cams`` (1, K, h, w), class-map logits at the network's stride. The
graph normalises by itself. The metadata entry "beltline" holds the card as JSON.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.screening.weights import VerifiedWeights, find_weights

METADATA_KEY = "beltline"
THREADS = 2
STRIDE = 32
_GRACE_S = 0.25


class ModelFailure(RuntimeError):
    """The model gave no usable answer for one scan: an exception, a time-out, or NaN."""


@dataclass(frozen=True, eq=False)
class ModelCard:
    """What a model says about itself.

    Attributes:
        name: Model name.
        classes: K labels.
        long_side: Length in pixels to which the longer side of a scan is brought.
        scale: (K,) calibration slope; probability = sigmoid(scale * logit + bias).
        bias: (K,) calibration offset.
        thresholds: Probability thresholds (K,) by PFA (share of scans without any class that alarm).
        box_threshold: Share of a class map's range above its median that belongs to the box, in (0, 1).
        details: Free text and figures for people (purpose, training data, limits, figures).
    """

    name: str
    classes: tuple[str, ...]
    long_side: int
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    thresholds: Mapping[float, NDArray[np.float64]]
    box_threshold: float
    details: Mapping[str, Any] = field(default_factory=dict)

    def probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities (K,) of logits (K,)."""
        z = np.clip(self.scale * logits + self.bias, -60.0, 60.0)
        return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float64)

    def thresholds_at(self, pfa: float) -> NDArray[np.float64]:
        """Probability thresholds (K,) at an operating point.

        Raises:
            ValueError: If the model was not given thresholds for this ``pfa``.
        """
        for known, values in self.thresholds.items():
            if math.isclose(known, pfa, rel_tol=1e-6):
                return values
        points = ", ".join(f"{p:g}" for p in sorted(self.thresholds))
        raise ValueError(f"model {self.name!r} has operating points {points}, not {pfa:g}")


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """Raw answer for one scan: ``logits`` (K,) and ``cams`` (K, h, w), both float32 and finite."""

    logits: NDArray[np.float32]
    cams: NDArray[np.float32]


class Runner(Protocol):
    """The part of an ONNX Runtime session that is used; tests put their own here."""

    def run(self, output_names: list[str], feed: dict[str, Any], options: Any = None) -> list[Any]:
        """Run the graph."""
        ...


@dataclass(frozen=True, eq=False)
class ScreeningModel:
    """A verified model that is ready to run."""

    card: ModelCard
    sha256: str
    runner: Runner
    _stuck: list[threading.Thread] = field(default_factory=list)

    def run(self, image: NDArray[np.float32], *, timeout_s: float | None = None) -> ModelOutput:
        """Run the network on one prepared image.

        Args:
            image: (1, 3, H, W) float32 in 0..1, H and W multiples of 32.
            timeout_s: Longest wait in seconds; None waits for ever.

        Raises:
            ModelFailure: On any error of the runtime, after ``timeout_s``, or for outputs that are not
                finite or not of the promised shape.
        """
        if timeout_s is None:
            return self._checked(self._call(image, None))
        if any(thread.is_alive() for thread in self._stuck):
            raise ModelFailure("the model is still busy with an earlier scan")
        self._stuck.clear()
        return self._checked(self._call_in_time(image, timeout_s))

    def warm_up(self) -> None:
        """Run once on air, so that the first scan is not the slow one.

        Raises:
            ModelFailure: If the model cannot run at all.
        """
        side = self.card.long_side
        self.run(np.ones((1, 3, side, side), dtype=np.float32))

    def _call(self, image: NDArray[np.float32], options: Any) -> list[Any]:
        try:
            return list(self.runner.run(["logits", "cams"], {"image": image}, options))
        except Exception as error:  # the runtime's errors have no common base but Exception
            raise ModelFailure(f"model failed: {_one_line(error)}") from error

    def _call_in_time(self, image: NDArray[np.float32], timeout_s: float) -> list[Any]:
        options = _run_options()
        answer: list[list[Any]] = []
        failure: list[ModelFailure] = []

        def work() -> None:
            try:
                answer.append(self._call(image, options))
            except ModelFailure as error:
                failure.append(error)

        started = time.perf_counter()
        thread = threading.Thread(target=work, name="beltline-model", daemon=True)
        thread.start()
        thread.join(max(timeout_s, 0.0))
        if thread.is_alive():
            options.terminate = True  # the runtime stops between two nodes
            thread.join(_GRACE_S)
            if thread.is_alive():
                self._stuck.append(thread)
            waited = (time.perf_counter() - started) * 1000
            raise ModelFailure(f"deadline passed: no answer from the model after {waited:.0f} ms")
        if failure:
            raise failure[0]
        return answer[0]

    def _checked(self, outputs: list[Any]) -> ModelOutput:
        logits, cams = (np.asarray(output) for output in outputs)
        k = len(self.card.classes)
        if logits.shape != (1, k) or cams.ndim != 4 or cams.shape[:2] != (1, k) or 0 in cams.shape:
            raise ModelFailure(f"model outputs have shapes {logits.shape} and {cams.shape} for {k} classes")
        if not (np.isfinite(logits).all() and np.isfinite(cams).all()):
            raise ModelFailure("model outputs are not finite")
        return ModelOutput(logits[0].astype(np.float32), cams[0].astype(np.float32))


def load_model(model: str | Path | None = None, *, trust: bool = False, warm: bool = True) -> ScreeningModel:
    """Load a verified screening model.

    Args:
        model: Name in a manifest, ONNX file, or None for the shipped default.
        trust: Accept a file that no manifest lists.
        warm: Run once on air after loading.

    Raises:
        UntrustedWeightsError: Unknown or changed weights.
        MissingExtraError: If no model was named and none is shipped.
        BadInputError: If the file is no ONNX graph of our contract.
    """
    screening_model = open_model(find_weights(model, trust=trust))
    if warm:
        try:
            screening_model.warm_up()
        except ModelFailure as error:
            raise BadInputError(f"model {screening_model.card.name!r} cannot run here: {error}") from error
    return screening_model


def open_model(weights: VerifiedWeights) -> ScreeningModel:
    """Build the session of verified bytes; external data files are never followed.

    Raises:
        BadInputError: If the bytes are no ONNX graph of our contract.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads would slow the rest
    try:
        session = ort.InferenceSession(weights.payload, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base but Exception
        raise BadInputError(f"{weights.name}: not a usable ONNX model ({_one_line(error)})") from error
    _check_names(session, weights.name)
    card = read_card(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), weights.name)
    return ScreeningModel(card, weights.sha256, session)


def read_card(text: str | None, name: str) -> ModelCard:
    """Parse the metadata entry "beltline" of a model.

    Args:
        text: The JSON text; None when the entry is missing.
        name: The model's name in messages.

    Raises:
        BadInputError: If a field is missing or its length is not the number of classes.
    """
    if text is None:
        raise BadInputError(f"{name}: no metadata {METADATA_KEY!r}; this is not a Beltline screening model")
    try:
        raw = json.loads(text)
        classes = tuple(str(label) for label in raw["classes"])
        card = ModelCard(
            name=str(raw["name"]),
            classes=classes,
            long_side=int(raw["long_side"]),
            scale=_vector(raw["calibration"]["scale"], len(classes)),
            bias=_vector(raw["calibration"]["bias"], len(classes)),
            thresholds={float(p): _vector(v, len(classes)) for p, v in raw["thresholds"].items()},
            box_threshold=float(raw["box_threshold"]),
            details=dict(raw.get("card", {})),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{name}: bad metadata {METADATA_KEY!r}: {_one_line(error)}") from error
    if not classes or not card.thresholds or not 0 < card.box_threshold < 1:
        raise BadInputError(f"{name}: metadata needs classes, thresholds and 0 < box_threshold < 1")
    if card.long_side % STRIDE or not STRIDE <= card.long_side <= 4096:
        raise BadInputError(
            f"{name}: long_side must be a multiple of {STRIDE} up to 4096, got {card.long_side}"
        )
    return card


def _vector(values: Any, count: int) -> NDArray[np.float64]:
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (count,) or not np.isfinite(vector).all():
        raise ValueError(f"expected {count} finite numbers, got shape {vector.shape}")
    return vector


def _check_names(session: Any, name: str) -> None:
    inputs = {i.name for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    if inputs != {"image"} or not {"logits", "cams"} <= outputs:
        raise BadInputError(f"{name}: needs input image and outputs logits, cams; has {inputs} -> {outputs}")


def _run_options() -> Any:
    import onnxruntime as ort

    return ort.RunOptions()


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
