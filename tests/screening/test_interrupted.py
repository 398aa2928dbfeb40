"""A report of a run that was stopped says so, and nothing of an earlier run stands beside it."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.core import BadInputError, Interrupted, Report
from beltline.formats import write_png
from beltline.screening import RunOptions, ScreeningModel, screen_files

run_module = sys.modules["beltline.screening.run"]


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 50:110] = 5
    for name in "abcd":
        write_png(tmp_path / "bags" / f"{name}.png", picture)
    (tmp_path / "bags" / "broken.png").write_bytes(b"nothing")
    return tmp_path / "bags"


def stop_at(step: int) -> Any:
    def stop(done: int, total: int, path: str) -> None:
        if done == step:
            raise KeyboardInterrupt

    return stop


def reread(out: Path) -> Report:
    return Report.from_json((out / "report.json").read_text())


def test_a_stopped_run_says_how_far_it_came(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    with pytest.raises(KeyboardInterrupt):
        screen_files([bags], tmp_path / "out", model, on_progress=stop_at(2))
    report = reread(tmp_path / "out")
    assert len(report.scans) == 2
    assert report.interrupted == Interrupted(2, 5)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Interrupted, 2 of 5 screened." in page
    assert page.count("<article") == 2
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize("place", ["read", "screen_scan", "display_picture", "draw_findings", "Card"])
def test_ctrl_c_at_any_step_of_a_scan(
    bags: Path, tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    step, calls = getattr(run_module, place), 0

    def third_is_stopped(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return step(*args, **options)

    monkeypatch.setattr(run_module, place, third_is_stopped)
    with pytest.raises(KeyboardInterrupt):
        screen_files([bags], tmp_path / "out", model)
    assert reread(tmp_path / "out").interrupted == Interrupted(2, 5)
    assert (tmp_path / "out" / "report.html").read_text().count("<article") == 2


def test_ctrl_c_while_the_page_is_made_still_gives_the_page(
    bags: Path, tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, calls = run_module.render_report, 0

    def first_is_stopped(*args: Any, **options: Any) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyboardInterrupt
        return str(render(*args, **options))

    monkeypatch.setattr(run_module, "render_report", first_is_stopped)
    with pytest.raises(KeyboardInterrupt):
        screen_files([bags], tmp_path / "out", model)
    assert reread(tmp_path / "out").interrupted is None, "every file was done"
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_killed_run_never_reads_as_finished(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    """Whatever is on disk at any moment of the run, which is what kill -9 leaves, says unfinished."""
    seen: list[Interrupted | None] = []

    def look(done: int, total: int, path: str) -> None:
        if done < total:
            seen.append(reread(tmp_path / "out").interrupted)

    screen_files([bags], tmp_path / "out", model, on_progress=look)
    assert len(seen) == 5
    assert all(state is not None and state.of == 5 for state in seen)
    assert reread(tmp_path / "out").interrupted is None


def test_what_an_earlier_run_wrote_goes_and_nothing_else(
    bags: Path, tmp_path: Path, model: ScreeningModel
) -> None:
    out = tmp_path / "out"
    screen_files([bags], out, model, options=RunOptions(overlays="png"))
    for mine in ("overlays/mine.png", "notes.txt", "overlays/2024.jpg"):
        (out / mine).write_bytes(b"mine")
    with pytest.raises(KeyboardInterrupt):
        screen_files([bags], out, model, on_progress=stop_at(1))
    assert sorted(file.name for file in (out / "overlays").iterdir()) == [
        "00001_a.jpg",
        "2024.jpg",
        "mine.png",
    ]
    assert (out / "notes.txt").read_bytes() == b"mine"


def test_an_earlier_page_does_not_stand_for_the_run_that_goes_on(
    bags: Path, tmp_path: Path, model: ScreeningModel
) -> None:
    screen_files([bags], tmp_path / "out", model)
    pages: list[bool] = []
    screen_files(
        [bags], tmp_path / "out", model,
        on_progress=lambda done, total, path: pages.append((tmp_path / "out" / "report.html").exists()),
    )  # fmt: skip
    assert not any(pages)


def test_pictures_that_no_report_vouches_for_are_refused(
    bags: Path, tmp_path: Path, model: ScreeningModel
) -> None:
    theirs = tmp_path / "out" / "overlays" / "00001_note.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"mine")
    with pytest.raises(BadInputError, match="choose another --out"):
        screen_files([bags], tmp_path / "out", model)
    assert theirs.read_bytes() == b"mine"


def test_an_input_is_never_removed(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    screen_files([bags], tmp_path / "out", model)
    overlay = next((tmp_path / "out" / "overlays").iterdir())
    with pytest.raises(BadInputError, match="would be removed"):
        screen_files([overlay], tmp_path / "out", model)
    assert overlay.is_file()


def test_the_first_error_is_the_one_told(
    bags: Path, tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadInputError, match=r"overlays/00001_a\.jpg: No space left"):
        screen_files([bags], tmp_path / "out", model)
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["interrupted"] == {"screened": 0, "of": 5}
