"""The life of a run, the same for every system: train, load, calibrate, evaluate, export.

A run folder holds ``recipe.json``, ``metrics.jsonl``, ``checkpoint.pt``, ``weights.safetensors``, once it is
finished ``result.json``, and what was found later: ``calibration.json``, ``evaluation.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from torch import nn

from beltline.core import BadInputError
from beltline.training.allocator import keep_freed_memory
from beltline.training.checkpoint import WEIGHTS, load_weights
from beltline.training.depthwise import quicken
from beltline.training.freezing import hold_still
from beltline.training.initial import write_start
from beltline.training.loop import Evaluate, FitResult, fit
from beltline.training.processes import ProcessBatches
from beltline.training.recipe_values import NamedRecipe, building, read_recipe, recipe_values
from beltline.training.run_folder import (
    CALIBRATION,
    EVALUATION,
    RECIPE,
    RESULT,
    describe_run,
    read_calibration,
    require_no_run,
    require_run,
    require_same_recipe,
    write_values,
)
from beltline.training.settings import build_fabric, build_optimizer, fit_options
from beltline.training.system import D, ExportRequest, Json, R, System
from beltline.training.uses import require_used, uses_of_training


@dataclass(frozen=True, eq=False)
class Loaded(Generic[R]):
    """A run's recipe, its model with the (averaged) weights in eval mode, and their SHA-256."""

    recipe: R
    model: nn.Module
    digest: str


@dataclass(frozen=True)
class Watching:
    """What a training reports while it goes on, in steps.

    Attributes:
        validation: Folder to measure on; None for none.
        evaluate_steps: Steps between measurements.
        checkpoint_steps: Steps between checkpoints; they are also made by the clock.
        log_steps: Steps between lines of progress.
        tensorboard: Write TensorBoard files as well.
    """

    validation: Path | None = None
    evaluate_steps: int = 500
    checkpoint_steps: int = 200
    log_steps: int = 20
    tensorboard: bool = True


def choose_recipe(
    system: System[R, D], name_or_file: str, changes: Sequence[str] = (), *, out: Path, resume: bool
) -> NamedRecipe[R]:
    """The recipe of a training: a run that goes on has its own.

    Args:
        system: Whose recipe.
        name_or_file: Name or JSON file; empty for the system's default.
        changes: Texts like ``lr=0.001``.
        out: Run folder.
        resume: Whether the run goes on.

    Raises:
        BadInputError: If the recipe or a field is not known, or a value does not fit.
    """
    own = out / RECIPE
    source = (
        str(own) if resume and own.is_file() else name_or_file or system.default or next(iter(system.recipes))
    )
    return read_recipe(source, changes, system.recipes)


def train(
    system: System[R, D],
    recipe: NamedRecipe[R] | R,
    data: Path | D,
    out: Path,
    *,
    watching: Watching | None = None,
    resume: bool = False,
) -> FitResult:
    """Train a system.

    Args:
        system: Which.
        recipe: Hyperparameters, with the name they go by or without.
        data: Folder, or data that is open already.
        out: Run folder.
        watching: What is reported meanwhile.
        resume: Go on from the folder's checkpoint.

    Raises:
        BadInputError: If ``out`` holds another run, ``resume`` meets another recipe, or the data does not
            fit. Nothing is written then.
    """
    watching = watching or Watching()
    if not resume:
        require_no_run(out)
    named = recipe if isinstance(recipe, NamedRecipe) else NamedRecipe("", recipe)
    opened, wanted = system.open(data, named.recipe) if isinstance(data, Path) else (data, named.recipe)
    uses = system.uses(wanted, opened) if system.uses else ()
    require_used(wanted, named.changes, (*uses_of_training(wanted.training), *uses))
    name = {"recipe": named.name} if named.name else {}
    written = {"system": system.name, **name, **recipe_values(wanted)}
    require_same_recipe(out, written)
    evaluate = _watch(system, wanted, watching)
    # everything that may refuse comes before the first write
    batches = system.batches(wanted, opened)
    if wanted.training.processes:
        batches = ProcessBatches(batches, wanted.training.processes)
    steps = system.steps(wanted, opened) if system.steps else wanted.training.steps
    keep_freed_memory()
    with building():
        model, fabric = _started(system, wanted), build_fabric(wanted.training)
        if system.begin and not resume:  # a run that goes on takes what it had
            system.begin(wanted, model, opened)
        quicken(model)
        backbone = _backbone(system, wanted, model)
        still = hold_still(backbone, wanted.training) if backbone else ()
        optimizer = build_optimizer(wanted.training, model, backbone)
    out.mkdir(parents=True, exist_ok=True)
    write_values(out / RECIPE, written)
    options = fit_options(
        wanted.training,
        resume=resume,
        evaluate_steps=watching.evaluate_steps if evaluate else 0,
        checkpoint_steps=watching.checkpoint_steps,
        log_steps=watching.log_steps,
        tensorboard=watching.tensorboard,
        still=still,
    )
    result = fit(
        model, batches, system.loss(wanted), optimizer,
        steps=steps, options=options, out=out, fabric=fabric, evaluate=evaluate,
    )  # fmt: skip
    if result.values or not (out / RESULT).is_file():  # a finished run that is resumed keeps its numbers
        numbers = {"steps": result.step, "minutes": round(result.minutes, 2), **result.values}
        write_values(out / RESULT, numbers)
    return result


