"""Recipes by name, and how files and ``--set key=value`` change them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.training.recipes.chr_starter import ChrStarterRecipe

RECIPES = {"chr_starter": ChrStarterRecipe}


def load_recipe(name_or_file: str, changes: Sequence[str] = ()) -> ChrStarterRecipe:
    """A recipe by name, or a JSON file of fields (with ``"recipe": NAME``), changed by ``key=value`` texts.

    Args:
        name_or_file: Key of `RECIPES` or path of a JSON file, for example a run's ``recipe.json``.
        changes: Texts like ``lr=0.001`` or ``augmentation.flip=0``; values are JSON, else plain text.

    Raises:
        BadInputError: If the recipe or a field is not known or a value does not fit.
    """
    values: dict[str, Any] = {}
    name = name_or_file
    if name not in RECIPES:
        path = Path(name_or_file)
        if not path.is_file():
            raise BadInputError(f"recipe {name_or_file!r} is neither a file nor one of {', '.join(RECIPES)}")
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadInputError(f"{path}: not JSON: {error}") from error
        name = values.pop("recipe", "chr_starter")
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign:
            raise BadInputError(f"--set takes key=value, got {change!r}")
        inner = values
        *parents, leaf = key.split(".")
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[leaf] = _value(text)
    recipe: ChrStarterRecipe = _replace(RECIPES[name](), values)
    return recipe


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.split(",") if "," in text else text


def _replace(record: Any, values: Mapping[str, Any]) -> Any:
    fields = {field.name for field in dataclasses.fields(record)}
    changed = {}
    for key, value in values.items():
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise BadInputError(f"no field {key!r} in {type(record).__name__}; it has {known}")
        old = getattr(record, key)
        if dataclasses.is_dataclass(old):
            changed[key] = _replace(old, value)
        else:
            changed[key] = _fitting(key, old, value)
    return dataclasses.replace(record, **changed)


def _fitting(key: str, old: Any, value: Any) -> Any:
    if isinstance(old, tuple):
        return tuple(value) if isinstance(value, list | tuple) else (value,)
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if old is not None and value is not None and type(value) is not type(old):
        raise BadInputError(f"{key} must be a {type(old).__name__}, got {value!r}")
    return value
