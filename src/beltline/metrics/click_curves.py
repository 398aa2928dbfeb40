"""What curves of IoU over clicks come to: mIoU after some clicks, the number of clicks needed, spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.operating_points import Rate, wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClicksNeeded:
    """Number of clicks (NoC) to an IoU.

    Attributes:
        threshold: The IoU to reach.
        clicks: (N,) int64 clicks to it, the limit where never reached.
        reached: (N,) bool, whether it was reached within the limit.
    """

    threshold: float
    clicks: NDArray[np.int64]
    reached: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """NoC, failures counting as the limit; NaN without objects."""
        return float(self.clicks.mean()) if len(self.clicks) else float("nan")

    @property
    def failures(self) -> Rate:
        """Share of the objects that never got there, with Wilson's interval."""
        return wilson(int((~self.reached).sum()), len(self.reached))


@dataclass(frozen=True)
class ClickSpread:
    """How much the place of the first click matters.

    Attributes:
        mean: Mean IoU over objects and draws.
        sd: Standard deviation over draws of the mean IoU over all objects: the noise of the table's figure.
        object_sd: Standard deviation over draws of one object's IoU, mean over objects: what a user feels.
    """

    mean: float
    sd: float
    object_sd: float


def miou_after(curves: ArrayLike, clicks: Sequence[int] = (1, 3, 5)) -> Floats:
    """Mean IoU of the objects after so many clicks, one value for each; NaN without objects.

    Args:
        curves: (N, C) IoU after each click, from `click_curve`.
        clicks: Each in 1..C.

    Raises:
        ValueError: If the curves are not (N, C) in [0, 1] or a click is outside 1..C.

    Example:
        >>> miou_after([[0.5, 0.75, 1], [0.25, 0.25, 0.5]], (1, 3)).tolist()
        [0.375, 0.75]
    """
    values = _curves(curves)
    columns = np.asarray(clicks, np.int64)
    if ((columns < 1) | (columns > values.shape[1])).any():
        raise ValueError(f"clicks must be in 1..{values.shape[1]}, got {columns.tolist()}")
    return values[:, columns - 1].mean(axis=0) if len(values) else np.full(len(columns), np.nan)


def clicks_needed(curves: ArrayLike, threshold: float) -> ClicksNeeded:
    """Clicks until an IoU is reached for the first time, whatever comes after.

    Args:
        curves: (N, C) IoU after each click; C is the limit, 20 in the standard protocol.
        threshold: IoU in [0, 1], 0.85 and 0.9 by custom.

    Raises:
        ValueError: If the curves are not (N, C) in [0, 1] or the threshold is outside [0, 1].

    Source:
        Xu et al. (2016); Sofiiuk et al. (2021), whose count of failures also has the objects that get
        there with the very last click. Here those are no failures.

    Example:
        >>> needed = clicks_needed([[0.5, 0.9, 0.8], [0.2, 0.3, 0.4]], 0.85)
        >>> needed.clicks.tolist(), needed.mean, needed.failures.hits
        ([2, 3], 2.5, 1)
    """
    values = _curves(curves)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be an IoU in 0..1, got {threshold}")
    good = values >= threshold
    reached = np.asarray(good.any(axis=1), np.bool_)
    clicks = np.where(reached, good.argmax(axis=1) + 1, values.shape[1])
    return ClicksNeeded(float(threshold), clicks.astype(np.int64), reached)


def click_spread(ious: ArrayLike) -> ClickSpread:
    """Mean and spread of the IoU over draws of the first click.

    Args:
        ious: (D, N) IoU of N objects in D draws of their click, see `random_clicks`; D at least 2.

    Raises:
        ValueError: If there are fewer draws, no object, or an IoU outside [0, 1].

    Example:
        >>> spread = click_spread([[0.25, 0.75], [0.75, 0.25]])  # one object's luck is the other's loss
        >>> spread.mean, spread.sd, round(spread.object_sd, 3)
        (0.5, 0.0, 0.354)
    """
    values = _curves(ious)
    if len(values) < 2:
        raise ValueError(f"a spread needs at least two draws, got {len(values)}")
    over_draws = values.mean(axis=1).std(ddof=1)
    return ClickSpread(float(values.mean()), float(over_draws), float(values.std(axis=0, ddof=1).mean()))


def _curves(ious: ArrayLike) -> Floats:
    values = np.asarray(ious, np.float64)
    if values.ndim != 2 or not values.shape[1] or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"expected a table of IoUs in 0..1 with at least one column, got {values.shape}")
    return values
