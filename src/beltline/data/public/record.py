"""What Beltline knows of one public data set: layout, classes, counts, terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from beltline.core import Progress, canonical
from beltline.data.annotations.annotated import Annotated
from beltline.data.verdict import Release


class ReadPublicSet(Protocol):
    """Reads a copy of a public set."""

    def __call__(self, root: str | Path, *, on_progress: Progress | None = None) -> Annotated:
        """Read what lies below ``root``; told on the way, as label images of a whole set take minutes."""
        ...


@dataclass(frozen=True)
class PublicSet:
    """One public set.

    Attributes:
        name: As the command line and `core.canonical` name it.
        title: As its authors write it.
        classes: Published class names, in the set's order.
        read: Reads a copy of it.
        fake: ``fake(out, each=6, seed=0)`` writes a tiny tree of its shape, ``each`` images a split.
        releases: Published counts.
        terms: Who may use it for what.
        own_names: Whether one file name in two splits means two pictures.
        names_its_classes: Whether a copy says which classes it has; ``classes`` are then those published.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    read: ReadPublicSet
    fake: Callable[..., None]
    releases: tuple[Release, ...]
    terms: str
    own_names: bool = False
    names_its_classes: bool = False

    def labels(self) -> dict[str, str]:
        """Taxonomy name by published class name."""
        return {name: canonical(name, self.name) for name in self.classes}

    def nearest(self, counts: Mapping[str, int]) -> Release | None:
        """The release whose counts differ least from those of a copy; None if none is published."""

        def distance(release: Release) -> int:
            return sum(abs(number - counts.get(part, 0)) for part, number in release.counts.items())

        return min(self.releases, key=distance, default=None)
