"""Training shards on disk: memory-mappable uint8 arrays, readable while a generator still adds to them.

Layout, K classes, coverage planes at stride 8::

    DATA/plan.json                     what all shards were made with   optional
    DATA/classes.json                  ["gun", "knife", ...]            K names, order of the planes
    DATA/shard_00000/images.npy        (N, 3, H, W) uint8               RGB, white = air
    DATA/shard_00000/masks.npy         (N, K, H/8, W/8) uint8           share of the cell covered, 255 = all
    DATA/shard_00000/labels.npy        (N, K) uint8                     0 absent, 1 present, 255 not known
    DATA/shard_00000/style.npy         (N,) uint8                       optional, number of the colour look
    DATA/shard_00000/objects.npy       (M, 6) float32                   optional: image, class, x1, y1, x2, y2

A shard is written to ``shard_00000.part`` and renamed when complete, so a reader sees all of it or nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, ShapeError
from beltline.formats.atomic import write_json

STRIDE = 8
CLASSES = "classes.json"


def write_shard(
    folder: Path,
    index: int,
    *,
    images: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    classes: Sequence[str],
    style: NDArray[np.uint8] | None = None,
    objects: NDArray[np.float32] | None = None,
) -> Path:
    """Write one complete shard; see the module for the layout.

    Raises:
        ShapeError: If the arrays do not belong together.
        BadInputError: If the folder holds shards of other classes: planes and labels have no names of
            their own.
    """
    expected = shard_shapes(images.shape, len(classes))
    if (masks.shape, labels.shape) != expected:
        raise ShapeError(
            f"images {images.shape} with {len(classes)} classes need masks {expected[0]} and labels"
            f" {expected[1]}, got {masks.shape} and {labels.shape}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    require_same_classes(folder, classes)
    if not (folder / CLASSES).is_file():
        write_json(folder / CLASSES, list(classes))
    arrays = {"images": images, "masks": masks, "labels": labels, "objects": objects}
    arrays["style"] = np.zeros(len(images), np.uint8) if style is None else style
    with shard_in_parts(folder, index) as part:
        for name, array in arrays.items():
            if array is not None:
                np.save(part / f"{name}.npy", array)
    return shard_path(folder, index)


@contextmanager
def shard_in_parts(folder: Path, index: int) -> Iterator[Path]:
    """A fresh folder for the files of a shard; it takes the shard's name once the block has ended well."""
    target = shard_path(folder, index)
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    part.rename(target)


def shard_path(folder: Path, index: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard_{index:05d}"


def complete_shards(folder: Path) -> list[Path]:
    """The shards of a folder that are all there, by number."""
    return [path for path in sorted(folder.glob("shard_*")) if path.suffix != ".part"]


def shard_shapes(images: tuple[int, ...], planes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of masks and labels that belong to (N, 3, H, W) images with so many classes."""
    return (images[0], planes, images[2] // STRIDE, images[3] // STRIDE), (images[0], planes)


def require_same_classes(folder: Path, classes: Sequence[str]) -> None:
    """Refuse a folder whose shards have other classes, or the same in another order.

    Raises:
        BadInputError: Naming both.
    """
    if not (folder / CLASSES).is_file():
        return
    found = read_classes(folder)
    if found != tuple(classes):
        raise BadInputError(
            f"{folder}: its shards have the classes {','.join(found)}, now {','.join(classes)};"
            f" give --classes {','.join(found)} to go on, or name a new folder"
        )


def read_classes(folder: Path) -> tuple[str, ...]:
    """Class names of a shard folder, in the order of its planes.

    Raises:
        BadInputError: If there is no readable ``classes.json``.
    """
    path = folder / CLASSES
    if not path.is_file():
        raise BadInputError(f"{folder}: no classes.json; expected a folder of training shards")
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputError(f"{path}: not JSON: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInputError(f"{path}: expected a list of class names")
    return tuple(names)
