"""What a folder to curate holds: a set in any of our formats with its annotations, or pictures alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from beltline.core import BadInputError
from beltline.data.annotations.annotated import Annotated, Picture
from beltline.data.annotations.coco import read_coco_file
from beltline.data.annotations.conversion import guess_format, read_annotated
from beltline.formats import find_scans, is_set, read_set
from beltline.formats.limits import bad

NO_TERMS = "As of the pictures it was made of."
COMPANIONS = ("raw", "scene")
"""Fields of an image record that name another file of the same bag."""


@dataclass(frozen=True, eq=False)
class Source:
    """A folder as it can be curated.

    Attributes:
        data: Its pictures with what is known of each.
        columns: Of labels.csv; None where the folder has none.
        terms: Who may use it for what.
        annotated: Whether it has annotations at all.
    """

    data: Annotated
    columns: tuple[str, ...] | None = None
    terms: str = NO_TERMS
    annotated: bool = False

    @property
    def root(self) -> Path:
        """The folder."""
        return self.data.root


def open_source(folder: str | Path) -> Source:
    """Look at what a folder holds; no picture is opened.

    A Beltline set keeps labels, splits, parts and the files beside its pictures; COCO, VOC and YOLO folders
    keep their objects; anything else counts as pictures, however deep they lie.

    Raises:
        BadInputError: If it is no folder, holds no picture, or has annotations that cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise bad(root, "is no folder; name one with pictures, or a set")
    if is_set(root):
        return _beltline_set(root)
    if _has_annotations(root):
        return Source(read_annotated(root), annotated=True)
    files = (path.relative_to(root).as_posix() for path in find_scans(root))
    return Source(Annotated(root, (), tuple(Picture(file, None) for file in files)))


def place_of(path: str | Path) -> Path:
    """Where a path leads, links followed; of a link that leads to itself as far as it goes."""
    return Path(os.path.realpath(path))


def _has_annotations(root: Path) -> bool:
    try:
        guess_format(root)
    except BadInputError:
        return False
    return True


def _beltline_set(root: Path) -> Source:
    opened = read_set(root)
    below = "" if all(r["file_name"].startswith("images/") for r in opened.records) else "images"
    classes, found = read_coco_file(root / "annotations.json", root, below)
    has_labels = (root / "labels.csv").is_file()
    pictures = tuple(found)
    if has_labels:
        values = {1.0: 1, 0.0: -1}  # NaN, not known, is 0
        rows = [{name: values.get(float(v), 0) for name, v in zip(opened.classes, row, strict=True)}
                for row in opened.labels]  # fmt: skip
        pictures = tuple(replace(p, labels=row) for p, row in zip(pictures, rows, strict=True))
    terms = opened.card.get("terms") or opened.card.get("license") or NO_TERMS
    columns = opened.classes if has_labels else None
    return Source(Annotated(root, classes, pictures), columns, str(terms), annotated=True)
