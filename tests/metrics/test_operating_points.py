"""Thresholds, rates and intervals against published values, brute force and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beltline.metrics import (
    bootstrap_interval,
    choose_thresholds,
    pd_pfa_curve,
    rates_at_threshold,
    scan_thresholds,
    threshold_at_pfa,
    wilson,
)

scores_01 = st.lists(st.integers(0, 12).map(lambda i: i / 12), min_size=2, max_size=40)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_newcombe(hits, trials, low, high):
    rate = wilson(hits, trials)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)
    assert rate.value == hits / trials


def test_wilson_solves_its_equation():
    """Both ends are where the normal test of the observed share just rejects."""
    rate = wilson(7, 50, confidence=0.9)
    z = 1.6448536269514722
    for end in (rate.low, rate.high):
        assert abs(rate.value - end) / math.sqrt(end * (1 - end) / 50) == pytest.approx(z)


@given(st.integers(0, 200), st.integers(1, 200))
def test_wilson_holds_its_share_and_stays_in_range(hits, trials):
    assume(hits <= trials)
    rate = wilson(hits, trials)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_wilson_without_trials_knows_nothing():
    rate = wilson(0, 0)
    assert math.isnan(rate.value)
    assert (rate.low, rate.high) == (0, 1)


@pytest.mark.parametrize(("hits", "trials"), [(3, 2), (-1, 2), (0, -1)])
def test_wilson_refuses_impossible_counts(hits, trials):
    with pytest.raises(ValueError, match="hits"):
        wilson(hits, trials)


@pytest.mark.parametrize(
    ("pfa", "threshold"),
    [
        (0.0, (0.4 + 0.9) / 2),  # no negative may alarm
        (0.24, (0.4 + 0.9) / 2),
        (0.25, (0.3 + 0.4) / 2),  # one of four may
        (0.5, (0.2 + 0.3) / 2),
        (0.99, (0.1 + 0.2) / 2),  # three of four may
    ],
)
def test_threshold_by_hand(pfa, threshold):
    assert threshold_at_pfa([0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.9], pfa) == pytest.approx(threshold)


@given(scores_01, st.integers(0, 99), st.integers(0, 19))
def test_threshold_keeps_the_rate_and_no_lower_one_would(values, seed, twentieth):
    pfa = twentieth / 20
    rng = np.random.default_rng(seed)
    truth = rng.random(len(values)) < 0.4
    assume((~truth).any())
    value = np.array(values)
    threshold = threshold_at_pfa(truth, value, pfa)
    allowed = pfa * (~truth).sum() + 1e-9
    assert (value[~truth] >= threshold).sum() <= allowed
    laxer = value[value < threshold].max()  # a threshold that also lets the next score alarm
    assert (value[~truth] >= laxer).sum() > allowed


def test_tied_negatives_alarm_together_or_not_at_all():
    assert threshold_at_pfa([0, 0, 0, 0], [0.5] * 4, 0.5) > 0.5


def test_threshold_between_neighbouring_floats_still_blocks():
    """The middle of two adjacent numbers rounds to one of them; it must not be the blocked one."""
    for blocked in (0.5, 0.75, 1 - 2**-53):
        above = np.nextafter(blocked, np.inf)
        threshold = threshold_at_pfa([0, 1], [blocked, above], 0.0)
        assert blocked < threshold <= above


def test_threshold_needs_a_negative_and_a_sensible_rate():
    with pytest.raises(ValueError, match="negative"):
        threshold_at_pfa([1, 1], [1, 2], 0.1)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        threshold_at_pfa([1, 0], [1, 2], 1.0)


def test_rates_count_scores_at_the_threshold_as_alarms():
    point = rates_at_threshold([1, 1, 0, 0, np.nan], [0.5, 0.4, 0.5, 0.1, 0.9], 0.5)
    assert (point.pd.hits, point.pd.trials) == (1, 2)
    assert (point.pfa.hits, point.pfa.trials) == (1, 2)
    assert math.isnan(rates_at_threshold([0], [0.1], 0.5).pd.value)


@given(scores_01, st.integers(0, 99))
def test_curve_agrees_with_scikit_learn(values, seed):
    reference = pytest.importorskip("sklearn.metrics")
    truth = np.random.default_rng(seed).random(len(values)) < 0.5
    assume(0 < truth.sum() < len(truth))
    curve = pd_pfa_curve(truth, values)
    pfa, pd, thresholds = reference.roc_curve(truth, values, drop_intermediate=False)
    assert curve.pd == pytest.approx(pd)
    assert curve.pfa == pytest.approx(pfa)
    assert curve.thresholds == pytest.approx(thresholds)


@given(scores_01, st.integers(0, 99))
def test_curve_agrees_with_the_rates_at_each_threshold(values, seed):
    truth = np.random.default_rng(seed).random(len(values)) < 0.5
    assume(0 < truth.sum() < len(truth))
    curve = pd_pfa_curve(truth, values)
    for threshold, pd, pfa in zip(curve.thresholds, curve.pd, curve.pfa, strict=True):
        point = rates_at_threshold(truth, values, threshold)
        assert (point.pd.value, point.pfa.value) == pytest.approx((pd, pfa))


def test_curve_of_nothing_and_of_one_class():
    empty = pd_pfa_curve([], [])
    assert empty.thresholds.tolist() == [np.inf]
    one_class = pd_pfa_curve([0, 0], [1, 2])
    assert np.isnan(one_class.pd).all()
    assert one_class.pfa.tolist() == [0, 0.5, 1]


def test_thresholds_of_every_class_and_rate(rng):
    truth, scores = rng.integers(0, 2, (100, 3)), rng.random((100, 3))
    chosen = choose_thresholds(truth, scores, (0.05, 0.1))
    assert set(chosen) == {"pfa_0.05", "pfa_0.1"}
    for k in range(3):
        assert chosen["pfa_0.1"][k] == threshold_at_pfa(truth[:, k], scores[:, k], 0.1)
        assert chosen["pfa_0.1"][k] <= chosen["pfa_0.05"][k]


def test_bootstrap_of_a_mean_is_its_standard_error(rng):
    data = rng.normal(size=400)
    low, high = bootstrap_interval(lambda rows: float(data[rows].mean()), 400, rng=rng, repeats=2000)
    error = data.std() / 20
    assert low == pytest.approx(data.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(data.mean() + 1.96 * error, abs=0.2 * error)


def test_bootstrap_repeats_from_its_seed_and_leaves_nan_out():
    def statistic(rows):
        return float("nan") if rows[0] == 0 else float(rows.mean())

    first = bootstrap_interval(statistic, 5, rng=np.random.default_rng(3), repeats=50)
    assert first == bootstrap_interval(statistic, 5, rng=np.random.default_rng(3), repeats=50)
    assert all(math.isfinite(end) for end in first)
    nothing = bootstrap_interval(lambda rows: float("nan"), 5, rng=np.random.default_rng(3), repeats=5)
    assert all(math.isnan(end) for end in nothing)


def test_scan_thresholds_hold_the_false_alarms_of_the_whole_scan() -> None:
    rng = np.random.default_rng(3)
    labels = (rng.random((4000, 6)) < 0.05).astype(float)
    scores = rng.random((4000, 6)) + labels
    empty = ~labels.any(axis=1)
    for pfa in (0.02, 0.05, 0.2):
        chosen = np.array(scan_thresholds(labels, scores, pfa))
        alarmed = (scores[empty] >= chosen).any(axis=1).mean()
        assert pfa * 0.85 <= alarmed <= pfa
        single = (scores[empty] >= chosen).mean(axis=0)
        assert single.max() - single.min() < 0.005
    with pytest.raises(ValueError, match="scans without any"):
        scan_thresholds(np.ones((5, 2)), np.ones((5, 2)), 0.05)
