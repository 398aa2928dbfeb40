"""`screen --masks`: alarms get masks, reports show them, and nothing of it can spoil a decision."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from tests.screening.test_report_html import check

from beltline.cli.app import main
from beltline.core import InstanceFinding, ModelRef, Report, Scan
from beltline.formats import write_png
from beltline.screening import Clicker, OpenedModel, RunOptions, screen_files, screen_scan
from beltline.screening.alarm_masks import with_masks

DARK = (50, 40, 110, 80)


def picture() -> np.ndarray:
    bag = np.full((120, 160, 3), 255, np.uint8)
    bag[40:80, 50:110] = 5
    return bag


def scan() -> Scan:
    return Scan(picture().transpose(2, 0, 1) / np.float32(255), "color", ("r", "g", "b"))


def truth() -> np.ndarray:
    return picture()[..., 0] < 128


def iou(mask: np.ndarray, other: np.ndarray) -> float:
    return (mask & other).sum() / (mask | other).sum()


class Session:
    """A click model that does as it is told."""

    def __init__(self, action) -> None:
        self.action = action

    def run(self, names, feed, options=None):
        return self.action()


def acting(clicker: Clicker, action) -> Clicker:
    return Clicker(OpenedModel(clicker.model.card, "00", {"model": Session(action)}))


def late():
    time.sleep(0.05)
    raise AssertionError("nobody waits for this")


def broken():
    raise RuntimeError("no memory\nat all")


@pytest.mark.parametrize("kind", ["model", "detector"])
def test_alarms_of_both_kinds_of_models_get_masks(request, clicker, kind):
    one = request.getfixturevalue(kind)
    before = screen_scan(scan(), one, pfa=0.1, deadline_ms=60_000).report
    boxed = one.card.classes if kind == "detector" else ()
    entry, tally = with_masks(before, scan(), clicker, boxed=boxed, deadline_ms=60_000)
    assert before.decision == "alarm"
    assert (entry.decision, entry.classes) == (before.decision, before.classes)
    assert tally.alarms == len(entry.instances) >= 1
    if kind == "model":
        (gun,) = entry.instances
        assert gun.box == before.classes[0].box
        assert iou(gun.mask[0], truth()) > 0.85
    else:
        assert [found.box for found in entry.instances] == [found.box for found in before.instances]
    assert entry.ms["masks"] > 0
    assert entry.ms["total"] == pytest.approx(before.ms["total"] + entry.ms["masks"], abs=0.02)


def test_a_click_is_the_classs_point_or_the_middle_of_the_box(model):
    entry = screen_scan(scan(), model, pfa=0.1, deadline_ms=60_000).report
    gun = entry.classes[0]
    assert gun.box is not None
    assert entry.point_of(InstanceFinding("gun", 0.9, gun.box)) == gun.point
    assert entry.point_of(InstanceFinding("gun", 0.9, (0.0, 0.0, 40.0, 20.0))) == (20.0, 10.0)


def test_on_a_strip_masks_lie_on_the_strip(model, clicker):
    pixels = np.full((3, 150, 3000), 1, np.float32)
    for left in (150, 2000):
        pixels[:, 30:120, left : left + 400] = 0.85
    pixels[:, 65:85, 2150:2190] = 0.02
    strip = Scan(pixels, "color", ("r", "g", "b"))
    entry = screen_scan(strip, model, pfa=0.1, deadline_ms=60_000).report
    assert len(entry.bags) == 2
    entry, tally = with_masks(entry, strip, clicker, boxed=(), deadline_ms=60_000)
    assert tally.without == 0
    assert max(iou(found.mask[0], pixels[0] < 0.5) for found in entry.instances) > 0.8


@pytest.mark.parametrize(("action", "says"), [(late, "deadline passed"), (broken, "no memory at all")])
def test_a_failure_is_a_warning_and_no_failed_scan(tmp_path, model, clicker, action, says):
    write_png(tmp_path / "in" / "a.png", picture())
    deadline = 60_000 if action is broken else 1
    before = screen_scan(scan(), model, pfa=0.1, deadline_ms=60_000).report
    entry, tally = with_masks(before, scan(), acting(clicker, action), boxed=(), deadline_ms=deadline)
    assert [found.mask for found in entry.instances] == [None]
    assert entry.decision == "alarm"
    (warning,) = tally.warning()
    assert warning.startswith("no mask for 1 of 1 alarms; the first: ")
    assert says in warning
    assert "\n" not in warning
    options = RunOptions(pfa=0.1, deadline_ms=60_000)
    report = screen_files(
        [tmp_path / "in"], tmp_path / "out", model, options=options, clicker=acting(clicker, broken)
    )
    assert report.warnings[-1].startswith("no mask for 1 of 1 alarms; the first: ")
    assert not report.failed


def test_reports_show_outlines_and_hold_masks(tmp_path, model, clicker):
    write_png(tmp_path / "in" / "dark.png", picture())
    write_png(tmp_path / "in" / "empty.png", np.full((120, 160, 3), 255, np.uint8))
    options = RunOptions(pfa=0.1, deadline_ms=60_000)
    plain = screen_files([tmp_path / "in"], tmp_path / "plain", model, options=options)
    screen_files([tmp_path / "in"], tmp_path / "out", model, options=options, clicker=clicker)
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["click_model"] == {"name": "fake-click", "sha256": clicker.model.sha256}
    assert set(record) - {"click_model"} == set(plain.to_dict())  # fields are added, none changes
    assert record["schema_version"] == 1
    dark, empty = record["scans"]
    assert dark["instances"][0]["mask"]["size"] == [120, 160]
    assert empty["instances"] == []
    read = Report.from_json(json.dumps(record))
    assert read.click_model == ModelRef("fake-click", clicker.model.sha256)
    assert iou(read.scans[0].instances[0].mask[0], truth()) > 0.85
    page = (tmp_path / "out" / "report.html").read_text()
    checker = check(page)
    assert [values["d"][0] for tag, values in checker.tags if tag == "path"] == ["M", "M"]
    assert "fake-click cut out" in page
    without = (tmp_path / "plain" / "report.html").read_text()
    assert "<path" not in without
    assert "cut out at" not in without
    shown, drawn = ((tmp_path / name / "overlays" / "00001_dark.jpg") for name in ("plain", "out"))
    assert shown.read_bytes() != drawn.read_bytes()


def test_from_the_command_line(tmp_path: Path, model_file, click_file, capsys, monkeypatch):
    monkeypatch.setattr("beltline.screening.clicker.DEFAULT_CLICKER", "none")
    write_png(tmp_path / "in" / "dark.png", picture())
    words = ["screen", str(tmp_path / "in"), "--trust", "--model", str(model_file), "--deadline-ms", "60000"]
    click = ["--masks", "--click-model", str(click_file)]
    assert main([*words, "--out", str(tmp_path / "a"), *click, "--json"]) == 0
    assert "mask" in json.loads(capsys.readouterr().out)["scans"][0]["instances"][0]
    assert main([*words, "--out", str(tmp_path / "b"), "--masks"]) == 5
    assert "none is not part of this build" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "b"), *click[1:]]) == 2
    assert main([*words, "--out", str(tmp_path / "b"), "--masks", "--click-model", str(model_file)]) == 3
    assert not (tmp_path / "b").exists()
