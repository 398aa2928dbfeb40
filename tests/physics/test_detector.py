"""Detector: noise statistics, determinism, bands, scatter, air clip."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.physics import IDEAL, Detector, detect, random_detector
from beltline.physics.detector import grain


def flat(value, shape=(256, 256)):
    return np.full(shape, value, np.float32)


def test_ideal_detector_changes_nothing(rng):
    image = rng.uniform(0.01, 1, (20, 30)).astype(np.float32)
    low, high = detect(image, image, IDEAL, rng)
    np.testing.assert_array_equal(low, image)
    np.testing.assert_array_equal(high, image)


@pytest.mark.parametrize("share", [0.0, 0.45])
@pytest.mark.parametrize("level", [0.05, 0.3, 0.8])
def test_mean_and_variance_follow_the_quanta(rng, level, share):
    detector = replace(IDEAL, photons_low=4e3, photons_high=8e3, electronic_sigma=6.0, grain_share=share)
    low, high = detect(flat(level), flat(level), detector, rng)
    for signal, photons in ((low, 4e3), (high, 8e3)):
        expected = level / photons + (6.0 / photons) ** 2
        assert signal.mean() == pytest.approx(level, abs=8 * np.sqrt(expected) / 256)
        assert signal.var() == pytest.approx(expected, rel=0.06)


def test_noise_resembles_poisson_counts(rng):
    detector = replace(IDEAL, photons_low=2e3, photons_high=2e3)
    low, _ = detect(flat(0.4), flat(0.4), detector, rng)
    counts = rng.poisson(0.4 * 2e3, (256, 256)) / 2e3
    for quantile in (0.05, 0.5, 0.95):
        assert np.quantile(low, quantile) == pytest.approx(np.quantile(counts, quantile), abs=1.5e-3)


def test_grain_is_correlated_with_unit_variance(rng):
    white, coarse = grain((400, 400), 0.0, 0.9, rng), grain((400, 400), 0.6, 0.9, rng)
    assert coarse.std() == pytest.approx(1.0, abs=0.02)

    def neighbour_correlation(field):
        return float(np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1])

    assert abs(neighbour_correlation(white)) < 0.02
    assert neighbour_correlation(coarse) > 0.3


def test_row_gains_streak_along_the_belt(rng):
    detector = replace(IDEAL, row_gain_sigma=0.01)
    low, high = detect(flat(0.5), flat(0.5), detector, rng)
    assert low.std(axis=1).max() < 1e-6
    assert low.mean(axis=1).std() == pytest.approx(0.005, rel=0.25)
    assert not np.allclose(low, high)


def test_modules_make_horizontal_bands(rng):
    detector = replace(IDEAL, band_gain_sigma=0.01, band_height_px=32)
    low, _ = detect(flat(0.5), flat(0.5), detector, rng)
    steps = np.flatnonzero(np.abs(np.diff(low[:, 0])) > 1e-6)
    assert len(steps) >= 6
    assert (np.diff(steps) == 32).all()


def test_drift_is_slow(rng):
    detector = replace(IDEAL, row_drift_sigma=0.01)
    low, _ = detect(flat(0.5, (64, 512)), flat(0.5, (64, 512)), detector, rng)
    assert low.std(axis=1).max() > 1e-3
    assert np.abs(np.diff(low, axis=1)).max() < 1e-3


def test_scatter_lifts_shadows_and_leaves_air(rng):
    image = flat(1.0)
    image[100:150, 100:150] = 0.02
    low, _ = detect(image, image, replace(IDEAL, scatter_fraction=0.02), rng)
    assert low[125, 125] > 0.025
    np.testing.assert_allclose(low[:50], 1.0)


def test_blur_keeps_the_mean(rng):
    image = flat(0.2)
    image[100:140, 60:200] = 0.9
    low, _ = detect(image, image, replace(IDEAL, psf_sigma_px=1.0), rng)
    assert low.mean() == pytest.approx(image.mean(), rel=1e-3)
    assert np.abs(np.diff(low, axis=0)).max() < 0.35


def test_air_is_white_and_grey_levels_stay_ordered(rng):
    ramp = np.linspace(0, 1, 2001, dtype=np.float32)[None].repeat(2, axis=0)
    low, _ = detect(ramp, ramp, replace(IDEAL, air_clip=0.985), rng)
    assert (low[ramp >= 0.985] == 1).all()
    assert (np.diff(low[0]) >= 0).all()
    np.testing.assert_allclose(low[ramp < 0.965], np.maximum(ramp[ramp < 0.965], 1e-4))
    noisy, _ = detect(flat(1.0), flat(1.0), Detector(), rng)
    assert (noisy == 1).mean() > 0.8


@given(seed=st.integers(0, 2**32 - 1))
def test_equal_generators_give_equal_images(seed):
    def image():
        rng = np.random.default_rng(seed)
        return detect(flat(0.4, (16, 16)), flat(0.6, (16, 16)), random_detector(rng), rng)

    np.testing.assert_array_equal(image(), image())


@given(value=st.sampled_from([0.0, -1.0, 1.0, 1.5, 1e6, np.nan, np.inf, -np.inf]), seed=st.integers(0, 99))
def test_no_nan_for_any_input(value, seed):
    rng = np.random.default_rng(seed)
    image = flat(0.5, (40, 24))
    image[10:20, 5:9] = value
    for channel in detect(image, image, random_detector(rng), rng):
        assert np.isfinite(channel).all()
        assert channel.min() >= 1e-4
        assert channel.max() <= 1


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 700), (700, 1), (7, 7)])
def test_any_size(shape, rng):
    low, high = detect(flat(0.5, shape), flat(0.5, shape), Detector(), rng)
    assert low.shape == high.shape == shape


@pytest.mark.parametrize(
    "change",
    [
        {"psf_sigma_px": -1.0},
        {"photons_low": np.nan},
        {"grain_share": 1.2},
        {"band_height_px": 0},
        {"air_clip": 0.2},
    ],
)
def test_nonsense_is_rejected(change):
    with pytest.raises(ValueError, match="Detector"):
        Detector(**change)


def test_shapes_must_agree(rng):
    with pytest.raises(ValueError, match="low and high"):
        detect(flat(1.0, (2, 2)), flat(1.0, (2, 3)), Detector(), rng)
