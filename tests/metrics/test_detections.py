"""Detections against boxes: hand-computed cases, brute force, pycocotools and torchvision."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from beltline.core import ShapeError
from beltline.metrics import paired_bootstrap_of_counts
from beltline.metrics.detections import (
    Boxes,
    detection_ap,
    detection_ap_of_counts,
    froc,
    iou_matrix,
    match_detections,
    recall_and_precision,
    scan_scores,
)


def random_case(seed: int, scans: int = 12, classes: int = 3):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (30, 2))
    box = np.concatenate([corner, corner + rng.uniform(8, 30, (30, 2))], 1)
    objects = Boxes(rng.integers(0, scans, 30), rng.integers(0, classes, 30), box)
    near = rng.integers(0, 30, 80)
    shifted = box[near] + rng.normal(0, 3, (80, 4))
    label = np.where(rng.random(80) < 0.85, objects.label[near], rng.integers(0, classes, 80))
    found = Boxes(objects.image[near], label, shifted, np.round(rng.random(80), 4))
    return found, objects


def test_iou_by_hand():
    a = [[0, 0, 10, 10]]
    b = [[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10], [3, 3, 3, 9]]
    np.testing.assert_allclose(iou_matrix(a, b)[0], [50 / 150, 0, 1, 0])


def test_a_case_by_hand():
    objects = Boxes([0, 0, 1], [0, 0, 0], [[0, 0, 10, 10], [20, 0, 30, 10], [0, 0, 10, 10]])
    found = Boxes(
        [0, 0, 1, 0],
        [0, 0, 0, 0],
        [[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60], [20, 0, 30, 10]],
        np.array([0.9, 0.8, 0.7, 0.6]),
    )
    matched = match_detections(found, objects)
    assert matched.hit.tolist() == [True, False, False, True]  # the second one found what was found already
    # precision 1, 1/2, 1/3, 2/4; envelope at the hits 1 and 1/2; three objects
    assert detection_ap(matched, objects, 1)[0] == pytest.approx((1 + 0.5) / 3)
    recall, precision = recall_and_precision(matched, objects, 1, score=0.65)
    assert (recall[0], precision[0]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    np.testing.assert_allclose(froc(matched, objects, 2, alarms=(0, 0.5, 1)), [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(scan_scores(found, 3, 1)[:, 0], [0.9, 0.7, 0])


def test_ignored_objects_are_neither_missed_nor_found():
    objects = Boxes([0, 0], [0, 0], [[0, 0, 10, 10], [20, 0, 30, 10]], ignored=np.array([True, False]))
    found = Boxes(
        [0, 0, 0], [0, 0, 0], [[0, 0, 10, 10], [0, 0, 10, 10], [20, 0, 30, 10]], np.array([0.9, 0.8, 0.7])
    )
    matched = match_detections(found, objects)
    assert matched.order.tolist() == [2]
    assert detection_ap(matched, objects, 1)[0] == 1


@given(st.integers(0, 300))
def test_average_precision_is_the_definition(seed):
    found, objects = random_case(seed)
    matched = match_detections(found, objects)
    for k, value in enumerate(detection_ap(matched, objects, 3)):
        there = int((objects.label == k).sum())
        hits, scores = matched.hit[matched.label == k], matched.score[matched.label == k]
        expected = 0.0
        for score in scores[hits]:
            expected += max(hits[scores >= s].mean() for s in scores[scores <= score]) / there
        assert value == pytest.approx(expected) if there else np.isnan(value)


@given(st.integers(0, 300))
def test_the_order_of_the_detections_does_not_count(seed):
    found, objects = random_case(seed)
    tied = np.round(2 * found.score) / 2  # three levels
    order = np.random.default_rng(seed).permutation(len(found))
    figures = []
    for rows in (np.arange(len(found)), order):
        mine = Boxes(found.image[rows], found.label[rows], found.box[rows], tied[rows])
        matched = match_detections(mine, objects)
        scans = 1 + max(found.image.max(), objects.image.max())
        once = np.ones((1, scans), np.int64)
        figures.append(
            [
                *detection_ap(matched, objects, 3),
                *detection_ap_of_counts(matched, objects, 3)(once),
                *froc(matched, objects, scans),
            ]
        )
    np.testing.assert_allclose(figures[0], figures[1])


def test_a_false_alarm_is_not_beaten_by_a_hit_of_the_same_score():
    objects = Boxes([0], [0], [[0, 0, 10, 10]])
    for first in (0, 1):
        boxes = [[0, 0, 10, 10], [50, 50, 60, 60]]
        found = Boxes([0, 0], [0, 0], [boxes[first], boxes[1 - first]], np.array([0.5, 0.5]))
        matched = match_detections(found, objects)
        assert detection_ap(matched, objects, 1)[0] == 0.5
        np.testing.assert_array_equal(froc(matched, objects, 1, alarms=(0.5, 1)), [0, 1])


def test_pycocotools_agrees():
    found, objects = random_case(7, scans=6, classes=2)
    images = [{"id": i, "width": 100, "height": 100} for i in range(6)]

    def xywh(b):
        return [b[0], b[1], b[2] - b[0], b[3] - b[1]]

    truth = COCO()
    truth.dataset = {
        "images": images,
        "categories": [{"id": k} for k in range(2)],
        "annotations": [
            {
                "id": n + 1,
                "image_id": int(i),
                "category_id": int(k),
                "bbox": xywh(b),
                "area": 1.0,
                "iscrowd": 0,
            }
            for n, (i, k, b) in enumerate(zip(objects.image, objects.label, objects.box, strict=True))
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = truth.loadRes(
            [
                {"image_id": int(i), "category_id": int(k), "bbox": xywh(b), "score": float(s)}
                for i, k, b, s in zip(found.image, found.label, found.box, found.score, strict=True)
            ]
        )
        evaluation = COCOeval(truth, results, "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    matched = match_detections(found, objects)
    recall = evaluation.eval["recall"][0, :, 0, -1]
    for k in range(2):
        mine = matched.hit[matched.label == k].sum() / (objects.label == k).sum()
        assert mine == pytest.approx(recall[k])
        interpolated = evaluation.eval["precision"][0, :, k, 0, -1].mean()  # 101 points of the same curve
        assert detection_ap(matched, objects, 2)[k] == pytest.approx(interpolated, abs=0.03)


def test_resamples_are_the_metric_of_repeated_scans():
    found, objects = random_case(3)
    matched = match_detections(found, objects)
    of_counts = detection_ap_of_counts(matched, objects, 3)
    once = np.ones((1, 12), np.int64)
    assert of_counts(once)[0] == pytest.approx(np.nanmean(detection_ap(matched, objects, 3)))
    counts = np.random.default_rng(0).integers(0, 3, (1, 12))
    columns = {"f": ([], [], [], []), "o": ([], [], [])}
    new = 0
    for scan, times in enumerate(counts[0]):
        for _ in range(times):
            for boxes, key in ((found, "f"), (objects, "o")):
                rows = np.flatnonzero(boxes.image == scan)
                columns[key][0].extend([new] * len(rows))
                columns[key][1].extend(boxes.label[rows])
                columns[key][2].extend(boxes.box[rows])
                if key == "f":
                    columns[key][3].extend(boxes.score[rows])
            new += 1
    again_objects = Boxes(*columns["o"])
    again = match_detections(Boxes(*columns["f"][:3], np.array(columns["f"][3])), again_objects)
    expected = np.nanmean(detection_ap(again, again_objects, 3))
    # equal scores of repeated scans stand in another order, which the envelope smooths
    assert of_counts(counts)[0] == pytest.approx(expected, abs=0.02)


def test_a_better_detector_is_clearly_better():
    found, objects = random_case(5)
    blurred = Boxes(found.image, found.label, found.box + 9.0, found.score)
    metrics = [
        detection_ap_of_counts(match_detections(boxes, objects), objects, 3) for boxes in (blurred, found)
    ]
    holds = np.isin(np.arange(12), objects.image)
    difference = paired_bootstrap_of_counts(
        metrics[:1], metrics[1:], holds, rng=np.random.default_rng(0), resamples=200
    )
    assert difference.clear
    assert difference.difference > 0.2
    with pytest.raises(ValueError, match="same seeds"):
        paired_bootstrap_of_counts(metrics[:1], metrics, holds, rng=np.random.default_rng(0))


def test_bad_input_is_named():
    with pytest.raises(ShapeError, match="one length"):
        Boxes([0, 1], [0], [[0, 0, 1, 1]])
    objects = Boxes([0], [0], [[0, 0, 1, 1]])
    with pytest.raises(ValueError, match="scores"):
        match_detections(objects, objects)
    nothing = Boxes([], [], np.zeros((0, 4)), np.zeros(0))
    assert detection_ap(match_detections(nothing, objects), objects, 2).tolist()[0] == 0
    assert np.isnan(detection_ap(match_detections(nothing, objects), objects, 2)[1])
