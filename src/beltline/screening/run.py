"""Screen many files: report.json kept safe while it grows, overlays, report.html at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import (
    BadInputError,
    FailedScan,
    Interrupted,
    ModelRef,
    Progress,
    Report,
    Scan,
    ScanReport,
    path_text,
    printable,
)
from beltline.formats import SCAN_SUFFIXES
from beltline.screening.alarm_masks import MaskTally, with_masks
from beltline.screening.album import Album, Limits
from beltline.screening.beside import require_beside
from beltline.screening.clicker import Clicker
from beltline.screening.files import Collected, collect, read
from beltline.screening.own_thresholds import drift
from beltline.screening.pictures import display_picture, draw_findings, frame_color, jpeg, png
from beltline.screening.pipeline import DEFAULT_DEADLINE_MS, DEFAULT_PFA, screen_scan
from beltline.screening.report_html import Card, render_report
from beltline.screening.results import OVERLAYS, PAGE, REPORT, ResultFolder, file_name
from beltline.screening.session import OpenedModel, ScreeningModel
from beltline.screening.task import Screened
from beltline.screening.tasks import DETECTION
from beltline.screening.truth import TruthFinder

BEYOND_LIMIT = "beyond the limit"
_SAVE_EVERY_S = 1.0
_SAVE_SHARE = 20  # saving report.json takes at most one part in so many of the time


@dataclass(frozen=True)
class RunOptions:
    """How to screen.

    Attributes:
        pfa: Operating point, one of the model's.
        deadline_ms: See `screen_scan`.
        overlays: Picture type of the overlays: "jpg", "png" or "none".
        limit: Screen at most so many files.
    """

    pfa: float = DEFAULT_PFA
    deadline_ms: float = DEFAULT_DEADLINE_MS
    overlays: str = "jpg"
    limit: int | None = None


def screen_files(
    paths: Sequence[Path],
    out: Path,
    model: ScreeningModel,
    *,
    beside: Sequence[ScreeningModel] = (),
    options: RunOptions | None = None,
    clicker: Clicker | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Screen files and folders; write OUT/report.json, OUT/report.html, OUT/overlays and OUT/pictures.

    report.json is replaced atomically about once a second and at the end. Until every file is done it
    carries how far the run came, so whatever ends the run, nothing screened is lost and no unfinished
    report reads as finished. A file that cannot be read is listed under ``failed`` and the others go on;
    what is no scan is counted under ``skipped``. Results of an earlier run in OUT are removed.

    Args:
        paths: Files and folders.
        out: Result folder, made if missing.
        model: From `load_model`.
        beside: Further models that know other classes; a scan alarms if one of them does.
        options: See `RunOptions`.
        clicker: From `load_clicker`; cuts out every alarm. Where it fails, the report warns.
        on_progress: Told files, each before it is screened, and once at the end.

    Raises:
        BadInputError: If the paths hold no file to screen, OUT cannot be written, or two models know the
            same class.
        ValueError: If a model has no operating point at ``options.pfa``.
    """
    options = options or RunOptions()
    models = (model, *beside)
    require_beside([each.card for each in models])
    for each in models:
        each.card.thresholds_at(options.pfa)
    found = _limited(collect(paths), options.limit)
    if not found.files and not found.failed:
        raise BadInputError(_nothing_found(paths, found))
    run = _Screening(ResultFolder(out, found.files), models, options, found, clicker)
    try:
        for done, path in enumerate(found.files):
            if on_progress:
                on_progress(done, len(found.files), str(path))
            run.screen(path)
        if on_progress:
            on_progress(len(found.files), len(found.files), "")
        run.finish()
    except BaseException:
        with suppress(BadInputError):  # the first error is the one to tell
            run.finish()
        raise
    return run.report()


