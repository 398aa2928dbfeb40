"""One scan in, one decision out: prepare, run the model in time, locate, decide.

The rule of the room: whatever goes wrong, the answer is ``no_machine_result`` with a reason and the
operator decides. Nothing but a complete answer of the model, below every threshold, to a scan that can be
judged is ``clear``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import ClassFinding, Decision, InstanceFinding, Scan, ScanReport
from beltline.core.report import Box
from beltline.screening.bags import together
from beltline.screening.cards import Task
from beltline.screening.judgeable import why_not_judged
from beltline.screening.localize import activation, boxes_on_scan, fine_map, point_and_box
from beltline.screening.prepare import Letterbox, Prepared, Rectangle, prepare, prepare_whole
from beltline.screening.session import DetectorOutput, ModelFailure, ModelOutput, ScreeningModel
from beltline.screening.strip import bags_on, cut, too_long

DEFAULT_DEADLINE_MS = 2000.0
DEFAULT_PFA = 0.05


@dataclass(frozen=True, eq=False)
class Screened:
    """A scan's report entry with what a picture of it needs.

    Attributes:
        report: The entry of report.json.
        letterbox: Region of the scan that the maps cover; None without a machine result, and of a strip that
            was cut into bags.
        maps: Activation (h, w) in 0..1 of each alarmed class over that region.
    """

    report: ScanReport
    letterbox: Letterbox | None = None
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


def screen_scan(
    scan: Scan,
    model: ScreeningModel,
    *,
    pfa: float = DEFAULT_PFA,
    deadline_ms: float = DEFAULT_DEADLINE_MS,
    path: str = "",
    sha256: str = "",
    read_ms: float = 0.0,
) -> Screened:
    """Screen one decoded scan, or the bags of one long strip.

    Args:
        scan: Any quantity and size.
        model: From `load_model`.
        pfa: Operating point, one of the model's.
        deadline_ms: Time from the decoded array to the model's answer; later is no machine result.
        path: Kept in the entry.
        sha256: Kept in the entry.
        read_ms: Time spent reading, counted in ``ms["total"]`` but not against the deadline.

    Raises:
        ValueError: If the model has no operating point at ``pfa``.

    Example:
        >>> from beltline.screening import load_model, screen_scan  # doctest: +SKIP
        >>> screen_scan(scan, load_model()).report.decision  # doctest: +SKIP
        'alarm'
    """
    thresholds = model.card.thresholds_at(pfa)
    clock = _Clock(read_ms)
    entry = ScanReport(path, sha256, scan.width, scan.height, "no_machine_result")
    one = partial(_screen_one, model=model, thresholds=thresholds, clock=clock, deadline_ms=deadline_ms)
    try:
        _require_judgeable(scan)
        regions = bags_on(scan)
        clock.step("prepare")
        screened = _screen_bags(entry, scan, regions, one) if regions else one(entry, scan)
    except (ModelFailure, _NotJudged) as failure:
        return Screened(replace(entry, ms=clock.ms(), reason=str(failure)))
    except Exception as error:  # fail safe: a fault of ours must never read as "clear"
        reason = f"screening failed: {type(error).__name__}: {error}"
        return Screened(replace(entry, ms=clock.ms(), reason=reason))
    return replace(screened, report=replace(screened.report, ms=clock.ms()))


class _NotJudged(Exception):
    """No model can judge what the scan shows."""


def _require_judgeable(scan: Scan) -> None:
    if reason := why_not_judged(scan):
        raise _NotJudged(reason)


def _screen_bags(
    entry: ScanReport, strip: Scan, regions: Sequence[Rectangle], one: Callable[[ScanReport, Scan], Screened]
) -> Screened:
    """Each bag of a strip on its own; without a result for one there is none for the strip."""
    bags = []
    for number, region in enumerate(regions, start=1):
        bag = cut(strip, region)
        try:
            if reason := too_long(region):
                raise _NotJudged(reason)
            _require_judgeable(bag)
            bags.append(one(replace(entry, width=bag.width, height=bag.height), bag).report)
        except (ModelFailure, _NotJudged) as failure:
            raise _NotJudged(f"bag {number} of {len(regions)}: {failure}") from failure
    return Screened(together(entry, bags, regions))


def _screen_one(
    entry: ScanReport,
    scan: Scan,
    *,
    model: ScreeningModel,
    thresholds: NDArray[np.float64],
    clock: _Clock,
    deadline_ms: float,
) -> Screened:
    steps = _STEPS[model.card.task]
    prepared = steps.prepare(scan, model.card.long_side)
    clock.step("prepare")
    left_s = deadline_ms / 1000 - clock.elapsed_s()
    if left_s <= 0:
        raise ModelFailure(f"deadline passed: {deadline_ms:g} ms were over before the model could run")
    output = model.run(prepared.image, timeout_s=left_s)
    clock.step("model")
    screened = steps.decide(entry, prepared, output, model, thresholds)
    clock.step("localise")
    return screened


@dataclass(frozen=True)
class _Steps:
    """How models of one task are fed and understood."""

    prepare: Callable[[Scan, int], Prepared]
    decide: Callable[[ScanReport, Prepared, Any, ScreeningModel, NDArray[np.float64]], Screened]


def _bag(scan: Scan, long_side: int) -> Prepared:
    return prepare(scan, long_side=long_side)


def _whole(scan: Scan, long_side: int) -> Prepared:
    return prepare_whole(scan, long_side=long_side)


def _decide(
    entry: ScanReport,
    prepared: Prepared,
    output: ModelOutput,
    model: ScreeningModel,
    thresholds: NDArray[np.float64],
) -> Screened:
    probs = model.card.probabilities(output.logits)
    alarms = probs >= thresholds
    findings = tuple(
        _finding(label, float(prob), bool(alarm), cam, prepared.letterbox, model.card.box_threshold)
        for label, prob, alarm, cam in zip(model.card.classes, probs, alarms, output.cams, strict=True)
    )
    decision: Decision = "alarm" if alarms.any() else "clear"
    maps = {
        finding.label: activation(fine_map(cam, prepared.letterbox))
        for finding, cam in zip(findings, output.cams, strict=True)
        if finding.alarm
    }
    return Screened(replace(entry, decision=decision, classes=findings), prepared.letterbox, maps)


def _decide_boxes(
    entry: ScanReport,
    prepared: Prepared,
    output: DetectorOutput,
    model: ScreeningModel,
    thresholds: NDArray[np.float64],
) -> Screened:
    classes = model.card.classes
    alarms = output.best >= thresholds
    boxes = boxes_on_scan(output.boxes, prepared.letterbox).round(1)
    there = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # not in the white that was added
    passed = there & (output.scores >= thresholds[output.labels])
    probs = model.card.of_scores(output.best)
    chances = model.card.of_scores(output.scores, output.labels)
    findings = tuple(
        _boxed(label, float(best), bool(alarm), boxes[there & (output.labels == k)])
        for k, (label, best, alarm) in enumerate(zip(classes, probs, alarms, strict=True))
    )
    instances = tuple(
        InstanceFinding(classes[label], round(float(score), 6), _box(box))
        for label, score, box in zip(output.labels[passed], chances[passed], boxes[passed], strict=True)
    )
    decision: Decision = "alarm" if alarms.any() else "clear"
    report = replace(entry, decision=decision, classes=findings, instances=instances)
    return Screened(report, prepared.letterbox)


def _boxed(label: str, best: float, alarm: bool, boxes: NDArray[np.float64]) -> ClassFinding:
    """A class with its first, that is best, box; without where the detector kept none of it."""
    if not len(boxes):
        return ClassFinding(label, round(best, 6), alarm)
    x1, y1, x2, y2 = box = _box(boxes[0])
    point = (round((x1 + x2) / 2, 1), round((y1 + y2) / 2, 1))
    return ClassFinding(label, round(best, 6), alarm, point, box)


def _box(values: NDArray[np.float64]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2


_STEPS: Mapping[Task, _Steps] = {
    "classification": _Steps(_bag, _decide),
    "detection": _Steps(_whole, _decide_boxes),
}


def _finding(
    label: str, prob: float, alarm: bool, cam: NDArray[np.float32], letterbox: Letterbox, box_threshold: float
) -> ClassFinding:
    (x, y), (x1, y1, x2, y2) = point_and_box(cam, letterbox, box_threshold=box_threshold)
    width, height = letterbox.scan_size
    return ClassFinding(
        label=label,
        probability=round(prob, 6),
        alarm=alarm,
        point=(_inside(x, width), _inside(y, height)),
        box=(_inside(x1, width), _inside(y1, height), _inside(x2, width), _inside(y2, height)),
    )


def _inside(value: float, limit: int) -> float:
    return round(min(max(value, 0.0), float(limit)), 1)


class _Clock:
    """Milliseconds by step; a step done again, for the next bag of a strip, adds to its own."""

    def __init__(self, read_ms: float) -> None:
        self._started = self._last = time.perf_counter()
        self._read_ms = read_ms
        self._steps: dict[str, float] = {"read": round(read_ms, 2)}

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self._steps[name] = round(self._steps.get(name, 0.0) + (now - self._last) * 1000, 2)
        self._last = now

    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started

    def ms(self) -> dict[str, float]:
        return {**self._steps, "total": round(self._read_ms + self.elapsed_s() * 1000, 2)}
