"""The words of `beltline data verify`: what counts as a fault, what as a note, and Table 1 of the paper.

A copy with half of the images is a normal state (the public archives unpack to 548,167 of 1,059,231), so
missing images are a note; a fault is what would spoil training or figures without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from beltline.core.printable import path_text
from beltline.data.verdict import Finding, finding_lines, findings_to_json

TABLE_1: Mapping[str, int] = MappingProxyType(
    {
        "gun": 3131, "knife": 1943, "wrench": 2199, "pliers": 3961, "scissors": 983, "hammer": 60,
        "positive": 8929, "negative": 1_050_302, "total": 1_059_231,
    }
)  # fmt: skip
"""Images by class, one may hold several: Miao et al., SIXray (CVPR 2019), Table 1."""

FAULTS = MappingProxyType(
    {
        "damaged_list": "label lists that cannot be read",
        "split_overlap": "images in the train and the test list of one subset",
        "conflicting_labels": "images that two lists label differently",
        "repeated_rows": "images twice in one list",
        "zero_byte": "image files of 0 bytes",
        "unreadable": "image files truncated or damaged",
        "damaged_xml": "annotations that cannot be read",
        "content_in_both_splits": "the same picture under two names in train and test",
    }
)
NOTES = MappingProxyType(
    {
        "packed": "archives that lie beside, perhaps not unpacked",
        "missing_images": "listed images that are not on disk",
        "unlisted_images": "images on disk that no list names, so without known labels",
        "two_files": "images that lie in two folders; the first counts",
        "wrong_type": "files whose content is not what the extension says; they are read all the same",
        "same_content": "the same picture under two names",
        "xml_without_image": "annotations whose image is not on disk",
        "positive_without_xml": "positive images without boxes (normal for train)",
        "label_without_box": "annotated images with a label but no box of that class",
        "box_without_label": "annotated images with a box but no label of that class",
        "empty_box": "boxes without area; readers leave them out",
        "box_outside": "boxes more than a pixel outside the image; readers clip them",
        "wrong_size": "annotations that state another size than the image has",
        "empty_objects": "annotations with empty <object/> tags; readers skip them",
        "hammer": "annotations with a hammer, which is not among the five classes",
        "unknown_class": "annotations with a class that is not SIXray's",
    }
)


@dataclass(frozen=True)
class SixrayVerdict:
    """What `verify` found.

    Attributes:
        root: The copy.
        state: "complete" if every listed image is on disk and the counts are Table 1's, else "partial".
        listed: Images by class, positive, negative and total in the lists.
        on_disk: The same of those whose image is there.
        images: Image files looked into.
        annotations: XML files read.
        lists: Rows of each list.
        deep: Whether every image was decoded.
        findings: Faults first.
    """

    root: Path
    state: Literal["complete", "partial"]
    listed: Mapping[str, int]
    on_disk: Mapping[str, int]
    images: int
    annotations: int
    lists: Mapping[str, int]
    deep: bool
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    def lines(self) -> list[str]:
        """A table and a line for each finding, for people."""
        rows = [f"{self.root}: {self.state}", "", f"{'':12s}{'listed':>12s}{'on disk':>12s}{'Table 1':>12s}"]
        for name, printed in TABLE_1.items():
            rows.append(f"{name:12s}{self.listed[name]:12,d}{self.on_disk[name]:12,d}{printed:12,d}")
        depth = "decoded" if self.deep else "looked into by header and end"
        rows += ["", f"{self.images:,d} images {depth}, {self.annotations:,d} annotations read", ""]
        return rows + finding_lines(self.findings)

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        return {
            "schema_version": 1, "root": path_text(self.root), "state": self.state, "ok": not self.faults,
            "listed": dict(self.listed), "on_disk": dict(self.on_disk), "published": dict(TABLE_1),
            "images": self.images, "annotations": self.annotations, "lists": dict(self.lists),
            "deep": self.deep, "findings": findings_to_json(self.findings),
        }  # fmt: skip
