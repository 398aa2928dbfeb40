"""COCO's precision beside pycocotools, and by hand."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from beltline.metrics.detection_coco import NAMES, coco_average_precision
from beltline.metrics.detections import Boxes, detection_ap, match_detections


def random_case(seed: int, scans: int = 8, classes: int = 3) -> tuple[Boxes, Boxes]:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 300, (40, 2))
    box = np.concatenate([corner, corner + rng.uniform(10, 180, (40, 2))], 1)
    objects = Boxes(rng.integers(0, scans, 40), rng.integers(0, classes, 40), box)
    near = rng.integers(0, 40, 90)
    label = np.where(rng.random(90) < 0.85, objects.label[near], rng.integers(0, classes, 90))
    found = Boxes(objects.image[near], label, box[near] + rng.normal(0, 4, (90, 4)), rng.permutation(90) / 90)
    return found, objects


def reference(found: Boxes, objects: Boxes, classes: int) -> list[float]:
    def entry(image, label, box):
        x1, y1, x2, y2 = box.tolist()
        size = [x2 - x1, y2 - y1]
        return {
            "image_id": int(image),
            "category_id": int(label),
            "bbox": [x1, y1, *size],
            "area": size[0] * size[1],
            "iscrowd": 0,
        }

    rows = zip(objects.image, objects.label, objects.box, strict=True)
    truth = COCO()
    truth.dataset = {
        "images": [{"id": int(i)} for i in range(8)],
        "categories": [{"id": k} for k in range(classes)],
        "annotations": [{**entry(*row), "id": n} for n, row in enumerate(rows, start=1)],
    }
    results = [
        {**entry(i, k, b), "score": float(s)}
        for i, k, b, s in zip(found.image, found.label, found.box, found.score, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats[:6])


@pytest.mark.parametrize("seed", range(3))
def test_pycocotools_agrees(seed):
    found, objects = random_case(seed)
    ours = coco_average_precision(found, objects, 3, images=range(8))
    theirs = [value if value >= 0 else np.nan for value in reference(found, objects, 3)]
    np.testing.assert_allclose([ours[name] for name in NAMES], theirs, atol=1e-9)


def test_by_hand():
    # hit, false alarm, hit of two objects: precision 1 to recall 1/2, then 2/3
    objects = Boxes([0, 0], [0, 0], [[0, 0, 10, 10], [20, 0, 30, 10]])
    boxes = [[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10]]
    found = Boxes([0, 0, 0], [0, 0, 0], boxes, np.array([0.9, 0.8, 0.7]))
    ours = coco_average_precision(found, objects, 1)
    assert ours["ap"] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)  # 101 points of recall, 51 up to 1/2
    assert ours["ap_small"] == ours["ap"]
    assert np.isnan(ours["ap_large"])


def test_difficult_objects_are_neither_missed_nor_found():
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10]]
    difficult = Boxes([0, 0], [0, 0], boxes, ignored=np.array([True, False]))
    both = Boxes([0, 0], [0, 0], boxes, np.array([0.9, 0.7]))
    assert coco_average_precision(both, difficult, 1)["ap"] == 1  # found: no false alarm
    only = Boxes([0], [0], boxes[1:], np.array([0.7]))
    assert coco_average_precision(only, difficult, 1)["ap"] == 1  # missed: no miss
    assert coco_average_precision(both, Boxes([0], [0], boxes[1:]), 1)["ap"] == pytest.approx(0.5)


def test_both_ways_of_ap_agree_on_what_is_perfect():
    _, objects = random_case(1)
    found = Boxes(objects.image, objects.label, objects.box, np.linspace(0.1, 1, len(objects)))
    assert coco_average_precision(found, objects, 3)["ap"] == pytest.approx(1)
    np.testing.assert_allclose(detection_ap(match_detections(found, objects), objects, 3), 1)


def test_nothing_found_and_nothing_there():
    nothing = Boxes([], [], np.zeros((0, 4)), np.zeros(0))
    objects = Boxes([0], [0], [[0, 0, 100, 100]])
    found = coco_average_precision(nothing, objects, 1)
    assert (found["ap"], found["ap_large"]) == (0, 0)
    assert np.isnan(found["ap_small"])
    assert np.isnan(coco_average_precision(nothing, nothing, 1)["ap"])
    with pytest.raises(ValueError, match="scores"):
        coco_average_precision(objects, objects, 1)
