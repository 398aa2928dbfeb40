"""Subsets of a SIXray copy for the experiment: its own lists where it has them, else built by seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core import BadInputError
from beltline.data.annotations import ImageList, repeat_positives
from beltline.data.sixray import RATIOS, SixrayIndex, build_subset, read_index, to_image_list
from beltline.models.backbones import ExpectedInput, Triple, expected_input
from beltline.protocols.sixray.parts import Floats, SubsetData
from beltline.protocols.sixray.plan import SUBSETS, Cell, SixrayScale
from beltline.systems.chr.lists import scaled_boxes
from beltline.training.arrays import Sampling
from beltline.training.files import FileBatches, whole_images
from beltline.training.loop import Batches

USUAL_SIDE = 224  # that the scale's sizes are for
SUBSET_SEED = 0  # one split for all trainings, so that every method answers the same test set


def real_parts(root: Path, scale: SixrayScale) -> Callable[[Cell], SubsetData]:
    """What `beltline.protocols.sixray.experiment` asks for a cell.

    Args:
        root: A copy of SIXray, complete or not.
        scale: Sizes and epochs.
    """
    index = read_index(root)
    cache: dict[tuple[str, ExpectedInput], SubsetData] = {}

    def part(cell: Cell) -> SubsetData:
        expected = expected_input(scale.nets[cell.net].backbone)
        key = (cell.subset, expected)
        if key not in cache:
            cache[key] = real_part(index, cell.subset, scale, expected)
        return cache[key]

    return part


def real_part(index: SixrayIndex, name: str, scale: SixrayScale, expected: ExpectedInput) -> SubsetData:
    """One subset of a copy, sized and normalised as the weights of a backbone expect it.

    Raises:
        BadInputError: If no training or no test image of the subset is on disk.
    """
    train_rows, test_rows = subset_rows(index, SUBSETS[name])
    train = to_image_list(index, train_rows, difficult="present")
    test = to_image_list(index, test_rows)
    if not len(train) or not len(test):
        raise BadInputError(
            f"{index.root}: {name} has {len(train)} training and {len(test)} test images on disk; unpack more"
            " of JPEGImage, and see beltline data verify"
        )
    positive = int((train.labels == 1).any(1).sum())
    size, warp = (round(side * expected.size / USUAL_SIDE) for side in (scale.size, scale.warp))

    def batches(sampling: Sampling, seed: int) -> Batches:
        images = repeat_positives(train) if sampling == "balanced" else train
        return FileBatches(images, batch_size=scale.batch_size, size=size, warp=warp, seed=seed, workers=4)

    return SubsetData(
        name,
        (len(train) - positive) / max(positive, 1),
        train.classes,
        round(scale.epochs * len(train)),
        train.labels,
        test.labels,
        np.ones(len(test)),
        objects_of(test, size),
        (size, size),
        batches,
        lambda batch_size: whole_images(test, batch_size=batch_size, size=size, workers=4),
        partial(standardise, mean=expected.mean, std=expected.std),
    )


def subset_rows(index: SixrayIndex, ratio: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Training and test rows: those of the copy's lists ``RATIO/train`` and ``RATIO/test``, else built."""
    names = (f"{ratio}/train", f"{ratio}/test")
    if all(name in index.lists for name in names):
        return index.lists[names[0]], index.lists[names[1]]
    exact = next(known for known in RATIOS if known == ratio)
    subset = build_subset(index, exact, seed=SUBSET_SEED)
    return subset.train, subset.test


def objects_of(images: ImageList, size: int) -> Floats:
    """Objects as `SubsetData` holds them; occlusion is not known of real scans."""
    found = []
    for row in np.flatnonzero((images.labels == 1).any(1)):
        for k, box in scaled_boxes(images, int(row), size):
            area = (box[2] - box[0]) * (box[3] - box[1]) / size**2
            found.append((row, k, *box, area, np.nan))
    return np.array(found, np.float32).reshape(-1, 8)


def standardise(image: Tensor, *, mean: Triple, std: Triple) -> Tensor:
    """As the weights of a backbone expect it."""
    middle, spread = (torch.tensor(values, device=image.device)[:, None, None] for values in (mean, std))
    return (image - middle) / spread
