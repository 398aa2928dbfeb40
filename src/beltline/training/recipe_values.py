"""Recipes as values: by name, from files, changed by ``--set key=value``, and back to JSON."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from beltline.core import BadInputError, BeltlineError

R = TypeVar("R")
TRAINING = "training"  # the nested record whose fields stand beside the recipe's own
NAMES = ("system", "recipe")  # what a file goes by

# What no recipe may go below; networks, optimizers and Fabric refuse the rest themselves, see `building`.
_LEAST: Mapping[str, float] = {
    "steps": 1, "batch_size": 1, "accumulate": 1, "epochs": 0, "seed": 0, "workers": 0, "processes": 0,
    "lr": 0, "width": 0, "weight_decay": 0, "max_minutes": 1e-3, "frozen_stages": 0, "backbone_rate": 0,
}  # fmt: skip


@contextmanager
def building() -> Iterator[None]:
    """What a network, an optimizer or Fabric refuses about a recipe's values is bad input.

    Raises:
        BadInputError: With their reason.
    """
    try:
        yield
    except BeltlineError:
        raise
    except (ValueError, TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInputError(f"the recipe cannot be built: {reason}; see --set") from error


@dataclass(frozen=True)
class NamedRecipe(Generic[R]):
    """A recipe, the name it goes by, and what ``--set`` changed in it."""

    name: str
    recipe: R
    changes: tuple[str, ...] = ()


def read_recipe(
    name_or_file: str, changes: Sequence[str], known: Mapping[str, Callable[[], R]]
) -> NamedRecipe[R]:
    """A recipe by name, or a JSON file of fields (with ``"recipe": NAME``), changed by ``key=value`` texts.

    Args:
        name_or_file: Key of ``known`` or path of a JSON file, for example a run's ``recipe.json``.
        changes: Texts like ``lr=0.001`` or ``augmentation.flip=0``; values are JSON, else plain text.
        known: Recipes by name; a file without a name is of the first one.

    Raises:
        BadInputError: If the recipe or a field is not known or a value does not fit.
    """
    values: dict[str, Any] = {}
    name = name_or_file
    if name not in known:
        path = Path(name_or_file)
        if not path.is_file():
            raise BadInputError(f"recipe {name_or_file!r} is neither a file nor one of {', '.join(known)}")
        name, values = _read(path, known)
    return NamedRecipe(name, changed(with_values(known[name](), values), changes), tuple(changes))


def recipe_values(recipe: Any) -> dict[str, Any]:
    """A recipe as plain values, the settings of training beside its own fields."""
    values = dataclasses.asdict(recipe)
    training = values.pop(TRAINING, {})
    return {**values, **training}


def changed(recipe: R, changes: Sequence[str]) -> R:
    """A recipe changed by texts like ``lr=0.001`` or ``augmentation.flip=0``; see `read_recipe`.

    Raises:
        BadInputError: If a field is not known or a value does not fit, or both steps and epochs are named.
    """
    _check_named(changes)
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign:
            raise BadInputError(f"--set takes key=value, got {change!r}")
        if key == "recipe":
            raise BadInputError(f"--set changes a field of the recipe, not which it is; use --recipe {text}")
        nested = _value(text)
        for part in reversed(key.split(".")):
            nested = {part: nested}
        recipe = with_values(recipe, nested)
    return recipe


def _check_named(changes: Sequence[str]) -> None:
    values = {key: text for key, _, text in (change.partition("=") for change in changes)}  # the last counts
    if "steps" in values and values.get("epochs", "0") not in ("0", "0.0"):
        raise BadInputError("--set steps and --set epochs both say how long to train; name one of them")


def with_values(recipe: R, values: Mapping[str, Any]) -> R:
    """A recipe with the fields of a JSON object, nested ones too.

    ``steps`` without ``epochs`` takes the place of the recipe's epochs, which would decide the length else.

    Raises:
        BadInputError: If a field is not known or a value does not fit.
    """
    by_steps = {"epochs": 0.0} if "steps" in values and hasattr(recipe, "epochs") else {}
    found: R = _replace(recipe, {**by_steps, **values})
    return found


def _read(path: Path, known: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputError(f"{path}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadInputError(f"{path}: a recipe is a JSON object, got {type(values).__name__}")
    name = values.get("recipe", next(iter(known)))
    if name not in known:
        raise BadInputError(f"{path}: no recipe {name!r}; there is {', '.join(known)}")
    return name, {key: value for key, value in values.items() if key not in NAMES}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [_value(part.strip()) for part in text.split(",")] if "," in text else text


def _replace(record: Any, values: Any) -> Any:
    name = type(record).__name__
    if not isinstance(values, Mapping):
        raise BadInputError(f"{name} takes fields by name, got {values!r}")
    kinds = get_type_hints(type(record))
    inner = get_type_hints(kinds[TRAINING]) if TRAINING in kinds else {}
    values = {**values}
    beside = {key: values.pop(key) for key in list(values) if key in inner and key not in kinds}
    if beside:
        values[TRAINING] = {**values.get(TRAINING, {}), **beside}
    new = {}
    for key, value in values.items():
        if key not in kinds:
            known = sorted({*kinds, *inner} - {TRAINING})
            raise BadInputError(f"no field {key!r} in {name}; it has {', '.join(known)}")
        old = getattr(record, key)
        if dataclasses.is_dataclass(old):
            new[key] = _replace(old, value)
        else:
            new[key] = _fitting(key, kinds[key], value)
    return dataclasses.replace(record, **new)


def _fitting(key: str, kind: Any, value: Any) -> Any:
    # kind is the field's annotation: a number, text, a choice, a tuple, or one of them or None
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in inner:
            raise BadInputError(f"{key} must be one of {', '.join(inner)}, got {value!r}")
        return value
    if origin is tuple:
        return _fitting_tuple(key, inner, value)
    if NoneType in inner:
        if value is None:
            return None
        kind = next(one for one in inner if one is not NoneType)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise BadInputError(f"{key} must be a {kind.__name__}, got {value!r}")
    if key in _LEAST and value < _LEAST[key]:
        raise BadInputError(f"{key} must be at least {_LEAST[key]:g}, got {value!r}")
    return value


def _fitting_tuple(key: str, kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(items) != len(kinds):
        raise BadInputError(f"{key} takes {len(kinds)} values, got {value!r}")
    return tuple(_fitting(key, kind, item) for kind, item in zip(kinds, items, strict=True))
