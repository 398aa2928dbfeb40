"""Several models on one scan: one decision, what each said, and what one of them could not say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from beltline.cli.app import app
from beltline.core import BadInputError, Report, Scan
from beltline.formats import write_png
from beltline.screening import ModelFailure, ScreeningModel, make_card, screen_scan
from beltline.screening.tasks import find_model_task
from beltline.screening.tasks.anomaly import NO_DEVICE
from beltline.screening.truth import TruthItem
from beltline.screening.truth import judge as verdict

HOW = {"fusion": "max", "part_threshold": 0.5, "rule": {"side_mm": 16.0}}


class Seeing:
    """What is blue is a device, what is dark in it is hidden."""

    def run(self, output_names, feed, options=None):
        image = feed["image"]
        pooled = image.reshape(1, 3, image.shape[2] // 4, 4, image.shape[3] // 4, 4).mean((3, 5))
        device = 40 * (0.8 - pooled[:, :1])
        hidden = 40 * (0.35 - pooled[:, 2:])
        return [np.concatenate([device, hidden], axis=1).astype(np.float32)]


class Failing:
    def run(self, output_names, feed, options=None):
        raise RuntimeError("broken")


def judge(runner=None) -> ScreeningModel:
    card = make_card(
        "devices", ("anomaly",), 128, thresholds={"0.05": [0.6], "0.1": [0.6]}, task="anomaly",
        calibration={"scale": [1.0], "bias": [0.0]}, details={"anomaly": HOW},
    )  # fmt: skip
    return ScreeningModel(find_model_task("anomaly").check(card), "1" * 64, {"model": runner or Seeing()})


def scan_of(*, device: bool = True, hidden: bool = False, gun: bool = False) -> Scan:
    rgb = np.full((240, 320, 3), 255, np.uint8)
    rgb[20:220, 20:300] = (245, 235, 225)
    if device:
        rgb[60:180, 80:240] = (170, 170, 235)
    if hidden:
        rgb[100:130, 150:190] = (150, 150, 30)  # dark in blue alone, which is no gun
    if gun:
        rgb[30:50, 30:70] = 60
    if gun and not device:
        rgb[30:50, 30:70] = (210, 60, 60)  # no device either
    return Scan(rgb.transpose(2, 0, 1).astype(np.float32) / 255, "color", ("r", "g", "b"), 0.8)


def seen(scan: Scan, first: ScreeningModel, *beside: ScreeningModel, **options):
    return screen_scan(scan, first, beside=beside, pfa=0.1, deadline_ms=60_000, **options).report


def test_a_scan_is_clear_only_where_both_say_so(detector: ScreeningModel) -> None:
    entry = seen(scan_of(), detector, judge())
    assert entry.decision == "clear"
    assert [finding.label for finding in entry.classes] == ["gun", "knife", "liquid", "anomaly"]
    assert entry.notes == ()
    assert [found.label for found in entry.instances if not found.alarm] == ["device"]


def test_a_scan_alarms_where_one_does(detector: ScreeningModel) -> None:
    hidden = seen(scan_of(hidden=True), detector, judge())
    assert hidden.decision == "alarm"
    assert "anomaly" in {finding.label for finding in hidden.classes if finding.alarm}
    gun = seen(scan_of(device=False, gun=True), detector, judge())
    assert gun.decision == "alarm"
    assert "knife" in {found.label for found in gun.instances}


def test_no_device_is_noted_and_leaves_the_decision_to_the_other(detector: ScreeningModel) -> None:
    entry = seen(scan_of(device=False), detector, judge())
    assert entry.decision == "clear"
    assert entry.notes == (f"devices gave no result: {NO_DEVICE}",)
    assert "anomaly" not in {finding.label for finding in entry.classes}


def test_what_a_silent_model_should_have_found_is_missed(detector: ScreeningModel) -> None:
    entry = seen(scan_of(device=False, gun=True), detector, judge())
    truth = [TruthItem("anomaly", (80.0, 60.0, 240.0, 180.0)), TruthItem("knife", (30.0, 30.0, 70.0, 50.0))]
    found = verdict(entry, truth, classes=("gun", "knife", "liquid", "anomaly"))
    assert found.misses == ("anomaly",)
    assert found.hits == ("knife",)


def test_a_failure_is_never_clear_but_hides_no_alarm(detector: ScreeningModel) -> None:
    entry = seen(scan_of(), detector, judge(Failing()))
    assert entry.decision == "no_machine_result"
    assert entry.reason == "devices: model failed: broken"
    entry = seen(scan_of(gun=True, device=False), detector, judge(Failing()))
    assert entry.decision == "alarm"
    assert entry.notes == ("devices gave no result: model failed: broken",)


def test_where_nobody_saw_anything_there_is_no_result() -> None:
    other = replace(judge().card, name="more", classes=("other",))
    twin = ScreeningModel(other, "2" * 64, {"model": Seeing()})
    entry = seen(scan_of(device=False), judge(), twin)
    assert entry.decision == "no_machine_result"
    assert entry.reason == f"devices: {NO_DEVICE}; more: {NO_DEVICE}"


def test_a_deadline_that_passes_is_no_result(detector: ScreeningModel) -> None:
    entry = screen_scan(scan_of(), detector, beside=[judge()], pfa=0.1, deadline_ms=0.001).report
    assert entry.decision == "no_machine_result"
    assert "deadline passed" in str(entry.reason)


def test_models_of_one_class_are_refused(detector: ScreeningModel, model: ScreeningModel) -> None:
    with pytest.raises(BadInputError, match="both know gun"):
        seen(scan_of(), detector, model)
    with pytest.raises(BadInputError, match="both know anomaly"):
        seen(scan_of(), judge(), judge())


def test_places_of_a_classifier_stay_beside_devices(model: ScreeningModel) -> None:
    entry = seen(scan_of(gun=True), model, judge())
    assert entry.decision == "alarm"
    labels = [found.label for found in entry.instances]
    assert "device" in labels
    assert "gun" in labels


def test_bags_of_a_strip_are_judged_by_both(detector: ScreeningModel) -> None:
    plain, full = scan_of(device=False).pixels, scan_of(hidden=True).pixels
    air = np.ones((3, 240, 200), np.float32)
    strip = Scan(np.concatenate([plain, air, full, air, plain], axis=2), "color", ("r", "g", "b"), 0.8)
    entry = seen(strip, detector, judge())
    assert len(entry.bags) == 3
    assert entry.decision == "alarm"
    assert [note[:5] for note in entry.notes] == ["bag 1", "bag 3"]
    assert {finding.label for finding in entry.classes if finding.alarm} >= {"anomaly"}


@pytest.fixture
def saved(fake_detector, tmp_path: Path) -> tuple[Path, Path]:
    """A detector and, on the detector's graph, another with classes of its own."""
    first = fake_detector.build(tmp_path / "first.onnx")
    names = ["wrench", "pliers", "hammer"]
    card = fake_detector.card(name="tools", classes=names)
    return first, fake_detector.build(tmp_path / "tools.onnx", card)


