"""What a look into a copy of a data set found: counts beside the published ones, faults and notes.

A copy with half of its images is a normal state, so missing images are a note; a fault is what would spoil
training or figures without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from beltline.core.printable import path_text

MOST_NAMES = 1000

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "repeated_rows": "images twice in one list",
        "zero_byte": "image files of 0 bytes",
        "unreadable": "image files truncated or damaged",
    }
)
"""Faults that any set may have; `NOTES` likewise. Each set adds its own."""
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "packed": "archives that lie beside, perhaps not unpacked",
        "missing_images": "listed images that are not on disk",
        "wrong_type": "files whose content is not what the extension says; they are read all the same",
        "same_content": "the same picture under two names",
        "wrong_size": "annotations that state another size than the image has",
        "empty_box": "boxes without area; left out",
        "swapped_corners": "boxes whose right is left of their left, or bottom above top; put in order",
        "box_outside": "boxes more than a pixel outside the image; clipped",
        "outline_outside_box": "outlines that reach more than two pixels out of their box",
        "outline_other_size": "run lengths of another size than the image; import leaves the image out",
        "unknown_class": "objects of a class that is not the set's",
    }
)


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found.

    Attributes:
        kind: Its key.
        count: How many.
        names: The first ``MOST_NAMES`` of them, sorted.
        meaning: In words.
        is_fault: Whether it spoils training or figures.
    """

    kind: str
    count: int
    names: tuple[str, ...]
    meaning: str
    is_fault: bool

    def line(self) -> str:
        """For people."""
        first = ", ".join(self.names[:3]) + (", ..." if self.count > 3 else "")
        return f"{'FAULT' if self.is_fault else 'note ':5s} {self.count:9,d} {self.meaning}: {first}"

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        severity = "fault" if self.is_fault else "note"
        return {
            "kind": self.kind, "count": self.count, "names": self.names, "severity": severity,
            "meaning": self.meaning,
        }  # fmt: skip


def findings_of(
    found: Mapping[str, Collection[str]], faults: Mapping[str, str], notes: Mapping[str, str]
) -> tuple[Finding, ...]:
    """What there is of names by kind, faults first; the tables say what the kinds mean."""
    return tuple(
        Finding(kind, len(found[kind]), tuple(sorted(found[kind])[:MOST_NAMES]), meaning, kind in faults)
        for kind, meaning in {**faults, **notes}.items()
        if found[kind]
    )


@dataclass(frozen=True)
class Release:
    """One publication of a set.

    Attributes:
        name: "ICCV 2021".
        counts: Images by split, part of a split or class.
        recalled: The parts whose counts were recalled, not read at the source.
        unlisted: The parts that lists do not tell, so that a complete copy need not have them.
    """

    name: str
    counts: Mapping[str, int]
    recalled: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    def differing(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """The parts of which a copy with these counts has more or fewer."""
        checked = (part for part in self.counts if part not in self.unlisted)
        return tuple(part for part in checked if counts.get(part) != self.counts[part])


@dataclass(frozen=True)
class SetVerdict:
    """A copy of a set, as far as it was looked into.

    Attributes:
        root: The copy.
        title: Of the set.
        release: The release whose counts are nearest; None if none is published.
        listed: Images of the copy by split, part or class, as the release counts them.
        on_disk: The same of those whose file is there.
        objects: Annotated objects by class.
        annotations: Images that have an annotation.
        lists: Rows of each list of images.
        images: Image files looked into.
        deep: Whether every image was decoded.
        findings: Faults first.
    """

    root: Path
    title: str
    release: Release | None
    listed: Mapping[str, int]
    on_disk: Mapping[str, int]
    objects: Mapping[str, int]
    annotations: int
    lists: Mapping[str, int]
    images: int = 0
    deep: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def state(self) -> Literal["complete", "partial", "unknown"]:
        """Whether every published count is met on disk; "unknown" if none is published."""
        if self.release is None:
            return "unknown"
        return "partial" if self.release.differing(self.on_disk) else "complete"

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    def lines(self) -> list[str]:
        """Two tables and a line for each finding, for people."""
        release = self.release or Release("", {})
        of_release = f" ({release.name})" if release.name else ""
        rows = [f"{self.root}: {self.title}, {self.state}{of_release}", ""]
        rows.append(f"{'images':24s}{'listed':>12s}{'on disk':>12s}{'published':>12s}")
        for part in dict.fromkeys((*release.counts, *self.listed)):
            printed = f"{release.counts[part]:,d}" if part in release.counts else "-"
            printed += "*" if part in release.recalled else ""
            rows.append(
                f"{part:24s}{self.listed.get(part, 0):12,d}{self.on_disk.get(part, 0):12,d}{printed:>12s}"
            )
        if release.recalled:
            rows.append("* recalled, not read at the source")
        rows += ["", f"{'objects':24s}{'':12s}{'on disk':>12s}"]
        rows += [f"{name:24s}{'':12s}{count:12,d}" for name, count in self.objects.items()]
        depth = "decoded" if self.deep else "looked into by header and end"
        rows += ["", f"{self.images:,d} images {depth}, {self.annotations:,d} annotations read", ""]
        return rows + ([finding.line() for finding in self.findings] or ["nothing to remark"])

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        release = self.release or Release("", {})
        return {
            "schema_version": 1, "root": path_text(self.root), "set": self.title, "state": self.state,
            "ok": not self.faults, "release": release.name, "recalled": list(release.recalled),
            "published": dict(release.counts), "listed": dict(self.listed), "on_disk": dict(self.on_disk),
            "objects": dict(self.objects), "images": self.images, "annotations": self.annotations,
            "lists": dict(self.lists), "deep": self.deep,
            "findings": [finding.to_json() for finding in self.findings],
        }  # fmt: skip
