"""AugMix and the amplitude swap: they change colours, move nothing, keep air white, and follow their seed."""

import dataclasses

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.formats import write_png
from beltline.training.amplitude_swap import amplitudes_of
from beltline.training.augment import (
    NO_AUGMENTATION,
    apply_to_pixels,
    require_amplitudes,
    sample_augmentation,
)
from beltline.training.augmix import OPERATIONS, augmix

SIZE = (64, 96)


@pytest.fixture
def scan(rng):
    pixels = np.full((*SIZE, 3), 255, np.uint8)
    pixels[16:48, 20:70] = rng.integers(20, 200, (32, 50, 3))
    return pixels


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("strength", [-1.0, -0.4, 0.7, 1.0])
def test_operations_keep_white_and_the_order_of_greys(operation, strength):
    white = np.full((8, 8, 3), 255, np.uint8)
    assert (operation(white, strength) == 255).all()
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (np.diff(operation(ramp, strength)[0, 4:-4].astype(int), axis=0) >= 0).all()


def test_augmix_follows_its_seed_and_moves_nothing(scan):
    assert np.array_equal(augmix(scan, 3), augmix(scan, 3))
    changed = [augmix(scan, seed) for seed in range(8)]
    assert len({c.tobytes() for c in changed}) > 6
    for found in changed:
        # sharpening reaches a few pixels over an edge
        assert (found[:10] >= 254).all()
        assert np.corrcoef(found.mean(2).ravel(), scan.mean(2).ravel())[0, 1] > 0.9


def test_augmix_is_a_matter_of_its_probability_and_changes_no_other_draw():
    kinds = dataclasses.replace(NO_AUGMENTATION, noise=0.5, gamma=0.2)
    mixed = dataclasses.replace(kinds, augmix=0.5)
    chosen = 0
    for seed in range(200):
        one, other = (
            sample_augmentation(np.random.default_rng(seed), ranges, source=SIZE, output=SIZE)
            for ranges in (kinds, mixed)
        )
        assert not one.mixes
        assert (one.noise_sigma, one.noise_seed) == (other.noise_sigma, other.noise_seed)
        assert np.array_equal(one.curve, other.curve)
        chosen += other.mixes
    assert 70 < chosen < 130


@pytest.fixture
def reddish(tmp_path, rng):
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3):
        pixels = np.full((80, 120, 3), 255, np.uint8)
        pixels[10:70, 10:110] = rng.integers(0, 30, (60, 100, 3)) + np.array([200, 60, 60])
        write_png(folder / f"{number}.png", pixels)
    return folder


def test_amplitudes_bring_the_colour_of_other_scans(scan, reddish):
    bank = amplitudes_of(str(reddish), SIZE)
    assert len(bank.blocks) == 3
    found = bank.over(scan, 1)
    inside = (slice(20, 44), slice(26, 64))
    redder = found[inside].reshape(-1, 3).mean(0) - scan[inside].reshape(-1, 3).mean(0)
    assert redder[0] > redder[1] + 10
    assert redder[0] > redder[2] + 10
    assert (found[:10] == 255).all()
    fine = [p[inside].astype(float) - p[inside].mean((0, 1)) for p in (found, scan)]
    assert np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1] > 0.9  # structure stays


def test_a_scan_with_its_own_amplitudes_is_itself(scan, tmp_path):
    write_png(tmp_path / "own.png", scan)
    found = amplitudes_of(str(tmp_path), SIZE).over(scan, 0)
    assert np.abs(found.astype(int) - scan).max() <= 1


def test_the_swap_is_drawn_where_a_folder_is_named(reddish):
    ranges = dataclasses.replace(NO_AUGMENTATION, amplitude_swap=0.5, amplitude_from=str(reddish))
    drawn = [
        sample_augmentation(np.random.default_rng(seed), ranges, source=SIZE, output=SIZE).amplitudes
        for seed in range(100)
    ]
    assert 30 < sum(found is not None for found in drawn) < 70
    without = dataclasses.replace(ranges, amplitude_from="")
    aug = sample_augmentation(np.random.default_rng(0), without, source=SIZE, output=SIZE)
    assert aug.amplitudes is None


def test_a_swapped_scan_keeps_its_size_and_air(scan, reddish):
    ranges = dataclasses.replace(NO_AUGMENTATION, amplitude_swap=1.0, amplitude_from=str(reddish))
    aug = sample_augmentation(np.random.default_rng(0), ranges, source=SIZE, output=(32, 64))
    out = apply_to_pixels(scan, aug, (32, 64))
    assert out.shape == (32, 64, 3)
    air = apply_to_pixels(scan, dataclasses.replace(aug, amplitudes=None), (32, 64)).min(2) >= 250
    assert 0.2 < air.mean() < 0.9
    assert (out[air] == 255).all()
    assert (out[~air] < 255).any()


def test_a_folder_without_scans_is_told_before_training(tmp_path):
    write_png(tmp_path / "grey.png", np.zeros((40, 40), np.uint8))
    ranges = dataclasses.replace(NO_AUGMENTATION, amplitude_from=str(tmp_path))
    with pytest.raises(BadInputError, match="holds no scan in colour"):
        require_amplitudes(ranges, SIZE)
