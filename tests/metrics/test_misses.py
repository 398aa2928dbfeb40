"""Misses by class and property: by hand, by counting one by one, against scikit-learn and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import AREA_EDGES, OCCLUSION_EDGES, miss_table, object_misses

NAN = np.nan

# two classes, thresholds 0.5 and 0.3
LABELS = [[1, 0], [1, 1], [1, NAN], [0, 1], [1, 0]]
SCORES = [[0.9, 0.9], [0.5, 0.3], [0.4, 0.9], [0.9, 0.2], [0.1, 0.1]]
AREA = [[0.01, NAN], [0.02, 0.05], [0.01, 0.01], [NAN, 1.0], [NAN, NAN]]


def random_items(seed, count=60, classes=3):
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, NAN], (count, classes), p=[0.5, 0.4, 0.1])
    scores = rng.integers(0, 10, (count, classes)) / 10
    attribute = np.where(rng.random((count, classes)) < 0.2, NAN, rng.integers(-1, 12, (count, classes)) / 10)
    return labels, scores, rng.integers(1, 9, classes) / 10, attribute


def test_by_hand():
    table = miss_table(LABELS, SCORES, [0.5, 0.3], attribute=AREA, edges=AREA_EDGES)
    # a score at the threshold alarms, a value at an edge belongs to the bin above, the last edge to the last
    assert table.total.tolist() == [[2, 1, 0], [0, 0, 2]]
    assert table.detected.tolist() == [[1, 1, 0], [0, 0, 1]]
    assert table.missed.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert table.unbinned.tolist() == [1, 0]
    pooled = table.pooled()
    assert (pooled.total.tolist(), pooled.detected.tolist()) == ([[2, 1, 2]], [[1, 1, 1]])
    assert pooled.unbinned.tolist() == [1]


def test_without_an_attribute_every_item_counts():
    table = miss_table(LABELS, SCORES, [0.5, 0.3])
    assert table.total.tolist() == [[4], [2]]
    assert table.detected.tolist() == [[2], [1]]
    assert table.unbinned.tolist() == [0, 0]


@given(st.integers(0, 999))
def test_recall_agrees_with_scikit_learn(seed):
    reference = pytest.importorskip("sklearn.metrics")
    labels, scores, thresholds, _ = random_items(seed)
    table = miss_table(labels, scores, thresholds)
    for k, threshold in enumerate(thresholds):
        known = ~np.isnan(labels[:, k])
        expected = reference.recall_score(labels[known, k], scores[known, k] >= threshold)
        assert table.rate(k, 0).value == pytest.approx(expected)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals_agree_with_scipy(confidence):
    stats = pytest.importorskip("scipy.stats")
    labels, scores, thresholds, attribute = random_items(1, 500)
    table = miss_table(
        labels, scores, thresholds, attribute=attribute, edges=OCCLUSION_EDGES, confidence=confidence
    )
    for row in table.rates():
        for rate in row:
            expected = stats.binomtest(rate.hits, rate.trials).proportion_ci(confidence, method="wilson")
            assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))


@given(st.integers(0, 999))
def test_counts_one_by_one(seed):
    labels, scores, thresholds, attribute = random_items(seed)
    edges = [0.0, 0.3, 0.5, 1.0]
    table = miss_table(labels, scores, thresholds, attribute=attribute, edges=edges)
    total, detected, unbinned = np.zeros((3, 3), int), np.zeros((3, 3), int), np.zeros(3, int)
    for n, k in np.argwhere(labels == 1):
        value = attribute[n, k]
        if np.isnan(value) or not 0 <= value <= 1:
            unbinned[k] += 1
            continue
        where = 0 if value < 0.3 else 1 if value < 0.5 else 2
        total[k, where] += 1
        detected[k, where] += scores[n, k] >= thresholds[k]
    assert (table.total == total).all()
    assert (table.detected == detected).all()
    assert (table.unbinned == unbinned).all()
    assert (table.total.sum(axis=1) + table.unbinned == (labels == 1).sum(axis=0)).all()


def test_an_empty_bin_has_no_share():
    rate = miss_table(LABELS, SCORES, [0.5, 0.3], attribute=AREA, edges=AREA_EDGES).rate(0, 2)
    assert np.isnan(rate.value)
    assert (rate.low, rate.high, rate.trials) == (0, 1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [[1]]}, r"one \(N, K\)"),
        ({"attribute": [[1, 2]]}, r"one \(N, K\)"),
        ({"thresholds": [0.5]}, "each of 2 classes"),
        ({"edges": [1, 0]}, "ascending"),
        ({"edges": [1]}, "ascending"),
        ({"labels": np.full((5, 2), -1)}, "-1 to 0"),
        ({"scores": np.full((5, 2), NAN)}, "finite"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"labels": LABELS, "scores": SCORES, "thresholds": [0.5, 0.3], **change}
    positional = [arguments.pop(name) for name in ("labels", "scores", "thresholds")]
    with pytest.raises(ValueError, match=message):
        miss_table(*positional, **arguments)


IOUS = [0.9, 0.5, 0.49, 0.0, 0.7]
GROUPS = [0, 0, 0, 2, 2]


def test_objects_by_class_and_size():
    table = object_misses(IOUS, GROUPS, 3, attribute=[0.01, 0.03, 0.03, 0.2, NAN], edges=AREA_EDGES)
    assert table.total.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert table.missed.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert table.unbinned.tolist() == [0, 0, 1]
    assert [rate.value for rate in table.miss_rates()[0]] == pytest.approx([0, 0.5, NAN], nan_ok=True)


def test_objects_by_material_alone():
    table = object_misses(IOUS, GROUPS, 3)
    assert table.missed.tolist() == [[1], [0], [1]]
    assert object_misses(IOUS, GROUPS, 3, iou=0.4).missed.tolist() == [[0], [0], [1]]
    assert object_misses([], [], 3).total.tolist() == [[0], [0], [0]]


def test_shares_missed_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    table = object_misses(rng.random(200), rng.integers(0, 3, 200), 3, confidence=0.9)
    for (missed,), (found,) in zip(table.miss_rates(), table.rates(), strict=True):
        expected = stats.binomtest(missed.hits, missed.trials).proportion_ci(0.9, method="wilson")
        assert (missed.low, missed.high) == pytest.approx((expected.low, expected.high))
        assert missed.value + found.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": [0, 0, 0, 2, 3]}, r"in 0\.\.2"),
        ({"groups": [0, 0, 0, 2, -1]}, r"in 0\.\.2"),
        ({"groups": [0]}, r"must be \(N,\)"),
        ({"attribute": [0]}, r"must be \(N,\)"),
        ({"ious": [0.9, 0.5, 0.49, 0.0, NAN]}, "finite"),
    ],
)
def test_bad_objects_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        object_misses(**{"ious": IOUS, "groups": GROUPS, "num_groups": 3, **change})
