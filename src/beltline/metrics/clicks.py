"""Clicks made by rule on a known object: the first, the next, the curve of IoU over clicks, NoC.

A click is a pixel, x its column and y its row, both whole. Its depth is the distance to the nearest pixel
outside the region; the frame of the picture is outside. A click may know the truth, the model never does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.segmentation import Mask, as_mask, mask_iou, mask_pair

Floats = NDArray[np.float64]
Points = NDArray[np.int64]
Segment = Callable[[Points, Points, ArrayLike | None], ArrayLike]
"""Points (N, 2) x, y, their labels (N,) 1 or 0, and what it returned before (None at first), to a mask
(H, W), or to probabilities, of which those above 0.5 are the object."""

CLICKS = 20
"""Clicks after which the protocol gives up."""


class Click(NamedTuple):
    """A click on the pixel of column x and row y, ``positive`` on the object or negative beside it."""

    x: int
    y: int
    positive: bool


def centre_click(mask: ArrayLike) -> tuple[int, int]:
    """Column x and row y of the deepest pixel of an object, of equally deep ones the first, row by row.

    Args:
        mask: (H, W) bool, or whole numbers of which all but 0 are the object.

    Raises:
        ValueError: If the mask is empty.

    Example:
        >>> centre_click([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]])
        (2, 1)
    """
    return _deepest(_depth_squared(_object(mask)))[1:]


def random_clicks(
    mask: ArrayLike, draws: int, *, rng: np.random.Generator, margin: float = 2.0
) -> NDArray[np.int64]:
    """Clicks anywhere inside an object, each pixel as likely: people do not hit the centre.

    Args:
        mask: (H, W) of the object.
        draws: Number of clicks, drawn with replacement.
        rng: Source of chance.
        margin: Pixels by which the object is eroded first, that no click lies on its edge. An object without
            a pixel deeper than that is eroded down to its deepest ones.

    Returns:
        (draws, 2) x, y.

    Raises:
        ValueError: If the mask is empty, or ``draws`` or the margin negative.

    Source:
        Antonov et al., RClicks (2024): people's clicks give lower figures than clicks at the centre.

    Example:
        >>> bar = np.zeros((9, 40), bool); bar[2:7, 5:35] = True
        >>> random_clicks(bar, 3, rng=np.random.default_rng(0)).tolist()
        [[29, 4], [23, 4], [20, 4]]
    """
    if draws < 0 or not margin >= 0:
        raise ValueError(f"draws and margin must be 0 or more, got {draws} and {margin}")
    depth = _depth_squared(_object(mask))
    inside = depth > min(margin**2, int(depth.max()) - 1)
    places = np.argwhere(inside)[:, ::-1]  # x, y
    return places[rng.integers(0, len(places), draws)].astype(np.int64)


def next_click(truth: ArrayLike, predicted: ArrayLike, clicks: Sequence[tuple[int, ...]]) -> Click | None:
    """The click that mends most: deepest in the larger region of error, missed or too much.

    The larger region is the one whose deepest pixel is deeper; at a tie the click is negative, and among
    equal pixels it is the first, row by row, all as in RITM's code. A pixel is clicked twice only when no
    other wrong one is left, where that code clicks the picture's corner.

    Args:
        truth: (H, W) of the object.
        predicted: (H, W) of the model.
        clicks: Made before, x and y first.

    Returns:
        Always on a wrong pixel: positive on a missed one, negative on one too much. None if nothing is wrong.

    Raises:
        ShapeError: If the masks are not (H, W) of one size.
        ValueError: If a mask is of fractions or a click outside the picture.

    Source:
        Xu et al., Deep interactive object selection (2016); Sofiiuk et al., Reviving iterative training with
        mask guidance (RITM, 2021), isegm/inference/clicker.py.

    Example:
        >>> truth, predicted = np.zeros((2, 20, 40), bool)
        >>> truth[5:16, 5:30], predicted[5:16, 5:19] = True, True
        >>> next_click(truth, predicted, [(10, 10)])
        Click(x=24, y=10, positive=True)
    """
    wanted, found = mask_pair(truth, predicted)
    free = ~_clicked(clicks, wanted.shape)
    wrong = wanted != found
    if not wrong.any():
        return None
    if not (wrong & free).any():
        free[:] = True
    missed = _deepest(np.where(free, _depth_squared(wanted & ~found), 0))
    extra = _deepest(np.where(free, _depth_squared(found & ~wanted), 0))
    positive = missed[0] > extra[0]
    return Click(*(missed if positive else extra)[1:], positive)


def click_curve(segment: Segment, truth: ArrayLike, first: tuple[int, int], clicks: int = CLICKS) -> Floats:
    """IoU after each click of an object, the first one given, the others by `next_click`.

    Args:
        segment: The model; see `Segment`. It sees no truth but through the clicks.
        truth: (H, W) of the object.
        first: x, y of the first click, positive; `centre_click` or one of `random_clicks`.
        clicks: Length of the curve.

    Returns:
        (clicks,) in [0, 1]; once nothing is wrong, nobody clicks again, and the rest is 1.

    Raises:
        ShapeError: If the model's mask is not of the object's size.
        ValueError: If the truth is empty, ``first`` outside the picture, ``clicks`` below 1, or the model
            returns numbers outside 0..1.

    Example:
        >>> truth = np.zeros((40, 60), bool); truth[10:30, 10:50] = True
        >>> def discs(points, labels, previous):
        ...     y, x = np.mgrid[:40, :60]
        ...     mask = np.zeros((40, 60), bool)
        ...     for (px, py), label in zip(points, labels):
        ...         mask[np.hypot(x - px, y - py) < 10] = label
        ...     return mask
        >>> click_curve(discs, truth, centre_click(truth), 3).round(2).tolist()
        [0.38, 0.76, 0.73]
    """
    wanted = _object(truth)
    if clicks < 1:
        raise ValueError(f"a curve needs at least one click, got {clicks}")
    made = [Click(int(first[0]), int(first[1]), True)]
    _clicked(made, wanted.shape)
    previous: ArrayLike | None = None
    curve = np.ones(clicks)
    for done in range(clicks):
        points = np.array([(click.x, click.y) for click in made], np.int64)
        labels = np.array([click.positive for click in made], np.int64)
        previous = segment(points, labels, previous)
        predicted = _thresholded(previous, wanted.shape)
        curve[done] = mask_iou(wanted, predicted)
        if curve[done] == 1 or done + 1 == clicks:
            break
        following = next_click(wanted, predicted, made)
        assert following is not None  # the IoU is below 1
        made.append(following)
    return curve


def _object(mask: ArrayLike) -> Mask:
    region = as_mask(mask)
    if not region.any():
        raise ValueError("the mask is empty: there is no object to click")
    return region


def _depth_squared(region: Mask) -> NDArray[np.int64]:
    # squares are whole, so that equal depths are equal; only the region's window, which is much faster
    depth = np.zeros(region.shape, np.int64)
    x, y, width, height = cv2.boundingRect(region.astype(np.uint8))
    window = np.s_[y : y + height, x : x + width]
    padded = np.pad(region[window], 1).astype(np.uint8)
    away = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    depth[window] = np.rint(away.astype(np.float64) ** 2)
    return depth


def _deepest(depth: NDArray[np.int64]) -> tuple[int, int, int]:
    # depth, x, y
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(depth[y, x]), int(x), int(y)


def _clicked(clicks: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Mask:
    seen = np.zeros(shape, np.bool_)
    for x, y, *_ in clicks:
        if not (0 <= x < shape[1] and 0 <= y < shape[0]):
            raise ValueError(f"clicks must be x in 0..{shape[1] - 1}, y in 0..{shape[0] - 1}, got {(x, y)}")
        seen[y, x] = True
    return seen


def _thresholded(returned: ArrayLike, shape: tuple[int, ...]) -> Mask:
    values = np.asarray(returned)
    if values.shape != shape:
        raise ShapeError(f"segment must return a mask of {shape}, got {values.shape}")
    if values.dtype.kind != "f":
        return as_mask(values)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("segment must return a mask or probabilities in 0..1; logits need a sigmoid first")
    return values > 0.5
