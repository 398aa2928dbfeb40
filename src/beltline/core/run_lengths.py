"""COCO run lengths from outside, checked here: pycocotools takes them on trust and writes past its arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError

_MOST_PIXELS = 2**32 - 1  # pycocotools counts in 32 bits
_LONGEST = 7  # letters of 5 bits for one count


def check_run_lengths(rle: Mapping[str, Any]) -> tuple[int, int]:
    """(H, W) of a COCO run-length object, compressed (string) or not (list of counts), if it is sound.

    Raises:
        ShapeError: If its size is no (H, W), a count is negative or no whole number, or they do not add up
            to H x W.

    Example:
        >>> check_run_lengths({"size": [2, 3], "counts": [1, 2, 3]})
        (2, 3)
    """
    size, counts = rle.get("size"), rle.get("counts")
    if not _is_size(size):
        raise ShapeError(f"run lengths need a size (H, W) of whole pixels, got {str(size)[:40]}")
    height, width = (int(side) for side in size)  # type: ignore[union-attr]
    runs = _letters(counts) if isinstance(counts, str | bytes) else _numbers(counts, height * width)
    total = int(runs.sum())
    if (runs < 0).any() or total != height * width:
        raise ShapeError(f"run lengths must add up to {height}x{width} pixels, none below 0; got {total}")
    return height, width


def _is_size(size: Any) -> bool:
    if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 2:
        return False
    whole = all(isinstance(side, int | np.integer) and side > 0 for side in size)
    return whole and int(size[0]) * int(size[1]) <= _MOST_PIXELS


def _numbers(counts: Any, pixels: int) -> NDArray[np.int64]:
    if not isinstance(counts, list) or not all(isinstance(n, int) and 0 <= n <= pixels for n in counts):
        raise ShapeError(f"run lengths must be a string or whole numbers, got {str(counts)[:40]!r}")
    return np.array(counts, dtype=np.int64)


def _letters(counts: str | bytes) -> NDArray[np.int64]:
    """Runs of a compressed string: 5 bits a letter, from the fourth on as difference to the last but one.

    Source:
        COCO mask API, ``rleToString``.
    """
    text = counts.encode("ascii", errors="replace") if isinstance(counts, str) else counts
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if ((codes < 0) | (codes > 63)).any() or (len(codes) and codes[-1] & 32):
        raise ShapeError(f"run lengths hold letters that are none of COCO's, got {text[:40]!r}")
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.intp)[: len(ends)]
    lengths = ends - starts + 1
    if len(lengths) and lengths.max() > _LONGEST:
        raise ShapeError(f"run lengths hold a count of more than {_LONGEST} letters, got {text[:40]!r}")
    if not len(lengths):
        return np.zeros(0, np.int64)
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 31) << (5 * place), starts)
    runs[codes[ends] & 16 > 0] -= (1 << (5 * lengths))[codes[ends] & 16 > 0]  # the highest bit is the sign
    if np.abs(runs).max() > _MOST_PIXELS:
        raise ShapeError(f"run lengths hold a count above {_MOST_PIXELS}, got {text[:40]!r}")
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
