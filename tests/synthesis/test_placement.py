"""Turning, silhouettes and places."""

import numpy as np
import pytest

from beltline.synthesis.placement import Ground, Wish, find_place, ground_of, place_at, silhouette, turned
from beltline.synthesis.threat import Threat


def bar(height: int = 8, width: int = 24, depth: float = 1.0, mm: float | None = None) -> Threat:
    pixels = np.full((1, height, width), np.exp(-depth), np.float32)
    return Threat(pixels, np.ones((height, width), np.float32), "grey", "knife", "a", mm)


def hollow_bag() -> np.ndarray:
    """A rim of a bag with a dense block in its left half, and a crumb beside it."""
    bag = np.ones((1, 120, 160), np.float32)
    bag[0, 20:100, 20:140] = 0.7
    bag[0, 26:94, 26:134] = 1.0
    bag[0, 30:90, 30:80] = np.exp(-1.0)
    bag[0, 4:8, 150:154] = 0.5
    return bag


def test_quarter_turns_and_mirror_images_are_exact() -> None:
    item = Threat(np.random.default_rng(0).random((2, 5, 9), np.float32), np.eye(5, 9, dtype=np.float32),
                  "dual", "gun", "a")  # fmt: skip
    assert (turned(item, degrees=90).pixels == np.rot90(item.pixels, axes=(1, 2))).all()
    twice = turned(turned(item, mirror=True), mirror=True)
    assert (twice.pixels == item.pixels).all()
    assert (twice.mask == item.mask).all()
    assert (turned(turned(item, degrees=180), degrees=180).pixels == item.pixels).all()


@pytest.mark.parametrize("degrees", [0.0, 30.0, 137.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_turn_keeps_the_amount_of_item_and_scaling_its_thickness(degrees: float, scale: float) -> None:
    item = bar(20, 60, depth=1.0, mm=1.0)
    other = turned(item, scale=scale, degrees=degrees)
    assert float(other.mask.sum()) == pytest.approx(scale**2 * float(item.mask.sum()), rel=0.06)
    assert float(other.pixels.min()) == pytest.approx(np.exp(-1), abs=0.01)
    assert float(other.pixels[0, 0, 0]) == pytest.approx(1 if degrees or scale != 1 else np.exp(-1), abs=0.4)
    assert other.pixel_mm == pytest.approx(1 / scale)


def test_the_silhouette_fills_gaps_and_drops_crumbs() -> None:
    inside = ground_of(hollow_bag(), "grey").inside
    assert inside[60, 110]  # a gap
    assert inside[60, 50]
    assert not inside[6, 152]
    assert not inside[60, 5]
    assert not silhouette(np.zeros((30, 30), np.float32)).any()


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.15), (0.3, 0.6)])
def test_a_place_lies_inside_and_is_as_difficult_as_wished(low: float, high: float) -> None:
    ground = ground_of(hollow_bag(), "grey")
    for seed in range(8):
        place = find_place(ground, bar(), Wish((low, high), (0.0, 1.0)), np.random.default_rng(seed))
        assert place is not None
        assert place.inside >= 0.98
        assert low <= place.difficulty <= high


def test_overlap_and_difficulty_by_hand() -> None:
    ground = Ground(np.zeros((20, 40), np.float32), np.ones((20, 40), bool))
    ground.depth[:, 20:] = 1.0
    place = place_at(ground, bar(8, 20, depth=1.0), (4, 10))  # half over depth 1, half over nothing
    assert place.overlap == pytest.approx(0.5)
    assert place.difficulty == pytest.approx(0.5 / 1.5, rel=1e-4)
    assert place.depth == pytest.approx(1.5, rel=1e-4)


def test_no_place_where_the_item_is_too_large_or_nothing_is_seen_through() -> None:
    ground = ground_of(hollow_bag(), "grey")
    rng = np.random.default_rng(0)
    assert find_place(ground, bar(8, 400), Wish(), rng) is None
    assert find_place(ground, bar(8, 150), Wish((0, 1), (0, 1)), rng) is None  # longer than the bag
    assert find_place(ground, bar(depth=6.5), Wish((0, 1), (0, 1), deepest=5.0), rng) is None
    with pytest.raises(ValueError, match="scale"):
        turned(bar(), scale=0)


def test_no_item_spans_two_bags() -> None:
    two = np.ones((1, 120, 160), np.float32)
    two[0, 10:110, 10:76] = 0.5
    two[0, 10:110, 84:150] = 0.5
    inside = ground_of(two, "grey").inside
    assert inside[60, 40]
    assert inside[60, 120]
    assert not inside[60, 80]
