"""SIXray's box annotations: VOC XML with empty objects, hammers and names in any case."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, canonical, clip_boxes
from beltline.data.annotations.annotated import are_places
from beltline.data.annotations.annotation_xml import CORNERS, read_xml, stated_size
from beltline.data.sixray.lists import NAMES
from beltline.formats.limits import bad


@dataclass(frozen=True, eq=False)
class Annotation:
    """One XML file, nothing mended.

    Attributes:
        size: (height, width) in pixels that the file states, None where it states none.
        boxes: (N, 4) float64 xmin, ymin, xmax, ymax in pixels as written.
        labels: N canonical names, ``hammer`` included.
        empty_objects: Number of ``<object/>`` without name or box, which the set has and which mean nothing.
    """

    size: tuple[int, int] | None
    boxes: NDArray[np.float64]
    labels: tuple[str, ...]
    empty_objects: int = 0


def read_annotation(path: str | Path) -> Annotation:
    """Read one XML file.

    Coordinates stay as written: the published ones are fractional, so VOC's shift by one is not applied.

    Raises:
        BadInputError: If it is no XML, declares entities, or a corner is no finite number.
    """
    path = Path(path)
    root = read_xml(path)
    found = [_object(path, item) for item in root.iter("object")]
    kept = [item for item in found if item is not None]
    boxes = np.array([corners for _, corners in kept], np.float64).reshape(-1, 4)
    return Annotation(stated_size(root), boxes, tuple(name for name, _ in kept), len(found) - len(kept))


def usable(annotation: Annotation, size: tuple[int, int] | None = None, *, hammer: bool = False) -> Instances:
    """The objects to learn from and to score: clipped to the image, those without area left out.

    Args:
        annotation: As read.
        size: (height, width) of the image; None takes what the XML states.
        hammer: Keep hammers, which are not among the five classes.
    """
    wanted = {*NAMES, "hammer"} if hammer else set(NAMES)
    size = size or annotation.size
    boxes = annotation.boxes
    if size is not None:
        boxes = clip_boxes(boxes, height=size[0], width=size[1]).astype(np.float64)
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    keep = [i for i, name in enumerate(annotation.labels) if name in wanted and has_area[i]]
    return Instances(boxes[keep].astype(np.float32), tuple(annotation.labels[i] for i in keep))


def _object(path: Path, item: ElementTree.Element) -> tuple[str, list[float]] | None:
    name, box = item.findtext("name", "").strip(), item.find("bndbox")
    if not name or box is None:
        return None
    texts = [box.findtext(corner, "").strip() for corner in CORNERS]
    if not any(texts):
        return None
    try:
        corners = [float(text) for text in texts]
        label = canonical(name, "sixray")
    except ValueError as error:
        raise bad(path, f"object {name[:40]!r} with the corners {str(texts)[:80]}: {error}") from error
    if not are_places(corners):
        raise bad(
            path, f"object {name[:40]!r} with corners that are not finite or far outside: {str(texts)[:80]}"
        )
    return label, corners
