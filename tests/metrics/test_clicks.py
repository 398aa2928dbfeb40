"""Clicks by rule against every distance counted one by one and SciPy, curves of made models, NoC by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.metrics import (
    Click,
    centre_click,
    click_curve,
    click_spread,
    clicks_needed,
    mask_iou,
    miou_after,
    next_click,
    random_clicks,
)


def random_pair(seed):
    """Truth and prediction, mostly not square, specks and slabs; the object may touch the frame."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 13, 2)
    masks = rng.random((2, height, width)) < rng.choice([0.2, 0.8, 1], (2, 1, 1))
    masks[0, rng.integers(0, height) :, rng.integers(0, width) :] ^= True
    return rng, *masks


def depths_by_hand(region):
    """Squared distance of each pixel to the nearest one outside, the frame of the picture being outside."""
    height, width = region.shape
    outside = [
        (y, x)
        for y in range(-1, height + 1)
        for x in range(-1, width + 1)
        if not (0 <= y < height and 0 <= x < width) or not region[y, x]
    ]
    return {(y, x): min((y - v) ** 2 + (x - u) ** 2 for v, u in outside) for y, x in np.argwhere(region)}


def next_click_by_hand(truth, predicted, clicks):
    missed, extra = depths_by_hand(truth & ~predicted), depths_by_hand(predicted & ~truth)
    seen = {(y, x) for x, y, *_ in clicks}
    if not (missed.keys() | extra.keys()) - seen:
        seen = set()
    best = None
    for positive, depths in ((False, extra), (True, missed)):  # extra first: it wins a tie
        for (y, x), depth in sorted(depths.items()):
            if (y, x) not in seen and (best is None or depth > best[0]):
                best = depth, Click(x, y, positive)
    return best and best[1]


@given(st.integers(0, 9999))
def test_next_click_agrees_with_every_distance_counted(seed):
    rng, truth, predicted = random_pair(seed)
    height, width = truth.shape
    clicks = [(int(x), int(y)) for x, y in zip(rng.integers(0, width, 9), rng.integers(0, height, 9))]  # noqa: B905
    assert next_click(truth, predicted, clicks) == next_click_by_hand(truth, predicted, clicks)


@given(st.integers(0, 9999))
def test_clicks_fall_on_wrong_pixels_only(seed):
    _, truth, predicted = random_pair(seed)
    clicks = []
    wrong = int((truth != predicted).sum())
    for _ in range(wrong):  # until each wrong pixel has its click
        click = next_click(truth, predicted, clicks)
        assert truth[click.y, click.x] == click.positive != predicted[click.y, click.x]
        assert click not in clicks
        clicks.append(click)
    again = next_click(truth, predicted, clicks)
    assert again is None if wrong == 0 else again == clicks[0]


@given(st.integers(0, 999))
def test_depth_agrees_with_scipy(seed):
    """Large regions, where a root in single precision would break ties by chance."""
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(seed)
    mask = rng.random((70, 40)) < rng.choice([0.95, 0.999])
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    squared = np.rint(depth**2)
    y, x = np.unravel_index(squared.argmax(), squared.shape)
    assert centre_click(mask) == (x, y)


def test_x_is_the_column():
    tall = np.zeros((50, 20), bool)
    tall[30:41, 4:9] = True
    assert centre_click(tall) == (6, 32)
    assert centre_click(tall.T) == (32, 6)
    assert next_click(tall, np.zeros_like(tall), []) == (6, 32, True)
    assert next_click(np.zeros_like(tall.T), tall.T, []) == (32, 6, False)


def test_the_deeper_region_is_the_larger_one():
    truth, predicted = np.zeros((2, 30, 90), bool)
    truth[2:7, 2:80] = True  # 390 pixels missed, 3 deep
    predicted[12:23, 40:51] = True  # 121 too much, 6 deep
    assert next_click(truth, predicted, []) == (45, 17, False)


def test_the_frame_is_outside():
    corner = np.zeros((20, 20), bool)
    corner[:9, :9] = True
    assert centre_click(corner) == (4, 4)


