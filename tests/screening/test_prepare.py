import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import BadInputError, Scan
from beltline.physics import whiten_background
from beltline.screening import Letterbox, prepare
from beltline.screening.prepare import estimate_air, find_bag, white_picture
from beltline.simulate.photograph import draw_look, photograph


def color(pixels: np.ndarray) -> Scan:
    return Scan(pixels.astype(np.float32), "color", ("r", "g", "b"))


def bag(width: int = 200, height: int = 120, *, air: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    pixels = np.empty((3, height, width), np.float32)
    pixels[:] = np.array(air, np.float32)[:, None, None]
    pixels[:, height // 4 : height // 2, width // 4 : width // 2] = 0.2
    return pixels


def to_network(box: Letterbox, points: np.ndarray) -> np.ndarray:
    """Points of the scan in pixels of the network's image."""
    return (points - box.origin) * np.divide(box.content, box.region) + box.pad


@given(
    width=st.integers(8, 700),
    height=st.integers(8, 700),
    seed=st.integers(0, 1000),
    long_side=st.sampled_from([64, 224, 448]),
)
def test_points_come_back_exactly(width: int, height: int, seed: int, long_side: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.ones((3, height, width), np.float32)
    x, y = rng.integers(0, width - 4), rng.integers(0, height - 4)
    pixels[:, y : y + 4, x : x + 4] = 0.1
    box = prepare(color(pixels), long_side=long_side).letterbox
    points = rng.uniform(0, 1, (20, 2)) * [width, height]
    np.testing.assert_allclose(box.to_scan(to_network(box, points)), points, atol=1e-9)
    inside = np.array(box.origin) + rng.uniform(0, 1, (20, 2)) * box.region
    network = to_network(box, inside)
    assert (network >= np.array(box.pad) - 1e-9).all()
    assert (network <= np.array(box.pad) + box.content + 1e-9).all()


@pytest.mark.parametrize("size", [(30, 2000), (2000, 30), (8, 8), (1000, 700), (5000, 4000), (33, 31)])
def test_any_size_fits_the_network(size: tuple[int, int]) -> None:
    prepared = prepare(color(bag(*size)))
    _, channels, height, width = prepared.image.shape
    assert channels == 3
    assert height % 32 == 0
    assert width % 32 == 0
    assert max(height, width) == 448
    assert prepared.image.dtype == np.float32
    assert prepared.image.min() >= 0
    assert prepared.image.max() == 1
    assert prepared.letterbox.scan_size == size


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 1)])
def test_strips_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadInputError, match="8 x 8"):
        prepare(color(np.ones((3, size[1], size[0]))))


