"""A run folder: recipe.json, metrics.jsonl, checkpoint.pt, weights.safetensors, and its measurements."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.models.backbones import load_backbone_weights
from beltline.training.assessment import (
    build_evaluate,
    calibrate,
    figures,
    ranking_figures,
    score,
    single_label_figures,
)
from beltline.training.checkpoint import WEIGHTS, load_weights
from beltline.training.export import ModelCard, export_onnx
from beltline.training.initial import read_start, take_over
from beltline.training.lists import classes_of, holds_class_folders, holds_lists, read_list
from beltline.training.loop import FitResult, fit
from beltline.training.recipes import building, load_recipe
from beltline.training.recipes.chr_starter import (
    ChrStarterRecipe,
    Normalised,
    as_json,
    build_batches,
    build_fabric,
    build_loss,
    build_model,
    build_optimizer,
    fit_options,
    with_sides,
)
from beltline.training.run_folder import (
    CALIBRATION,
    EVALUATION,
    RECIPE,
    describe_run,
    read_calibration,
    require_run,
    require_same_recipe,
    write_values,
)
from beltline.training.shards import require_shards


def train_chr(
    recipe: ChrStarterRecipe,
    data: Path,
    out: Path,
    *,
    validation: Path | None = None,
    evaluate_steps: int = 500,
    checkpoint_steps: int = 200,
    log_steps: int = 20,
    resume: bool = False,
) -> FitResult:
    """Train the starter classifier on a shard folder.

    Args:
        recipe: Hyperparameters.
        data: Shard folder, where shards added while training runs are taken up; or image files, see
            `beltline.training.lists`.
        out: Run folder.
        validation: Shard folder to measure on while training.
        evaluate_steps: Steps between measurements.
        checkpoint_steps: Steps between checkpoints.
        log_steps: Steps between lines of progress.
        resume: Go on from the folder's checkpoint.

    Raises:
        BadInputError: If ``out`` holds another run, ``resume`` meets another recipe, or a folder of data has
            no complete shard or lacks a class. Nothing is written then.
    """
    if not recipe.classes:
        recipe = replace(recipe, classes=classes_of(data))
    recipe = with_sides(recipe)
    written = as_json(recipe)
    require_same_recipe(out, written, resume=resume)
    for folder in (data, validation) if validation else (data,):
        _check_data(recipe, folder)
    steps = planned_steps(recipe, data)
    with building():
        model, fabric = build_model(recipe), build_fabric(recipe)
        if recipe.backbone_weights:
            load_backbone_weights(model.classifier, Path(recipe.backbone_weights))
        if recipe.init:
            take_over(model, read_start(recipe.init), recipe.classes)
        optimizer = build_optimizer(recipe, model)
    out.mkdir(parents=True, exist_ok=True)
    write_values(out / RECIPE, written)
    return fit(
        model,
        build_batches(recipe, data),
        build_loss(recipe),
        optimizer,
        steps=steps,
        options=fit_options(
            recipe,
            resume=resume,
            evaluate_steps=evaluate_steps if validation else 0,
            checkpoint_steps=checkpoint_steps,
            log_steps=log_steps,
        ),
        out=out,
        fabric=fabric,
        evaluate=build_evaluate(recipe, validation) if validation else None,
    )


def planned_steps(recipe: ChrStarterRecipe, data: Path) -> int:
    """Optimizer steps of a run: by epochs over a list of files, else as the recipe says.

    Raises:
        BadInputError: If the recipe counts epochs and the data are shards, which may grow meanwhile.
    """
    if recipe.epochs <= 0:
        return recipe.steps
    if not holds_lists(data):
        raise BadInputError(
            f"{data}: the recipe's epochs={recipe.epochs:g} count passes over a list of image files; shards"
            " need --set steps=..."
        )
    images = len(read_list(data, "train", recipe.classes))
    return max(1, round(recipe.epochs * images / (recipe.batch_size * recipe.accumulate)))


def _check_data(recipe: ChrStarterRecipe, folder: Path) -> None:
    if recipe.loss == "cross_entropy" and not holds_class_folders(folder):
        raise BadInputError(
            f"{folder}: cross-entropy wants images of exactly one class, in train/CLASS and val/CLASS;"
            " use --set loss=bce"
        )
    if recipe.sampling == "balanced" and not holds_lists(folder):
        raise BadInputError(
            f"{folder}: sampling=balanced is for lists of image files; make shards with the share of"
            " positives that they should have"
        )
    if not holds_lists(folder):
        require_shards(folder, recipe.classes)
        return
    read_list(folder, "train", recipe.classes)
    if recipe.mask_weight > 0:
        raise BadInputError(
            f"{folder}: lists of files have no masks to train on; use --recipe chr_paper or --set"
            " mask_weight=0"
        )


def load_run(out: Path) -> tuple[ChrStarterRecipe, Normalised, str]:
    """Recipe, model with its (averaged) weights in eval mode, and their SHA-256; also while a run goes on."""
    require_run(out)
    recipe = load_recipe(str(out / RECIPE))
    model = build_model(replace(recipe, pretrained=False))
    digest = load_weights(model, out / WEIGHTS)
    return recipe, model.eval(), digest


def calibrate_run(run: Path, validation: Path, *, limit: int | None = None) -> dict[str, Any]:
    """Choose calibration, thresholds and box threshold on validation shards; writes calibration.json.

    Of a folder of lists the training list is used, which a network knows: its probabilities are then too sure
    of themselves, its thresholds too high. SIXray has no validation split.

    Raises:
        BadInputError: If a class is present in no scan or in all of them, or no scan is without any: nothing
            can be chosen then.
    """
    recipe, model, digest = load_run(run)
    if recipe.loss == "cross_entropy":
        raise BadInputError(
            f"{run}: a run of single labels has no thresholds to choose; evaluate it as it is"
        )
    found = score(recipe, model, validation, limit=limit, split="train")
    for name, truth in zip(recipe.classes, found.labels.T, strict=True):
        present, absent = int((truth == 1).sum()), int((truth == 0).sum())
        if not (present and absent):
            raise BadInputError(
                f"{validation}: calibration needs scans with and without {name}, got {present} and {absent}"
            )
    if not (found.labels == 0).all(1).any():
        raise BadInputError(f"{validation}: calibration needs scans without any of the classes, got none")
    chosen = {**calibrate(found), "weights_sha256": digest, "scans": len(found.labels)}
    write_values(run / CALIBRATION, chosen)
    return chosen


def evaluate_run(run: Path, data: Path, *, limit: int | None = None) -> dict[str, Any]:
    """Figures on a test set, those with thresholds where calibration.json has them; writes evaluation.json.

    Raises:
        BadInputError: If the run was calibrated with other weights.
    """
    recipe, model, digest = load_run(run)
    chosen = read_calibration(run, digest) if (run / CALIBRATION).is_file() else None
    scores = score(recipe, model, data, limit=limit, boxes=chosen is not None)
    if recipe.loss == "cross_entropy":
        found: dict[str, Any] = {"scans": len(scores.labels), **single_label_figures(scores)}
    elif chosen is None:
        found = ranking_figures(scores, recipe.classes)
    else:
        found = figures(scores, chosen, recipe.classes)
    write_values(run / EVALUATION, found)
    return found


def export_run(
    run: Path, path: Path, *, name: str, half_weights: bool = False, note: str = ""
) -> dict[str, float]:
    """Export a calibrated run with its thresholds and, where it was evaluated, its figures.

    Returns:
        See `beltline.training.export.export_onnx`.
    """
    recipe, model, digest = load_run(run)
    chosen = read_calibration(run, digest)
    card = ModelCard(
        name=name,
        classes=recipe.classes,
        long_side=recipe.long_side,
        calibration=chosen["calibration"],
        thresholds=chosen.get("scan_thresholds", chosen["thresholds"]),
        box_threshold=chosen["box_threshold"],
        card={**describe_run(run, as_json(recipe), digest, note), "terms": "Apache-2.0"},
    )
    return export_onnx(model, path, card, half_weights=half_weights)