def _watch(system: System[R, D], recipe: R, watching: Watching) -> Evaluate | None:
    if watching.validation is None:
        return None
    watch = _can(system, system.watch, "be watched on validation data")
    found: Evaluate = watch(recipe, system.open(watching.validation, recipe)[0])
    return found


def _started(system: System[R, D], recipe: R) -> nn.Module:
    model = system.build(recipe)
    if system.start is not None:
        system.start(recipe, model)
    return model


def _backbone(system: System[R, D], recipe: R, model: nn.Module) -> nn.Module | None:
    found = system.backbone(model) if system.backbone else None
    training = recipe.training
    if found is None and (training.frozen_stages or training.frozen_norm or training.backbone_rate != 1):
        raise BadInputError(
            f"this {system.name} has no backbone that could be held still or slowed down; leave"
            " frozen_stages, frozen_norm and backbone_rate out"
        )
    return found


def load_recipe(system: System[R, D], run: Path) -> R:
    """The recipe that a run was begun with.

    Raises:
        BadInputError: If there is none, or it is none of this system.
    """
    return read_recipe(str(run / RECIPE), (), system.recipes).recipe


def load(system: System[R, D], run: Path) -> Loaded[R]:
    """A run's recipe and model; also while it goes on.

    Raises:
        BadInputError: If the folder is no run.
        UntrustedWeightsError: If the weights are not those that the run saved.
    """
    require_run(run)
    keep_freed_memory()
    recipe = load_recipe(system, run)
    model = system.build(recipe)
    digest = load_weights(model, run / WEIGHTS)
    return Loaded(recipe, model.eval(), digest)


def calibrate(system: System[R, D], run: Path, validation: Path, *, limit: int | None = None) -> Json:
    """Choose probabilities and thresholds on validation data; writes calibration.json.

    Raises:
        BadInputError: If the system has none, or nothing can be chosen on this data.
    """
    choose = _can(system, system.calibrate, "be calibrated")
    loaded = load(system, run)
    data, _ = system.open(validation, loaded.recipe)
    chosen = {**choose(loaded.recipe, loaded.model, data, limit), "weights_sha256": loaded.digest}
    write_values(run / CALIBRATION, chosen)
    return chosen


def evaluate(system: System[R, D], run: Path, test: Path, *, limit: int | None = None) -> Json:
    """Figures on a test set, those with thresholds where the run was calibrated; writes evaluation.json.

    Raises:
        BadInputError: If the system has no figures, or the run was calibrated with other weights.
    """
    measure = _can(system, system.measure, "be evaluated")
    loaded = load(system, run)
    chosen = read_calibration(run, loaded.digest) if (run / CALIBRATION).is_file() else None
    data, _ = system.open(test, loaded.recipe)
    found: Json = measure(loaded.recipe, loaded.model, data, chosen, limit)
    write_values(run / EVALUATION, found)
    return found


def export(
    system: System[R, D], run: Path, path: Path, *, name: str, half_weights: bool = False, note: str = ""
) -> dict[str, float]:
    """Export a calibrated run to ONNX, with its thresholds and, where it was evaluated, its figures.

    Raises:
        BadInputError: If the system has no such file, or the run is not calibrated.
    """
    write = _can(system, system.export, "be exported to ONNX; --format safetensors keeps the weights")
    loaded = load(system, run)
    described = describe_run(run, recipe_values(loaded.recipe), loaded.digest, note)
    request = ExportRequest(
        path,
        name,
        read_calibration(run, loaded.digest),
        {**described, "terms": "Apache-2.0"},
        half_weights,
    )
    written: dict[str, float] = write(loaded.recipe, loaded.model, request)
    return written


def export_weights(
    system: System[R, D], run: Path, path: Path, *, half_weights: bool = False
) -> dict[str, float]:
    """The bare weights of a run of any system, for trainings to start from, or for what rebuilds the network.

    Raises:
        BadInputError: If ``run`` is no run folder.
    """
    return {"megabytes": write_start(run, path, half=half_weights, network=system.network)}


def _can(system: System[Any, Any], function: Any, what: str) -> Any:
    if function is None:
        raise BadInputError(f"{system.name} runs cannot {what}")
    return function
