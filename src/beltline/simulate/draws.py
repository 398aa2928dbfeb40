"""Short draws that every family of things and every bag is made of.

An item is its family and its seed, so the order of draws is part of it: one draw more or less changes all
that follow, and old scenes would replay as other bags.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Rng = np.random.Generator
T = TypeVar("T")


def pick(rng: Rng, *options: T) -> T:
    """One of the options, evenly; one that is named twice comes twice as often."""
    return options[int(rng.integers(len(options)))]


def chance(rng: Rng, share: float) -> bool:
    """True with probability ``share``."""
    return bool(rng.random() < share)


def draw(rng: Rng, low: float, high: float) -> float:
    """Uniform float in [low, high]."""
    return float(rng.uniform(low, high))


def count(rng: Rng, low: int, high: int) -> int:
    """Uniform integer in [low, high], both ends included."""
    return int(rng.integers(low, high + 1))
