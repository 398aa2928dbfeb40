"""Batches that threads prepare while earlier ones are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def built_ahead(build: Callable[[K], T], keys: Iterable[K], workers: int, name: str) -> Iterator[T]:
    """``build`` of every key, in order; up to two results a worker wait.

    Args:
        build: Called in other threads; what it raises is raised here, in its place of the order.
        keys: May be endless.
        workers: Threads.
        name: What their names begin with.

    Example:
        >>> list(built_ahead(lambda k: k * k, range(5), 2, "squares"))
        [0, 1, 4, 9, 16]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
    waiting: deque[Future[T]] = deque()
    try:
        for key in keys:
            waiting.append(pool.submit(build, key))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