def test_screen_takes_models_by_name_more_than_once(saved, tmp_path: Path) -> None:
    bags = tmp_path / "bags"
    bags.mkdir()
    pixels = scan_of(gun=True).pixels.transpose(1, 2, 0)
    write_png(bags / "a.png", np.asarray(pixels * 255, np.uint8))
    args = ["screen", str(bags), "--trust", "--out", str(tmp_path / "out"), "--pfa", "0.1"]
    first, tools = (str(path) for path in saved)
    done = CliRunner().invoke(app, [*args, "--model", first, "--model", tools])
    assert done.exit_code == 0, done.output
    assert "fake-detector and tools at PFA 0.1" in done.output
    text = (tmp_path / "out" / "report.json").read_text("utf-8")
    report = Report.from_json(text)
    assert [model.name for model in report.models] == ["fake-detector", "tools"]
    assert json.loads(text)["beside"][0]["name"] == "tools"
    assert len(report.scans[0].classes) == 6
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<h2>tools</h2>" in page
    assert "It alarms if one of them does" in page
    again = CliRunner().invoke(app, [*args, "--model", first, "--model", first])
    assert again.exit_code != 0
    assert "both know gun" in str(again.exception)


def test_failures_keep_their_words() -> None:
    from beltline.screening.beside import ask

    def late():
        raise ModelFailure("deadline passed")

    assert ask("m", late).note == "m gave no result: deadline passed"
