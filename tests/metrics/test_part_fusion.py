"""Fusions of parts: order, monotony, single parts, naive products; the choice on constructed devices."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import (
    FUSIONS,
    choose_fusion,
    compare_fusions,
    expected_false_alarms,
    fuse_log_odds,
    fuse_noisy_or,
    fuse_top_mean,
    roc_auc,
)

DEVICES = 4
ALL = [*FUSIONS.items(), ("top_mean_2", partial(fuse_top_mean, k=2))]
every_fusion = pytest.mark.parametrize("fuse", [f for _, f in ALL], ids=[name for name, _ in ALL])

part = st.tuples(st.floats(0, 1), st.floats(0.1, 1e3), st.integers(0, DEVICES - 1))
parts = st.lists(part, min_size=1, max_size=12)


def columns(rows):
    probs, areas, device = zip(*rows, strict=True)
    return np.array(probs), np.array(areas), np.array(device)


@every_fusion
@given(rows=parts, draw=st.randoms(use_true_random=False))
def test_order_of_the_parts_changes_nothing(fuse, rows, draw):
    mixed = draw.sample(rows, len(rows))
    np.testing.assert_array_equal(fuse(*columns(rows), DEVICES), fuse(*columns(mixed), DEVICES))


@every_fusion
@given(rows=parts, more=st.floats(0, 1), index=st.integers(0, 11))
def test_a_surer_part_never_lowers_the_score(fuse, rows, more, index):
    probs, areas, device = columns(rows)
    before = fuse(probs, areas, device, DEVICES)
    probs[index % len(probs)] += more * (1 - probs[index % len(probs)])
    after = fuse(np.minimum(probs, 1), areas, device, DEVICES)
    there = ~np.isnan(before)
    assert (after[there] >= before[there] - 1e-12).all()


@every_fusion
@given(rows=parts)
def test_scores_are_shares_and_devices_without_parts_have_none(fuse, rows):
    probs, areas, device = columns(rows)
    scores = fuse(probs, areas, device, DEVICES)
    present = np.isin(np.arange(DEVICES), device)
    np.testing.assert_array_equal(np.isnan(scores), ~present)
    assert ((scores[present] >= 0) & (scores[present] <= 1 + 1e-12)).all()


@pytest.mark.parametrize("name", ["max", "top_mean", "noisy_or"])
@given(prob=st.floats(0, 1), area=st.floats(0.1, 1e3))
def test_one_part_is_its_own_score(name, prob, area):
    assert FUSIONS[name]([prob], [area], [0], 1)[0] == pytest.approx(prob, abs=1e-12)


@given(prob=st.floats(1e-6, 1 - 1e-6), count=st.integers(1, 6))
def test_log_odds_of_equal_parts_are_those_of_one(prob, count):
    assert fuse_log_odds([prob] * count, [3] * count, [0] * count, 1)[0] == pytest.approx(prob)


@given(rows=parts)
def test_noisy_or_is_the_naive_product(rows):
    probs, areas, device = columns(rows)
    for index, score in enumerate(fuse_noisy_or(probs, areas, device, DEVICES)):
        own = probs[device == index]
        assert score == pytest.approx(
            1 - math.prod(1 - own) if len(own) else math.nan, abs=1e-12, nan_ok=True
        )


def test_noisy_or_keeps_what_the_naive_product_loses():
    assert fuse_noisy_or([1e-18] * 3, [1] * 3, [0] * 3, 1)[0] == pytest.approx(3e-18, rel=1e-9)
    assert fuse_noisy_or([1.0, 1.0, 0.5], [1] * 3, [0] * 3, 1)[0] == 1


def test_large_parts_count_more_in_log_odds():
    small, large = (fuse_log_odds([0.9, 0.1], [area, 1], [0, 0], 1)[0] for area in (0.5, 2))
    assert small < 0.5 < large


def test_no_parts_at_all():
    for fuse in FUSIONS.values():
        assert np.isnan(fuse([], [], np.zeros(0, int), 2)).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"probs": [0.5, 1.5]}, "calibration first"),
        ({"probs": [0.5, math.nan]}, "calibration first"),
        ({"areas": [1, 0]}, "more than 0"),
        ({"device": [0, 2]}, r"0\.\.1"),
        ({"device": [0.0, 1.0]}, "whole numbers"),
        ({"device": [0]}, "as many"),
    ],
)
def test_parts_that_are_none_are_refused(change, match):
    given = {"probs": [0.5, 0.5], "areas": [1, 1], "device": [0, 1], **change}
    with pytest.raises(ValueError, match=match):
        FUSIONS["max"](*given.values(), 2)


def devices_of(benign, threat, each=20):
    """``each`` benign and as many threatening devices with these parts, a little noise on both."""
    rng = np.random.default_rng(3)
    rows = [*([benign] * each), *([threat] * each)]
    probs = np.clip(np.concatenate(rows) + rng.uniform(-0.01, 0.01, sum(map(len, rows))), 0, 1)
    device = np.repeat(np.arange(2 * each), [len(row) for row in rows])
    return probs, np.ones(len(probs)), device, np.repeat([0, 1], each)


def test_max_loses_where_many_parts_are_a_little_odd():
    data = devices_of(benign=[0.5] * 3 + [0.02] * 3, threat=[0.4] * 6)
    chosen = choose_fusion(*data)
    pds = {each.name: each.point.pd.value for each in compare_fusions(*data)}
    assert chosen.name == "noisy_or"  # log-odds do as well and come later
    assert pds == {"max": 0, "top_mean": 0, "noisy_or": 1, "log_odds": 1}


def test_max_wins_where_one_part_is_odd():
    data = devices_of(benign=[0.5] * 6, threat=[0.9] + [0.02] * 5)
    assert choose_fusion(*data).name == "max"
    pds = {each.name: each.point.pd.value for each in compare_fusions(*data)}
    assert pds == {"max": 1, "top_mean": 0, "noisy_or": 0, "log_odds": 0}


def test_equal_pd_is_decided_by_auc():
    def only_sure(probs, areas, device, devices):
        best = FUSIONS["max"](probs, areas, device, devices)
        return np.where(best > 0.85, best, 0)

    probs = [0.2] * 18 + [0.3] + [0.9, 0.25]  # the last threat is missed, but ranks high
    data = (probs, [1] * 21, np.arange(21), [0] * 19 + [1, 1])
    table = {"only_sure": only_sure, "max": FUSIONS["max"]}
    assert [each.point.pd.value for each in compare_fusions(*data, fusions=table)] == [0.5, 0.5]
    assert choose_fusion(*data, fusions=table).name == "max"


def test_equal_auc_is_decided_by_the_order_of_the_table():
    assert choose_fusion(*devices_of(benign=[0.2], threat=[0.8])).name == "max"


def test_the_threshold_is_the_conformal_one(rng):
    benign = rng.uniform(0, 1, 39)
    probs = np.append(benign, [0.99, 0.5])
    chosen = choose_fusion(probs, np.ones(41), np.arange(41), [0] * 39 + [1, np.nan], pfa=0.1)
    assert chosen.point.threshold == np.nextafter(np.sort(benign)[35], 1)  # ceil(40 * 0.9) = 36th
    assert chosen.point.pfa.hits == 3
    assert chosen.point.pd.trials == 1  # the unlabelled one is left out
    assert chosen.auc == roc_auc([0] * 39 + [1], probs[:40])


def test_data_that_cannot_choose_are_refused():
    with pytest.raises(ValueError, match="19 are needed"):
        choose_fusion([0.1, 0.9], [1, 1], [0, 1], [0, 1])
    with pytest.raises(ValueError, match="none with label 1"):
        choose_fusion([0.1], [1], [0], [0])
    with pytest.raises(ValueError, match="the first is 1"):
        choose_fusion([0.9], [1], [0], [1, 0])


def test_twenty_parts_at_a_good_rate_are_a_coin_toss():
    assert expected_false_alarms(0.035, 20) == pytest.approx(0.51, abs=0.001)
    assert expected_false_alarms(0.5, 0) == 0
    with pytest.raises(ValueError, match=r"0\.\.1"):
        expected_false_alarms(3.5, 20)
