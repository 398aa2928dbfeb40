"""A model: ONNX graphs, a card, and a run that ends in time or fails.

What the graphs take and give, each task says (`beltline.screening.tasks`). They normalise by themselves. The
metadata entry "beltline" of the first one holds the card as JSON.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from beltline.core import BadInputError, Scan
from beltline.screening.cards import METADATA_KEY, ModelCard, one_line
from beltline.screening.external_data import refuse_external_data
from beltline.screening.task import Arrays, ModelFailure, ModelTask, Names, Task
from beltline.screening.tasks import find_model_task, find_task, read_card
from beltline.screening.weights import VerifiedWeights, find_weights

THREADS = 2
_GRACE_S = 0.25


class Runner(Protocol):
    """The part of an ONNX Runtime session that is used; tests put their own here."""

    def run(self, output_names: list[str], feed: dict[str, Any], options: Any = None) -> list[Any]:
        """Run the graph."""
        ...


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A verified model that is ready to run, of whatever task.

    Attributes:
        card: What it says about itself.
        sha256: Of its file; of a model of several, of their sums.
        graphs: Sessions by the names of its task.
    """

    card: ModelCard
    sha256: str
    graphs: Mapping[str, Runner]
    _stuck: list[threading.Thread] = field(default_factory=list)

    @property
    def task(self) -> ModelTask[Any]:
        """How it is fed and understood."""
        return find_model_task(self.card.task)

    def run(self, inputs: Arrays, *, timeout_s: float | None = None) -> Any:
        """The task's answer to one prepared scan.

        Args:
            inputs: By name, see `Prepared`.
            timeout_s: Longest wait in seconds, for all graphs together; None waits for ever.

        Raises:
            ModelFailure: On any error of the runtime, after ``timeout_s``, or for outputs that are not
                finite or not of the promised shape.
        """
        if timeout_s is not None:
            if any(thread.is_alive() for thread in self._stuck):
                raise ModelFailure("the model is still busy with an earlier scan")
            self._stuck.clear()
        until = None if timeout_s is None else time.perf_counter() + timeout_s

        def run(graph: str, feed: Arrays) -> Arrays:
            left = None if until is None else until - time.perf_counter()
            return self._call(graph, feed, None) if left is None else self._call_in_time(graph, feed, left)

        return self.task.answer(run, inputs, self.card)

    def warm_up(self) -> None:
        """Run once on air, so that the first scan is not the slow one.

        Raises:
            ModelFailure: If the model cannot run at all.
        """
        side = self.card.long_side
        air = Scan(np.ones((3, side, side), dtype=np.float32), "color", ("r", "g", "b"))
        self.run(self.task.prepare(air, self.card).inputs)

    def _call(self, graph: str, inputs: Arrays, options: Any) -> Arrays:
        names = self.task.graphs[graph]
        feed = {name: inputs[name] for name in names.inputs}
        try:
            found = self.graphs[graph].run(list(names.outputs), feed, options)
        except Exception as error:  # the runtime's errors have no common base but Exception
            raise ModelFailure(f"model failed: {one_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(names.outputs, found, strict=True)}

    def _call_in_time(self, graph: str, inputs: Arrays, timeout_s: float) -> Arrays:
        options = _run_options()
        answer: list[Arrays] = []
        failure: list[ModelFailure] = []

        def work() -> None:
            try:
                answer.append(self._call(graph, inputs, options))
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


class ScreeningModel(OpenedModel):
    """A verified model that decides about scans."""

    @property
    def task(self) -> Task[Any]:
        """How it is fed and understood, and how its answers become decisions."""
        return find_task(self.card.task)


def load_model(model: str | Path | None = None, *, trust: bool = False, warm: bool = True) -> ScreeningModel:
    """Load a verified screening model.

    Args:
        model: Name in a manifest, ONNX file, or None for the shipped default.
        trust: Accept a file that no manifest lists.
        warm: Run once on air after loading.

    Raises:
        UntrustedWeightsError: Unknown or changed weights, or weights in other files than the model's.
        MissingExtraError: If no model was named and none is shipped.
        BadInputError: If the file is no ONNX graph of our contract, or its model does not screen.
    """
    screening_model = screens(open_model(find_weights(model, trust=trust)))
    if warm:
        warmed(screening_model)
    return screening_model


def screens(model: OpenedModel) -> ScreeningModel:
    """The model itself, if it is one that screens.

    Raises:
        BadInputError: If it is of another task.
    """
    if not isinstance(model, ScreeningModel):
        raise BadInputError(
            f"model {model.card.name!r} does not screen, it is for {model.task.name}: "
            f"use it with beltline {model.task.name}, or beltline screen --masks"
        )
    return model


def warmed(model: OpenedModel) -> None:
    """Run a model once, see `OpenedModel.warm_up`.

    Raises:
        BadInputError: If it cannot run here.
    """
    try:
        model.warm_up()
    except ModelFailure as error:
        raise BadInputError(f"model {model.card.name!r} cannot run here: {error}") from error


def open_model(weights: VerifiedWeights) -> OpenedModel:
    """Build the sessions of verified bytes, which must hold all the weights.

    Returns:
        A `ScreeningModel`, where the model's task screens.

    Raises:
        BadInputError: If the bytes are no ONNX graphs of our contract.
        UntrustedWeightsError: If weights lie in other files than the manifest's.
    """
    main = _open_session(weights.payload, weights.name)
    inside = main.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    card = read_card(weights.card or inside, weights.name)
    task = find_model_task(card.task)
    further = [graph for graph in task.graphs if graph != task.main]
    missing = [graph for graph in further if graph not in weights.graphs]
    if missing:
        raise BadInputError(
            f"{weights.name}: {task.name} needs the graph {missing[0]} as well, in a file named"
            f" {weights.name}.{missing[0]}.onnx beside it"
        )
    others = {graph: _open_session(weights.graphs[graph], f"{weights.name}.{graph}") for graph in further}
    graphs = {task.main: main, **others}
    for graph, names in task.graphs.items():
        _check_names(graphs[graph], weights.name, names)
    kind = ScreeningModel if isinstance(task, Task) else OpenedModel
    return kind(card, weights.sha256, graphs)


def _open_session(payload: bytes, name: str) -> Any:
    from beltline.screening.runtime import onnxruntime as ort

    refuse_external_data(payload, name)
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # idle threads would slow the rest
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(payload, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base but Exception
        raise BadInputError(f"{name}: not a usable ONNX model ({one_line(error)})") from error


def _check_names(session: Any, name: str, wanted: Names) -> None:
    inputs = {i.name for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    if inputs != set(wanted.inputs) or not set(wanted.outputs) <= outputs:
        wants = f"needs input {', '.join(wanted.inputs)} and outputs {', '.join(wanted.outputs)}"
        raise BadInputError(f"{name}: {wants}; has {inputs} -> {outputs}")


def _run_options() -> Any:
    from beltline.screening.runtime import onnxruntime as ort

    return ort.RunOptions()
