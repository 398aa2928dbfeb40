import numpy as np
import pytest

from beltline.core import ShapeError
from beltline.rounds.gate import judged, kappa, may_stop


def scans(rng, mean, count=40):
    return [list(np.clip(rng.normal(mean, 0.1, 2), 0, 1)) for _ in range(count)]


def shifted(before, by):
    return [[iou + by for iou in scan] for scan in before]


def test_a_better_model_is_promoted_and_the_interval_holds_the_difference(rng):
    before = scans(rng, 0.6)
    verdict = judged(before, shifted(before, 0.05), rng=rng)
    assert verdict.promoted
    assert verdict.difference == pytest.approx(0.05)
    assert verdict.low <= 0.05 + 1e-9 <= verdict.high + 2e-9


def test_a_worse_model_is_kept_out(rng):
    before = scans(rng, 0.6)
    verdict = judged(before, shifted(before, -0.05), rng=rng)
    assert not verdict.promoted
    assert verdict.high < 0


def promoted(count, seed):
    rng = np.random.default_rng(seed)
    before = scans(rng, 0.6, count)
    after = [[iou + rng.normal(0, 0.1) for iou in scan] for scan in before]
    return judged(before, after, rng=rng, margin=0.01, resamples=300).promoted


def test_an_equal_model_passes_on_many_scans_and_seldom_on_few():
    assert all(promoted(1000, seed) for seed in range(5))
    assert sum(promoted(8, seed) for seed in range(30)) <= 8  # 2 expected


def test_scans_are_drawn_not_objects():
    """One scan of many good objects must not narrow the interval."""
    rng = np.random.default_rng(0)
    before = [[0.5] * 50, *([0.5] for _ in range(9))]
    after = [[0.6] * 50, *([0.4] for _ in range(9))]
    verdict = judged(before, after, rng=rng)
    assert verdict.low == pytest.approx(-0.1)
    assert verdict.high == pytest.approx(0.1, abs=0.03)
    assert not verdict.promoted


def test_the_gate_refuses_too_little(rng):
    with pytest.raises(ValueError, match="at least 5 scans"):
        judged([[0.5]] * 4 + [[]] * 9, [[0.5]] * 4 + [[]] * 9, rng=rng)
    with pytest.raises(ShapeError):
        judged([[0.5]] * 6, [[0.5, 0.6]] * 6, rng=rng)


def test_rounds_stop_when_two_bring_nothing_and_reviewers_change_nothing():
    flat, up = {"low": -0.01, "high": 0.02}, {"low": 0.01, "high": 0.03}
    assert may_stop([up, flat, flat], [0.2, 0.02])
    assert not may_stop([up, flat, flat], [0.2, 0.04])
    assert not may_stop([flat, up], [0.01])
    assert not may_stop([flat], [0.01])


def test_kappa_by_hand():
    assert kappa(["a"] * 3, ["a"] * 3) == 1.0
    assert kappa(["a", "b", "a", "b"], ["a", "b", "b", "a"]) == 0.0
    assert kappa(["gun", "gun", "knife", "knife"], ["gun", "knife", "knife", "knife"]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least one"):
        kappa([], [])
