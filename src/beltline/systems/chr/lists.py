"""Image files as training and measuring see them: lists train.csv and test.csv, or a folder a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from beltline.core import Instances
from beltline.data.annotations import ImageList, read_image_folder
from beltline.data.sixray import read_subset
from beltline.formats.shard_writer import STRIDE
from beltline.training.classes import require_classes
from beltline.training.files import FileBatches, whole_images
from beltline.training.shards import Batch

Split = Literal["train", "test"]


def holds_lists(folder: Path) -> bool:
    """Whether a folder holds image files, by list or by class folder, instead of shards."""
    return (folder / "train.csv").is_file() or holds_class_folders(folder)


def holds_class_folders(folder: Path) -> bool:
    """Whether a folder is laid out as ILSVRC is: ``train/CLASS/*.jpg`` and ``val`` or ``test`` beside it."""
    train = folder / "train"
    shards = any((place / "classes.json").is_file() for place in (folder, train))
    return train.is_dir() and not shards


def classes_of(folder: Path) -> tuple[str, ...]:
    """The classes of a folder's training list, in its order."""
    if holds_class_folders(folder):
        return read_image_folder(folder / "train").classes
    return read_subset(folder, "train").classes


def read_list(folder: Path, split: Split, classes: Sequence[str]) -> ImageList:
    """One of the lists, its labels in the order of ``classes``.

    Class folders have ``test`` or, as ILSVRC, ``val`` as test list; their labels are one-hot. ``difficult``
    labels count as present for training, as in the released code, and are left out of figures.

    Raises:
        BadInputError: If the list lacks a class.
    """
    if holds_class_folders(folder):
        found = read_image_folder(_split_folder(folder, split))
    else:
        found = read_subset(folder, split, difficult="present" if split == "train" else "nan")
    require_classes(folder, classes, found.classes)
    order = [found.classes.index(name) for name in classes]
    return ImageList(found.root, found.files, found.labels[:, order], tuple(classes), found.boxes)


def _split_folder(folder: Path, split: Split) -> Path:
    names = ("train",) if split == "train" else ("test", "val")
    return next((folder / name for name in names if (folder / name).is_dir()), folder / names[0])


@dataclass(frozen=True, eq=False)
class ListBatches:
    """`FileBatches` as the starter recipe's loss takes them: without masks."""

    files: FileBatches

    def __call__(self, start: int, stride: int = 1) -> Iterator[Batch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        for batch in self.files(start, stride):
            yield Batch(batch.image, batch.labels, torch.empty((*batch.labels.shape, 0, 0)))


def whole_list(images: ImageList, *, batch_size: int, size: int, limit: int | None = None) -> Iterator[Batch]:
    """Every image once, warped to a square; boxes become coverage planes at stride 8, of size 0 without any.

    Args:
        images: Files, labels and, where there are any, boxes.
        batch_size: Images a batch.
        size: Side in pixels, a multiple of 8.
        limit: Number of images, None for all.
    """
    chosen = images if limit is None else images.take(np.arange(min(limit, len(images))))
    for rows, pixels in whole_images(chosen, batch_size=batch_size, size=size):
        labels = torch.from_numpy(chosen.labels[rows])
        masks = torch.empty((*labels.shape, 0, 0))
        if chosen.boxes is not None:
            masks = torch.from_numpy(np.stack([box_planes(chosen, int(row), size) for row in rows]))
        yield Batch(pixels, labels, masks)


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
