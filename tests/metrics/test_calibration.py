"""Calibration by hand, against torchmetrics and scikit-learn, and by what a fit must do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import (
    Calibration,
    expected_calibration_error,
    fit_platt,
    fit_temperature,
    sigmoid,
)


def drawn(rng, count, scale, offset):
    """Logits, and labels that follow sigmoid(scale * logit + offset)."""
    logits = rng.normal(0, 2, count)
    return (rng.random(count) < sigmoid(scale * logits + offset)).astype(int), logits


def log_loss(truth, probs):
    return -np.mean(np.where(np.asarray(truth) == 1, np.log(probs), np.log(1 - probs)))


def test_ece_by_hand():
    # two bins of width 1/2: (0.2, 0.4 | 0, 1) gap 0.4; (0.7, 0.9 | 1, 1) gap 0.4; weights 2/4 each of means
    assert expected_calibration_error([0, 1, 1, 1], [0.2, 0.4, 0.7, 0.9], bins=2) == pytest.approx(
        0.5 * abs(0.3 - 0.5) + 0.5 * abs(0.8 - 1)
    )


def test_ece_bins_are_open_below_and_closed_above():
    # 0.5 belongs to the lower bin: with 0.4 it makes one bin of mean 0.45 and frequency 0.5
    assert expected_calibration_error([0, 1], [0.4, 0.5], bins=2) == pytest.approx(0.05)


def test_ece_of_equal_mass_by_hand():
    # bins (0.1, 0.2) and (0.3, 0.9), frequencies 0 and 0.5
    found = expected_calibration_error([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.9], bins=2, equal_mass=True)
    assert found == pytest.approx(0.5 * 0.15 + 0.5 * 0.1)


@given(st.integers(0, 999))
def test_ece_of_equal_mass_does_not_go_by_the_order_of_the_rows(seed):
    rng = np.random.default_rng(seed)
    probs, truth = rng.integers(0, 4, 40) / 4, rng.integers(0, 2, 40)
    found = expected_calibration_error(truth, probs, bins=5, equal_mass=True)
    for order in (np.argsort(-truth), np.argsort(truth), rng.permutation(40)):
        again = expected_calibration_error(truth[order], probs[order], bins=5, equal_mass=True)
        assert again == pytest.approx(found)


def test_ece_extremes_and_nothing():
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0
    assert expected_calibration_error([1, 0], [0.0, 1.0]) == 1
    assert np.isnan(expected_calibration_error([], []))
    assert expected_calibration_error([np.nan, 1], [0.0, 1.0]) == 0


@given(st.integers(0, 999), st.integers(1, 20))
def test_ece_is_the_mean_gap_of_the_bins(seed, bins):
    rng = np.random.default_rng(seed)
    probs, truth = rng.random(60), rng.integers(0, 2, 60)
    total = 0.0
    for index in range(bins):
        inside = (probs > index / bins) & (probs <= (index + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(probs[inside].mean() - truth[inside].mean())
    assert expected_calibration_error(truth, probs, bins=bins) == pytest.approx(total)


def test_ece_agrees_with_torchmetrics(rng):
    torch = pytest.importorskip("torch")
    pytest.importorskip("beltline.models").ensure_torchvision_ops()  # torchmetrics imports torchvision
    reference = pytest.importorskip("torchmetrics.functional.classification")
    probs, truth = rng.random(500), rng.integers(0, 2, 500)
    expected = reference.binary_calibration_error(torch.tensor(probs), torch.tensor(truth), n_bins=15)
    assert expected_calibration_error(truth, probs) == pytest.approx(float(expected), abs=1e-6)


def test_sigmoid_does_not_overflow():
    assert sigmoid([-1e4, 0, 1e4]).tolist() == [0, 0.5, 1]
    assert sigmoid(-np.log(3)) == pytest.approx(0.25)


def test_platt_finds_the_truth(rng):
    found = fit_platt(*drawn(rng, 20_000, scale=0.7, offset=-1.0))
    assert (found.scale, found.offset) == pytest.approx((0.7, -1.0), abs=0.06)


def test_platt_agrees_with_scikit_learn(rng):
    calibration = pytest.importorskip("sklearn.calibration")
    truth, logits = drawn(rng, 300, scale=1.5, offset=0.5)
    slope, intercept = calibration._sigmoid_calibration(logits, truth)  # p = 1 / (1 + exp(slope x + b))
    found = fit_platt(truth, logits)
    assert (found.scale, found.offset) == pytest.approx((-slope, -intercept), abs=1e-3)


def test_platt_is_the_minimum_of_its_cost(rng):
    truth, logits = drawn(rng, 200, scale=2.0, offset=-0.5)
    target = np.where(truth == 1, (truth.sum() + 1) / (truth.sum() + 2), 1 / ((1 - truth).sum() + 2))

    def cost(scale, offset):
        z = scale * logits + offset
        return float(np.sum(np.logaddexp(0, z) - target * z))

    found = fit_platt(truth, logits)
    best = cost(found.scale, found.offset)
    for change in (-1e-3, 1e-3):
        assert cost(found.scale + change, found.offset) > best
        assert cost(found.scale, found.offset + change) > best


def test_platt_stays_finite_on_separated_classes():
    found = fit_platt([0, 0, 1, 1], [-5.0, -4.0, 4.0, 5.0])
    assert np.isfinite([found.scale, found.offset]).all()
    assert found.scale > 0
    probs = found.probability([-4.5, 4.5])
    assert probs == pytest.approx([0.25, 0.75], abs=0.01)  # Platt's targets for two of each


def test_platt_refuses_scores_that_rank_the_wrong_way_round(rng):
    found = fit_platt([1] * 30 + [0] * 90, np.r_[rng.normal(-2, 1, 30), rng.normal(2, 1, 90)])
    assert found.scale == 0
    assert found.probability(7.0) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("logits", [np.zeros(8), np.full(8, 3.0)])
def test_platt_of_constant_scores_is_the_base_rate(logits):
    assert fit_platt([1, 1, 0, 0, 0, 0, 0, 0], logits).probability(logits[0]) == pytest.approx(0.25, abs=0.1)


def test_platt_of_one_class_stays_finite():
    found = fit_platt([0] * 50, np.linspace(-3, 3, 50))
    assert np.isfinite([found.scale, found.offset]).all()
    assert (found.probability([-3.0, 3.0]) < 0.05).all()


@pytest.mark.parametrize("fit", [fit_platt, fit_temperature])
def test_a_fit_without_data_says_so(fit):
    with pytest.raises(ValueError, match="label"):
        fit([np.nan], [1.0])


def test_temperature_finds_the_truth_and_has_no_offset(rng):
    found = fit_temperature(*drawn(rng, 20_000, scale=0.4, offset=0.0))
    assert found.scale == pytest.approx(0.4, abs=0.03)
    assert found.offset == 0


def test_temperature_takes_any_shape(rng):
    truth, logits = drawn(rng, 600, scale=2.0, offset=0.0)
    flat = fit_temperature(truth, logits)
    assert fit_temperature(truth.reshape(100, 6), logits.reshape(100, 6)) == flat


@given(st.integers(0, 99), st.floats(0.3, 3), st.floats(-2, 2))
def test_calibration_never_raises_the_loss_much_and_keeps_the_order(seed, scale, offset):
    rng = np.random.default_rng(seed)
    truth, logits = drawn(rng, 400, scale, offset)
    found = fit_platt(truth, logits)
    raw = np.clip(sigmoid(logits), 1e-12, 1 - 1e-12)
    assert log_loss(truth, found.probability(logits)) <= log_loss(truth, raw) + 1e-3
    assert (np.diff(found.probability(np.sort(logits))) >= 0).all()


def test_probability_is_the_formula_of_the_card():
    found = Calibration(2.0, -1.0).probability([[0.5, 3.0]])
    assert found == pytest.approx(np.array([[0.5, 1 / (1 + np.exp(-5))]]))
