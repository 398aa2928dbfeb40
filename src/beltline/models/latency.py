"""Times of networks side by side: interleaved, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

Step = Callable[[], object]
WARM_UP = 2


@dataclass(frozen=True)
class Ratio:
    """Paired ratio of two times: median and quartiles over the repetitions."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        low, middle, high = (100 * (value - 1) for value in (self.low, self.median, self.high))
        return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


def interleaved_seconds(steps: Sequence[Step], repeats: int) -> list[list[float]]:
    """Seconds of every step in every repetition; the order rotates, so that none always comes first."""
    for step in steps:
        for _ in range(WARM_UP):
            step()
    seconds: list[list[float]] = [[] for _ in steps]
    for repetition in range(repeats):
        for turn in range(len(steps)):
            at = (repetition + turn) % len(steps)
            start = time.perf_counter()
            steps[at]()
            seconds[at].append(time.perf_counter() - start)
    return seconds


def paired_ratio(seconds: Sequence[float], base: Sequence[float]) -> Ratio:
    """Ratios within each repetition.

    Example:
        >>> paired_ratio([1.1, 2.2, 3.3, 9.0], [1, 2, 3, 4]).median
        1.1
    """
    ratios = [a / b for a, b in zip(seconds, base, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(middle, low, high)


def torch_step(model: nn.Module, side: int) -> Step:
    """One image (1, 3, side, side) through torch in 32-bit floats, without gradient."""
    image = torch.rand(1, 3, side, side)

    def step() -> object:
        with torch.inference_mode():
            return model(image)

    return step
