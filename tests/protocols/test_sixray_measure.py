"""Figures and comparisons of the SIXray experiment against hand-made cases and outside references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from beltline.protocols.sixray.compare import Run, compare, mean_hits_of_counts, weighted_map_of_counts
from beltline.protocols.sixray.measure import measure, pointing_hits, weighted_ap
from beltline.protocols.sixray.parts import Part, draw_positives, negative_weights


def _part(
    labels: np.ndarray, weights: np.ndarray | None = None, objects: list[list[float]] | None = None
) -> Part:
    return Part(
        "SIXray10",
        10.0,
        tuple(f"class{k}" for k in range(labels.shape[1])),
        0,
        labels,
        labels.astype(np.float32),
        np.ones(len(labels)) if weights is None else weights,
        np.array(objects or [], np.float32).reshape(-1, 8),
        (100, 100),
        lambda sampling, seed: pytest.fail("not trained here"),
        lambda size: iter(()),
        lambda image: image,
    )


@given(st.integers(0, 10_000))
def test_weighted_ap_is_that_of_repeated_images(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 20).astype(np.float32)
    labels[0] = 1
    scores = rng.permutation(20).astype(np.float32)
    weights = np.where(labels == 1, 1, rng.integers(1, 6, 20)).astype(float)
    repeated = np.repeat(np.arange(20), weights.astype(int))
    expected = average_precision_score(labels[repeated], scores[repeated])
    assert weighted_ap(labels, scores, weights) == pytest.approx(expected)


def test_weighted_ap_leaves_out_what_is_not_known() -> None:
    labels = np.array([1, np.nan, 0, 1], np.float32)
    scores = np.array([4, 3, 2, 1], np.float32)
    assert weighted_ap(labels, scores, np.ones(4)) == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(weighted_ap(np.zeros(3, np.float32), scores[:3], np.ones(3)))


def test_negatives_are_weighted_to_the_ratio() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 0], [0, 0], [0, 0]], np.uint8)
    weights = negative_weights(labels, 100)
    assert weights[:2].tolist() == [1, 1]
    assert weights[2:].sum() == pytest.approx(200)


def test_pointing_needs_a_box_of_the_class() -> None:
    labels = np.array([[1, 1], [0, 1]])
    objects = [
        [0, 0, 10, 10, 20, 20, 0.01, 0.0],
        [0, 1, 50, 50, 60, 60, 0.01, 0.0],
        [1, 1, 0, 0, 5, 5, 0.01, 0],
    ]
    points = np.full((2, 2, 2), np.nan, np.float32)
    points[0, 0] = (15, 12)
    points[0, 1] = (15, 12)  # in the box of the other class
    points[1, 1] = (6, 6)
    part = _part(labels, objects=objects)
    np.testing.assert_array_equal(pointing_hits(part, points), [[1, 0], [np.nan, 0]])
    np.testing.assert_array_equal(pointing_hits(part, points, margin=0.02), [[1, 0], [np.nan, 1]])


def test_detection_is_counted_at_five_percent_of_weighted_false_alarms() -> None:
    labels = np.zeros((101, 1), np.float32)
    labels[0] = 1
    scores = np.linspace(0, 1, 101, dtype=np.float32)[:, None, None]
    scores[0] = 0.97  # above 95 % of the negatives
    found = measure(_part(labels), scores, np.full((101, 1, 2), np.nan, np.float32))
    assert found.pd.tolist() == [1.0]
    assert found.found[1:, 0].sum() == 5
    scores[0] = 0.9
    assert measure(_part(labels), scores, np.full((101, 1, 2), np.nan, np.float32)).pd.tolist() == [0.0]


def test_mean_of_stages_and_coarsest_stage_are_scored_apart() -> None:
    labels = np.array([[1], [0]], np.float32)
    logits = np.array([[[5.0], [0.0]], [[0.0], [1.0]]], np.float32)  # fine stage right, coarse one wrong
    found = measure(_part(labels), logits, np.full((2, 1, 2), np.nan, np.float32))
    assert found.ap[0] == 1.0
    assert found.ap_top[0] == 0.5


def _run(rng: np.random.Generator, shift: float) -> Run:
    labels = np.zeros((300, 2), np.float32)
    labels[:30, 0] = labels[20:60, 1] = 1
    noise = rng.normal(size=(300, 2))
    hits = np.where(labels == 1, rng.random((300, 2)) < 0.5 + 0.1 * shift, np.nan)
    return Run(labels, (noise + shift * labels).astype(np.float32), hits, np.ones(300))


def test_a_resample_counts_images_as_often_as_they_are_drawn() -> None:
    rng = np.random.default_rng(1)
    run = _run(rng, 1.0)
    counts = rng.integers(0, 3, (2, 300))
    weights = np.where((run.labels == 1).any(1), 1.0, 2.0)
    labels, scores = run.labels.astype(float), run.scores.astype(float)
    found = weighted_map_of_counts(weights)(labels, scores)(counts)
    for row in range(2):
        each = counts[row] * weights
        expected = [weighted_ap(run.labels[:, k], run.scores[:, k], each) for k in range(2)]
        assert found[row] == pytest.approx(np.mean(expected))
    hits = mean_hits_of_counts(labels, np.nan_to_num(run.hits))(np.ones((1, 300), np.int64))
    assert hits[0] == pytest.approx(np.mean([np.nanmean(run.hits[:, k]) for k in range(2)]))


def test_a_better_method_is_clearly_better_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(0)
    weak = [_run(rng, 0.5) for _ in range(3)]
    strong = [_run(rng, 3.0) for _ in range(3)]
    ap, pointing = compare(weak, strong, resamples=100)
    assert ap.clear
    assert ap.low < ap.difference < ap.high
    assert pointing.difference > 0
    same, _ = compare(weak, weak, resamples=50)
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    other, _ = compare(weak, [_run(rng, 0.5) for _ in range(3)], resamples=200)
    assert not other.clear


def test_the_interval_covers_chance_between_seeds() -> None:
    # two seeds up, two down: the images alone would say nothing is the matter
    rng = np.random.default_rng(2)
    base = [_run(rng, 1.0) for _ in range(4)]
    moved = [_run(rng, s) for s in (2.5, 0.0, 2.5, 0.0)]
    found, _ = compare(base, moved, resamples=200)
    assert found.high - found.low > 0.2


def test_comparison_needs_the_same_seeds() -> None:
    run = _run(np.random.default_rng(0), 1.0)
    with pytest.raises(ValueError, match="same seeds"):
        compare([run], [run, run])


def test_positives_are_drawn_with_a_cap_and_every_class() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((200, 3), np.uint8)
    labels[:80, 0] = labels[80:100, 1] = 1
    labels[100, 2] = 1
    rows = draw_positives(rng, labels, 30, 12)
    counts = labels[rows].sum(0)
    assert counts[2] == 1
    assert counts.max() <= 12
    assert len(np.unique(rows)) == len(rows) <= 30
    assert labels[rows].any(1).all()
