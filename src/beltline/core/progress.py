"""How a long work tells how far it is: one signature, whoever works and whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told how many are done of how many, and the name of one: the last done or the next; "" where none has."""


def counted(
    items: Iterable[T],
    on_progress: Progress | None,
    *,
    total: int | None = None,
    done: int = 0,
    name: Callable[[T], str] = lambda item: "",
) -> Iterator[T]:
    """Pass items on, and tell at the start and after each how many are done.

    Args:
        items: What is worked through.
        on_progress: Is told; None tells nobody.
        total: How many with those done before; None asks ``len``.
        done: How many were done before.
        name: Of an item.

    Raises:
        TypeError: If the items have no length and no total is given.

    Example:
        >>> told = []
        >>> list(counted("ab", lambda *values: told.append(values), name=str.upper))
        ['a', 'b']
        >>> told
        [(0, 2, ''), (1, 2, 'A'), (2, 2, 'B')]
    """
    if on_progress is None:
        yield from items
        return
    if total is None:
        if not isinstance(items, Sized):
            raise TypeError("counted needs the total of items that have no length")
        total = done + len(items)
    on_progress(done, total, "")
    for number, item in enumerate(items, start=done + 1):
        yield item
        on_progress(number, total, name(item))
