"""COCO's average precision, by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.metrics.detections import Boxes

NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")
_IGNORED_AREA = 1e12  # outside all of COCO's ranges of area, so the object counts for none of them
_ANY = [0.0, 1e10]


def coco_average_precision(
    found: Boxes, objects: Boxes, classes: int, *, images: Sequence[int] | None = None
) -> dict[str, float]:
    """COCO's six precisions of boxes; NaN where a range of areas holds no object.

    Ignored objects (``Boxes.ignored``: VOC's difficult) are neither missed nor found; each absorbs one
    detection, a further one of it is a false alarm. `match_detections` lets it absorb all, as VOC does.

    Args:
        found: Detections with scores; the best hundred of a scan count.
        objects: What is there; small is under 32**2 pixels of box, large from 96**2.
        classes: Number of classes.
        images: Rows of all scans looked at; those of objects and detections if left out.

    Returns:
        ``ap`` (mean over IoU 0.50 to 0.95), ``ap_50``, ``ap_75``, ``ap_small``, ``ap_medium``, ``ap_large``.

    Raises:
        ValueError: If the detections have no scores.

    Source:
        Lin et al., Microsoft COCO (2014), 101-point interpolation.
    """
    if found.score is None:
        raise ValueError("detections need scores")
    if len(objects) == 0:
        return dict.fromkeys(NAMES, float("nan"))
    rows = sorted({*objects.image.tolist(), *found.image.tolist(), *(images or ())})
    ignored = ~objects.counted
    truth = {
        "images": [{"id": row, "width": 1, "height": 1} for row in rows],
        "categories": [{"id": k, "name": str(k)} for k in range(classes)],
        "annotations": [
            {**entry, "id": n, "iscrowd": 0, "area": _IGNORED_AREA if skip else entry["area"]}
            for n, (entry, skip) in enumerate(zip(_entries(objects), ignored, strict=True), start=1)
        ],
    }
    if len(found) == 0:
        empty = {name: 0.0 for name in NAMES}
        return empty | {k: v for k, v in _absent(objects, ignored).items() if np.isnan(v)}
    results = [{**e, "score": float(s)} for e, s in zip(_entries(found), found.score, strict=True)]
    return dict(zip(NAMES, _evaluated(truth, results), strict=True))


def _entries(boxes: Boxes) -> list[dict[str, Any]]:
    size = boxes.box[:, 2:] - boxes.box[:, :2]
    return [
        {
            "image_id": int(image),
            "category_id": int(label),
            "bbox": [*corner.tolist(), *side.tolist()],
            "area": float(side.prod()),
        }
        for image, label, corner, side in zip(boxes.image, boxes.label, boxes.box[:, :2], size, strict=True)
    ]


def _evaluated(truth: dict[str, Any], results: list[dict[str, Any]]) -> list[float]:
    from faster_coco_eval import COCO, COCOeval_faster

    reference = COCO(truth, print_function=_quiet)
    evaluation = COCOeval_faster(reference, reference.loadRes(results), "bbox", print_function=_quiet)
    evaluation.params.areaRng[0] = _ANY
    evaluation.run()
    return [float(v) if v >= 0 else float("nan") for v in evaluation.stats[:6]]


def _quiet(*_: object) -> None:
    """Takes what the library would print."""


def _absent(objects: Boxes, ignored: NDArray[np.bool_]) -> dict[str, float]:
    area = (objects.box[:, 2:] - objects.box[:, :2]).prod(1)[~ignored]
    there = {
        "ap": len(area) > 0,
        "ap_50": len(area) > 0,
        "ap_75": len(area) > 0,
        "ap_small": bool((area <= 32**2).any()),
        "ap_medium": bool(((area >= 32**2) & (area <= 96**2)).any()),
        "ap_large": bool((area >= 96**2).any()),
    }
    return {name: 0.0 if yes else float("nan") for name, yes in there.items()}
