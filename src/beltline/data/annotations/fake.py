"""Pictures of random rectangles for fakes of data sets; nothing in them comes from a real image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from beltline.data.annotations.annotated import AnnotatedObject, Box, Picture

SIZE = (48, 64)


def fake_pictures(
    classes: Sequence[str], files: Sequence[str], *, rng: np.random.Generator, split: str = ""
) -> list[Picture]:
    """A picture of one or two objects for each file name; classes go round, so each is there soon."""
    pictures = []
    for number, file in enumerate(files):
        labels = [classes[(number + k) % len(classes)] for k in range(1 + number % 2)]
        items = tuple(AnnotatedObject(label, box, outline_of(box)) for label in labels for box in [_box(rng)])
        pictures.append(Picture(file, items, split, SIZE))
    return pictures


def write_picture(root: Path, picture: Picture, *, rng: np.random.Generator) -> None:
    """Write an image file: white, random rectangles, a filled one at each object."""
    height, width = picture.size or SIZE
    pixels = np.full((height, width, 3), 250, np.uint8)
    for left, top, right, bottom in [_box(rng) for _ in range(3)] + [
        item.box for item in picture.objects or ()
    ]:
        color = tuple(int(v) for v in rng.integers(40, 230, 3))
        cv2.rectangle(pixels, (int(left), int(top)), (int(right) - 1, int(bottom) - 1), color, thickness=-1)
    path = root / picture.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(cv2.imencode(path.suffix, pixels)[1]))


def outline_of(box: Box) -> list[list[float]]:
    """A diamond that touches the four sides of a box, as one COCO polygon."""
    left, top, right, bottom = box
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    return [[middle_x, top, right, middle_y, middle_x, bottom, left, middle_y]]


def write_text(path: Path, lines: Sequence[str]) -> None:
    """Write lines, folders on the way made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _box(rng: np.random.Generator) -> Box:
    height, width = SIZE
    left, top = rng.integers(0, width // 2), rng.integers(0, height // 2)
    right, bottom = left + rng.integers(8, width // 2), top + rng.integers(8, height // 2)
    return float(left), float(top), float(right), float(bottom)
