"""Figures and comparisons of the SIXray experiment against hand-made cases and outside references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from beltline.metrics import weighted_average_precision
from beltline.protocols.claims import over_seeds
from beltline.protocols.sixray.compare import Run, compare, mean_hits_of_counts, weighted_map_of_counts
from beltline.protocols.sixray.measure import measure, pointing_hits
from beltline.protocols.sixray.misses import misses_table
from beltline.protocols.sixray.parts import SubsetData, draw_positives, negative_weights
from beltline.protocols.sixray.plan import SCALES, Cell
from beltline.protocols.sixray.results import positive_passes
from beltline.protocols.sixray.trivial import RULES, trivial_pointing, trivial_points

NOWHERE = np.zeros((0, 4), np.float32)


def _part(
    labels: np.ndarray, weights: np.ndarray | None = None, objects: list[list[float]] | None = None
) -> SubsetData:
    return SubsetData(
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
    points = np.array(
        [
            [0, 0, 15, 12],
            [0, 1, 15, 12],  # in the box of the other class
            [1, 1, 6, 6],
        ],
        np.float32,
    )
    part = _part(labels, objects=objects)
    np.testing.assert_array_equal(pointing_hits(part, points), [[1, 0], [np.nan, 0]])
    np.testing.assert_array_equal(pointing_hits(part, points, margin=0.02), [[1, 0], [np.nan, 1]])
    beside = np.concatenate([points, [[0, 0, 90, 90]]]).astype(np.float32)  # an equal peak that misses
    assert pointing_hits(part, beside)[0, 0] == 0.5


def test_the_cascade_takes_the_threshold_of_the_training() -> None:
    # the coarse stage rejects at 0.05 and hears at 0.001: only then does the fine one, which is wrong, count
    labels = np.array([[1], [0]], np.float32)
    logits = np.array([[[-8.0], [-4.0]], [[8.0], [-5.0]]], np.float32)
    at = {e: measure(_part(labels), logits, NOWHERE, epsilon=e).ap_cascade[0] for e in (0.05, 0.001)}
    assert at == {0.05: 1.0, 0.001: 0.5}


def test_trivial_rules_point_at_the_centre_and_at_the_darkest_spot() -> None:
    labels = np.array([[1], [0], [1]])
    objects = [[0, 0, 45, 45, 55, 55, 0.01, 0.0], [2, 0, 5, 80, 25, 95, 0.01, 0.0]]
    pictures = np.ones((3, 3, 50, 50), np.float32)  # half the size that the boxes refer to
    pictures[2, :, 43, 7] = 0.2  # x 15, y 87 there
    part = replace(
        _part(labels, objects=objects),
        whole=lambda size: iter([(np.arange(3), torch.from_numpy(pictures))]),
    )
    points = trivial_points(part)
    centre, densest = RULES
    assert points[centre].tolist() == [[0, 0, 50, 50], [2, 0, 50, 50]]
    flat = points[densest][points[densest][:, 0] == 0]
    assert len(flat) == 2500  # a picture of one grey has no spot, so chance decides
    np.testing.assert_array_equal(points[densest][-1], [2, 0, 15, 87])
    strict = {name: values[0] for name, (values, _) in trivial_pointing(part).items()}
    assert strict[centre] == 0.5
    assert 0.5 < strict[densest] < 0.52  # the box covers 1 % of the flat picture


def test_detection_is_counted_at_five_percent_of_weighted_false_alarms() -> None:
    labels = np.zeros((101, 1), np.float32)
    labels[0] = 1
    scores = np.linspace(0, 1, 101, dtype=np.float32)[:, None, None]
    scores[0] = 0.97  # above 95 % of the negatives
    found = measure(_part(labels), scores, NOWHERE, epsilon=0.05)
    assert found.pd.tolist() == [1.0]
    assert found.found[1:, 0].sum() == 5
    scores[0] = 0.9
    assert measure(_part(labels), scores, NOWHERE, epsilon=0.05).pd.tolist() == [0.0]


def test_mean_of_stages_and_coarsest_stage_are_scored_apart() -> None:
    labels = np.array([[1], [0]], np.float32)
    logits = np.array([[[5.0], [0.0]], [[0.0], [1.0]]], np.float32)  # fine stage right, coarse one wrong
    found = measure(_part(labels), logits, NOWHERE, epsilon=0.05)
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
        expected = [weighted_average_precision(run.labels[:, k], run.scores[:, k], each) for k in range(2)]
        assert found[row] == pytest.approx(np.mean(expected))
    hits = mean_hits_of_counts(labels, np.nan_to_num(run.hits))(np.ones((1, 300), np.int64))
    assert hits[0] == pytest.approx(np.mean([np.nanmean(run.hits[:, k]) for k in range(2)]))


def test_a_better_method_is_clearly_better_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(0)
    weak = [_run(rng, 0.5) for _ in range(3)]
    strong = [_run(rng, 3.0) for _ in range(3)]
    ap, pointing = compare(weak, strong, resamples=100)
    assert ap.clear
    assert ap.interval is not None
    assert ap.interval[0] < ap.difference < ap.interval[1]
    assert ap.difference == pytest.approx(np.mean(ap.each))
    assert pointing.difference > 0
    same, _ = compare(weak, weak, resamples=50)
    assert (same.difference, same.interval, same.scans.low) == (0, (0, 0), 0)
    other, _ = compare(weak, [_run(rng, 0.5) for _ in range(3)], resamples=200)
    assert not other.clear


def test_nothing_is_clear_below_three_seeds() -> None:
    rng = np.random.default_rng(0)
    for seeds in (1, 2):
        ap, _ = compare([_run(rng, 0.0)] * seeds, [_run(rng, 5.0)] * seeds, resamples=50)
        assert ap.scans.clear
        assert not ap.clear
    assert ap.interval is not None
    single, _ = compare([_run(rng, 0.0)], [_run(rng, 5.0)], resamples=50)
    assert single.interval is None
    assert "[" not in over_seeds(single)


def test_the_interval_is_students_over_the_seeds_and_the_images_stand_apart() -> None:
    # two seeds up, two down: the images alone would say nothing is the matter
    rng = np.random.default_rng(2)
    base = [_run(rng, 1.0) for _ in range(4)]
    moved = [_run(rng, s) for s in (2.5, 0.0, 2.5, 0.0)]
    found, _ = compare(base, moved, resamples=200)
    expected = stats.ttest_1samp(found.each, 0).confidence_interval()
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert found.interval[1] - found.interval[0] > 2 * (found.scans.high - found.scans.low)


def test_misses_count_each_item_once_however_many_seeds_answer() -> None:
    labels = np.zeros((20, 1), np.float32)
    labels[:10] = 1
    objects = [[row, 0, 0, 0, 9, 9, 0.03, 0.2] for row in range(10)]
    part = _part(labels, objects=objects)
    logits = np.where(np.arange(20) < 5, 9.0, np.linspace(-1, 1, 20)).astype(np.float32)[:, None, None]
    figures = measure(part, logits, NOWHERE, epsilon=0.05)
    scale = replace(SCALES["smoke"], subsets=("SIXray10",))
    cells = [(Cell(scale.ablation, "plain", "SIXray10", seed), part, figures) for seed in range(3)]
    (row,) = misses_table(cells, scale)
    expected = stats.binomtest(5, 10).proportion_ci(method="wilson")
    assert row["area 0.02 to 0.05"] == f"50 [{100 * expected.low:.0f}, {100 * expected.high:.0f}] of 10"


def test_passes_count_what_a_training_sees_of_the_positives() -> None:
    assert positive_passes(404, 2, 202, balanced=False) == 2
    assert positive_passes(404, 2, 202, balanced=True) == 101  # half of what is seen is one of two positives


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
