"""Screen many files: report.json kept safe while it grows, overlays, report.html at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, FailedScan, ModelRef, Report, ScanReport
from beltline.formats import write_atomic
from beltline.screening.files import collect, read
from beltline.screening.pictures import display_picture, draw_findings, frame_color, heat_png, jpeg, png
from beltline.screening.pipeline import DEFAULT_DEADLINE_MS, DEFAULT_PFA, Screened, screen_scan
from beltline.screening.report_html import Card, Limits, render_report
from beltline.screening.session import ScreeningModel
from beltline.screening.truth import TruthFinder

Progress = Callable[[int, int, str], None]
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
    options: RunOptions | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Screen files and folders; write OUT/report.json, OUT/report.html and OUT/overlays.

    report.json is replaced atomically about once a second and at the end, whatever ends the run, so
    nothing screened is lost to an interruption. A file that cannot be read is listed under ``failed``
    and the others go on.

    Args:
        paths: Files and folders.
        out: Result folder, made if missing.
        model: From `load_model`.
        options: See `RunOptions`.
        on_progress: Called with (done, total, path) before each file and once at the end.

    Raises:
        BadInputError: If the paths hold no file to screen, or OUT cannot be written.
        ValueError: If the model has no operating point at ``options.pfa``.
    """
    options = options or RunOptions()
    model.card.thresholds_at(options.pfa)
    files, failed = collect(paths)
    files = files[: options.limit]
    if not files and not failed:
        raise BadInputError(f"no scans found in {', '.join(str(path) for path in paths)}")
    run = _Run(_folder(out), model, options, len(files), failed)
    try:
        for done, path in enumerate(files):
            if on_progress:
                on_progress(done, len(files), str(path))
            run.screen(path)
        if on_progress:
            on_progress(len(files), len(files), "")
    finally:
        run.finish()
    return run.report()


class _Run:
    """State of one run: entries, cards, and when report.json was last written."""

    def __init__(
        self, out: Path, model: ScreeningModel, options: RunOptions, count: int, failed: list[FailedScan]
    ) -> None:
        self._out, self._model, self._options = out, model, options
        self._limits = Limits.for_count(count)
        self._entries: list[ScanReport] = []
        self._failed = failed
        self._cards: list[Card] = []
        self._embedded = 0
        self._truth = TruthFinder()
        self._next_save = time.monotonic() + _SAVE_EVERY_S
        if options.overlays != "none":
            (out / "overlays").mkdir(exist_ok=True)

    def screen(self, path: Path) -> None:
        try:
            loaded = read(path)
            screened = screen_scan(
                loaded.scan,
                self._model,
                pfa=self._options.pfa,
                deadline_ms=self._options.deadline_ms,
                path=str(path),
                sha256=loaded.sha256,
                read_ms=loaded.ms,
            )
        except BadInputError as error:
            self._failed.append(FailedScan(str(path), _reason(error, path)))
        else:
            self._entries.append(screened.report)
            picture = display_picture(loaded.scan, long_side=self._limits.long_side)
            overlay = self._write_overlay(path, picture, screened.report)
            self._add_card(path, picture, overlay, screened)
        if time.monotonic() >= self._next_save:
            self._save()

    def report(self) -> Report:
        model = ModelRef(self._model.card.name, self._model.sha256)
        return Report(model, {"pfa": self._options.pfa}, tuple(self._entries), tuple(self._failed))

    def finish(self) -> None:
        self._save()
        html = render_report(self.report(), self._cards, self._model.card)
        self._write("report.html", html)

    def _save(self) -> None:
        started = time.monotonic()
        self._write("report.json", self.report().to_json())
        took = time.monotonic() - started
        self._next_save = started + max(_SAVE_EVERY_S, _SAVE_SHARE * took)

    def _write(self, name: str, text: str) -> None:
        try:
            write_atomic(self._out / name, text)
        except OSError as error:
            raise BadInputError(f"{self._out / name}: {error.strerror or error}") from error

    def _write_overlay(self, path: Path, picture: NDArray[np.uint8], entry: ScanReport) -> str | None:
        kind = self._options.overlays
        if kind == "none":
            return None
        size = (entry.width, entry.height)
        drawn = draw_findings(picture.copy(), entry.classes, scan_size=size, instances=entry.instances)
        name = f"{len(self._entries):05d}_{path.stem}.{kind}"
        payload = png(drawn) if kind == "png" else jpeg(drawn, quality=88)
        (self._out / "overlays" / name).write_bytes(payload)
        return f"overlays/{name}"

    def _add_card(
        self, path: Path, picture: NDArray[np.uint8], overlay: str | None, screened: Screened
    ) -> None:
        payload = jpeg(picture, quality=self._limits.quality)
        heats = {label: heat_png(map_) for label, map_ in screened.maps.items()}
        size = len(payload) + sum(len(heat) for heat in heats.values())
        fits = self._embedded + size <= self._limits.total_bytes
        self._embedded += size if fits else 0
        self._cards.append(
            Card(
                entry=screened.report,
                picture=payload if fits else None,
                heats=heats if fits else {},
                letterbox=screened.letterbox,
                overlay=overlay,
                truth=self._truth.find(path),
                air=frame_color(picture),
            )
        )


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{out}: {error.strerror or error}") from error
    return out


def _reason(error: BadInputError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
