"""Batches from processes: the same ones in the same order, errors told, nothing left running."""

import itertools
import multiprocessing
import os
import signal

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
