import numpy as np
import pytest

from beltline.metrics.segmentation import mask_iou
from beltline.rounds.effort import Effort, TimeModel
from beltline.rounds.mending import mended
from beltline.rounds.tracing import traced


def disc(radius=30, size=120):
    rows, columns = np.ogrid[:size, :size]
    return np.hypot(rows - size / 2, columns - size / 2) < radius


def test_every_press_counts_once_and_looking_counts_none():
    done = Effort(look=3, judge=2, click=1, corner=2, vertex=5, label=1, delete=1, undo=1)
    assert done.presses == 11
    assert (done + done).presses == 22


def test_seconds_follow_the_time_model():
    model = TimeModel(look=10, judge=0, click=1, corner=0, vertex=2, label=0, delete=0)
    assert Effort(look=1, click=3, vertex=4).seconds(model) == 21


def test_a_steady_hand_needs_the_fewest_vertices_and_reaches_the_goal(rng):
    square = np.zeros((90, 90), bool)
    square[20:70, 20:70] = True
    assert traced(square, rng, jitter_px=0).vertices == 4
    found = traced(disc(), rng, jitter_px=0)
    assert mask_iou(disc(), found.mask) >= 0.9
    assert 6 <= found.vertices <= 10  # an octagon in a circle covers 0.9 of it


def test_a_shaking_hand_needs_no_fewer(rng):
    steady = traced(disc(12), np.random.default_rng(0), jitter_px=0).vertices
    shaking = np.mean([traced(disc(12), np.random.default_rng(k), jitter_px=1.5).vertices for k in range(8)])
    assert shaking >= steady


def test_an_object_at_the_frame_is_traced(rng):
    cut_off = np.zeros((60, 60), bool)
    cut_off[:25, 40:] = True
    assert mask_iou(cut_off, traced(cut_off, rng, jitter_px=0.2).mask) >= 0.9


def test_what_is_too_small_for_the_hand_gets_its_best_outline():
    speck = np.zeros((40, 40), bool)
    speck[20:22, 20:22] = True
    found = traced(speck, np.random.default_rng(1), jitter_px=3.0)
    assert found.mask.shape == speck.shape
    assert found.vertices >= 3


def test_mending_costs_as_little_as_what_is_wrong(rng):
    bitten, swollen = disc(), disc()
    bitten[:, 75:] = False
    swollen[50:70, 88:110] = True
    for mask in (bitten, swollen):
        found = mended(disc(), mask, rng, jitter_px=0, most=30)
        assert found is not None
        assert mask_iou(disc(), found.mask) >= 0.9
        assert found.vertices < traced(disc(), rng, jitter_px=0).vertices


def test_mending_is_given_up_where_it_takes_too_many_vertices(rng):
    bitten = disc()
    bitten[:, 75:] = False
    assert mended(disc(), bitten, rng, jitter_px=0, most=3) is None
    assert mended(disc(), disc(), rng, most=0).vertices == 0


def test_the_hand_shakes_once_an_outline_and_not_until_it_is_lucky():
    bitten = disc()
    bitten[:, 70:] = False

    class Counting:
        draws = 0

        def normal(self, mean, deviation, size):
            Counting.draws += 1
            return np.zeros(size)

    found = mended(disc(), bitten, Counting(), most=60)
    assert found is not None
    assert Counting.draws == 1  # one outline was enough, so one ring was set


def test_goal_zero_takes_the_first_outline(rng):
    assert traced(disc(), rng, goal=0.0).vertices == pytest.approx(4, abs=1)
