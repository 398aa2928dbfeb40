"""The words of `beltline data verify` for public sets: fault or note, and the published counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from beltline.core.printable import path_text
from beltline.data.verdict import Finding, finding_lines, findings_to_json

FAULTS = MappingProxyType(
    {
        "damaged_annotation": "annotations that cannot be read",
        "far_outline": "outlines that lead far outside any image; their boxes count",
        "split_overlap": "images in two splits",
        "repeated_rows": "images twice in one list",
        "subset_stranger": "images that a part names, but not its split",
        "dangling": "objects of an image or class that the file does not have",
        "zero_byte": "image files of 0 bytes",
        "unreadable": "image files truncated or damaged",
        "content_in_two_splits": "the same picture under two names in two splits",
    }
)
NOTES = MappingProxyType(
    {
        "packed": "archives that lie beside, perhaps not unpacked",
        "missing_splits": "splits of which nothing is there",
        "missing_lists": "lists that are not there; the images of the folder count",
        "unread_truth": "ground truth in MATLAB files; not read: save the matrix as ground_truth.txt",
        "missing_images": "listed images that are not on disk",
        "unlisted_images": "images on disk that no list names; readers leave them out",
        "not_annotated": "images without annotation",
        "annotation_without_image": "annotations whose image is not on disk",
        "subset_overlap": "images in two parts of one split",
        "in_no_subset": "images in no part of their split",
        "other_name": "annotations whose lines name another image; the file's own name counts",
        "wrong_extension": "images found under another extension than the annotation says",
        "wrong_type": "files whose content is not what the extension says; they are read all the same",
        "same_content": "the same picture under two names in one split",
        "wrong_size": "annotations that state another size than the image has",
        "empty_box": "boxes without area; import leaves them out",
        "swapped_corners": "boxes whose right is left of their left, or bottom above top; import orders them",
        "box_outside": "boxes more than a pixel outside the image; import clips them",
        "outline_outside_box": "outlines that reach more than two pixels out of their box",
        "odd_outline": "masks that are neither polygons nor run lengths; their boxes count",
        "outline_other_size": "run lengths of another size than the image; import leaves the image out",
        "unknown_class": "objects of a class that is not the set's",
        "counts_differ": "splits or parts with another count than published",
    }
)


@dataclass(frozen=True)
class SetVerdict:
    """What `verify_public_set` found.

    Attributes:
        root: The copy.
        title: Of the set.
        state: "complete" if every published count is met on disk, "unknown" if none is published.
        release: The release whose counts are nearest.
        recalled: The parts whose counts were recalled, not read at the source.
        published: Its counts by split or part.
        listed: Images of the copy by split and part.
        on_disk: The same of those whose file is there.
        objects: Objects by published class name.
        images: Image files looked into.
        deep: Whether every image was decoded.
        findings: Faults first.
    """

    root: Path
    title: str
    state: Literal["complete", "partial", "unknown"]
    release: str
    recalled: tuple[str, ...]
    published: Mapping[str, int]
    listed: Mapping[str, int]
    on_disk: Mapping[str, int]
    objects: Mapping[str, int]
    images: int
    deep: bool
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    def lines(self) -> list[str]:
        """A table and a line for each finding, for people."""
        of_release = f" ({self.release})" if self.release else ""
        rows = [f"{self.root}: {self.title}, {self.state}{of_release}", ""]
        rows.append(f"{'images':24s}{'listed':>12s}{'on disk':>12s}{'published':>12s}")
        for part in dict.fromkeys((*self.published, *self.listed)):
            printed = f"{self.published[part]:,d}" if part in self.published else "-"
            printed += "*" if part in self.recalled else ""
            rows.append(
                f"{part:24s}{self.listed.get(part, 0):12,d}{self.on_disk.get(part, 0):12,d}{printed:>12s}"
            )
        if self.recalled:
            rows.append("* recalled, not read at the source")
        rows += ["", f"{'objects':24s}{'':12s}{'on disk':>12s}"]
        rows += [f"{name:24s}{'':12s}{count:12,d}" for name, count in self.objects.items()]
        depth = "decoded" if self.deep else "looked into by header and end"
        rows += ["", f"{self.images:,d} images {depth}", ""]
        return rows + finding_lines(self.findings)

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        return {
            "schema_version": 1, "root": path_text(self.root), "set": self.title, "state": self.state,
            "ok": not self.faults, "release": self.release, "recalled": list(self.recalled),
            "published": dict(self.published), "listed": dict(self.listed), "on_disk": dict(self.on_disk),
            "objects": dict(self.objects), "images": self.images, "deep": self.deep,
            "findings": findings_to_json(self.findings),
        }  # fmt: skip
