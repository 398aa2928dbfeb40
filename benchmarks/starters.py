"""The shipped classifier and the shipped detector on the same simulated bags, through the same screening.

    beltline data shards bags --split test --shards 4 --seed 771 --each 24 --per-class 150 \
        --pixel-mm 0.91 --width 640 --height 456
    python benchmarks/starters.py bags

Of each class that both know: AUC over the bags; PD at the model's own operating point of 5 % false alarms a
bag; and, in bags with the class, whether the point lies in an object of it and whether the box overlaps one
by half. Differences are paired over bags, with 95 % bootstrap intervals. The trivial point is the densest
spot.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Sample
from beltline.metrics import best_iou, bootstrap_interval, roc_auc, wilson
from beltline.screening import ScreeningModel, load_model, screen_scan
from beltline.training.sources import Source, as_picture, numbers_of, open_source

Floats = NDArray[np.float64]
PFA = 0.05


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of N bags, K classes; NaN where it gives no point or the class is absent.

    Attributes:
        score: (N, K) probability or best score.
        alarm: (N, K) 1 where the class alarms.
        pointed: (N, K) 1 where the point lies in an object of the class.
        boxed: (N, K) 1 where the box overlaps an object of the class by half.
    """

    score: Floats
    alarm: Floats
    pointed: Floats
    boxed: Floats


def answers(model: ScreeningModel, source: Source, classes: Sequence[str], limit: int | None) -> Answers:
    """Screen the bags one by one."""
    count = len(source) if limit is None else min(limit, len(source))
    score, alarm, pointed, boxed = (np.full((count, len(classes)), np.nan) for _ in range(4))
    for row in range(count):
        bag = source[row]
        entry = screen_scan(bag.scan, model, pfa=PFA, deadline_ms=60_000).report
        boxes, labels = objects_of(bag, classes)
        found = {finding.label: finding for finding in entry.classes}
        for k, name in enumerate(classes):
            score[row, k], alarm[row, k] = found[name].probability, found[name].alarm
            objects = boxes[labels == k]
            if len(objects):
                point, box = found[name].point, found[name].box
                pointed[row, k] = point is not None and inside(point, objects)
                boxed[row, k] = box is not None and best_iou(box, objects) >= 0.5
    return Answers(score, alarm, pointed, boxed)


