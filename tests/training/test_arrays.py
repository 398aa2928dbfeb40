"""Batches from arrays: order, balance, crops."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from beltline.core import ShapeError
from beltline.training.arrays import ArrayBatches, as_input, whole_arrays


def _batches(**changes: object) -> ArrayBatches:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 12, 12, 3), np.uint8)
    images[:, 0, 0] = np.arange(40)[:, None]
    labels = np.zeros((40, 2), np.float32)
    labels[:3, 0] = 1
    labels[3, 1] = 1
    values = {"rows": np.arange(40), "batch_size": 8, "size": 12, "flips": "none", **changes}
    return ArrayBatches(images, labels, **values)  # type: ignore[arg-type]


def test_an_epoch_shows_each_image_once() -> None:
    seen = [int(255 * v + 0.5) for b in islice(_batches()(0), 5) for v in b.image[:, 0, 0, 0]]
    assert sorted(seen) == list(range(40))


def test_any_batch_can_be_built_alone() -> None:
    batches = _batches(flips="all", size=8)
    late = next(batches(7))
    again = list(islice(batches(0), 8))[7]
    assert torch.equal(late.image, again.image)
    assert torch.equal(late.labels, again.labels)
    assert not torch.equal(next(_batches(flips="all", size=8, seed=1)(7)).image, late.image)


def test_balanced_batches_are_half_positive_and_favour_no_class() -> None:
    labels = torch.cat([b.labels for b in islice(_batches(sampling="balanced")(0), 200)])
    assert float(labels.any(1).float().mean()) == 0.5
    one, other = labels.sum(0).tolist()
    assert abs(one - other) < 0.15 * (one + other)  # 3 images of one class, 1 of the other


def test_only_the_rows_asked_for_are_used() -> None:
    rows = np.array([0, 3, 17, 30])
    seen = {int(255 * v + 0.5) for b in islice(_batches(rows=rows)(0), 3) for v in b.image[:, 0, 0, 0]}
    assert seen == set(rows.tolist())


def test_crops_and_flips_keep_pixels() -> None:
    batches = _batches(flips="all")
    plain = _batches()
    for moved, still in zip(islice(batches(0), 3), islice(plain(0), 3), strict=True):
        torch.testing.assert_close(
            moved.image.flatten(1).sort(1).values, still.image.flatten(1).sort(1).values
        )


def test_whole_images_come_in_order() -> None:
    images = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)
    parts = list(whole_arrays(images, [4, 1, 2], batch_size=2))
    assert [rows.tolist() for rows, _ in parts] == [[4, 1], [2]]
    torch.testing.assert_close(parts[0][1], as_input(images[[4, 1]]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="13 pixels"):
        _batches(size=13)
    with pytest.raises(ShapeError, match="one label row"):
        ArrayBatches(np.zeros((2, 4, 4, 3), np.uint8), np.zeros((3, 1), np.float32), np.arange(2), 1, 4)
