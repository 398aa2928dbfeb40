"""Localisation from class maps: pointing game, box of a map, box IoU, CorLoc.

Pixel (x, y) covers the square from (x, y) to (x + 1, y + 1); boxes are xyxy, right and bottom exclusive.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.detections import iou_matrix

MapScale = Literal["raw", "minmax"]


def peak_point(cam: ArrayLike, size: tuple[int, int]) -> tuple[float, float]:
    """Centre of the highest cell of a class map, in image pixels.

    Args:
        cam: (h, w) any real scale; the first of equal peaks counts.
        size: (H, W) of the image that the map covers.

    Returns:
        x, y.
    """
    x, y = peak_points(cam, size)[0]
    return float(x), float(y)


def peak_points(cam: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Centres of all highest cells of a class map: a measure must not prefer one of equal peaks.

    Args:
        cam: (h, w) any real scale.
        size: (H, W) of the image that the map covers.

    Returns:
        (P, 2) x, y in image pixels, row by row.
    """
    values = np.asarray(cam)
    cells = np.argwhere(values == values.max())[:, ::-1] + 0.5
    return np.asarray(cells * (np.array(size) / values.shape)[::-1], np.float64)


def peak_over_stages(
    maps: Sequence[ArrayLike], size: tuple[int, int], *, scale: MapScale = "raw"
) -> tuple[float, float]:
    """The first of `peaks_over_stages`, x and y."""
    x, y = peaks_over_stages(maps, size, scale=scale)[0]
    return float(x), float(y)


def peaks_over_stages(
    maps: Sequence[ArrayLike], size: tuple[int, int], *, scale: MapScale = "raw"
) -> NDArray[np.float64]:
    """The pixels that the class maps of several stages point at: argmax over all pixels and stages.

    Args:
        maps: One (h, w) map a stage, each of its own resolution, all of one class.
        size: (H, W) of the image that every map covers.
        scale: ``raw`` compares the maps on their own scale, logits, as the paper's text reads; interpolation
            never exceeds its samples, so that the peak is the centre of the highest cell. ``minmax`` brings
            each map to 0..1 first. Then every stage peaks at 1 and their argmax would be a tie, so that the
            point is the peak of their mean at image size: where the stages agree.

    Returns:
        (P, 2) x, y in image pixels: one point, or all of equal peaks, finest stage first.

    Raises:
        ValueError: If there is no map, one is not (h, w) or not finite, or the scale is another.

    Source:
        Miao et al., SIXray (2019), section 5.3, which leaves the scale open; ``minmax`` is reconstructed.

    Example:
        >>> peaks_over_stages([[[0, 2], [0, 0]], [[3]]], (8, 8))
        array([[4., 4.]])
    """
    if scale not in get_args(MapScale):
        raise ValueError(f"scale must be one of {get_args(MapScale)}, got {scale!r}")
    values = [np.asarray(cam, np.float32) for cam in maps]
    if not values or any(cam.ndim != 2 or not cam.size or not np.isfinite(cam).all() for cam in values):
        raise ValueError(f"expected finite (h, w) maps, got shapes {[cam.shape for cam in values]}")
    if scale == "raw":
        highest = max(float(cam.max()) for cam in values)
        return np.concatenate([peak_points(cam, size) for cam in values if cam.max() == highest])
    height, width = size
    whole = [cv2.resize(_unit(cam), (width, height), interpolation=cv2.INTER_LINEAR) for cam in values]
    return peak_points(np.mean(whole, axis=0), size)


def pointing_hit(point: tuple[float, float], boxes: ArrayLike, *, margin: float = 0.0) -> bool:
    """Whether a point lies in any of the boxes.

    Args:
        point: x, y.
        boxes: (M, 4) xyxy of the class.
        margin: Pixels by which a near miss still counts: 0 as in the CHR paper, 15 as in the original
            pointing game.

    Source:
        Zhang et al., Top-down neural attention by excitation backprop (2016).
    """
    rectangles = np.asarray(boxes, np.float64).reshape(-1, 4)
    x, y = point
    dx = np.maximum(np.maximum(rectangles[:, 0] - x, x - rectangles[:, 2]), 0)
    dy = np.maximum(np.maximum(rectangles[:, 1] - y, y - rectangles[:, 3]), 0)
    return bool((np.hypot(dx, dy) <= margin).any())


