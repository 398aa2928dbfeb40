"""Learning-rate schedules: functions of progress in [0, 1], so that they follow steps or a clock."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def cosine(*, warmup: float = 0.03, floor: float = 0.0) -> Schedule:
    """Linear warm-up over the share ``warmup``, then half a cosine down to ``floor``.

    Example:
        >>> [round(cosine(warmup=0.2)(p), 3) for p in (0.0, 0.1, 0.2, 0.6, 1.0)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def factor(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        done = min(1.0, (progress - warmup) / (1 - warmup))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))

    return factor


def constant() -> Schedule:
    """Always 1."""
    return lambda progress: 1.0
