"""A subset of a real set as training and measuring see it: list files train.csv and test.csv in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from beltline.core import BadInputError, Instances
from beltline.data.image_list import ImageList
from beltline.data.sixray_subsets import read_subset
from beltline.training.files import FileBatches, whole_images
from beltline.training.shards import STRIDE, Batch

Split = Literal["train", "test"]


def holds_lists(folder: Path) -> bool:
    """Whether a folder holds list files instead of shards."""
    return (folder / "train.csv").is_file()


def read_list(folder: Path, split: Split, classes: Sequence[str]) -> ImageList:
    """One of the lists, its labels in the order of ``classes``.

    ``difficult`` labels count as present for training, as in the released code, and are left out of figures.

    Raises:
        BadInputError: If the list lacks a class.
    """
    found = read_subset(folder, split, difficult="present" if split == "train" else "nan")
    missing = [name for name in classes if name not in found.classes]
    if missing:
        raise BadInputError(
            f"{folder}: the recipe wants {', '.join(missing)}, its lists hold {', '.join(found.classes)};"
            " change the recipe with --set classes=..."
        )
    order = [found.classes.index(name) for name in classes]
    return ImageList(found.root, found.files, found.labels[:, order], tuple(classes), found.boxes)


@dataclass(frozen=True, eq=False)
class ListBatches:
    """`FileBatches` as the starter recipe's loss takes them: without masks."""

    files: FileBatches

    def __call__(self, start: int, stride: int = 1) -> Iterator[Batch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        for batch in self.files(start, stride):
            yield Batch(batch.image, batch.labels, torch.empty((*batch.labels.shape, 0, 0)))


def whole_list(images: ImageList, *, batch_size: int, size: int, limit: int | None = None) -> Iterator[Batch]:
    """Every image once, warped to a square; boxes become coverage planes at stride 8.

    Args:
        images: Files, labels and, where there are any, boxes.
        batch_size: Images a batch.
        size: Side in pixels, a multiple of 8.
        limit: Number of images, None for all.
    """
    chosen = images if limit is None else images.take(np.arange(min(limit, len(images))))
    for rows, pixels in whole_images(chosen, batch_size=batch_size, size=size):
        masks = np.stack([box_planes(chosen, int(row), size) for row in rows])
        yield Batch(pixels, torch.from_numpy(chosen.labels[rows]), torch.from_numpy(masks))


def box_planes(images: ImageList, row: int, size: int) -> NDArray[np.float32]:
    """(K, size / 8, size / 8) share of each cell that a class's boxes cover, the image warped to a square."""
    cells = size // STRIDE
    planes = np.zeros((len(images.classes), cells, cells), np.float32)
    for k, box in scaled_boxes(images, row, cells):
        edges = np.arange(cells)
        across = np.clip(np.minimum(edges + 1, box[2]) - np.maximum(edges, box[0]), 0, 1)
        down = np.clip(np.minimum(edges + 1, box[3]) - np.maximum(edges, box[1]), 0, 1)
        planes[k] = np.maximum(planes[k], np.outer(down, across))
    return planes


def scaled_boxes(images: ImageList, row: int, size: int) -> list[tuple[int, NDArray[np.float64]]]:
    """Class index and xyxy box of each object of an image warped to ``size`` x ``size``."""
    found: Instances | None = images.boxes(row) if images.boxes is not None else None
    if found is None or not len(found.labels):
        return []
    with Image.open(images.path(row)) as file:  # the header only
        width, height = file.size
    scale = np.array([size / width, size / height] * 2)
    return [
        (images.classes.index(label), box.astype(np.float64) * scale)
        for label, box in zip(found.labels, found.boxes, strict=True)
        if label in images.classes
    ]
