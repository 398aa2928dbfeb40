"""A list of images with image-level labels: what every classification data set comes down to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, ShapeError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True, eq=False)
class ImageList:
    """Images by path, their labels and, where the set has them, boxes.

    Attributes:
        root: Folder the files are relative to.
        files: N paths with forward slashes.
        labels: (N, K) float32: 1 present, 0 absent, NaN not known or VOC's ``difficult``.
        classes: K canonical names.
        boxes: ``boxes(i)`` reads the objects of image ``i``, None where it has no annotation.

    Raises:
        ShapeError: If labels do not fit files and classes.
    """

    root: Path
    files: tuple[str, ...]
    labels: NDArray[np.float32]
    classes: tuple[str, ...]
    boxes: Callable[[int], Instances | None] | None = None

    def __post_init__(self) -> None:
        expected = (len(self.files), len(self.classes))
        if self.labels.shape != expected:
            raise ShapeError(f"{expected[0]} files of {expected[1]} classes, got labels {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.files)

    def path(self, index: int) -> Path:
        """Path of one image."""
        return self.root / self.files[index]

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> ImageList:
        """The images at ``indices``, in that order."""
        chosen = np.asarray(indices, dtype=np.intp)
        boxes = self.boxes
        return ImageList(
            self.root,
            tuple(self.files[i] for i in chosen),
            self.labels[chosen],
            self.classes,
            None if boxes is None else lambda i: boxes(int(chosen[i])),
        )


def repeat_positives(images: ImageList) -> ImageList:
    """The list with its positives repeated to be as many as the negatives, rare classes more often.

    A list without positives or without negatives stays as it is.
    """
    positive = np.flatnonzero((images.labels == 1).any(1))
    negative = np.flatnonzero(~(images.labels == 1).any(1))
    if not len(positive):
        return images
    counts = np.maximum((images.labels == 1).sum(0), 1)
    share = np.nanmax(np.where(images.labels[positive] == 1, 1 / counts, 0), axis=1)
    repeats = np.maximum(1, np.round(share / share.sum() * len(negative))).astype(np.intp)
    return images.take(np.concatenate([np.repeat(positive, repeats), negative]))


def read_image_folder(root: Path) -> ImageList:
    """One folder a class, as ILSVRC is laid out: ``root/CLASS/*.jpg``; labels are one-hot.

    Raises:
        BadInputError: If there are no two class folders with images.
    """
    if not root.is_dir():
        raise BadInputError(f"{root}: expected a folder with one folder a class, found none")
    folders = sorted(p for p in root.iterdir() if p.is_dir())
    found = [[f for f in sorted(p.rglob("*")) if f.suffix.lower() in IMAGE_SUFFIXES] for p in folders]
    pairs = [(folder, files) for folder, files in zip(folders, found, strict=True) if files]
    if len(pairs) < 2:
        raise BadInputError(f"{root}: expected at least two class folders with images, found {len(pairs)}")
    target = np.repeat(np.arange(len(pairs)), [len(files) for _, files in pairs])
    return ImageList(
        root,
        tuple(f.relative_to(root).as_posix() for _, files in pairs for f in files),
        np.eye(len(pairs), dtype=np.float32)[target],
        tuple(folder.name for folder, _ in pairs),
    )
