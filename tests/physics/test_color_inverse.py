"""The way back from colour: errors on round trips, and the guess of the look."""

import cv2
import numpy as np
import pytest

from beltline.physics import (
    STYLES,
    Detector,
    approximate_transmission_and_zeff,
    basis_vector,
    colorize,
    detect,
    dual_energy_transmission,
    effective_atomic_number,
    guess_style,
    random_style,
)
from beltline.physics.color_inverse import palette_distance


@pytest.fixture(scope="module")
def scan():
    """Overlapping boxes of organics, fillers and metals, (260, 300): clean low and high transmission."""
    rng = np.random.default_rng(5)
    basis = np.zeros((6, 260, 300), np.float32)
    for material, thickness, count in (
        ("cotton", 50, 6), ("pe", 20, 5), ("water", 40, 4), ("pvc", 5, 4), ("al", 4, 4), ("fe", 1.5, 3),
    ):  # fmt: skip
        for _ in range(count):
            y, x, h, w = rng.integers([0, 0, 40, 40], [200, 240, 120, 140])
            basis[:, y : y + h, x : x + w] += basis_vector(material)[:, None, None] * np.float32(thickness)
    return dual_energy_transmission(basis)


def jpeg(rgb, quality=88):
    coded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("style", STYLES)
def test_round_trip_of_a_clean_scan(scan, style):
    low, high = scan
    mean, zeff = (low + high) / 2, effective_atomic_number(low, high)
    found, number = approximate_transmission_and_zeff(colorize(low, high, style), style)
    solid = mean < 0.95
    assert np.median(np.abs(found - mean)[solid]) < 0.005
    assert np.quantile(np.abs(found - mean)[solid], 0.95) < 0.06
    # Organics share one colour, so do metals: compare with what the palette can tell.
    told = np.clip(zeff, 6.55, 25)
    assert np.median(np.abs(number - told)[solid]) < 0.8


@pytest.mark.parametrize("style", STYLES)
def test_round_trip_of_a_noisy_jpeg(scan, style):
    low, high = scan
    mean, zeff = (low + high) / 2, effective_atomic_number(low, high)
    noisy = detect(low, high, Detector(), np.random.default_rng(1))
    found, number = approximate_transmission_and_zeff(jpeg(colorize(*noisy, style)), style)
    solid = mean < 0.95
    assert np.median(np.abs(found - mean)[solid]) < 0.01
    assert np.quantile(np.abs(found - mean)[solid], 0.95) < 0.1
    assert np.median(np.abs(number - np.clip(zeff, 6.55, 25))[solid]) < 1.5


@pytest.mark.parametrize("style", STYLES)
def test_undoing_the_edges_pays(scan, style):
    low, high = scan
    mean = (low + high) / 2
    image = colorize(low, high, style)
    errors = [
        np.abs(approximate_transmission_and_zeff(image, style, edge_steps=n)[0] - mean).mean()
        for n in (0, 2, 6)
    ]
    assert errors[2] < errors[1] < errors[0]


@pytest.mark.parametrize("style", STYLES)
def test_air_comes_back_as_air(style):
    ones = np.ones((9, 9), np.float32)
    found, number = approximate_transmission_and_zeff(colorize(ones, ones, style), style)
    assert (found == 1).all()
    assert (number == 0).all()


@pytest.mark.parametrize("style", STYLES)
def test_transmission_rises_with_luminance(style):
    palette = STYLES[style].fine_table[::16, 100:-1:20]
    found, _ = approximate_transmission_and_zeff(np.ascontiguousarray(palette), style)
    assert (np.diff(found, axis=1) > -0.06).all()


@pytest.mark.parametrize("style", STYLES)
def test_look_is_guessed_from_background_and_palette(scan, style):
    noisy = detect(*scan, Detector(), np.random.default_rng(2))
    image = jpeg(colorize(*noisy, style))
    assert guess_style(image).name == style
    # JPEG and noise alone are worth about 4 grey levels
    distance = {name: palette_distance(image, name) for name in STYLES}
    own = distance.pop(style)
    assert own < 4.5
    assert own < 0.5 * min(distance.values())
    without_style = approximate_transmission_and_zeff(image)[0]
    np.testing.assert_array_equal(without_style, approximate_transmission_and_zeff(image, style)[0])


def test_random_style_inverts_with_its_own_table(scan, rng):
    low, high = scan
    style = random_style(rng, "white", 0.5)
    found, _ = approximate_transmission_and_zeff(colorize(low, high, style), style)
    mean = (low + high) / 2
    assert np.median(np.abs(found - mean)[mean < 0.95]) < 0.02


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (1, 500, 3), (500, 1, 3)])
def test_any_size_and_any_color(shape, rng):
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    found, number = approximate_transmission_and_zeff(image)
    assert found.shape == number.shape == shape[:2]
    assert ((found >= 0) & (found <= 1)).all()
    assert ((number >= 0) & (number <= 30)).all()


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_wrong_input_is_named(image):
    with pytest.raises(ValueError, match="rgb must be uint8"):
        approximate_transmission_and_zeff(image)
