"""A subset as the experiment sees it: training batches, test images, their labels and boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from beltline.protocols.sixray.plan import SUBSETS, SixrayScale
from beltline.simulate.windows import WindowSet
from beltline.training.arrays import ArrayBatches, Sampling, whole_arrays
from beltline.training.loop import Batches

Floats = NDArray[np.float32]
MEAN, SPREAD = 0.8, 0.25
Whole = Callable[[int], Iterator[tuple[NDArray[np.intp], Tensor]]]


@dataclass(frozen=True, eq=False)
class SubsetData:
    """One of SIXray10, 100, 1000, from simulated windows or real files.

    Attributes:
        name: SIXray10, SIXray100 or SIXray1000.
        ratio: Negatives per positive image in training, as achieved.
        classes: K names.
        seen: Training images that a cell sees.
        train_labels: (N, K), 0, 1 or NaN.
        test_labels: (M, K), 0, 1 or NaN.
        weights: (M,) how many images each test image stands for.
        objects: (T, 8) float32 of the test images: row, class, x1, y1, x2, y2, area share, occlusion (NaN
            where not known), in pixels of ``test_size``.
        test_size: (H, W) that the boxes refer to.
        batches: ``batches(sampling, seed)`` for the loop.
        normalise: What the network sees of an image (B, 3, H, W) in 0..1.
        whole: ``whole(batch_size)`` yields (rows, images (B, 3, H, W)) of the test set in order.
    """

    name: str
    ratio: float
    classes: tuple[str, ...]
    seen: int
    train_labels: Floats
    test_labels: Floats
    weights: NDArray[np.float64]
    objects: Floats
    test_size: tuple[int, int]
    batches: Callable[[Sampling, int], Batches]
    whole: Whole
    normalise: Callable[[Tensor], Tensor]


def simulated_part(train: WindowSet, test: WindowSet, name: str, scale: SixrayScale, seed: int) -> SubsetData:
    """A simulated subset with SIXray's class counts and the imbalance asked for.

    All benign windows are used; positives are drawn by the seed until the ratio is reached. The test windows
    are the same for every subset; what differs is how many images each benign one stands for, so that
    precision is that of the subset's imbalance.

    Args:
        train: Windows of training items.
        test: Windows of test items; no item occurs in both.
        name: Key of the scale's ratios.
        scale: Ratios, crop size, batch size.
        seed: Of the positives.
    """
    rng = np.random.default_rng((seed, SUBSETS[name]))
    negatives = np.flatnonzero(~train.labels.any(1))
    wanted = max(len(train.classes), round(len(negatives) / scale.ratios[name]))
    cap = -(-wanted // len(train.classes)) if name == "SIXray1000" else wanted
    rows = np.concatenate([draw_positives(rng, train.labels, wanted, cap), negatives])
    ratio = len(negatives) / max(len(rows) - len(negatives), 1)
    labels = train.labels.astype(np.float32)

    def batches(sampling: Sampling, order: int) -> Batches:
        return ArrayBatches(
            train.images, labels, rows, scale.batch_size, scale.size, sampling, scale.flips, order
        )

    return SubsetData(
        name,
        ratio,
        train.classes,
        scale.images,
        labels[rows],
        test.labels.astype(np.float32),
        negative_weights(test.labels, ratio),
        test.objects,
        (test.images.shape[1], test.images.shape[2]),
        batches,
        lambda size: whole_arrays(test.images, np.arange(len(test)), batch_size=size),
        standardise,
    )


def standardise(image: Tensor) -> Tensor:
    """Simulated windows about their mean, which lies near white."""
    return (image - MEAN) / SPREAD


def negative_weights(labels: NDArray[np.uint8], ratio: float) -> NDArray[np.float64]:
    """Weight of every test image: 1 for positives, for negatives what makes ``ratio`` of them a positive."""
    positive = labels.any(1)
    each = ratio * positive.sum() / max(int((~positive).sum()), 1)
    return np.where(positive, 1.0, each)


def draw_positives(
    rng: np.random.Generator, labels: NDArray[np.uint8], wanted: int, cap: int
) -> NDArray[np.intp]:
    """Up to ``wanted`` images with a class, at least one of each class, none with more than ``cap``.

    SIXray1000 keeps at most 1,000 images a class, which evens its counts out; a cap does the same here.
    """
    kept: list[int] = []
    counts = np.zeros(labels.shape[1], int)
    positives = rng.permutation(np.flatnonzero(labels.any(1)))
    first = [int(positives[np.flatnonzero(labels[positives, k])[0]]) for k in range(labels.shape[1])]
    for row in dict.fromkeys([*first, *positives.tolist()]):
        if len(kept) < wanted and (counts[labels[row] > 0] < cap).all():
            kept.append(row)
            counts += labels[row]
    return np.sort(np.array(kept, np.intp))