@pytest.mark.parametrize("air", [(1, 1, 1), (0.886, 0.886, 0.878), (0.996, 0.988, 0.953), (0.78, 0.78, 0.78)])
def test_air_of_every_look_becomes_white(air: tuple[float, ...]) -> None:
    pixels = bag(air=air)
    assert estimate_air(pixels) == pytest.approx(air, abs=1e-3)
    image = prepare(color(pixels)).image
    assert image[0, :, 0, 0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("air", [(1, 1, 1), (0.886, 0.886, 0.878), (0.996, 0.988, 0.953), (0.78, 0.78, 0.78)])
@pytest.mark.parametrize("size", [(200, 120), (448, 300), (1000, 700)])
def test_the_network_sees_what_a_shard_stores(air: tuple[float, ...], size: tuple[int, int]) -> None:
    """Classification, from picture to tensor: the colours are those of training, to the grey level."""
    rng = np.random.default_rng(0)
    width, height = size
    picture = np.rint(np.moveaxis(bag(width, height, air=air), 0, 2) * 255).astype(np.uint8)
    picture[2:-2, 2:-2] = rng.integers(0, 256, (height - 4, width - 4, 3))  # so that none is cut off
    prepared = prepare(color(np.moveaxis(picture, 2, 0) / np.float32(255)))
    (left, top), (w, h) = prepared.letterbox.pad, prepared.letterbox.content
    assert prepared.letterbox.region == size
    stored = whiten_background(picture)  # what `simulate.shards` writes, and resizes by area or not at all
    how = cv2.INTER_AREA if w < width else cv2.INTER_LINEAR
    stored = cv2.resize(stored, (w, h), interpolation=how)
    seen = prepared.image[0, :, top : top + h, left : left + w]
    np.testing.assert_array_equal(np.rint(np.moveaxis(seen, 0, 2) * 255), stored)


@pytest.mark.parametrize("style", ["white", "grey", "tray", "random"])
def test_a_stored_shard_is_white_already(style: str) -> None:
    """Screening what training stored, in any look, changes no colour by more than one level."""
    rng = np.random.default_rng(3)
    low = np.ones((90, 120), np.float32)
    low[20:70, 30:100] = np.linspace(0.05, 0.9, 70, dtype=np.float32)
    stored = whiten_background(photograph(low, low**0.8, draw_look(rng, style), rng).rgb)
    seen = white_picture(color(np.moveaxis(stored, 2, 0) / np.float32(255)))
    assert np.abs(seen.astype(int) - stored).max() <= 1


def test_bag_is_found_with_its_margin_and_specks_are_not() -> None:
    overview = np.ones((3, 200, 256), np.float32)
    overview[:, 50:100, 60:180] = 0.5
    overview[:, 5, 5] = 0.5  # a speck
    overview[:, -1, :] = 0.2  # the ragged last line of a scan
    x, y, w, h = find_bag(overview, (1024, 800))
    assert (x, y) == (240 - 21, 200 - 21)
    assert (x + w, y + h) == (720 + 21, 400 + 21)


def test_thin_things_alone_are_kept() -> None:
    overview = np.ones((3, 200, 256), np.float32)
    overview[:, 50:100, 60:100] = 0.5
    overview[:, 150, 180:220] = 0.4  # a blade on edge
    _, _, w, h = find_bag(overview, (256, 200))
    assert w >= 160
    assert h >= 101


def test_empty_belt_comes_whole_and_white() -> None:
    prepared = prepare(color(np.full((3, 300, 400), 0.9)))
    assert prepared.letterbox.region == (400, 300)
    assert prepared.image.min() >= 254 / 255


def test_full_frame_without_air_is_not_brightened_much() -> None:
    pixels = np.full((3, 100, 100), 0.4, np.float32)
    assert estimate_air(pixels) == pytest.approx(1.0)
    assert prepare(color(pixels)).image[0, :, 200, 200] == pytest.approx(0.4, abs=1e-3)


def test_gray_comes_as_it_is() -> None:
    gray = Scan(bag()[:1], "color", ("gray",))
    image = prepare(gray).image
    np.testing.assert_array_equal(image[0, 0], image[0, 2])
    assert image.min() == pytest.approx(0.2, abs=1e-3)


def test_transmission_and_attenuation_give_the_same_picture() -> None:
    low = bag()[0]
    transmission = Scan(np.stack([low, low**0.8]), "transmission", ("low", "high"))
    attenuation = Scan(-np.log(transmission.pixels), "attenuation", ("low", "high"))
    first, second = prepare(transmission), prepare(attenuation)
    np.testing.assert_allclose(first.image, second.image, atol=2 / 255)
    assert first.letterbox == second.letterbox
    assert first.image[0, :, 1, 1] == pytest.approx(1.0, abs=0.02)
    assert first.image.min() < 0.6


def test_large_dual_energy_scans_map_back_to_their_own_pixels() -> None:
    low = bag(2400, 1600)[0]
    box = prepare(Scan(np.stack([low, low]), "transmission", ("low", "high"))).letterbox
    assert box.scan_size == (2400, 1600)
    assert box.origin == pytest.approx((600 - 48, 400 - 48), abs=10)
    assert box.region == pytest.approx((600 + 96, 400 + 96), abs=20)


def test_letterbox_maps_corners() -> None:
    box = Letterbox((100, 50), (10.0, 20.0), (80.0, 20.0), (0, 8), (160, 40), (160, 64))
    np.testing.assert_allclose(box.to_scan(np.array([[0.0, 8.0], [160.0, 48.0]])), [[10, 20], [90, 40]])
