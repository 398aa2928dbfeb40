"""Batches that processes prepare, where a GPU takes them faster than the threads of one process make them."""

from __future__ import annotations

import contextlib
import itertools
import queue
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch import multiprocessing

from beltline.core import BadInputError
from beltline.core.orphans import end_with_parent
from beltline.training.loop import Batches

AHEAD = 3  # batches of a process that wait
PATIENCE_S = 5.0  # between looks whether a process still lives


@dataclass(frozen=True, eq=False)
class ProcessBatches:
    """The batches of ``batches`` in the same order, each prepared in one of ``count`` processes.

    Processes are forked, so that memory-mapped data is shared and nothing need be pickled on the way in.

    Attributes:
        batches: What prepares them.
        count: Processes.

    Raises:
        BadInputError: Where processes cannot be forked.
    """

    batches: Batches
    count: int

    def __post_init__(self) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise BadInputError("processes needs a system that can fork; use workers, which are threads")

    def __call__(self, start: int, stride: int = 1) -> Iterator[Any]:
        """Batches number ``start``, ``start + stride``, ... without end; processes end with the iterator."""
        context = multiprocessing.get_context("fork")
        lanes = []
        for number in range(self.count):
            waiting = context.Queue(AHEAD)
            jobs = (self.batches, start + number * stride, self.count * stride, waiting)
            lanes.append((waiting, context.Process(target=_prepare, args=jobs, daemon=True)))
        try:
            with _no_pool_of_threads():
                for _, process in lanes:
                    process.start()
            for waiting, process in itertools.cycle(lanes):
                yield _next(waiting, process)
        finally:
            for _, process in lanes:
                process.kill()
            for _, process in lanes:
                process.join()


@contextlib.contextmanager
def _no_pool_of_threads() -> Iterator[None]:
    """OpenCV's threads do not come through a fork; a child that ends its pool waits for them for ever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _prepare(batches: Batches, start: int, stride: int, waiting: Any) -> None:
    end_with_parent()
    torch.set_num_threads(1)
    stream: Iterable[Any] = batches(start, stride)
    with contextlib.suppress(KeyboardInterrupt):  # the parent tells what it does about it
        try:
            for batch in stream:
                waiting.put(batch)
        except Exception as error:  # raised in the parent, in its place of the order
            waiting.put(error)
            signal.pause()  # batches before it are handed over by this process until they are taken


def _next(waiting: Any, process: Any) -> Any:
    while True:
        try:
            found = waiting.get(timeout=PATIENCE_S)
        except (queue.Empty, EOFError, ConnectionError):  # none yet, or the hand that held it out is gone
            if not process.is_alive():
                raise RuntimeError(f"a process that prepares batches ended with {process.exitcode}") from None
            continue
        if isinstance(found, Exception):
            raise found
        return found