class _Screening:
    """State of one run: cards with their entries, failures, and when report.json was last written."""

    def __init__(
        self,
        folder: ResultFolder,
        models: Sequence[ScreeningModel],
        options: RunOptions,
        found: Collected,
        clicker: Clicker | None,
    ) -> None:
        self._folder, self._models, self._options, self._clicker = folder, models, options, clicker
        self._count = len(found.files) + len(found.failed)
        self._failed, self._skipped = list(found.failed), found.skipped
        self._limits = Limits.for_count(len(found.files))
        self._album = Album(folder, self._limits)
        self._cards: list[Card] = []
        self._masks = MaskTally()
        self._truth = TruthFinder()
        self._save()  # first: pictures without a report beside them would be nobody's
        folder.clear()

    def screen(self, path: Path) -> None:
        try:
            loaded = read(path)
            screened = screen_scan(
                loaded.scan,
                self._models[0],
                beside=self._models[1:],
                pfa=self._options.pfa,
                deadline_ms=self._options.deadline_ms,
                path=path_text(path),
                sha256=loaded.sha256,
                read_ms=loaded.ms,
            )
        except BadInputError as error:
            reason = path_text(str(error).removeprefix(f"{path}: "))
            self._failed.append(FailedScan(path_text(path), reason))
        else:
            picture = display_picture(loaded.scan, long_side=self._limits.long_side)
            self._add_card(path, picture, self._cut_out(loaded.scan, screened))
        if time.monotonic() >= self._next_save:
            self._save()

    def _cut_out(self, scan: Scan, screened: Screened) -> Screened:
        if self._clicker is None:
            return screened
        detectors = (model.card for model in self._models if model.task.name == DETECTION.name)
        boxed = {name for card in detectors for name in card.classes}
        entry, tally = with_masks(
            screened.report, scan, self._clicker, boxed=boxed, deadline_ms=self._options.deadline_ms
        )
        self._masks += tally
        return replace(screened, report=entry)

    def report(self) -> Report:
        entries = tuple(card.entry for card in self._cards)
        done = len(entries) + len(self._failed) >= self._count
        return Report(
            _reference(self._models[0]),
            {"pfa": self._options.pfa},
            entries,
            tuple(self._failed),
            self._skipped,
            None if done else Interrupted(len(entries), self._count),
            self._drift(entries) + self._masks.warning(),
            None if self._clicker is None else _reference(self._clicker.model),
            tuple(_reference(model) for model in self._models[1:]),
        )

    def finish(self) -> None:
        self._save()
        first, *beside = (model.card for model in self._models)
        self._folder.write(PAGE, render_report(self.report(), self._cards, first, beside=beside))

    def _drift(self, entries: Sequence[ScanReport]) -> tuple[str, ...]:
        return tuple(warning for model in self._models for warning in drift(entries, model.card))

    def _save(self) -> None:
        started = time.monotonic()
        self._folder.write(REPORT, self.report().to_json())
        took = time.monotonic() - started
        self._next_save = started + max(_SAVE_EVERY_S, _SAVE_SHARE * took)

    def _write_overlay(self, path: Path, picture: NDArray[np.uint8], entry: ScanReport) -> str | None:
        kind = self._options.overlays
        if kind == "none":
            return None
        size = (entry.width, entry.height)
        drawn = draw_findings(picture, entry.classes, scan_size=size, instances=entry.instances)
        name = f"{OVERLAYS}/{file_name(len(self._cards) + 1, path.stem, kind)}"
        self._folder.write(name, png(drawn) if kind == "png" else jpeg(drawn, quality=88))
        return name

    def _add_card(self, path: Path, picture: NDArray[np.uint8], screened: Screened) -> None:
        card = Card(
            entry=screened.report,
            pictures=self._album.add(len(self._cards) + 1, picture, screened.maps),
            letterbox=screened.letterbox,
            overlay=self._write_overlay(path, picture, screened.report),
            truth=self._truth.find(path),
            air=frame_color(picture),
        )
        self._cards.append(card)  # the one place where a scan counts as screened, whenever Ctrl-C comes


def _reference(model: OpenedModel) -> ModelRef:
    return ModelRef(model.card.name, model.sha256)


def _limited(found: Collected, limit: int | None) -> Collected:
    beyond = len(found.files) - limit if limit is not None else 0
    if beyond <= 0:
        return found
    return found._replace(files=found.files[:limit], skipped={**found.skipped, BEYOND_LIMIT: beyond})


def _nothing_found(paths: Sequence[Path], found: Collected) -> str:
    places = ", ".join(printable(str(path)) for path in paths)
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.skipped.items())
    there = f", only {kinds}" if kinds else ""
    return f"no scans found in {places}{there}; looked for {', '.join(SCAN_SUFFIXES)}"