@pytest.mark.parametrize("click", [(20, 0), (-1, 0), (0, 10)])
def test_clicks_outside_are_refused(click):
    mask = np.ones((10, 20), bool)
    with pytest.raises(ValueError, match=r"x in 0\.\.19, y in 0\.\.9"):
        next_click(mask, ~mask, [click])
    with pytest.raises(ValueError, match=r"x in 0\.\.19, y in 0\.\.9"):
        click_curve(lambda *_: mask, mask, click)


def test_random_clicks_are_uniform_inside():
    bar = np.zeros((30, 60), bool)
    bar[10:20, 20:45] = True
    places = random_clicks(bar, 12_000, rng=np.random.default_rng(0))
    found, counts = np.unique(places, axis=0, return_counts=True)
    inside = {(x, y) for x in range(22, 43) for y in range(12, 18)}  # two pixels off on each side
    assert set(map(tuple, found.tolist())) == inside
    expected = 12_000 / len(inside)
    assert ((counts - expected) ** 2 / expected).sum() < 180  # chi-squared, 125 degrees of freedom: p 0.001


@given(st.integers(0, 999), st.sampled_from([0, 1, 2, 5]))
def test_random_clicks_are_on_the_object_deep_enough_and_repeatable(seed, margin):
    _, truth, _ = random_pair(seed)
    truth[0, 0] = True
    draws = [random_clicks(truth, 20, rng=np.random.default_rng(seed), margin=margin) for _ in range(2)]
    assert (draws[0] == draws[1]).all()
    depths = depths_by_hand(truth)
    deepest = max(depths.values())
    for x, y in draws[0]:
        assert depths[y, x] > margin**2 or depths[y, x] == deepest


def test_a_thin_object_is_clicked_on_its_ridge():
    wire = np.zeros((9, 40), bool)
    wire[3:6, 5:35] = True
    assert set(random_clicks(wire, 50, rng=np.random.default_rng(0))[:, 1].tolist()) == {4}


@pytest.mark.parametrize("call", [centre_click, lambda m: random_clicks(m, 3, rng=np.random.default_rng())])
def test_no_object_no_click(call):
    with pytest.raises(ValueError, match="no object to click"):
        call(np.zeros((4, 5), bool))


@pytest.mark.parametrize("change", [{"draws": -1}, {"margin": -1}, {"margin": np.nan}])
def test_no_draws_are_refused(change):
    with pytest.raises(ValueError, match="0 or more"):
        random_clicks(np.ones((4, 5), bool), **{"draws": 1, "rng": np.random.default_rng(), **change})


def knife():
    truth = np.zeros((40, 70), bool)
    truth[18:23, 10:60], truth[15:26, 10:25] = True, True
    return truth


def paint(points, labels, previous):
    """A model that paints a disc around each new click."""
    mask = np.zeros((40, 70), bool) if previous is None else previous.copy()
    y, x = np.mgrid[:40, :70]
    mask[np.hypot(x - points[-1, 0], y - points[-1, 1]) < 4] = labels[-1]
    return mask


def test_a_curve_is_that_of_clicks_made_by_hand():
    truth, first = knife(), centre_click(knife())
    clicks, previous, expected = [Click(*first, True)], None, []
    for _ in range(6):
        x, y, positive = clicks[-1]
        previous = paint(np.array([[x, y]]), np.array([positive]), previous)
        expected.append(mask_iou(truth, previous))
        clicks.append(next_click(truth, previous, clicks))
    curve = click_curve(paint, truth, first, 6)
    assert curve.tolist() == expected
    assert (np.diff(curve) > 0).all()
    assert len(click_curve(paint, truth, first)) == 20


def test_the_model_is_given_its_clicks_and_its_last_answer():
    truth, calls = knife(), []

    def model(points, labels, previous):
        calls.append((points.tolist(), labels.tolist(), previous))
        return np.full(truth.shape, 0.5 if len(points) == 1 else 1.0)  # 0.5 is not above 0.5

    curve = click_curve(model, truth, (12, 20), 3)
    share = truth.mean()
    assert curve.tolist() == pytest.approx([0, share, share])
    assert calls[0] == ([[12, 20]], [1], None)
    assert [labels for _, labels, _ in calls] == [[1], [1, 1], [1, 1, 0]]
    assert (calls[1][2] == 0.5).all()
    assert (calls[2][2] == 1).all()


