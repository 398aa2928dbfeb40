"""An anomaly model on whole simulated scans: its decision with true and with found masks, and its time.

The set is one of ``beltline simulate OUT --scene electronics --twins``, whose masks are exact. Each device is
judged twice by the same network: cut out by its true mask, and by the mask that the model found; the rest of
the difference is the finder's. A scan alarms at the model's threshold for 5 % if one of its devices does.

Run: python benchmarks/electronics.py SET --model MODEL [--out FILE.csv]
     python benchmarks/electronics.py SET --model MODEL --latency     # 1000x700, milliseconds by step
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ANOMALY, ELECTRONICS, Scan
from beltline.core.device_parts import cut_device
from beltline.formats import read_set
from beltline.formats.set_reader import ScanSet
from beltline.metrics import Rate, mask_iou, roc_auc, wilson
from beltline.protocols.tables import markdown, write_csv
from beltline.screening import ScreeningModel, load_model, screen_scan
from beltline.screening.device_finder import find_devices
from beltline.screening.device_map import DEVICE, part_logits, place_logits
from beltline.screening.prepare import white_picture
from beltline.screening.task import Arrays
from beltline.screening.tasks.anomaly import Judging, judge_device, looking

PFA = 0.05
FOUND_AT = 0.5  # IoU
BELT = (1000, 700)  # width and height of a scan in the latency table
WARM_UP = 5
SILENT = -1.0  # scores are probabilities
Mask = NDArray[np.bool_]


class Seen(NamedTuple):
    """One scan.

    Attributes:
        positive: Whether something is concealed in it.
        true: The highest score with true masks.
        found: The same with found ones; None where no device was found.
        overlap: Of the true device, the IoU of the best mask found.
        extra: How many masks are of no device.
    """

    positive: bool
    true: float
    found: float | None
    overlap: float
    extra: int


def look_at(scans: ScanSet, number: int, model: ScreeningModel) -> Seen | None:
    """One scan; None where it shows no device."""
    scan, items = scans.scan(number), scans.annotations[number]
    instances = scans.instances(number)
    rows = [k for k, item in enumerate(items) if item["label"] in ELECTRONICS]
    if not rows or instances is None or instances.masks is None:
        return None
    masks = instances.masks.decode()[rows]
    masks = masks[masks.reshape(len(masks), -1).any(axis=1)]
    if not len(masks):
        return None
    picture = white_picture(scan)
    look = looking(partial(run, model))
    mm = None if scan.pixel_mm is None else scan.pixel_mm * scan.width / picture.shape[1]
    true = max(judge_device(look, picture, mask, mm, model.card).score for mask in masks)
    answer = model.run(model.task.prepare(scan, model.card).inputs)
    found = [_whole(one.cut.corner, one.cut.mask, picture.shape[:2]) for one in answer.devices]
    overlaps = np.array([[mask_iou(a, b) for b in found] for a in masks]).reshape(len(masks), len(found))
    score = max((one.score for one in answer.devices), default=None)
    extra = int((overlaps.max(axis=0, initial=0.0) < FOUND_AT).sum())
    best = float(overlaps.max(initial=0.0))
    return Seen(any(item["label"] == ANOMALY for item in items), true, score, best, extra)


def run(model: ScreeningModel, graph: str, feed: Arrays) -> Arrays:
    """A graph of the model, without a deadline."""
    outputs = model.task.graphs[graph].outputs
    found = model.graphs[graph].run(list(outputs), dict(feed))
    return dict(zip(outputs, found, strict=True))


def _whole(corner: tuple[int, int], mask: Mask, size: tuple[int, int]) -> Mask:
    plane = np.zeros(size, bool)
    plane[corner[0] : corner[0] + mask.shape[0], corner[1] : corner[1] + mask.shape[1]] = mask
    return plane


def decisions(seen: list[Seen], threshold: float) -> list[dict[str, str]]:
    """The table: PD and PFA of scans with true masks and with found ones."""
    rows = []
    for name, scores in (
        ("true masks", [one.true for one in seen]),
        ("found masks", [one.found for one in seen]),
    ):
        alarms = {True: [0, 0], False: [0, 0]}
        for one, score in zip(seen, scores, strict=True):
            alarms[one.positive][0] += score is not None and score >= threshold
            alarms[one.positive][1] += 1
        silent = sum(score is None for score in scores)
        rows.append(
            {
                "devices cut out by": name,
                "scans": str(len(seen)),
                "PD": _text(wilson(*alarms[True])),
                "PFA": _text(wilson(*alarms[False])),
                "AUC": f"{_auc(seen, scores):.3f}",
                "no device found": f"{silent} of {len(seen)}",
            }
        )
    hits = sum(one.overlap >= FOUND_AT for one in seen)
    rows[0] |= {"devices found": "", "mean IoU": "", "false a scan": ""}
    rows[1] |= {
        "devices found": _text(wilson(hits, len(seen))),
        "mean IoU": f"{np.mean([one.overlap for one in seen]):.3f}",
        "false a scan": f"{np.mean([one.extra for one in seen]):.2f}",
    }
    return rows


def _auc(seen: list[Seen], scores: list[float | None]) -> float:
    """Of scans; one without a device found is below all others."""
    ranked = [SILENT if score is None else score for score in scores]
    return roc_auc(np.array([one.positive for one in seen], float), np.array(ranked))


def _text(rate: Rate) -> str:
    return f"{rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]"


def latency(scans: ScanSet, model: ScreeningModel) -> list[dict[str, str]]:
    """Milliseconds from the decoded array to the report entry at 1000x700, and of the steps between."""
    steps: dict[str, list[float]] = {}
    for number in range(len(scans)):
        scan = enlarged(scans.scan(number))
        steps_ms = by_step(scan, model)
        began = time.perf_counter()
        screen_scan(scan, model)
        times = {**steps_ms, "to the report": (time.perf_counter() - began) * 1000}
        for name, ms in times.items() if number >= WARM_UP else ():
            steps.setdefault(name, []).append(ms)
    return [
        {"step": name, "median ms": f"{np.median(ms):.0f}", "p95 ms": f"{np.percentile(ms, 95):.0f}"}
        for name, ms in steps.items()
    ]


def enlarged(scan: Scan) -> Scan:
    """The scan at the size of a belt's picture."""
    planes = [cv2.resize(plane, BELT, interpolation=cv2.INTER_LINEAR) for plane in scan.pixels]
    mm = None if scan.pixel_mm is None else scan.pixel_mm * scan.width / BELT[0]
    return Scan(np.stack(planes), scan.quantity, scan.channels, mm)


