"""Objects out of label images, which hold the number of a class at each pixel and know no objects.

A label image tells which class lies on top, so its masks are what is visible, not amodal: where two classes
overlap, one of them lacks the pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from beltline.core import Masks
from beltline.data.annotations.annotated import AnnotatedObject
from beltline.formats.images import DECODE_ERRORS
from beltline.formats.limits import bad, check_size, header_size, read_bytes

IGNORED = 255
"""Pixels of no class: VOC's rims and what nobody could tell."""
SMALLEST_PIECE = 25
"""Pixels under which a piece is no object of its own: rims and specks that drawing and resizing leave."""
MOST_PIECES = 500
"""More objects than any scan has: a picture that is no label image."""


def read_label_image(path: Path) -> NDArray[np.uint8]:
    """Class numbers (H, W) of a palette or grey PNG; 0 is background, 255 is ignored.

    Raises:
        BadInputError: If it is no such PNG, or damaged.
    """
    data = read_bytes(path)
    declared = header_size(data) if data.startswith(b"\x89PNG") else None
    if declared is None:
        raise bad(path, "is no PNG; a label image is one with a class number at each pixel")
    check_size(path, *declared)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            mode, labels = image.mode, np.asarray(image)
    except (Image.DecompressionBombError, *DECODE_ERRORS) as error:
        raise bad(path, f"damaged ({error})") from error
    if mode not in ("P", "L", "1"):
        raise bad(path, f"has pixels of kind {mode}; a label image has a palette or is 8-bit grey")
    return labels.astype(np.uint8)


def label_objects(labels: NDArray[np.uint8], name_of: Callable[[int], str]) -> tuple[AnnotatedObject, ...]:
    """An object for each connected piece of each class.

    Pieces are 8-connected. One of fewer than `SMALLEST_PIECE` pixels belongs to the nearest larger piece of
    its class; where a class has no larger one, all of its pixels are one object. Two items of a class that
    touch are one object, and an item cut in two by another is two: a label image does not tell.

    Args:
        labels: (H, W) class numbers.
        name_of: The class of a number, 1 to 254.

    Raises:
        ValueError: If there are more than `MOST_PIECES`.

    Example:
        >>> labels = np.zeros((20, 40), np.uint8)
        >>> labels[2:12, 2:12] = labels[2:12, 20:30] = 7
        >>> labels[5:7, 13:15] = 7
        >>> [(item.label, item.box) for item in label_objects(labels, "class_{:02d}".format)]
        [('class_07', (2.0, 2.0, 15.0, 12.0)), ('class_07', (20.0, 2.0, 30.0, 12.0))]
    """
    numbers = [int(number) for number in np.flatnonzero(np.bincount(labels.ravel(), minlength=256))]
    found: list[AnnotatedObject] = []
    for number in numbers:
        if number in (0, IGNORED):
            continue
        for mask in _pieces(labels == number):
            if len(found) == MOST_PIECES:
                raise ValueError(f"more than {MOST_PIECES} pieces of classes; this is no label image")
            found.append(_object(name_of(number), mask))
    return tuple(found)


def _pieces(region: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Masks of the objects of one class."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= SMALLEST_PIECE]
    if not large:
        yield region
        return
    if len(large) < count - 1:
        pieces = np.where(region, _nearest(np.asarray(pieces, np.int32), np.isin(pieces, large)), 0)
    for number in large:
        yield pieces == number


def _nearest(pieces: NDArray[np.int32], large: NDArray[np.bool_]) -> NDArray[np.int32]:
    """At each pixel the number of the nearest large piece."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~large).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number_at = np.zeros(int(nearest.max()) + 1, np.int32)
    number_at[nearest[large]] = pieces[large]
    return np.asarray(number_at[nearest])


def _object(label: str, mask: NDArray[np.bool_]) -> AnnotatedObject:
    encoded = Masks.encode(mask[None])
    left, top, right, bottom = (float(v) for v in encoded.boxes()[0])
    return AnnotatedObject(label, (left, top, right, bottom), encoded.to_coco()[0])
