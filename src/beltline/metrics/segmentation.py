"""How well masks agree: IoU, Dice, boundary F; a scan's objects as one or each alone; two models compared.

A mask is (H, W), bool or whole numbers of which all but 0 are the object. Two empty masks agree: each measure
is 1. Where only one is empty, each is 0.
"""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.paired import Counts, OfCounts, PairedDifference, paired_bootstrap_of_counts

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DAVIS_TOLERANCE = 0.008
"""Share of the diagonal by which an outline may be off in DAVIS."""
RELEASE_SMOOTH = 1e-5
"""What APSAM's release adds above and below the line of both shares."""


def mask_iou(first: ArrayLike, second: ArrayLike, *, smooth: float = 0.0) -> float:
    """Intersection over union (Jaccard index) of two masks, in [0, 1].

    Args:
        first: (H, W), see the module.
        second: (H, W).
        smooth: Added above and below the line, pixels.

    Raises:
        ShapeError: If the masks are not (H, W) of one size.
        ValueError: If a mask is of fractions: probabilities need a threshold first.

    Example:
        >>> mask_iou([[1, 1, 0]], [[0, 1, 1]])
        0.3333333333333333
    """
    a, b = mask_pair(first, second)
    return _share(np.count_nonzero(a & b), np.count_nonzero(a | b), smooth)


def mask_dice(first: ArrayLike, second: ArrayLike, *, smooth: float = 0.0) -> float:
    """Dice coefficient (F1 of the pixels) of two masks, in [0, 1]; arguments and errors as `mask_iou`.

    Example:
        >>> mask_dice([[1, 1, 0]], [[0, 1, 1]])
        0.5
    """
    a, b = mask_pair(first, second)
    return _share(2 * np.count_nonzero(a & b), np.count_nonzero(a) + np.count_nonzero(b), smooth)


