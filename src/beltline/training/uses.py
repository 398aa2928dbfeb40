"""Which fields of a recipe count when: a ``--set`` that would change nothing is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from beltline.core import BadInputError
from beltline.training.settings import TrainingSettings

R = TypeVar("R")


class Use(NamedTuple, Generic[R]):
    """When a field counts.

    Attributes:
        field: Its name, or the name that its own fields share.
        counts: Whether it does, or has the one value that it stands for anyway.
        when: The same in words.
    """

    field: str
    counts: Callable[[R], bool]
    when: str


def require_used(recipe: R, changes: Sequence[str], uses: Sequence[Use[R]]) -> None:
    """Refuse a change that has no effect.

    Args:
        recipe: With the changes.
        changes: Texts of ``--set``.
        uses: Fields that do not always count.

    Raises:
        BadInputError: Naming the field, and when it counts.
    """
    named = [change.partition("=")[0] for change in changes]
    for field, counts, when in uses:
        found = [name for name in named if name == field or name.startswith(f"{field}.")]
        if found and not counts(recipe):
            raise BadInputError(f"--set {found[0]} would change nothing: it counts {when}")


def uses_of_training(settings: TrainingSettings) -> tuple[Use[Any], ...]:
    """Of `TrainingSettings`."""
    return (
        Use("warmup", lambda r: settings.schedule == "cosine", "with schedule=cosine"),
        Use("weight_decay", lambda r: settings.optimizer != "adam", "with optimizer=adamw or sgd"),
    )
