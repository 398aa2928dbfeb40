"""What models of one task are fed and how their answers are understood: one record for each, see `tasks`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan, ScanReport
from beltline.screening.cards import ModelCard
from beltline.screening.prepare import Letterbox, Prepared

A = TypeVar("A")
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Run: TypeAlias = Callable[[str, Arrays], Arrays]
"""``run(graph, inputs)``: the outputs of one of the model's graphs by name, within the time that is left."""


class ModelFailure(RuntimeError):
    """The model gave no usable answer for one scan: an exception, a time-out, or NaN."""


class Names(NamedTuple):
    """What a graph takes and gives."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Screened:
    """A scan's report entry with what a picture of it needs.

    Attributes:
        report: The entry of report.json.
        letterbox: Region of the scan that the maps cover; None without a machine result, and of a strip that
            was cut into bags.
        maps: Activation (h, w) in 0..1 of each alarmed class over that region.
        nothing_to_judge: There is no machine result because the model saw nothing of what it judges, not
            because it failed.
    """

    report: ScanReport
    letterbox: Letterbox | None = None
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    nothing_to_judge: bool = False


@dataclass(frozen=True)
class ModelTask(Generic[A]):
    """Everything that differs between kinds of models, whether they screen or not.

    Attributes:
        name: As the card has it.
        graphs: A model's graphs; the first one is the file with the card, see `WeightsEntry`.
        check: Completes or refuses a card; raises `ValueError` or `BadInputError`.
        prepare: The inputs of a scan.
        answer: Runs the graphs and checks what they give; raises `ModelFailure`.
    """

    name: str
    graphs: Mapping[str, Names]
    check: Callable[[ModelCard], ModelCard]
    prepare: Callable[[Scan, ModelCard], Prepared]
    answer: Callable[[Run, Arrays, ModelCard], A]

    @property
    def main(self) -> str:
        """Name of the graph whose file holds the card."""
        return next(iter(self.graphs))


@dataclass(frozen=True)
class Task(ModelTask[A]):
    """A task that screens: its answer decides about a scan.

    Attributes:
        scores: Of an answer, (K,) in [0, 1]: what the card's thresholds are compared with.
        decide: From the answer to the report's entry, at thresholds (K,) of the card.
        chances: Thresholds (K,) as the probabilities that a report shows.
        how_to_read: For the reader of a report, a Jinja template of HTML; ``report`` and ``model`` (the card)
            are at hand.
    """

    scores: Callable[[A, ModelCard], NDArray[np.floating[Any]]]
    decide: Callable[[ScanReport, Prepared, A, ModelCard, NDArray[np.float64]], Screened]
    chances: Callable[[ModelCard, NDArray[np.float64]], NDArray[np.float64]]
    how_to_read: str


def require(outputs: Arrays, *, finite: tuple[str, ...]) -> None:
    """Refuse outputs that are not finite.

    Raises:
        ModelFailure: Naming the first.
    """
    for name in finite:
        if not np.isfinite(outputs[name]).all():
            raise ModelFailure(f"model output {name} is not finite")
