"""Augmentation: air stays white, masks stay on their pixels, the same draw gives the same picture."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.training.augment import (
    NO_AUGMENTATION,
    AugmentationRange,
    apply_to_masks,
    apply_to_pixels,
    sample_augmentation,
    warp,
)

STRIDE = 8
GEOMETRY = {
    "flip": 0.5, "quarter_turn": 0.5, "zoom": (0.7, 1.4), "aspect": 0.2, "tilt_deg": 10.0, "shift": 1.0,
}  # fmt: skip
COLOR = {"gamma": 0.3, "contrast": 0.3, "brightness": 20.0, "hue": 0.1, "channel_swap": 0.5, "grey": 0.3}
FILTERS = {"blur": 0.5, "sharpen": 0.5, "shrink": 0.5, "jpeg": 0.5}

seeds = st.integers(0, 10**6)
sizes = st.tuples(st.integers(4, 14), st.integers(4, 14)).map(lambda s: (8 * s[0], 8 * s[1]))


def draw(seed, source, output, **ranges):
    chosen = dataclasses.replace(NO_AUGMENTATION, **ranges)
    return sample_augmentation(np.random.default_rng(seed), chosen, source=source, output=output)


def cells(cover):
    return cover.reshape(cover.shape[0] // STRIDE, STRIDE, cover.shape[1] // STRIDE, STRIDE).mean((1, 3))


def block(height, width, rows, columns):
    """A black block in air: pixels (H, W, 3) and its coverage planes (1, H / 8, W / 8)."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[rows[0] : rows[1], columns[0] : columns[1]] = 0
    return pixels, np.rint(255 * cells(1 - pixels[..., 0] / 255.0)).astype(np.uint8)[None]


@given(seeds, sizes, sizes)
def test_air_stays_white(seed, source, output):
    aug = draw(seed, source, output, **GEOMETRY, **COLOR, **FILTERS)
    out = apply_to_pixels(np.full((*source, 3), 255, np.uint8), aug, output)
    assert out.shape == (*output, 3)
    assert out.min() >= 254  # OpenCV mixes colours in fixed point: one grey level


