"""The same picture is alike whatever was done to it; another one, or one with a thing more, is not."""

import cv2
import numpy as np
import pytest
from tests.data.curate.drawn import bag

from beltline.data.curate import likeness, sharpness, thumbnail
from beltline.data.curate.alignment import alignment


def small(pixels):
    return thumbnail(pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


def jpeg(pixels):
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


COPIES = {
    "compressed": jpeg,
    "shrunken": lambda p: cv2.resize(p, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
    "cropped": lambda p: p[7:-2, 4:-9],
    "darker": lambda p: (255 * (p / 255.0) ** 1.6).astype(np.uint8),
    "shifted": lambda p: np.roll(p, (3, -4), (0, 1)),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("seed", range(5))
def test_a_copy_is_alike(change, seed):
    picture = bag(seed)
    assert likeness(small(change(picture)), small(picture)) > 0.7


def test_other_bags_are_not():
    pictures = [small(bag(seed)) for seed in range(8)]
    found = [likeness(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
    assert max(found) < 0.2


@pytest.mark.parametrize("seed", range(5))
def test_one_thing_more_makes_another_picture(seed):
    picture = bag(seed, things=20)
    armed = picture.copy()
    cv2.rectangle(armed, (120, 90), (200, 110), (20, 20, 60), -1)
    cv2.rectangle(armed, (120, 110), (140, 150), (20, 20, 60), -1)
    whole = np.corrcoef(small(armed).ravel(), small(picture).ravel())[0, 1]
    assert whole > 0.8  # over the whole picture nobody would tell
    assert likeness(small(armed), small(picture)) < 0.7


def test_a_blank_picture_is_like_nothing():
    blank = np.full((48, 48), 9, np.uint8)
    assert likeness(blank, blank) == 0
    assert likeness(blank, small(bag(0))) == 0


def test_what_only_fits_when_bent_is_left_as_it_is():
    one, other = (np.asarray(small(bag(seed)), np.float32) for seed in (1, 2))
    warp = alignment(one, other)
    assert np.abs(warp[:, :2] - np.eye(2)).max() <= 0.15
    moved = alignment(np.roll(one, 2, 1), one)
    assert moved[0, 2] == pytest.approx(-2, abs=0.3)


def grey(pixels):
    return pixels.mean(2).astype(np.float32)


def test_sharpness_does_not_depend_on_size_and_falls_with_blur():
    large = bag(3, size=(720, 960), things=60)
    half = cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert sharpness(grey(half)) == pytest.approx(sharpness(grey(large)), rel=0.5)
    blurred = cv2.GaussianBlur(large, (0, 0), 6)
    assert sharpness(grey(blurred)) < 0.2 * sharpness(grey(large))


def test_air_around_a_bag_does_not_make_it_less_sharp():
    picture = bag(4, size=(300, 380))
    airy = cv2.copyMakeBorder(picture[20:-20, 20:-20], 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(250,) * 3)
    assert sharpness(grey(airy)) == pytest.approx(sharpness(grey(picture)), rel=0.3)
    assert sharpness(np.full((50, 50), 9, np.float32)) == 0
