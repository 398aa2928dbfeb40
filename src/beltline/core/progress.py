"""How a long work tells how far it is: one signature, whoever works and whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told how many are done of how many, and which came last: a name, or "" where it has none."""


def counted(
    items: Iterable[T],
    on_progress: Progress | None,
    *,
    total: int | None = None,
    name: Callable[[T], str] = lambda item: "",
) -> Iterator[T]:
    """Pass items on, and tell after each how many are done.

    Args:
        items: What is worked through.
        on_progress: Is told; None tells nobody.
        total: How many; None asks ``len``.
        name: Of an item.

    Raises:
        TypeError: If the items have no length and no total is given.

    Example:
        >>> list(counted("ab", lambda done, total, item: print(done, "of", total)))
        1 of 2
        2 of 2
        ['a', 'b']
    """
    if total is None:
        if not isinstance(items, Collection):
            raise TypeError("counted needs the total of items that have no length")
        total = len(items)
    for done, item in enumerate(items, start=1):
        yield item
        if on_progress is not None:
            on_progress(done, total, name(item))
