"""Thresholds from benign scores: the promised rate, its range, and how many scans they need."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import conformal_rank, fewest, true_rate_range


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(40, 0.006, 0.13), (100, 0.016, 0.099), (300, 0.028, 0.077), (1000, 0.037, 0.064)],
)
def test_the_range_is_that_of_the_literature(count, low, high):
    found = true_rate_range(count, conformal_rank(count, 0.05))
    assert found == (pytest.approx(low, abs=0.002), pytest.approx(high, abs=0.002))


def test_the_range_is_a_beta_quantile():
    beta = pytest.importorskip("scipy.stats").beta
    for count, pfa in ((19, 0.05), (57, 0.1), (250, 0.02), (3000, 0.3), (40, 0.9)):
        rank = conformal_rank(count, pfa)
        expected = beta.ppf([0.025, 0.975], count + 1 - rank, rank)
        np.testing.assert_allclose(true_rate_range(count, rank), expected, rtol=1e-5, atol=1e-9)


@given(pfa=st.floats(0.001, 0.5))
def test_the_fewest_scans_are_enough_and_one_less_is_not(pfa):
    count = fewest(pfa)
    assert conformal_rank(count, pfa) <= count
    if count > 1:
        with pytest.raises(ValueError, match=f"{count} are needed"):
            conformal_rank(count - 1, pfa)


def test_new_scans_alarm_at_the_promised_rate_on_average(rng):
    rates = []
    for _ in range(400):
        scores = rng.gamma(0.3, size=2000)  # far from normal
        threshold = np.sort(scores[:50])[conformal_rank(50, 0.1) - 1]
        rates.append((scores[50:] > threshold).mean())
    assert np.mean(rates) == pytest.approx(5 / 51, abs=0.006)
    low, high = true_rate_range(50, conformal_rank(50, 0.1))
    assert np.mean((np.array(rates) > low) & (np.array(rates) < high)) == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("pfa", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_that_is_none_is_refused(pfa):
    with pytest.raises(ValueError, match="in \\(0, 1\\)"):
        conformal_rank(10, pfa)
