"""Boxes of several sources against the true extent: by hand, and intervals that know what is paired."""

import numpy as np
import pytest

from beltline.core import ShapeError
from beltline.metrics import iou_matrix
from beltline.metrics.box_truth import box_agreement, box_agreement_by_class, row_iou

NOTHING = [np.nan] * 4


def boxes_at(rng, count=60):
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 40, (count, 2))], 1)


def test_rows_are_the_diagonal_of_all_pairs(rng):
    a = boxes_at(rng)
    b = a + rng.normal(0, 4, a.shape)
    np.testing.assert_allclose(row_iou(a, b), np.diag(iou_matrix(a, b)))


def test_a_box_that_is_not_known_misses_and_an_item_without_extent_is_left_out():
    found = row_iou([NOTHING, [0, 0, 1, 1]], [[0, 0, 4, 4], NOTHING])
    assert found[0] == 0
    assert np.isnan(found[1])


def test_figures_by_hand(rng):
    truth = [[0, 0, 10, 10], [0, 0, 10, 10], NOTHING]
    layout = [[0, 0, 20, 10], [0, 0, 40, 10], [0, 0, 9, 9]]  # 1/2 and 1/4
    refined = [[0, 0, 10, 10], [0, 0, 20, 10], [0, 0, 9, 9]]  # 1 and 1/2
    found = box_agreement({"layout": layout, "CAR": refined}, truth, reference="layout", rng=rng)
    assert found.items == 2
    assert found.iou == {"layout": 0.375, "CAR": 0.75}
    assert found.half == {"layout": 0.5, "CAR": 1.0}
    assert list(found.over_reference) == ["CAR"]
    assert found.over_reference["CAR"].difference == pytest.approx(0.375)
    assert 0.25 <= found.over_reference["CAR"].low <= found.over_reference["CAR"].high <= 0.5


def test_the_interval_is_that_of_the_pairs_not_of_the_items(rng):
    """Overlaps vary by item far more than the difference does; only a paired interval is narrow."""
    truth = boxes_at(rng)
    noise = rng.normal(0, 12, truth.shape)
    layout, better = truth + noise, truth + 0.8 * noise
    found = box_agreement({"layout": layout, "CAR": better}, truth, reference="layout", rng=rng)
    difference = row_iou(better, truth) - row_iou(layout, truth)
    error = difference.std() / np.sqrt(len(difference))
    claim = found.over_reference["CAR"]
    assert claim.clear
    assert claim.high - claim.low == pytest.approx(2 * 1.96 * error, rel=0.2)


def test_each_class_stands_alone(rng):
    truth = boxes_at(rng)
    labels = ["knife", "gun"] * 30
    layout = truth.copy()
    layout[::2, 2:] += 15  # the knives' are too large
    sources = {"layout": layout, "CAR": truth}
    found = box_agreement_by_class(sources, truth, labels, reference="layout", rng=rng)
    assert list(found) == ["gun", "knife"]
    assert found["gun"].over_reference["CAR"].difference == pytest.approx(0, abs=1e-6)
    assert found["knife"].over_reference["CAR"].clear
    assert found["gun"].items + found["knife"].items == 60


def test_without_any_extent_nothing_is_claimed(rng):
    found = box_agreement(
        {"layout": [[0, 0, 1, 1]], "CAR": [[0, 0, 1, 1]]}, [NOTHING], reference="layout", rng=rng
    )
    assert found.items == 0
    assert np.isnan(found.iou["CAR"])
    assert not found.over_reference


def test_what_does_not_fit_is_refused(rng):
    with pytest.raises(ValueError, match="there is layout, CAR"):
        box_agreement({"layout": [NOTHING], "CAR": [NOTHING]}, [NOTHING], reference="truth", rng=rng)
    with pytest.raises(ShapeError, match="both be"):
        row_iou([[0, 0, 1, 1]], [NOTHING, NOTHING])
    with pytest.raises(ShapeError, match="1 extents but 2 labels"):
        box_agreement_by_class({"layout": [NOTHING]}, [NOTHING], ["a", "b"], reference="layout", rng=rng)
