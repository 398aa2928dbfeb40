"""Ranking metrics against scikit-learn, hand-computed VOC cases and their definitions."""

import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beltline.metrics import (
    average_precision,
    mean_average_precision,
    roc_auc,
    weighted_average_precision,
)

# ranks: + - + + - ; precision at the positives 1, 2/3, 3/4; envelope 1, 3/4, 3/4
HAND_LABELS = [1, 0, 1, 1, 0]
HAND_SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]

labels = st.lists(st.sampled_from([0, 1]), min_size=2, max_size=40)


def distinct_scores(count, seed):
    return np.random.default_rng(seed).permutation(count) / count


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        ("allpoint", (1 + 2 / 3 + 3 / 4) / 3),
        ("voc2010", (1 + 3 / 4 + 3 / 4) / 3),
        # recall reaches 0..0.3 at the first positive (4 points), 0.4..1 at the later ones (7 points)
        ("11pt", (4 * 1 + 7 * 3 / 4) / 11),
    ],
)
def test_voc_case_by_hand(interpolation, expected):
    found = average_precision(HAND_LABELS, HAND_SCORES, interpolation=interpolation)
    assert found == pytest.approx(expected)


def test_eleven_points_with_ten_positives_use_recall_exactly():
    # precision 1 up to recall 0.5, then five negatives: the recall of exactly 0.5 still counts as reached
    found = average_precision([1] * 5 + [0] * 5 + [1] * 5, -np.arange(15.0), interpolation="11pt")
    tail = 10 / 15  # the envelope of the last five positives: best precision at recall >= 0.6
    assert found == pytest.approx((6 * 1 + 5 * tail) / 11)


@pytest.mark.parametrize("interpolation", ["allpoint", "voc2010", "11pt"])
def test_perfect_ranking_is_one(interpolation):
    assert average_precision([1, 1, 0, 0], [4, 3, 2, 1], interpolation=interpolation) == 1


def test_worst_ranking():
    assert average_precision([0, 0, 1], [3, 2, 1]) == pytest.approx(1 / 3)


@given(labels, st.integers(0, 999))
def test_allpoint_agrees_with_scikit_learn(truth, seed):
    reference = pytest.importorskip("sklearn.metrics")
    assume(sum(truth) > 0)
    scores = distinct_scores(len(truth), seed)
    expected = reference.average_precision_score(truth, scores)
    assert average_precision(truth, scores) == pytest.approx(expected)


