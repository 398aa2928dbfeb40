"""Transmission as an evenly readable number: the attenuation, compressed where little more can be seen.

Log-attenuation adds where things lie over each other, but half of its range is taken by what is opaque. Its
logarithm ``log(1 + L / 0.3)`` gives air's noise and dense metal a like share of eight bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KNEE = 0.3  # attenuation up to which the code is about linear
MOST = 6.4  # attenuation from which everything reads as opaque; transmission 0.0017
_FULL = np.log1p(MOST / KNEE)


def attenuation_code(transmission: NDArray[Any]) -> NDArray[np.float32]:
    """Code in [0, 1] of transmissions in [0, 1]; air is 0.

    Example:
        >>> print(attenuation_code(np.array([1.0, 0.5, 0.05, 0.0])).round(3))
        [0. 0.385 0.772 1. ]
    """
    attenuation = 0.0 - np.log(np.clip(transmission, np.exp(-MOST), 1.0))  # no minus zero
    return np.asarray(np.log1p(attenuation / KNEE) / _FULL, np.float32)


def coded_transmission(code: NDArray[Any]) -> NDArray[np.float32]:
    """Transmission of a code in [0, 1]; what lies outside counts as its bounds.

    Example:
        >>> print(coded_transmission(attenuation_code(np.array([0.9, 0.2]))).round(4))
        [0.9 0.2]
    """
    attenuation = KNEE * np.expm1(np.clip(code, 0.0, 1.0) * _FULL)
    return np.asarray(np.exp(-attenuation), np.float32)
