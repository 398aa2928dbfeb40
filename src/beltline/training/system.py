"""What a trained system is to the engine: one record of functions. The engine knows nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from torch import nn

from beltline.training.loop import Batches, Evaluate, Loss
from beltline.training.settings import TrainingSettings
from beltline.training.uses import Use

Json: TypeAlias = dict[str, Any]


class Recipe(Protocol):
    """Hyperparameters: a frozen dataclass with the settings of training and fields of its own."""

    @property
    def training(self) -> TrainingSettings:
        """What every recipe has."""
        ...


R = TypeVar("R", bound=Recipe)
D = TypeVar("D")


@dataclass(frozen=True)
class ExportRequest:
    """What `System.export` is asked for.

    Attributes:
        path: ONNX file to write; its card goes beside it.
        name: Of the model.
        calibration: What was chosen on validation data.
        card: For people: recipe and its hash, checksum of the weights, figures, limits, terms.
        half_weights: Store weights as 16-bit floats.
    """

    path: Path
    name: str
    calibration: Json
    card: Json
    half_weights: bool = False


@dataclass(frozen=True)
class System(Generic[R, D]):
    """A trained system: what differs between it and the others.

    ``limit`` is a number of samples, None for all. A function that is None is something the system cannot
    do; the engine says so.

    Attributes:
        name: As on the command line and in ``recipe.json``.
        recipes: By name; a file that names none is of the first.
        open: Looks at a data folder, once, and completes the recipe by what is in it (classes); raises
            `BadInputError` where they do not fit.
        build: The recipe's network, weights drawn from its seed.
        batches: Endless training batches of opened data.
        loss: Of a batch.
        uses: Fields of the recipe that do not count always, or not on this data: to set one that does not
            is refused.
        start: Takes over the weights that the recipe's ``init`` and the like name.
        begin: Sets from training data what starts neither at random nor from other weights.
        backbone: The part of a model that can be frozen or learn at its own rate; None where it has none.
        default: Recipe of a training that names none; empty for the first.
        steps: Optimizer steps of a run, where the data decides them too; else the recipe's.
        watch: Numbers to see while training, on opened validation data.
        calibrate: ``(recipe, model, data, limit)``: what is chosen on validation data, JSON.
        measure: ``(recipe, model, data, calibration or None, limit)``: figures of a test set, JSON.
        table: Lines that show those figures.
        export: Writes an ONNX file that screens; gives figures such as its size.
        network: Fields of the recipe that rebuild the network from a file of bare weights.
    """

    name: str
    recipes: Mapping[str, Callable[[], R]]
    open: Callable[[Path, R], tuple[D, R]]
    build: Callable[[R], nn.Module]
    batches: Callable[[R, D], Batches]
    loss: Callable[[R], Loss]
    uses: Callable[[R, D], Sequence[Use[R]]] | None = None
    start: Callable[[R, nn.Module], None] | None = None
    begin: Callable[[R, nn.Module, D], None] | None = None
    backbone: Callable[[nn.Module], nn.Module | None] | None = None
    default: str = ""
    steps: Callable[[R, D], int] | None = None
    watch: Callable[[R, D], Evaluate] | None = None
    calibrate: Callable[[R, nn.Module, D, int | None], Json] | None = None
    measure: Callable[[R, nn.Module, D, Json | None, int | None], Json] | None = None
    table: Callable[[Json], list[str]] | None = None
    export: Callable[[R, nn.Module, ExportRequest], dict[str, float]] | None = None
    network: tuple[str, ...] = ()