def by_step(scan: Scan, model: ScreeningModel) -> dict[str, float]:
    """Milliseconds of each step, all devices together."""
    card, look = model.card, looking(partial(run, model))
    shape, judging = (card.long_side, card.long_side), Judging.of(card)
    clock = _Clock()
    inputs = model.task.prepare(scan, card).inputs
    clock.step("prepare")
    wide = look({"image": inputs["image"]})["logits"][0, DEVICE]
    clock.step("first look")
    masks = find_devices(wide, inputs["picture"].shape[:2])
    clock.step("find devices")
    cut = [cut_device(inputs["picture"], mask, scan.pixel_mm, judging.rule) for mask in masks]
    clock.step("superpixels")
    places = [place_logits(look, one, shape) for one in cut]
    clock.step("second look")
    for one, logits in zip(cut, places, strict=True):
        part_logits(one, logits)
    clock.step("parts")
    return clock.ms


class _Clock:
    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self.ms[name], self._last = (now - self._last) * 1000, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set", type=Path, help="of beltline simulate --scene electronics")
    parser.add_argument("--model", required=True, help="name or ONNX file of an anomaly model")
    parser.add_argument("--latency", action="store_true", help="milliseconds by step instead")
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    model, scans = load_model(given.model, trust=True), read_set(given.set)
    if given.latency:
        rows = latency(scans, model)
    else:
        seen = [one for n in range(len(scans)) if (one := look_at(scans, n, model)) is not None]
        rows = decisions(seen, float(model.card.thresholds_at(PFA)[0]))
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
