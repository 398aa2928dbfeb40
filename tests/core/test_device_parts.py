"""Devices and their parts: cut on white, each part alone, and labels with an ignored band."""

from __future__ import annotations

import numpy as np
import pytest

from beltline.core.device_parts import (
    OBJECT_SIZE,
    PART_SIZE,
    PartRule,
    cut_device,
    framed,
    object_picture,
    part_labels,
    part_pictures,
)
from beltline.core.errors import ShapeError


@pytest.fixture
def scan() -> np.ndarray:
    """A scan with a device of two colours at rows 40 to 200 and columns 60 to 300."""
    picture = np.full((260, 360, 3), 230, np.uint8)
    picture[40:200, 60:300] = (90, 140, 60)
    picture[60:120, 80:160] = (40, 60, 150)
    return picture


@pytest.fixture
def mask() -> np.ndarray:
    """The device in it."""
    found = np.zeros((260, 360), bool)
    found[40:200, 60:300] = True
    found[40:60, 60:90] = False  # a corner that is not of it
    return found


def test_a_device_is_cut_out_on_white(scan: np.ndarray, mask: np.ndarray) -> None:
    device = cut_device(scan, mask, 0.8)
    assert device.corner == (40, 60)
    assert device.rgb.shape == (160, 240, 3)
    assert (device.rgb[~device.mask] == 255).all()
    assert (device.rgb[device.mask] == scan[mask]).all()
    assert ((device.labels >= 0) == device.mask).all()
    assert set(np.unique(device.labels)) == {-1, *range(device.parts)}
    assert device.areas.sum() == mask.sum()


def test_the_number_of_parts_follows_the_size_in_millimetres(scan: np.ndarray, mask: np.ndarray) -> None:
    coarse, fine = cut_device(scan, mask, 0.4), cut_device(scan, mask, 0.8)
    assert coarse.parts < fine.parts
    wanted = mask.sum() * 0.8**2 / 38**2
    assert 0.6 * wanted <= fine.parts <= 1.4 * wanted
    unsized = cut_device(scan, mask, None)
    assert 0.6 * 24 <= unsized.parts <= 1.4 * 24
    few = cut_device(scan, mask, 0.8, PartRule(most=10))
    assert few.parts <= 14


def test_a_part_is_shown_alone(scan: np.ndarray, mask: np.ndarray) -> None:
    device = cut_device(scan, mask, 0.8)
    pictures = part_pictures(device)
    assert pictures.shape == (device.parts, *PART_SIZE, 3)
    assert object_picture(device).shape == (*OBJECT_SIZE, 3)
    blue = device.labels[50, 60]  # inside the blue field
    shown = pictures[blue].reshape(-1, 3)
    assert {tuple(colour) for colour in np.unique(shown[(shown != 255).any(1)], axis=0)} >= {(40, 60, 150)}
    assert not (pictures == 230).all(-1).any()  # the scan beside the device is never seen


def test_frames_keep_aspect_and_pad_with_white() -> None:
    found = framed(np.zeros((20, 100, 3), np.uint8), (190, 150))
    rows = np.nonzero((found == 0).all((1, 2)))[0]
    assert found.shape == (190, 150, 3)
    assert len(rows) == 30  # 20 x 100 brought to 30 x 150
    assert (found[0] == 255).all()
    assert rows[0] == pytest.approx(190 - 1 - rows[-1], abs=1)


def test_labels_follow_the_overlap(scan: np.ndarray, mask: np.ndarray) -> None:
    device = cut_device(scan, mask, 0.8)
    assert (part_labels(device, None) == 0).all()
    assert (part_labels(device, np.zeros_like(mask)) == 0).all()
    one = int(device.labels[80, 120])
    hidden = np.zeros_like(mask)
    hidden[40:200, 60:300] = device.labels == one
    labels = part_labels(device, hidden)
    assert labels[one] == 1
    assert (np.delete(labels, one) == 0).all()


def test_parts_that_are_barely_touched_are_ignored(scan: np.ndarray, mask: np.ndarray) -> None:
    device = cut_device(scan, mask, 0.8)
    hidden = np.zeros_like(mask)
    hidden[60:120, 80:160] = True  # the blue field
    for number, label in enumerate(part_labels(device, hidden)):
        mine = np.zeros_like(mask)
        mine[40:200, 60:300] = device.labels == number
        share = (hidden & mine).sum() / mine.sum()
        assert label == (0 if share == 0 else 1 if share >= 0.1 else -1)


def test_a_tiny_anomaly_marks_the_part_that_holds_it(scan: np.ndarray, mask: np.ndarray) -> None:
    device = cut_device(scan, mask, 0.8)
    hidden = np.zeros_like(mask)
    hidden[150:153, 200:203] = True
    labels = part_labels(device, hidden)
    assert (labels == 1).sum() == 1
    assert labels[device.labels[111, 141]] == 1


def test_what_cannot_be_is_refused(scan: np.ndarray, mask: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        cut_device(scan, mask[:-1], 0.8)
    with pytest.raises(ValueError, match="empty"):
        cut_device(scan, np.zeros_like(mask), 0.8)
    with pytest.raises(ValueError, match="pixel_mm"):
        cut_device(scan, mask, 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3)])
def test_devices_of_a_few_pixels(shape: tuple[int, int]) -> None:
    scan = np.full((50, 50, 3), 100, np.uint8)
    mask = np.zeros((50, 50), bool)
    mask[: shape[0], : shape[1]] = True
    device = cut_device(scan, mask, 0.8)
    assert ((device.labels >= 0) == device.mask).all()
    assert len(part_pictures(device)) == device.parts >= 1
