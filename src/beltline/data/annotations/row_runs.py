"""Run lengths of a mask row by row, background first, as the annotation tools count them.

COCO counts column by column: `core.Masks` has those.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError


def row_runs(mask: NDArray[np.bool_]) -> list[int]:
    """How many pixels of background, then of the object, then of background ..., shape (H, W) row by row.

    Example:
        >>> row_runs(np.array([[0, 1, 1], [1, 0, 0]], bool)), row_runs(np.array([[1, 0]], bool))
        ([1, 3, 2], [0, 1, 1])
    """
    flat = np.asarray(mask, bool).ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(edges, prepend=0, append=flat.size).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def mask_of_row_runs(runs: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) of such run lengths.

    Raises:
        ShapeError: If one is negative or they do not fill (H, W).

    Example:
        >>> print(mask_of_row_runs([1, 3, 2], (2, 3)).astype(int))
        [[0 1 1]
         [1 0 0]]
    """
    height, width = size
    total = sum(runs)
    if min(runs, default=-1) < 0 or total != height * width:
        raise ShapeError(f"run lengths must add up to {width}x{height} pixels, none below 0; got {total}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, np.asarray(runs, np.int64)).reshape(size)