def boundary_f(first: ArrayLike, second: ArrayLike, *, tolerance: float = DAVIS_TOLERANCE) -> float:
    """Harmonic mean of the shares of each outline that lie near the other, in [0, 1].

    An outline is the pixels that differ from their right, lower or lower right neighbour. The frame of the
    picture is no outline, so that a mask of the whole picture has none; it agrees with no empty mask here
    (0), where DAVIS, which compares outlines alone, has 1.

    Args:
        first: (H, W), see the module.
        second: (H, W).
        tolerance: Share of the diagonal, rounded up to pixels; 0 asks for the same pixels.

    Raises:
        ShapeError: If the masks are not (H, W) of one size.
        ValueError: If a mask is of fractions, or the tolerance negative or not finite.

    Source:
        Perazzi et al., A benchmark dataset and evaluation methodology for video object segmentation (DAVIS,
        2016), section 5, and its released code.

    Example:
        >>> square, moved = np.zeros((2, 100, 100), bool)
        >>> square[20:60, 20:60] = moved[20:60, 21:61] = True
        >>> boundary_f(square, moved), boundary_f(square, moved, tolerance=0) < 0.6
        (1.0, True)
    """
    a, b = mask_pair(first, second)
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance must be a share of the diagonal, 0 or more, got {tolerance}")
    if a.any() != b.any():
        return 0.0
    reach = math.ceil(tolerance * math.hypot(*a.shape))
    one, other = _outline(a), _outline(b)
    if not one.any() and not other.any():
        return 1.0
    if not one.any() or not other.any():
        return 0.0
    x, y, width, height = cv2.boundingRect((one | other).astype(np.uint8))  # farther out nothing counts
    one, other = (outline[y : y + height, x : x + width] for outline in (one, other))
    precision, recall = _near(one, other, reach), _near(other, one, reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def scan_overlap(
    truths: ArrayLike, predicted: ArrayLike, *, smooth: float = RELEASE_SMOOTH
) -> tuple[float, float]:
    """IoU and Dice of all objects of a scan merged into one mask: the protocol of APSAM's release.

    A model that cuts out one of two knives is half right here; see `instance_overlaps`.

    Args:
        truths: (N, H, W), N may be 0.
        predicted: (M, H, W) of the same scan.
        smooth: See `mask_iou`; with the release's, a scan without objects and masks has 1 and 1.

    Raises:
        ShapeError: If the masks are not (N, H, W) of one size.

    Source:
        github.com/xi801/APSAM, utils/evaluation.py: means over the scans, no mean over classes.
    """
    wanted, found = _stack(truths).any(axis=0), _stack(predicted).any(axis=0)
    return mask_iou(wanted, found, smooth=smooth), mask_dice(wanted, found, smooth=smooth)


def instance_overlaps(truths: ArrayLike, predicted: ArrayLike) -> Floats:
    """IoU and Dice of each object with the mask that its own clicks gave: the protocol of Beltline's tables.

    Args:
        truths: (N, H, W).
        predicted: (N, H, W) in the same order.

    Returns:
        (N, 2) IoU, Dice.

    Raises:
        ShapeError: If both are not one (N, H, W).
    """
    wanted, found = _stack(truths), _stack(predicted)
    if wanted.shape != found.shape:
        raise ShapeError(f"needs a mask for each object, got {found.shape} for {wanted.shape}")
    pairs = zip(wanted, found, strict=True)
    return np.array([(mask_iou(a, b), mask_dice(a, b)) for a, b in pairs], np.float64).reshape(-1, 2)


def miou_of_counts(ious: ArrayLike, scan: ArrayLike) -> OfCounts:
    """Mean IoU of resamples of the scans, all objects of a scan drawn together; see `paired_miou`.

    Args:
        ious: (N,) of the objects.
        scan: (N,) row of each object's scan.
    """
    values, row = np.asarray(ious, np.float64), np.asarray(scan, np.int64)

    def means(counts: Counts) -> Floats:
        scans = counts.shape[1]
        objects = counts @ np.bincount(row, minlength=scans)
        total = counts @ np.bincount(row, weights=values, minlength=scans)
        known: Floats = np.divide(total, objects, out=np.full(len(counts), np.nan), where=objects > 0)
        return known

    return means


def paired_miou(
    first: ArrayLike,
    second: ArrayLike,
    scan: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    draw_seeds: bool = True,
) -> PairedDifference:
    """Difference in mean IoU between two models on the same objects, with an interval over scans.

    Objects of one scan share its clutter and its scanner, so they are drawn together: drawn one by one, ten
    knives of one bag would pass for ten bags. The mean is over objects, so a full bag weighs more.

    Args:
        first: (N,) IoU of each object by the first model, or (S, N) for S trainings.
        second: By the second model on the same objects and seeds.
        scan: (N,) any name or number of the object's scan.
        rng: Source of chance.
        resamples: Draws of the scans.
        confidence: Of the interval, in (0, 1).
        draw_seeds: See `paired_bootstrap`.

    Raises:
        ValueError: If shapes do not fit, there is no object, or an IoU is not finite.

    Source:
        Efron and Tibshirani (1993); Field and Welsh, Bootstrapping clustered data (2007).

    Example:
        >>> found = paired_miou([0.5, 0.6, 0.4, 0.7], [0.7, 0.8, 0.5, 0.9], ["a", "a", "b", "c"],
        ...                     rng=np.random.default_rng(0))
        >>> round(found.difference, 3), found.clear
        (0.175, True)
    """
    ones, others = (np.atleast_2d(np.asarray(ious, np.float64)) for ious in (first, second))
    names, row = np.unique(np.asarray(scan), return_inverse=True)
    if ones.ndim != 2 or ones.shape != others.shape or ones.shape[1:] != row.shape or not ones.size:
        raise ValueError(
            f"needs (N,) or (S, N) IoUs of both models and (N,) scans, N at least 1,"
            f" got {np.shape(first)}, {np.shape(second)} and {np.shape(scan)}"
        )
    if not (np.isfinite(ones).all() and np.isfinite(others).all()):
        raise ValueError("IoUs must be finite; leave out an object that a model was not asked for, in both")
    firsts, seconds = ([miou_of_counts(ious, row) for ious in model] for model in (ones, others))
    return paired_bootstrap_of_counts(
        firsts, seconds, np.ones(len(names)), rng=rng, resamples=resamples, confidence=confidence,
        draw_seeds=draw_seeds,
    )  # fmt: skip


def as_mask(mask: ArrayLike) -> Mask:
    """A mask as (H, W) bool; errors as `mask_iou`."""
    array = np.asarray(mask)
    if array.ndim != 2 or not array.size:
        raise ShapeError(f"a mask must be (H, W), got {array.shape}")
    return _whole(array)


def mask_pair(first: ArrayLike, second: ArrayLike) -> tuple[Mask, Mask]:
    """Two masks of one size as bool; errors as `mask_iou`."""
    a, b = as_mask(first), as_mask(second)
    if a.shape != b.shape:
        raise ShapeError(f"masks must be of one size, got {a.shape} and {b.shape}")
    return a, b


def _stack(masks: ArrayLike) -> Mask:
    array = np.asarray(masks)
    if array.ndim != 3:
        raise ShapeError(f"masks of a scan must be (N, H, W), got {array.shape}")
    return _whole(array)


def _whole(array: NDArray[np.generic]) -> Mask:
    if array.dtype.kind not in "biu":
        raise ValueError(f"a mask must be bool or whole numbers, got {array.dtype}; give probs > 0.5")
    return array.astype(np.bool_)


def _share(part: int | np.integer, whole: int | np.integer, smooth: float) -> float:
    return (int(part) + smooth) / (int(whole) + smooth) if whole + smooth else 1.0


def _outline(mask: Mask) -> Mask:
    last = np.pad(mask, ((0, 1), (0, 1)), mode="edge")  # beyond the frame nothing changes
    outline: Mask = (mask != last[:-1, 1:]) | (mask != last[1:, :-1]) | (mask != last[1:, 1:])
    return outline


def _near(outline: Mask, other: Mask, reach: int) -> float:
    # a disc of that radius around the other outline: squares, because the root is only nearly exact
    away = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(np.mean(np.rint(away[outline].astype(np.float64) ** 2) <= reach**2))