def test_nobody_clicks_a_perfect_mask():
    truth, calls = knife(), []

    def model(points, labels, previous):
        calls.append(len(points))
        return truth if len(points) == 2 else np.zeros_like(truth)

    assert click_curve(model, truth, (12, 20), 5).tolist() == [0, 1, 1, 1, 1]
    assert calls == [1, 2]


def test_a_model_deaf_to_clicks_is_clicked_to_the_end():
    truth = np.zeros((6, 8), bool)
    truth[2, 3:5] = True
    assert click_curve(lambda *_: np.zeros((6, 8), bool), truth, (3, 2)).tolist() == [0] * 20


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (np.zeros((70, 40), bool), ShapeError, r"\(40, 70\), got \(70, 40\)"),
        (np.full((40, 70), 3.0), ValueError, "sigmoid"),
        (np.full((40, 70), np.nan), ValueError, "sigmoid"),
    ],
)
def test_answers_that_are_no_masks_are_refused(answer, error, message):
    with pytest.raises(error, match=message):
        click_curve(lambda *_: answer, knife(), (12, 20))


def test_a_curve_needs_an_object_and_a_click():
    with pytest.raises(ValueError, match="no object"):
        click_curve(paint, np.zeros((40, 70), bool), (12, 20))
    with pytest.raises(ValueError, match="at least one click"):
        click_curve(paint, knife(), (12, 20), 0)


CURVES = np.full((4, 20), 0.1)
CURVES[0] = 0.95
CURVES[1, 2], CURVES[1, 4] = 0.85, 0.9  # there, and off again
CURVES[2, 19] = 0.9  # with the very last click


def test_noc_by_hand():
    needed = clicks_needed(CURVES, 0.85)
    assert needed.clicks.tolist() == [1, 3, 20, 20]
    assert needed.reached.tolist() == [True, True, True, False]
    assert needed.mean == 11
    assert (needed.failures.hits, needed.failures.trials) == (1, 4)
    assert clicks_needed(CURVES, 0.9).clicks.tolist() == [1, 5, 20, 20]


def test_noc_agrees_with_ritm(rng):
    """Its rule: argmax of reached plus one, the limit where none is."""
    curves = rng.random((200, 20)) ** 0.1
    for threshold in (0.85, 0.9, 0.999):
        expected = [np.argmax(c >= threshold) + 1 if np.any(c >= threshold) else 20 for c in curves]
        assert clicks_needed(curves, threshold).mean == pytest.approx(np.mean(expected))


@given(st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
def test_noc_and_failures_rise_with_the_threshold(seed, one, other):
    curves = np.random.default_rng(seed).random((15, 20))
    low, high = (clicks_needed(curves, threshold) for threshold in sorted((one, other)))
    assert (low.clicks <= high.clicks).all()
    assert low.failures.hits <= high.failures.hits
    assert low.clicks.min() >= 1
    assert high.clicks.max() <= 20


def test_miou_after_clicks():
    assert miou_after(CURVES).tolist() == pytest.approx([1.25 / 4, 2.0 / 4, 2.05 / 4])
    assert miou_after(CURVES, (20,)).tolist() == pytest.approx([2.05 / 4])
    assert np.isnan(miou_after(np.zeros((0, 20)))).all()
    assert np.isnan(clicks_needed(np.zeros((0, 20)), 0.9).mean)
    assert np.isnan(clicks_needed(np.zeros((0, 20)), 0.9).failures.value)


def test_spread_over_draws(rng):
    ious = rng.random((10, 7))
    spread = click_spread(ious)
    means = [float(np.mean(draw)) for draw in ious]
    assert spread.mean == pytest.approx(np.mean(means))
    assert spread.sd == pytest.approx(np.std(means, ddof=1))
    assert spread.object_sd == pytest.approx(np.mean([np.std(one, ddof=1) for one in ious.T]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: miou_after(CURVES, (0,)), r"1\.\.20"),
        (lambda: miou_after(CURVES, (21,)), r"1\.\.20"),
        (lambda: miou_after(CURVES[0]), "table of IoUs"),
        (lambda: miou_after(CURVES + 1), "table of IoUs"),
        (lambda: clicks_needed(CURVES * np.nan, 0.9), "table of IoUs"),
        (lambda: clicks_needed(CURVES, 90), r"0\.\.1, got 90"),
        (lambda: click_spread(CURVES[:1]), "two draws"),
    ],
)
def test_bad_tables_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
