"""SIXray's box annotations: VOC XML with empty objects, hammers and names in any case."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beltline.core import Instances, canonical
from beltline.data.annotations.annotated import AnnotatedObject, are_places, usable_box
from beltline.data.annotations.annotation_xml import CORNERS, read_xml, stated_size
from beltline.data.sixray.lists import ANNOTATED, NAMES
from beltline.formats.limits import bad


@dataclass(frozen=True)
class Annotation:
    """One XML file, nothing mended.

    Attributes:
        size: (height, width) in pixels that the file states, None where it states none.
        objects: Boxes as written, labels canonical, ``hammer`` included.
        empty_objects: Number of ``<object/>`` without name or box, which the set has and which mean nothing.
    """

    size: tuple[int, int] | None
    objects: tuple[AnnotatedObject, ...]
    empty_objects: int = 0

    @property
    def labels(self) -> set[str]:
        """Canonical names of what is in it."""
        return {item.label for item in self.objects}


def read_annotation(path: str | Path) -> Annotation:
    """Read one XML file.

    Coordinates stay as written: the published ones are fractional, so VOC's shift by one is not applied.

    Raises:
        BadInputError: If it is no XML, declares entities, or a corner is no finite number.
    """
    path = Path(path)
    root = read_xml(path)
    found = [_object(path, item) for item in root.iter("object")]
    kept = tuple(item for item in found if item is not None)
    return Annotation(stated_size(root), kept, len(found) - len(kept))


def usable(annotation: Annotation, size: tuple[int, int] | None = None, *, hammer: bool = False) -> Instances:
    """The objects to learn from and to score: corners in order and in the image, those without area left out.

    Args:
        annotation: As read.
        size: (height, width) of the image; None takes what the XML states.
        hammer: Keep hammers, which are not among the five classes.
    """
    wanted = ANNOTATED if hammer else NAMES
    boxes = [(item.label, usable_box(item, size or annotation.size)) for item in annotation.objects]
    kept = [(label, box) for label, box in boxes if box is not None and label in wanted]
    corners = np.array([box for _, box in kept], np.float32).reshape(-1, 4)
    return Instances(corners, tuple(label for label, _ in kept))


def _object(path: Path, item: ElementTree.Element) -> AnnotatedObject | None:
    name, box = item.findtext("name", "").strip(), item.find("bndbox")
    if not name or box is None:
        return None
    texts = [box.findtext(corner, "").strip() for corner in CORNERS]
    if not any(texts):
        return None
    try:
        left, top, right, bottom = (float(text) for text in texts)
        label = canonical(name, "sixray")
    except ValueError as error:
        raise bad(path, f"object {name[:40]!r} with the corners {str(texts)[:80]}: {error}") from error
    if not are_places((left, top, right, bottom)):
        raise bad(
            path, f"object {name[:40]!r} with corners that are not finite or far outside: {str(texts)[:80]}"
        )
    return AnnotatedObject(label, (left, top, right, bottom))
