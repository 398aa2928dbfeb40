"""Paired intervals against SciPy, against resampling by hand, and by their definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import (
    average_precision,
    mean_ap_of_counts,
    mean_average_precision,
    metric_of_counts,
    paired_bootstrap,
    seed_interval,
)


def two_models(rng, count=150, *, gain=1.0):
    labels = (np.arange(count) % 5 == 0).astype(float)
    bag = rng.normal(size=count)  # what both models see in the scan
    weak = labels + bag + 0.5 * rng.normal(size=count)
    return labels, weak, (1 + gain) * labels + bag + 0.5 * rng.normal(size=count)


def mean_score(labels, scores):
    return float(scores.mean())


@given(st.integers(0, 999), st.integers(1, 30), st.integers(1, 3), st.integers(1, 8))
def test_ap_of_counts_is_the_ap_of_the_repeated_rows(seed, count, classes, levels):
    """Ties, unknown labels and classes without a positive included."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, np.nan], (count, classes), p=[0.6, 0.3, 0.1])
    scores = rng.integers(0, levels, (count, classes)).astype(float)
    counts = rng.integers(0, 4, (6, count))
    found = mean_ap_of_counts(labels, scores)(counts)
    for value, drawn in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(count), drawn)
        expected, _ = mean_average_precision(labels[rows], scores[rows])
        assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("metric", [mean_score, lambda labels, scores: average_precision(labels, scores)])
def test_interval_agrees_with_scipy(rng, metric):
    stats = pytest.importorskip("scipy.stats")
    labels, weak, strong = two_models(rng)

    def difference(truth, a, b):
        return metric(truth, b) - metric(truth, a)

    reference = stats.bootstrap(
        (labels, weak, strong), difference, paired=True, vectorized=False, n_resamples=1500,
        method="percentile", rng=np.random.default_rng(1),
    )  # fmt: skip
    found = paired_bootstrap(
        labels, weak, strong, rng=np.random.default_rng(2), statistic=metric_of_counts(metric),
        resamples=1500, stratified=False,
    )  # fmt: skip
    low, high = reference.confidence_interval
    tolerance = 0.2 * reference.standard_error
    assert found.low == pytest.approx(low, abs=tolerance)
    assert found.high == pytest.approx(high, abs=tolerance)
    assert found.difference == pytest.approx(difference(labels, weak, strong))


def test_the_fast_statistic_gives_the_interval_of_the_slow_one(rng):
    labels, weak, strong = two_models(rng, 80)
    slow = metric_of_counts(lambda truth, scores: mean_average_precision(truth, scores)[0])
    one, other = (
        paired_bootstrap(
            labels, weak, strong, rng=np.random.default_rng(0), resamples=100, statistic=statistic
        )
        for statistic in (mean_ap_of_counts, slow)
    )
    assert (one.difference, one.low, one.high, one.below_zero) == pytest.approx(
        (other.difference, other.low, other.high, other.below_zero)
    )


def test_the_interval_covers_the_truth_as_often_as_it_says(rng):
    """The mean of a difference of 0.3, 300 experiments: 95 % give or take three standard errors."""
    statistic, covered = metric_of_counts(mean_score), 0
    for _ in range(300):
        first = rng.normal(size=60)
        second = first + 0.3 + rng.normal(size=60)
        found = paired_bootstrap(
            np.zeros(60), first, second, rng=rng, statistic=statistic, resamples=120, stratified=False
        )
        covered += found.low <= 0.3 <= found.high
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / 300) - 0.02 < covered / 300 <= 1


def test_pairing_makes_the_interval_narrow(rng):
    labels, weak, strong = two_models(rng, 400)
    paired = paired_bootstrap(labels, weak, strong, rng=rng, resamples=300)
    shuffled = rng.permutation(np.flatnonzero(labels == 0))
    unpaired = strong.copy()
    unpaired[labels == 0] = strong[shuffled]  # the same AP, but of other scans
    loose = paired_bootstrap(labels, weak, unpaired, rng=rng, resamples=300)
    assert loose.difference == pytest.approx(paired.difference)
    assert paired.high - paired.low < loose.high - loose.low
    assert paired.clear


def test_equal_models_are_a_tie(rng):
    labels, weak, _ = two_models(rng)
    found = paired_bootstrap(labels, weak, weak, rng=rng, resamples=50)
    assert (found.difference, found.low, found.high, found.below_zero) == (0, 0, 0, 0.5)
    assert not found.clear


