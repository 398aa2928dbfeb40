"""A part of a scale: some of its rows, sets or networks, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")


def selected(wanted: Collection[T], known: Iterable[T]) -> tuple[T, ...]:
    """Those of a scale that are wanted, in the scale's order; all where nothing is said.

    Args:
        wanted: Some of ``known``, or others beside them: `require_known` refuses what is none.
        known: What the scale has.

    Example:
        >>> selected(("CHR", "plain"), ("plain", "balanced", "CHR")), selected((), (1, 2))
        (('plain', 'CHR'), (1, 2))
    """
    return tuple(one for one in known if not wanted or one in wanted)


def require_known(wanted: Iterable[T], known: Collection[T]) -> None:
    """Refuse what a scale has not.

    Raises:
        ValueError: It names what is unknown and what there is.

    Example:
        >>> require_known(["SAM 3"], ["APSAM, box", "SAM"])
        Traceback (most recent call last):
        ValueError: SAM 3: not in this scale, which has APSAM, box; SAM
    """
    if unknown := [str(one) for one in wanted if one not in known]:
        raise ValueError(f"{', '.join(unknown)}: not in this scale, which has {'; '.join(map(str, known))}")
