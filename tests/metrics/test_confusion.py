"""One confusion matrix: against scikit-learn, and against tables whose columns contradict each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.metrics import Confusion, confusion_of, implied, wilson

counts = st.integers(0, 60)


@settings(max_examples=25)
@given(tp=counts, fp=counts, tn=counts, fn=counts)
def test_every_rate_is_that_of_scikit_learn(tp, fp, tn, fn):
    judge = pytest.importorskip("sklearn.metrics")
    labels = np.repeat([1, 0, 0, 1], [tp, fp, tn, fn])
    alarms = np.repeat([1, 1, 0, 0], [tp, fp, tn, fn])
    found = confusion_of(labels, alarms)
    assert found == Confusion(tp, fp, tn, fn)
    if not len(labels):
        return
    nan = float("nan")
    expected = {
        "accuracy": judge.accuracy_score(labels, alarms),
        "precision": judge.precision_score(labels, alarms, zero_division=nan),
        "recall": judge.recall_score(labels, alarms, zero_division=nan),
        "false_positive_rate": judge.recall_score(1 - labels, 1 - alarms, zero_division=nan),
    }
    expected["false_positive_rate"] = 1 - expected["false_positive_rate"]
    for name, value in expected.items():
        assert getattr(found, name).value == pytest.approx(value, nan_ok=True), name
    assert found.f1 == pytest.approx(judge.f1_score(labels, alarms, zero_division=nan), nan_ok=True)


def test_the_intervals_are_wilsons():
    found = Confusion(tp=40, fp=3, tn=57, fn=10)
    assert found.recall == wilson(40, 50)
    assert found.false_positive_rate == wilson(3, 60)
    assert found.precision == wilson(40, 43)
    assert found.accuracy == wilson(97, 110)


# printed by Table I and the table of whole objects of the paper on concealed electronics, per cent
@pytest.mark.parametrize(
    ("name", "tp", "fp", "column", "printed", "true"),
    [
        ("BCNN", 95.49, 4.30, "accuracy", 97.54, 95.59),
        ("MA-CNN", 96.32, 4.19, "accuracy", 97.68, 96.06),
        ("object ResNet-18", 95.42, 21.13, "f1", 76.9, 88.1),
        ("object ResNet-50", 97.29, 16.59, "accuracy", 86.20, 90.35),
        ("object DFL", 83.70, 3.88, "precision", 83.70, 95.6),
    ],
)
def test_printed_rows_that_their_own_rates_contradict(name, tp, fp, column, printed, true):
    found = 100 * getattr(implied(tp / 100, fp / 100), column)
    assert found == pytest.approx(true, abs=0.051), name
    assert abs(found - printed) > 1.5, name


@pytest.mark.parametrize(
    ("tp", "fp", "accuracy"),
    [(98.89, 4.69, 97.1), (98.99, 4.54, 97.2), (99.1, 8.9, 95.1), (95.89, 8.55, 93.7)],
)
def test_printed_rows_of_plain_networks_agree(tp, fp, accuracy):
    assert 100 * implied(tp / 100, fp / 100).accuracy == pytest.approx(accuracy, abs=0.9)


@given(tp=st.integers(0, 50), fp=st.integers(0, 50))
def test_implied_is_what_balanced_counts_give(tp, fp):
    counted, found = Confusion(tp, fp, 50 - fp, 50 - tp), implied(tp / 50, fp / 50)
    assert found.accuracy == pytest.approx(counted.accuracy.value)
    assert found.precision == pytest.approx(counted.precision.value, nan_ok=True)
    if tp or fp:
        assert found.f1 == pytest.approx(counted.f1)


def test_no_decisions_no_rates():
    empty = Confusion(0, 0, 0, 0)
    assert all(math.isnan(v) for v in (empty.accuracy.value, empty.precision.value, empty.f1))
    assert math.isnan(implied(0, 0).f1)


def test_what_is_no_decision_is_refused():
    with pytest.raises(ValueError, match="threshold first"):
        confusion_of([1, 0], [0.7, 0.2])
    with pytest.raises(ValueError, match="0 or more"):
        Confusion(-1, 0, 0, 0)
    with pytest.raises(ValueError, match="divide per cent"):
        implied(83.7, 3.88)
