"""Work that several processes share, in order."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import cv2

from beltline.core.orphans import end_with_parent

K = TypeVar("K")
T = TypeVar("T")
AHEAD = 16  # keys a process that are handed out before the first result is asked for


def shared(work: Callable[[K], T], keys: Iterable[K], processes: int) -> Iterator[T]:
    """``work`` of every key, in order.

    The processes begin anew: OpenMP, which Numba's loops use, does not come through a fork.

    Args:
        work: What it gives is the same in whichever process; it, keys and results are pickled.
        keys: Made here, some ahead.
        processes: 1 for this one alone.
    """
    if processes <= 1:
        yield from map(work, keys)
        return
    left = iter(keys)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_alone) as pool:
        while some := list(itertools.islice(left, AHEAD * processes)):
            yield from pool.map(work, some)


def _alone() -> None:
    """One thread a process: the others have the other cores."""
    from numba import set_num_threads

    end_with_parent()
    cv2.setNumThreads(1)
    set_num_threads(1)
