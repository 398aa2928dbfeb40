"""Batches from processes: the same ones in the same order, errors told, nothing left running."""

import itertools
import multiprocessing
import os
import signal

import cv2
import numpy as np
import pytest
import torch

from beltline.training.processes import ProcessBatches


class Numbers:
    """Batch ``i`` holds ``i``, and who made it."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at

    def __call__(self, start, stride=1):
        for number in itertools.count(start, stride):
            if number == self.fails_at:
                raise ValueError(f"no batch {number}")
            yield torch.tensor([number, os.getpid()])


@pytest.mark.parametrize(("count", "start", "stride"), [(1, 0, 1), (3, 0, 1), (2, 5, 4)])
def test_the_same_batches_in_the_same_order(count, start, stride):
    stream = ProcessBatches(Numbers(), count)(start, stride)
    found = [next(stream) for _ in range(10)]
    stream.close()
    assert [int(batch[0]) for batch in found] == [start + stride * n for n in range(10)]
    makers = {int(batch[1]) for batch in found}
    assert len(makers) == count
    assert os.getpid() not in makers
    assert not multiprocessing.active_children()


class Blurs:
    """Batch ``i`` is a blurred picture, and OpenCV's number of threads where it was made."""

    def __call__(self, start, stride=1):
        picture = np.random.default_rng(0).random((2000, 2000), np.float32)
        while True:
            blurred = cv2.GaussianBlur(picture, (31, 31), 5)
            yield torch.tensor([float(blurred.mean()), cv2.getNumThreads()])


def test_threads_of_opencv_before_the_fork_hold_nothing_up():
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        alone = next(Blurs()(0))
        assert alone[1] == 4
        stream = ProcessBatches(Blurs(), 2)(0)
        for _ in range(4):
            batch = next(stream)
            assert batch[0] == pytest.approx(float(alone[0]))
            assert batch[1] == 1
        stream.close()
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)


def test_an_error_comes_in_its_place():
    stream = ProcessBatches(Numbers(fails_at=3), 2)(0)
    assert [int(next(stream)[0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no batch 3"):
        next(stream)
    assert not multiprocessing.active_children()


def test_a_process_that_was_killed_is_told(monkeypatch):
    monkeypatch.setattr("beltline.training.processes.PATIENCE_S", 0.05)
    stream = ProcessBatches(Numbers(), 1)(0)
    os.kill(int(next(stream)[1]), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="ended with -9"):
        list(itertools.islice(stream, 10))
