"""A screening model: an ONNX graph, its card, and a run that ends in time or fails.

Contract of the graph: input ``image`` float32 (1, 3, H, W), RGB in 0..1, white is air, H and W multiples
of 32. Outputs of a classifier: ``logits`` (1, K) and ``cams`` (1, K, h, w), class-map logits at the network's
stride. Outputs of a detector: ``boxes`` (M, 4), xyxy pixels of the input, ``labels`` (M,), ``scores`` (M,)
and ``best`` (1, K), the highest score of each class. The graph normalises by itself. The metadata entry
"beltline" holds the card as JSON.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.screening.cards import METADATA_KEY, ModelCard, Task, one_line, read_card
from beltline.screening.external_data import refuse_external_data
from beltline.screening.weights import VerifiedWeights, find_weights

THREADS = 2
_GRACE_S = 0.25


class ModelFailure(RuntimeError):
    """The model gave no usable answer for one scan: an exception, a time-out, or NaN."""


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """Raw answer for one scan: ``logits`` (K,) and ``cams`` (K, h, w), both float32 and finite."""

    logits: NDArray[np.float32]
    cams: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DetectorOutput:
    """A detector's answer: ``best`` (K,), ``boxes`` (M, 4) xyxy, ``labels`` (M,) int64, ``scores`` (M,)."""

    best: NDArray[np.float32]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]


Output = ModelOutput | DetectorOutput


@dataclass(frozen=True)
class Graph:
    """What the graphs of one task give.

    Attributes:
        outputs: Their names.
        checked: The answer from their values and the number of classes; raises `ModelFailure`.
    """

    outputs: tuple[str, ...]
    checked: Callable[[list[Any], int], Output]


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

    def run(self, image: NDArray[np.float32], *, timeout_s: float | None = None) -> Output:
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
            return list(self.runner.run(list(self._graph.outputs), {"image": image}, options))
        except Exception as error:  # the runtime's errors have no common base but Exception
            raise ModelFailure(f"model failed: {one_line(error)}") from error

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

    def _checked(self, outputs: list[Any]) -> Output:
        return self._graph.checked([np.asarray(output) for output in outputs], len(self.card.classes))

    @property
    def _graph(self) -> Graph:
        return GRAPHS[self.card.task]


def _class_maps(outputs: list[Any], k: int) -> ModelOutput:
    logits, cams = outputs
    if logits.shape != (1, k) or cams.ndim != 4 or cams.shape[:2] != (1, k) or 0 in cams.shape:
        raise ModelFailure(f"model outputs have shapes {logits.shape} and {cams.shape} for {k} classes")
    if not (np.isfinite(logits).all() and np.isfinite(cams).all()):
        raise ModelFailure("model outputs are not finite")
    return ModelOutput(logits[0].astype(np.float32), cams[0].astype(np.float32))


def _detections(outputs: list[Any], k: int) -> DetectorOutput:
    best, boxes, labels, scores = outputs
    m = len(scores) if scores.ndim == 1 else -1
    if best.shape != (1, k) or boxes.shape != (m, 4) or labels.shape != (m,):
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ModelFailure(f"detector outputs have shapes {shapes} for {k} classes")
    if not all(np.isfinite(output).all() for output in (best, boxes, scores)):
        raise ModelFailure("detector outputs are not finite")
    probable = all(((output >= 0) & (output <= 1)).all() for output in (best, scores))
    if not probable or not ((labels >= 0) & (labels < k)).all():
        raise ModelFailure(f"detector gave scores outside 0..1 or labels outside 0..{k - 1}")
    return DetectorOutput(best[0], boxes, labels.astype(np.int64), scores)


GRAPHS: Mapping[Task, Graph] = {
    "classification": Graph(("logits", "cams"), _class_maps),
    "detection": Graph(("best", "boxes", "labels", "scores"), _detections),
}


def load_model(model: str | Path | None = None, *, trust: bool = False, warm: bool = True) -> ScreeningModel:
    """Load a verified screening model.

    Args:
        model: Name in a manifest, ONNX file, or None for the shipped default.
        trust: Accept a file that no manifest lists.
        warm: Run once on air after loading.

    Raises:
        UntrustedWeightsError: Unknown or changed weights, or weights in other files than the model's.
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
    """Build the session of verified bytes, which must hold all the weights.

    Raises:
        BadInputError: If the bytes are no ONNX graph of our contract.
        UntrustedWeightsError: If weights lie in other files.
    """
    from beltline.screening.runtime import onnxruntime as ort

    refuse_external_data(weights.payload, weights.name)
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
        raise BadInputError(f"{weights.name}: not a usable ONNX model ({one_line(error)})") from error
    card = read_card(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), weights.name)
    _check_names(session, weights.name, GRAPHS[card.task].outputs)
    return ScreeningModel(card, weights.sha256, session)


def _check_names(session: Any, name: str, wanted: tuple[str, ...]) -> None:
    inputs = {i.name for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    if inputs != {"image"} or not set(wanted) <= outputs:
        wants = f"needs input image and outputs {', '.join(wanted)}"
        raise BadInputError(f"{name}: {wants}; has {inputs} -> {outputs}")


def _run_options() -> Any:
    from beltline.screening.runtime import onnxruntime as ort

    return ort.RunOptions()