@given(seeds, sizes)
def test_the_margin_outside_the_scan_is_white(seed, output):
    """A black scan made small in a large frame: what is not scan is air, and the corners are outside."""
    source = (16, 16)
    aug = draw(seed, source, (96, 128), zoom=(0.5, 1.0), shift=0.5, **COLOR)
    out = apply_to_pixels(np.zeros((*source, 3), np.uint8), aug, (96, 128))
    corners = out[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all()
    assert out.min() < 255


@given(seeds)
def test_a_tint_is_one_light_background_and_never_darker_than_its_range(seed):
    aug = draw(seed, (32, 32), (32, 32), tint=1.0)
    out = apply_to_pixels(np.full((32, 32, 3), 255, np.uint8), aug, (32, 32))
    assert (out == out[0, 0]).all()
    assert out.min() >= 218  # 222 less 1.5 % of a cast


@given(seeds)
def test_colour_changes_keep_the_pixels_that_are_white_and_only_those(seed):
    pixels, _ = block(32, 48, (8, 20), (10, 30))
    aug = draw(seed, (32, 48), (32, 48), gamma=0.3, contrast=0.3, brightness=20.0, hue=0.1)
    out = apply_to_pixels(pixels, aug, (32, 48))
    assert np.array_equal((out == 255).all(2), (pixels == 255).all(2))


@given(seeds, st.booleans(), st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_masks_lie_on_their_pixels(seed, portrait, corner):
    """Coverage computed from the warped pixels against the warped coverage, on one black block in air."""
    height, width = (112, 80) if portrait else (80, 112)
    row, column = 8 * corner[0], 8 * corner[1]
    pixels, masks = block(height, width, (row, row + 24), (column, column + 32))
    aug = draw(seed, (height, width), (96, 96), **GEOMETRY)
    seen = cells(1 - apply_to_pixels(pixels, aug, (96, 96))[..., 0] / 255.0)
    warped = apply_to_masks(masks, aug, (96, 96), stride=STRIDE)[0] / 255.0
    assert abs(seen.sum() - warped.sum()) <= 0.12 * seen.sum() + 1.0  # in cells
    if min(seen.sum(), warped.sum()) > 2:
        assert centre(seen) == pytest.approx(centre(warped), abs=0.25)  # two pixels
    assert np.abs(seen - warped).max() < 0.5


def centre(cover):
    rows, columns = np.indices(cover.shape)
    return ((cover * rows).sum() / cover.sum(), (cover * columns).sum() / cover.sum())


@given(seeds)
def test_flips_alone_move_masks_and_pixels_exactly_together(seed):
    pixels, masks = block(64, 96, (8, 24), (16, 56))
    aug = draw(seed, (64, 96), (64, 96), flip=0.5)
    out = apply_to_pixels(pixels, aug, (64, 96))
    expected = np.rint(255 * cells(1 - out[..., 0] / 255.0)).astype(np.uint8)
    assert np.array_equal(apply_to_masks(masks, aug, (64, 96), stride=STRIDE)[0], expected)


@pytest.mark.parametrize("seed", range(8))
def test_a_quarter_turn_is_exact_and_never_mirrors_more_than_the_flips(seed):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    aug = draw(seed, (32, 48), (48, 32), quarter_turn=1.0, flip=0.5)
    out = apply_to_pixels(pixels, aug, (48, 32))
    turned = pixels.transpose(1, 0, 2)
    assert any(
        np.array_equal(out, turned[:: 1 - 2 * a, :: 1 - 2 * b]) for a in (False, True) for b in (False, True)
    )


def test_no_augmentation_changes_nothing(rng):
    pixels = rng.integers(0, 256, (40, 56, 3), np.uint8)
    masks = rng.integers(0, 256, (2, 5, 7), np.uint8)
    aug = sample_augmentation(rng, NO_AUGMENTATION, source=(40, 56), output=(40, 56))
    assert np.array_equal(apply_to_pixels(pixels, aug, (40, 56)), pixels)
    assert np.array_equal(apply_to_masks(masks, aug, (40, 56), stride=STRIDE), masks)


@given(seeds)
def test_the_same_draw_gives_the_same_picture(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), np.uint8)
    outs = []
    for _ in range(2):
        aug = sample_augmentation(
            np.random.default_rng(seed), AugmentationRange(noise=1.0), source=(40, 48), output=(32, 32)
        )
        outs.append(apply_to_pixels(pixels, aug, (32, 32)))
    assert np.array_equal(*outs)


@given(seeds, st.floats(0.7, 1.4))
def test_zoom_and_play_keep_the_crop_on_the_scan(seed, zoom):
    """Larger scans are cropped within their frame, smaller ones lie wholly inside the output."""
    aug = draw(seed, (64, 96), (80, 80), zoom=(zoom, zoom), shift=1.0)
    corners = aug.matrix @ np.array([[0, 96, 0, 96], [0, 0, 64, 64], [1, 1, 1, 1.0]])
    for axis, extent in ((0, 96 * zoom), (1, 64 * zoom)):
        low, high = corners[axis].min(), corners[axis].max()
        assert high - low == pytest.approx(extent)
        if extent <= 80:
            assert low >= -1e-6
            assert high <= 80 + 1e-6
        else:
            assert low <= 1e-6
            assert high >= 80 - 1e-6


def test_warp_uses_continuous_pixels():
    """Magnified twice, pixel (r, c) covers the 2 x 2 block from (2r, 2c) on: the centre of mass stays."""
    pixels = np.zeros((8, 8), np.uint8)
    pixels[2:4, 4:6] = 255
    out = warp(pixels, np.diag([2.0, 2.0, 1.0]), (16, 16), outside=0).astype(float)
    rows, columns = np.indices(out.shape) + 0.5
    assert (out * rows).sum() / out.sum() == pytest.approx(6)
    assert (out * columns).sum() / out.sum() == pytest.approx(10)


def test_gamma_acts_on_transmission():
    aug = draw(3, (8, 8), (8, 8), gamma=0.5)
    grey = np.full((8, 8, 3), 64, np.uint8)
    found = apply_to_pixels(grey, aug, (8, 8))[0, 0, 0]
    # the exponent, read off another grey level
    other = apply_to_pixels(np.full((8, 8, 3), 128, np.uint8), aug, (8, 8))[0, 0, 0]
    exponent = math.log(other / 255) / math.log(128 / 255)
    assert found == pytest.approx(255 * (64 / 255) ** exponent, abs=2)


def test_opencv_threads_do_not_change_the_noise(rng):
    pixels = np.full((64, 64, 3), 128, np.uint8)
    aug = draw(1, (64, 64), (64, 64), noise=1.0)
    before = cv2.getNumThreads()
    try:
        outs = []
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            outs.append(apply_to_pixels(pixels, aug, (64, 64)))
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(*outs)
    assert outs[0].std() > 0.5