def objects_of(bag: Sample, classes: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Boxes (M, 4) and classes (M,) of what lies in a bag."""
    assert bag.instances is not None
    return bag.instances.boxes, numbers_of(bag.instances.labels, classes)


def densest(bag: Sample) -> tuple[float, float]:
    """The darkest spot of a bag, x and y: where a model that knows no object would point."""
    soft = cv2.GaussianBlur(as_picture(bag.scan).mean(axis=2), (0, 0), 8)
    y, x = np.unravel_index(int(np.argmin(soft)), soft.shape)
    return float(x), float(y)


def inside(point: tuple[float, float], boxes: NDArray[np.float32]) -> bool:
    """Whether a point lies in one of the boxes (M, 4)."""
    x, y = point
    x1, y1, x2, y2 = boxes.T
    return bool(((x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)).any())


def truth(source: Source, limit: int | None) -> tuple[Floats, Floats]:
    """(N, K) whether a bag holds a class, and whether the densest spot lies in it (NaN where absent)."""
    count = len(source) if limit is None else min(limit, len(source))
    classes = source.classes
    there, trivial = np.zeros((count, len(classes))), np.full((count, len(classes)), np.nan)
    for row in range(count):
        bag = source[row]
        spot = densest(bag)
        boxes, labels = objects_of(bag, classes)
        for k in np.unique(labels):
            there[row, k] = 1
            trivial[row, k] = inside(spot, boxes[labels == k])
    return there, trivial


def mean_auc(there: Floats, score: Floats) -> float:
    """Mean over the classes that a resample has positives and negatives of."""
    return float(np.mean([roc_auc(there[:, k], score[:, k]) for k in usable(there)]))


def mean_share(there: Floats, hit: Floats) -> float:
    """Mean over classes of the share of bags with the class that are hit."""
    return float(np.mean([hit[there[:, k] == 1, k].mean() for k in usable(there)]))


def usable(there: Floats) -> list[int]:
    """Classes with and without."""
    return [k for k in range(there.shape[1]) if 0 < there[:, k].sum() < len(there)]


def difference(
    measure: Callable[[Floats, Floats], float], there: Floats, first: Floats, second: Floats
) -> list[float]:
    """Second minus first with its interval."""
    low, high = bootstrap_interval(
        lambda rows: measure(there[rows], second[rows]) - measure(there[rows], first[rows]),
        len(there),
        rng=np.random.default_rng(0),
        repeats=500,
    )
    return [measure(there, second) - measure(there, first), low, high]


def table(classes: Sequence[str], there: Floats, trivial: Floats, said: dict[str, Answers]) -> dict[str, Any]:
    """Everything as plain values."""
    out: dict[str, Any] = {"bags": len(there), "models": {}, "trivial_pointing": mean_share(there, trivial)}
    for name, model in said.items():
        rows = {}
        for k, label in enumerate(classes):
            with_it = there[:, k] == 1
            alarms = wilson(int(model.alarm[with_it, k].sum()), int(with_it.sum()))
            rows[label] = {
                "bags": int(with_it.sum()),
                "auc": float(roc_auc(there[:, k], model.score[:, k])),
                "pd": [alarms.value, alarms.low, alarms.high],
                "pointing": float(model.pointed[with_it, k].mean()),
                "box": float(model.boxed[with_it, k].mean()),
            }
        empty = there.sum(1) == 0
        false = wilson(int(model.alarm[empty].any(1).sum()), int(empty.sum()))
        full = wilson(int(model.alarm[~empty].any(1).sum()), int((~empty).sum()))
        out["models"][name] = {
            "classes": rows,
            "mean": {
                key: float(np.mean([row[key] for row in rows.values()])) for key in ("auc", "pointing", "box")
            },
            "bag_pd": [full.value, full.low, full.high],
            "bag_pfa": [false.value, false.low, false.high],
        }
    if len(said) == 2:
        first, second = said.values()
        out["difference"] = {
            "auc": difference(mean_auc, there, first.score, second.score),
            "pointing": difference(mean_share, there, first.pointed, second.pointed),
            "box": difference(mean_share, there, first.boxed, second.boxed),
        }
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bags", type=Path, help="shards or a set with boxes")
    parser.add_argument("--models", nargs="+", default=["starter-chr-3", "starter-detector-2"])
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    models = {m.card.name: m for m in (load_model(name, trust=True) for name in options.models)}
    known = [set(model.card.classes) for model in models.values()]
    named = open_source(options.bags).classes
    classes = [name for name in named if all(name in one for one in known)]
    source = open_source(options.bags, classes)
    there, trivial = truth(source, options.limit)
    said = {name: answers(model, source, classes, options.limit) for name, model in models.items()}
    found = table(classes, there, trivial, said)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['bags']} bags; the densest spot points at {found['trivial_pointing']:.2f}")
    for name, model in found["models"].items():
        print(f"\n{name:20s} bags    AUC  points   boxes  PD [95 %]")
        for label, row in [*model["classes"].items(), ("mean", model["mean"])]:
            line = f"{label:20s} {row.get('bags', ''):4}  {row['auc']:.3f}"
            line += f"  {row['pointing']:6.2f}  {row['box']:6.2f}"
            print(line + ("  {:.2f} [{:.2f}, {:.2f}]".format(*row["pd"]) if "pd" in row else ""))
        for key, words in (("bag_pd", "bags with an item that alarm"), ("bag_pfa", "bags without")):
            print("{}: {:.2f} [{:.2f}, {:.2f}]".format(words, *model[key]))
    for key, values in found.get("difference", {}).items():
        print("second - first, {}: {:+.3f} [{:+.3f}, {:+.3f}]".format(key, *values))


if __name__ == "__main__":
    main()
