"""One scan in, one decision out: prepare, run the model in time, locate, decide.

The rule of the room: whatever goes wrong, the answer is ``no_machine_result`` with a reason and the
operator decides. Nothing but a complete answer of the model, below every threshold, to a scan that can be
judged is ``clear``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan, ScanReport
from beltline.screening.bags import together
from beltline.screening.beside import ask, joined, require_beside
from beltline.screening.judgeable import why_not_judged
from beltline.screening.prepare import Rectangle
from beltline.screening.session import ScreeningModel
from beltline.screening.strip import bags_on, cut, too_long
from beltline.screening.task import ModelFailure, Screened

Models = Mapping[ScreeningModel, NDArray[np.float64]]  # with thresholds, in the order in which they speak
DEFAULT_DEADLINE_MS = 2000.0
DEFAULT_PFA = 0.05


def screen_scan(
    scan: Scan,
    model: ScreeningModel,
    *,
    beside: Sequence[ScreeningModel] = (),
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
        beside: Further models that know other classes; see `joined`.
        pfa: Operating point, one of each model's.
        deadline_ms: Time from the decoded array to the model's answer; later is no machine result.
        path: Kept in the entry.
        sha256: Kept in the entry.
        read_ms: Time spent reading, counted in ``ms["total"]`` but not against the deadline.

    Raises:
        ValueError: If a model has no operating point at ``pfa``.
        BadInputError: If two models know the same class.

    Example:
        >>> from beltline.screening import load_model, screen_scan  # doctest: +SKIP
        >>> screen_scan(scan, load_model()).report.decision  # doctest: +SKIP
        'alarm'
    """
    models = {each: each.card.thresholds_at(pfa) for each in (model, *beside)}
    require_beside([each.card for each in models])
    clock = _Clock(read_ms)
    entry = ScanReport(path, sha256, scan.width, scan.height, "no_machine_result")
    one = partial(_screen_one if not beside else _screen_beside, models, clock, deadline_ms)
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


def _screen_beside(
    models: Models, clock: _Clock, deadline_ms: float, entry: ScanReport, scan: Scan
) -> Screened:
    """All models in turn, within one deadline."""
    said = []
    for model, thresholds in models.items():
        each = partial(_screen_one, {model: thresholds}, clock, deadline_ms, entry, scan)
        said.append(ask(model.card.name, each))
    return joined(entry, said)


def _screen_one(models: Models, clock: _Clock, deadline_ms: float, entry: ScanReport, scan: Scan) -> Screened:
    ((model, thresholds),) = models.items()
    prepared = model.task.prepare(scan, model.card)
    clock.step("prepare")
    left_s = deadline_ms / 1000 - clock.elapsed_s()
    if left_s <= 0:
        raise ModelFailure(f"deadline passed: {deadline_ms:g} ms were over before the model could run")
    answer = model.run(prepared.inputs, timeout_s=left_s)
    clock.step("model")
    screened = model.task.decide(entry, prepared, answer, model.card, thresholds)
    clock.step("localise")
    return screened


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
