"""A run folder on disk: the recipe it was begun with, and what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.formats import require_same, write_json
from beltline.training.checkpoint import WEIGHTS, hash_json
from beltline.training.journal import without_nan
from beltline.training.recipe_values import NAMES

RECIPE, RESULT = "recipe.json", "result.json"
CALIBRATION, EVALUATION = "calibration.json", "evaluation.json"
LIMITS = (
    "Thresholds hold for scans like those of calibration; on other scans expect another false-alarm rate.",
    "Knows the listed classes and nothing else: clear means that none of them was found.",
    "A starting point for own training and tests, not a certified detector.",
)
# fields that a resumed run may change
FREE = ("steps", "epochs", "max_minutes", "workers", "processes")


def is_run(run: Path) -> bool:
    """Whether a folder holds a run with weights, finished or not."""
    return (run / RECIPE).is_file() and (run / WEIGHTS).is_file()


def require_run(run: Path) -> None:
    """Refuse a folder without recipe or weights.

    Raises:
        BadInputError: If one is missing.
    """
    if not is_run(run):
        raise BadInputError(f"{run}: not a run folder with {RECIPE} and {WEIGHTS}")


def read_written(run: Path) -> dict[str, Any]:
    """The recipe of a run as it was written.

    Raises:
        BadInputError: If the folder is no run, or the file no JSON object.
    """
    require_run(run)
    try:
        values = json.loads((run / RECIPE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputError(f"{run / RECIPE}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadInputError(f"{run / RECIPE}: a recipe is a JSON object, got {type(values).__name__}")
    return values


def require_no_run(run: Path) -> None:
    """Refuse a folder that holds a run already.

    Raises:
        BadInputError: If it does.
    """
    if (run / RECIPE).is_file():
        raise BadInputError(f"{run}: holds a run; go on with --resume or choose another folder")


def require_same_recipe(run: Path, recipe: Mapping[str, Any]) -> None:
    """Refuse to go on with another recipe than a run was begun with.

    Args:
        run: Folder, which need not exist.
        recipe: As `write_values` would write it.

    Raises:
        BadInputError: If there is a run, and its recipe is another.
    """
    path = run / RECIPE
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, now in recipe.items():  # of a record, too, what an older recipe did not know counts as the same
        if isinstance(now, Mapping) and isinstance(before.get(name), Mapping):
            before[name] = {**now, **before[name]}
    way_out = "resume with the run's own, or begin another run"
    require_same(before, recipe, f"{path}: --resume with another recipe:", way_out, free=(*FREE, *NAMES))


def read_calibration(run: Path, digest: str) -> dict[str, Any]:
    """What was chosen on validation data for a run's weights.

    Args:
        run: Run folder.
        digest: SHA-256 of its weights.

    Raises:
        BadInputError: If it is not calibrated, or was with other weights.
    """
    path = run / CALIBRATION
    if not path.is_file():
        raise BadInputError(
            f"{run}: not calibrated; run beltline evaluate {run} --calibrate --data VALIDATION"
        )
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if values["weights_sha256"] != digest:
        raise BadInputError(f"{path}: belongs to other weights of this run; calibrate again")
    return values


def describe_run(run: Path, recipe: Mapping[str, Any], digest: str, note: str = "") -> dict[str, Any]:
    """What the card of a model says of its run: recipe, limits, and figures where it was evaluated."""
    measured = run / EVALUATION
    return {
        "recipe": recipe,
        "recipe_hash": hash_json(recipe),
        "weights_sha256": digest,
        "figures": json.loads(measured.read_text(encoding="utf-8")) if measured.is_file() else {},
        "limits": [note, *LIMITS] if note else list(LIMITS),
    }


def write_values(path: Path, values: Mapping[str, Any]) -> None:
    """Write one of a run's JSON files, NaN as null."""
    write_json(path, without_nan(values), indent=1)