def pointing_share(points: ArrayLike, boxes: ArrayLike, *, margin: float = 0.0) -> float:
    """Share of points that hit: the expected hit where one of equal peaks is chosen by chance.

    Args:
        points: (P, 2) x, y, at least one; see `peak_points`.
        boxes: (M, 4) xyxy of the class.
        margin: See `pointing_hit`.
    """
    each = np.asarray(points, np.float64).reshape(-1, 2)
    return float(np.mean([pointing_hit((float(x), float(y)), boxes, margin=margin) for x, y in each]))


def pointing_accuracy(
    hits: ArrayLike, classes: ArrayLike, num_classes: int
) -> tuple[float, NDArray[np.float64]]:
    """Hits over hits and misses a class, and the mean over the classes that occur.

    Args:
        hits: (N,) bool or shares, one per scan and class present.
        classes: (N,) class index of each.
        num_classes: K.

    Returns:
        Mean, and (K,) accuracies with NaN where a class does not occur.
    """
    hit, index = np.asarray(hits, np.float64), np.asarray(classes, np.int64)
    total = np.bincount(index, minlength=num_classes)
    right = np.bincount(index, weights=hit, minlength=num_classes)
    each = np.divide(right, total, out=np.full(num_classes, np.nan), where=total > 0)
    return (float(np.nanmean(each)) if total.any() else float("nan")), each


def box_from_cam(
    cam: ArrayLike, size: tuple[int, int], *, threshold: float = 0.5, relative: bool = True
) -> tuple[float, float, float, float]:
    """Bounding box of the connected region (8 neighbours) around the peak of a class map.

    Args:
        cam: (h, w).
        size: (H, W) of the image.
        threshold: Cells at least this high belong to the region.
        relative: The threshold is a share of the way from the map's median (the bag's background) to its
            maximum; otherwise on the map's own scale. The peak belongs to the region in any case.

    Returns:
        xyxy in image pixels.

    Source:
        Zhou et al., Learning deep features for discriminative localization (2016), which takes 0.2 of the
        maximum; the median as zero is reconstructed, because class-map logits have no natural one.
    """
    values = np.asarray(cam, np.float64)
    low, high = float(np.median(values)), float(values.max())
    level = low + threshold * (high - low) if relative else threshold
    region = values >= level
    peak = np.unravel_index(int(np.argmax(values)), values.shape)
    region[peak] = True
    _, parts = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(parts == parts[peak])
    scale_y, scale_x = size[0] / values.shape[0], size[1] / values.shape[1]
    return (
        float(columns.min() * scale_x),
        float(rows.min() * scale_y),
        float((columns.max() + 1) * scale_x),
        float((rows.max() + 1) * scale_y),
    )


def best_iou(box: ArrayLike, boxes: ArrayLike) -> float:
    """IoU of one box with the best of several, 0 without any."""
    return float(iou_matrix(box, boxes).max(initial=0.0))


def corloc(ious: ArrayLike, *, threshold: float = 0.5) -> float:
    """Share of scans with the class whose box from the map reaches an IoU; NaN without any.

    Source:
        Deselaers et al., Weakly supervised localization and learning with generic knowledge (2012).
    """
    values = np.asarray(ious, np.float64)
    return float((values >= threshold).mean()) if values.size else float("nan")


def _unit(cam: NDArray[np.float32]) -> NDArray[np.float32]:
    # 0..1; a flat map says nothing and is 0
    low, high = float(cam.min()), float(cam.max())
    return (cam - low) / (high - low) if high > low else np.zeros_like(cam)
