"""Sets with boxes off the disk as arrays: a set of ours or in COCO, or simulated shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats import read_set
from beltline.physics import whiten_background
from beltline.training.detection import DetectionSet

Pixels = NDArray[np.uint8]
Fitted = tuple[Pixels, NDArray[np.float32]]


def detection_classes(data: Path) -> tuple[str, ...]:
    """The classes that a folder names.

    Raises:
        BadInputError: If it is neither a set nor a folder of shards.
    """
    if (data / "classes.json").is_file():
        return tuple(json.loads((data / "classes.json").read_text(encoding="utf-8")))
    if (data / "annotations.json").is_file():
        return read_set(data).classes
    raise BadInputError(
        f"{data}: holds neither a set (annotations.json) nor shards (classes.json); make one with"
        " beltline simulate, beltline synthesize tip or beltline data shards"
    )


def read_detection_set(data: Path, classes: Sequence[str], side: int, *, empty: bool = False) -> DetectionSet:
    """All scans of a folder, fitted into squares of ``side`` pixels, in memory.

    Args:
        data: A set, or a folder of shards.
        classes: Names whose boxes count, in the order of the labels.
        side: Of the squares; the longer side of a scan fills it, the rest is white.
        empty: A folder that knows none of the classes is welcome: its scans are benign.

    Raises:
        BadInputError: If the folder holds nothing, or none of the classes.
    """
    there = detection_classes(data)
    if not empty and not set(classes) & set(there):
        raise BadInputError(f"{data}: holds none of {', '.join(classes)}; it has {', '.join(there)}")
    source = _from_shards if (data / "classes.json").is_file() else _from_set
    images, objects = [], []
    for row, (image, boxes) in enumerate(source(data, there, tuple(classes), side)):
        images.append(image)
        objects.append(np.concatenate([np.full((len(boxes), 1), row, np.float32), boxes], 1))
    if not images:
        raise BadInputError(f"{data}: holds no scan")
    return DetectionSet(np.stack(images), np.concatenate(objects).astype(np.float32))


def fit_square(image: Pixels, side: int) -> tuple[Pixels, float]:
    """An image (H, W, 3) in the upper left of a white square, and the factor it was resized by."""
    factor = side / max(image.shape[:2])
    height, width = (max(1, round(n * factor)) for n in image.shape[:2])
    square = np.full((side, side, 3), 255, np.uint8)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=way)
    return square, factor


def _from_set(data: Path, there: Sequence[str], classes: tuple[str, ...], side: int) -> Iterator[Fitted]:
    found = read_set(data)
    for index in range(len(found)):
        pixels = found.scan(index).pixels
        if len(pixels) != 3:
            raise BadInputError(
                f"{data}: {found.names[index]} is not in colour; detectors are trained on colour"
            )
        rgb = np.round(255 * pixels.transpose(1, 2, 0)).astype(np.uint8)
        square, factor = fit_square(whiten_background(rgb), side)
        instances = found.instances(index)
        rows = [
            (classes.index(label), *(factor * box))
            for label, box in zip(
                instances.labels if instances else (), instances.boxes if instances else (), strict=True
            )
            if label in classes
        ]
        yield square, np.array(rows, np.float32).reshape(-1, 5)


def _from_shards(data: Path, there: Sequence[str], classes: tuple[str, ...], side: int) -> Iterator[Fitted]:
    for shard in sorted(data.glob("shard_*[0-9]")):
        if not (shard / "objects.npy").is_file():
            raise BadInputError(
                f"{shard}: has no boxes (objects.npy); make it again with beltline data shards"
            )
        images, objects = np.load(shard / "images.npy", mmap_mode="r"), np.load(shard / "objects.npy")
        for row in range(len(images)):
            square, factor = fit_square(np.ascontiguousarray(images[row].transpose(1, 2, 0)), side)
            mine = objects[objects[:, 0] == row, 1:]
            kept = [
                (classes.index(there[int(k)]), *(factor * np.array(box)))
                for k, *box in mine
                if there[int(k)] in classes
            ]
            yield square, np.array(kept, np.float32).reshape(-1, 5)