@given(labels, st.integers(0, 999))
def test_voc2010_is_the_area_under_the_envelope(truth, seed):
    """The devkit's way: pad, take the envelope, sum the steps of recall."""
    assume(sum(truth) > 0)
    scores = distinct_scores(len(truth), seed)
    hits = np.asarray(truth)[np.argsort(-scores)]
    recall = np.concatenate([[0], np.cumsum(hits) / hits.sum(), [1]])
    precision = np.concatenate([[0], np.cumsum(hits) / np.arange(1, len(hits) + 1), [0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    area = np.sum(np.diff(recall) * precision[1:])
    assert average_precision(truth, scores, interpolation="voc2010") == pytest.approx(area)


@given(labels, st.integers(0, 999))
def test_eleven_points_follow_the_devkit(truth, seed):
    assume(sum(truth) > 0)
    scores = distinct_scores(len(truth), seed)
    hits = np.asarray(truth)[np.argsort(-scores)]
    found, precision = np.cumsum(hits), np.cumsum(hits) / np.arange(1, len(hits) + 1)
    # recall >= t / 10 in whole numbers
    points = [precision[10 * found >= t * hits.sum()].max() for t in range(11)]
    assert average_precision(truth, scores, interpolation="11pt") == pytest.approx(np.mean(points))


def devkit(truth, difficult, scores, interpolation):
    """The development kit's evaluation, detection by detection as its MATLAB text reads.

    Difficult ones are neither in the number of positives nor a true nor a false positive.
    """
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    positives = sum(t for t, d in zip(truth, difficult, strict=True) if not d)
    true, false, recall, precision, at_hits = 0, 0, [], [], []
    for i in order:
        true += truth[i] and not difficult[i]
        false += not truth[i] and not difficult[i]
        recall.append(true / positives)
        precision.append(true / (true + false) if true + false else 0.0)
        if truth[i] and not difficult[i]:
            at_hits.append(precision[-1])
    if interpolation == "allpoint":
        return sum(at_hits) / positives
    if interpolation == "11pt":
        total = 0.0
        for t in range(11):
            reached = [p for r, p in zip(recall, precision, strict=True) if r >= t / 10 - 1e-9]
            total += max(reached, default=0.0) / 11
        return total
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


@pytest.mark.parametrize("interpolation", ["allpoint", "voc2010", "11pt"])
@given(
    st.lists(st.sampled_from(["absent", "present", "difficult"]), min_size=1, max_size=60),
    st.integers(0, 999),
)
def test_difficult_ones_count_as_in_the_devkit(interpolation, kinds, seed):
    assume("present" in kinds)
    scores = distinct_scores(len(kinds), seed)
    expected = devkit(
        [kind != "absent" for kind in kinds], [kind == "difficult" for kind in kinds], scores, interpolation
    )
    values = {"absent": 0.0, "present": 1.0, "difficult": np.nan}
    found = average_precision([values[kind] for kind in kinds], scores, interpolation=interpolation)
    assert found == pytest.approx(expected)


@given(st.integers(0, 999))
def test_unknown_labels_by_class_agree_with_scikit_learn(seed):
    reference = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    truth = rng.choice([0, 1, np.nan], (50, 3), p=[0.6, 0.3, 0.1])
    scores = np.stack([distinct_scores(50, seed + k) for k in range(3)], axis=1)
    known = ~np.isnan(truth)
    expected = [
        reference.average_precision_score(truth[known[:, k], k], scores[known[:, k], k]) for k in range(3)
    ]
    mean, each = mean_average_precision(truth, scores)
    assert each == pytest.approx(expected)
    assert mean == pytest.approx(np.mean(expected))


def tied_case(truth, seed, levels):
    return np.random.default_rng(seed).integers(0, levels, len(truth)).astype(float)


@given(labels, st.integers(0, 999), st.integers(1, 6))
def test_tied_scores_are_one_step_as_in_scikit_learn(truth, seed, levels):
    reference = pytest.importorskip("sklearn.metrics")
    assume(sum(truth) > 0)
    scores = tied_case(truth, seed, levels)
    assert average_precision(truth, scores) == pytest.approx(reference.average_precision_score(truth, scores))


@pytest.mark.parametrize("interpolation", ["allpoint", "voc2010", "11pt"])
@given(labels, st.integers(0, 999), st.integers(1, 6))
def test_the_order_of_the_rows_does_not_count(interpolation, truth, seed, levels):
    scores, truth = tied_case(truth, seed, levels), np.array(truth)
    assume(truth.any())
    found = average_precision(truth, scores, interpolation=interpolation)
    for order in (np.argsort(-truth), np.argsort(truth), np.random.default_rng(seed).permutation(len(truth))):
        again = average_precision(truth[order], scores[order], interpolation=interpolation)
        assert again == pytest.approx(found)


@given(labels, st.integers(0, 999), st.integers(1, 6))
def test_eleven_points_and_envelope_pass_over_thresholds_within_a_tie(truth, seed, levels):
    assume(sum(truth) > 0)
    scores, truth = tied_case(truth, seed, levels), np.array(truth)
    steps = [scores >= level for level in np.unique(scores)[::-1]]  # the only sets that a threshold can pick
    recall = np.array([truth[s].sum() / truth.sum() for s in steps])
    precision = np.array([truth[s].mean() for s in steps])
    points = [precision[recall >= t / 10 - 1e-9].max() for t in range(11)]
    assert average_precision(truth, scores, interpolation="11pt") == pytest.approx(np.mean(points))
    envelope = np.array([precision[i:].max() for i in range(len(steps))])
    area = (np.diff(recall, prepend=0) * envelope).sum()
    assert average_precision(truth, scores, interpolation="voc2010") == pytest.approx(area)


@given(labels, st.integers(0, 999), st.integers(1, 6))
def test_a_weight_is_a_number_of_repetitions(truth, seed, levels):
    reference = pytest.importorskip("sklearn.metrics")
    rng, truth = np.random.default_rng(seed), np.array(truth)
    scores, weights = tied_case(truth, seed, levels), rng.integers(0, 4, (3, len(truth)))
    assume((weights @ truth > 0).all())
    expected = [reference.average_precision_score(truth, scores, sample_weight=row) for row in weights]
    assert weighted_average_precision(truth, scores, weights) == pytest.approx(expected)


def test_a_weighted_precision_leaves_out_what_is_not_known_and_needs_a_positive():
    ones = np.ones(4)
    assert weighted_average_precision([1, np.nan, 0, 1], [4, 3, 2, 1], ones) == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(weighted_average_precision([0, 0, 0, 0], [4, 3, 2, 1], ones))


def test_unknown_labels_are_left_out():
    assert average_precision([np.nan, 1, 0], [9, 2, 1]) == 1
    assert roc_auc([np.nan, 1, 0], [9, 2, 1]) == 1


def test_classes_without_positives_are_nan_and_leave_the_mean_alone():
    truth = np.array([[1, 0], [0, 0]])
    mean, each = mean_average_precision(truth, [[2, 1], [1, 2]])
    assert mean == 1
    assert each[0] == 1
    assert np.isnan(each[1])
    mean, _ = mean_average_precision(np.zeros((2, 2)), np.zeros((2, 2)))
    assert np.isnan(mean)


def test_empty_input_is_nan():
    assert np.isnan(average_precision([], []))
    assert np.isnan(roc_auc([], []))


@pytest.mark.parametrize("truth", [[0, 0], [1, 1]])
def test_auc_needs_both_classes(truth):
    assert np.isnan(roc_auc(truth, [1, 2]))


@given(labels, st.integers(0, 999), st.integers(1, 10))
def test_auc_agrees_with_scikit_learn_ties_included(truth, seed, levels):
    reference = pytest.importorskip("sklearn.metrics")
    assume(0 < sum(truth) < len(truth))
    scores = np.random.default_rng(seed).integers(0, levels, len(truth)).astype(float)
    assert roc_auc(truth, scores) == pytest.approx(reference.roc_auc_score(truth, scores))


@given(labels, st.integers(0, 999))
def test_auc_is_the_share_of_ordered_pairs(truth, seed):
    assume(0 < sum(truth) < len(truth))
    scores = np.random.default_rng(seed).integers(0, 5, len(truth)).astype(float)
    mask = np.asarray(truth, bool)
    difference = scores[mask][:, None] - scores[~mask][None, :]
    assert roc_auc(truth, scores) == pytest.approx(((difference > 0) + 0.5 * (difference == 0)).mean())


@given(labels, st.integers(0, 999))
def test_turning_the_scores_round_turns_the_auc_round(truth, seed):
    assume(0 < sum(truth) < len(truth))
    scores = np.random.default_rng(seed).normal(size=len(truth))
    assert roc_auc(truth, scores) + roc_auc(truth, -scores) == pytest.approx(1)


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([1, 0, 1], [1, 2], "one length, got 3 and 2"),
        ([1, -1], [1, 2], "-1 to 0"),
        ([1, 0], [np.nan, 2], "finite, 1 are not"),
        ([1, 0], [np.inf, 2], "finite"),
    ],
)
@pytest.mark.parametrize("metric", [average_precision, roc_auc])
def test_bad_input_is_refused(metric, truth, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(truth, scores)


def test_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match="allpoint"):
        average_precision([1], [1], interpolation="area")


def test_the_test_set_of_sixray1000_takes_under_half_a_second(rng):
    """211,846 scans, five classes; the best of three runs, in processor time: others share the machine."""
    truth = (rng.random((211_846, 5)) < 0.005).astype(np.float32)
    scores = rng.random((211_846, 5)).astype(np.float32)
    spent = []
    for _ in range(3):
        began = time.process_time()
        mean_average_precision(truth, scores)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.5
