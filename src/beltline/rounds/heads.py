"""Which edits of an item stand: the one rule of what supersedes what, and of the state that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beltline.rounds.records import JUDGED, Kind, State


@dataclass(frozen=True)
class Link:
    """An edit without its objects: what the rule looks at."""

    id: int
    author: str
    kind: Kind
    bases: tuple[int, ...]


def heads_of(links: Iterable[Link]) -> tuple[int, ...]:
    """The edits of one item that stand, oldest first; more than one is a conflict.

    Labels and reviews stand until another label or review names them as a base, or the same author makes
    another one from the same bases. Nothing else ends them: work by somebody else from the same start,
    however late, stands beside them.

    Args:
        links: All edits of the item, in the order of their storing.

    Example:
        >>> ann, bob = Link(1, "person:ann", "label", ()), Link(2, "person:bob", "label", ())
        >>> heads_of([ann, bob])
        (1, 2)
        >>> heads_of([ann, bob, Link(3, "person:eve", "review", (1, 2))])
        (3,)
        >>> heads_of([ann, Link(2, "person:ann", "label", ())])
        (2,)
    """
    standing: dict[int, Link] = {}
    for link in links:
        if link.kind not in JUDGED:
            continue
        for old in [old for old in standing.values() if _supersedes(link, old)]:
            del standing[old.id]
        standing[link.id] = link
    return tuple(standing)


def state_of(heads: Iterable[Link]) -> State:
    """The state that heads give an item; a version that freezes it is asked elsewhere.

    Example:
        >>> state_of([]), state_of([Link(3, "person:eve", "review", (1, 2))])
        ('new', 'reviewed')
    """
    standing = list(heads)
    if not standing:
        return "new"
    return "reviewed" if len(standing) == 1 and standing[0].kind == "review" else "labelled"


def _supersedes(new: Link, old: Link) -> bool:
    return old.id in new.bases or (new.author == old.author and set(new.bases) == set(old.bases))
