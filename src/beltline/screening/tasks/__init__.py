"""The kinds of answers that models give: one file each, and the table that names them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from beltline.core import BadInputError
from beltline.screening.cards import METADATA_KEY, ModelCard, one_line, parse_card
from beltline.screening.task import ModelTask, Task
from beltline.screening.tasks.anomaly import ANOMALIES
from beltline.screening.tasks.classification import CLASSIFICATION
from beltline.screening.tasks.click import CLICK
from beltline.screening.tasks.detection import DETECTION

#: The tasks that screen.
TASKS: Mapping[str, Task[Any]] = MappingProxyType(
    {task.name: task for task in (CLASSIFICATION, DETECTION, ANOMALIES)}
)


def find_task(name: str) -> Task[Any]:
    """A task that screens by its name.

    Raises:
        ValueError: If the table has no such task.
    """
    if name not in TASKS:
        raise ValueError(f"task must be {' or '.join(TASKS)}, got {name!r}")
    return TASKS[name]


def find_model_task(name: str) -> ModelTask[Any]:
    """The task of any model, one that cuts out what is clicked as well.

    Raises:
        ValueError: If there is no such task.
    """
    known: Mapping[str, ModelTask[Any]] = {**TASKS, CLICK.name: CLICK}
    if name not in known:
        raise ValueError(f"task must be one of {', '.join(known)}, got {name!r}")
    return known[name]


def read_card(text: str | None, name: str) -> ModelCard:
    """Parse the metadata entry "beltline" of a model.

    Args:
        text: The JSON text; None when the entry is missing.
        name: The model's name in messages.

    Raises:
        BadInputError: If there is no such task, a field is missing or not as long as there are classes, or
            the model was not calibrated.
    """
    card = parse_card(text, name)
    try:
        return find_model_task(card.task).check(card)
    except BadInputError as error:
        raise BadInputError(f"{name}: {error}") from error
    except ValueError as error:
        raise BadInputError(f"{name}: bad metadata {METADATA_KEY!r}: {one_line(error)}") from error


__all__ = ["CLICK", "DETECTION", "TASKS", "find_model_task", "find_task", "read_card"]