def test_swapping_the_models_turns_the_sign(rng):
    labels, weak, strong = two_models(rng, gain=0.3)
    one = paired_bootstrap(labels, weak, strong, rng=np.random.default_rng(0), resamples=200)
    other = paired_bootstrap(labels, strong, weak, rng=np.random.default_rng(0), resamples=200)
    assert (other.difference, other.low, other.high) == pytest.approx((-one.difference, -one.high, -one.low))
    assert other.below_zero == pytest.approx(1 - one.below_zero)


def test_strata_keep_a_rare_class_as_rare_as_it_is(rng):
    labels = np.zeros((200, 2))
    labels[:3, 1] = 1
    seen = []

    def positives(truth, scores):
        seen.append(((truth == 1).any(axis=1).sum(), len(truth)))
        return 0.0

    for stratified in (True, False):
        seen.clear()
        paired_bootstrap(
            labels, labels, labels, rng=rng, resamples=100, stratified=stratified,
            statistic=metric_of_counts(positives),
        )  # fmt: skip
        assert {count for _, count in seen} == {200}
        assert (len({count for count, _ in seen}) == 1) is stratified


def test_draws_without_a_positive_are_left_out(rng):
    labels = np.zeros(20)
    labels[0] = 1
    scores = rng.normal(size=(2, 20))
    found = paired_bootstrap(labels, *scores, rng=rng, resamples=200, stratified=False)
    assert 100 < found.resamples < 160  # 1 - (19 / 20) ** 20 = 0.64
    found = paired_bootstrap(np.zeros(20), *scores, rng=rng, resamples=10)
    assert found.resamples == 0
    assert math.isnan(found.difference)
    assert math.isnan(found.below_zero)


def test_seeds_widen_the_interval_and_the_difference_is_their_mean(rng):
    labels = np.zeros(400)
    first = np.zeros((3, 400))
    second = np.array([0.0, 0.3, 0.6])[:, None] + 0.1 * rng.normal(size=(3, 400))
    statistic = metric_of_counts(mean_score)
    found = paired_bootstrap(labels, first, second, rng=rng, statistic=statistic, resamples=400)
    assert found.seeds == 3
    assert found.difference == pytest.approx(second.mean())
    # 27 draws of three seeds; the extreme ones, 1 / 27 each, exceed the 2.5 % of either end
    assert found.low == pytest.approx(0, abs=0.02)
    assert found.high == pytest.approx(0.6, abs=0.02)
    alone = paired_bootstrap(labels, first[1], second[1], rng=rng, statistic=statistic, resamples=400)
    assert alone.seeds == 1
    assert alone.high - alone.low < 0.05


@pytest.mark.parametrize("seeds", [2, 3, 4, 7, 30])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_seed_interval_agrees_with_scipy(rng, seeds, confidence):
    stats = pytest.importorskip("scipy.stats")
    first, second = rng.normal(size=(2, seeds))
    reference = stats.ttest_rel(second, first).confidence_interval(confidence)
    mean, low, high = seed_interval(second - first, confidence=confidence)
    assert (low, high) == pytest.approx((reference.low, reference.high), rel=1e-9)
    assert mean == pytest.approx((second - first).mean())


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="at least two of them, got 1"):
        seed_interval([0.1])


@pytest.mark.parametrize(
    ("labels", "first", "second", "options", "message"),
    [
        ([0, 1], [1, 2, 3], [1, 2, 3], {}, r"shaped as the labels \(2,\)"),
        ([0, 1], [1, 2], [[1, 2]], {}, "got .*2.* and"),
        ([0, 1], [[[1, 2]]], [[[1, 2]]], {}, "one axis of seeds"),
        ([], [], [], {}, "at least one scan"),
        ([0, 2], [1, 2], [1, 2], {}, "0, 1 or NaN"),
        ([0, 1], [1, 2], [1, np.nan], {}, "finite"),
        ([0, 1], [1, 2], [1, 2], {"resamples": 0}, "resamples >= 1"),
        ([0, 1], [1, 2], [1, 2], {"confidence": 95}, "got 1000 and 95"),
    ],
)
def test_bad_input_is_refused(rng, labels, first, second, options, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(labels, first, second, rng=rng, **options)
