"""Histograms as inline SVG: bars of kept and left out pictures, and where the threshold lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _BASE, _TOP = 400.0, 120.0, 100.0, 14.0
_BARS = 40


@dataclass(frozen=True)
class Histogram:
    """What a template draws; places are in a view box of 400 x 120.

    Attributes:
        title: What was measured.
        bars: x, width, height of the kept and of the left out above them.
        threshold: x of the limit; None for none.
        limit: The limit in words.
        ticks: x and text along the axis.
        most: Pictures of the highest bar.
    """

    title: str
    bars: tuple[tuple[float, float, float, float], ...]
    threshold: float | None
    limit: str
    ticks: tuple[tuple[float, str], ...]
    most: int


def histogram(
    title: str,
    kept: NDArray[np.floating],
    left_out: NDArray[np.floating],
    *,
    limit: float | None,
    words: str = "",
    logarithmic: bool = False,
) -> Histogram | None:
    """Bars over the values of pictures; None where there are none.

    Args:
        title: What was measured.
        kept: Values of the pictures that passed.
        left_out: Of those that did not.
        limit: Where the threshold lies.
        words: The threshold in words.
        logarithmic: Whether the axis is.
    """
    values = np.concatenate([kept, left_out]).astype(np.float64)
    if not len(values):
        return None
    marks = values if limit is None else np.append(values, limit)
    scale = np.log10 if logarithmic else np.asarray
    floor = max(float(values[values > 0].min(initial=1.0)), 1e-3) if logarithmic else -np.inf
    low, high = (float(scale(max(end, floor))) for end in (marks.min(), marks.max()))
    margin = 0.03 * (high - low) or 0.5
    edges = np.linspace(low - margin, high + margin, _BARS + 1)
    stacks = [np.histogram(scale(np.maximum(part, floor)), edges)[0] for part in (kept, left_out)]
    most = int((stacks[0] + stacks[1]).max())
    unit, step = (_BASE - _TOP) / most, _WIDTH / _BARS

    def place(value: float) -> float:
        return round(float((scale(max(value, floor)) - edges[0]) / (edges[-1] - edges[0])) * _WIDTH, 1)

    bars = tuple(
        (round(n * step + 0.5, 1), step - 1, round(a * unit, 1), round(b * unit, 1))
        for n, (a, b) in enumerate(zip(*stacks, strict=True))
    )
    ends = [edges[0] + margin, (edges[0] + edges[-1]) / 2, edges[-1] - margin]
    shown = [10**v if logarithmic else v for v in ends]
    ticks = tuple((place(value), text) for text, value in _different(shown).items())
    return Histogram(title, bars, None if limit is None else place(limit), words, ticks, most)


def _different(values: Sequence[float]) -> dict[str, float]:
    """By their text, without those that read the same."""
    return {f"{value:,.0f}" if value >= 100 else f"{value:.3g}": float(value) for value in values}
