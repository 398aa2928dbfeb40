"""Anomaly models that screen: devices found, judged and shown; no device is never clear."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, Report, Scan
from beltline.core.device_parts import PartRule
from beltline.screening import make_card, screen_scan
from beltline.screening.device_finder import find_devices
from beltline.screening.session import ScreeningModel
from beltline.screening.tasks.anomaly import DEVICE_LABEL, NO_DEVICE

RULE = asdict(PartRule(side_mm=16.0))
HOW = {"fusion": "max", "part_threshold": 0.5, "rule": RULE}


def card_of(**changes: object):
    details = {"anomaly": {**HOW, **changes}}
    return make_card(
        "toy", ("anomaly",), 128, thresholds={"0.05": [0.6]}, details=details, task="anomaly",
        calibration={"scale": [1.0], "bias": [0.0]},
    )  # fmt: skip


class Seeing:
    """What is neither air nor pale is a device, what is dark in it is hidden."""

    def run(self, output_names, feed, options=None):
        image = feed["image"]
        pooled = image.reshape(1, 3, image.shape[2] // 4, 4, image.shape[3] // 4, 4).mean((3, 5))
        device = 40 * (0.78 - pooled.max(axis=1, keepdims=True))
        hidden = 40 * (0.35 - pooled.max(axis=1, keepdims=True))
        return [np.concatenate([device, hidden], axis=1).astype(np.float32)]


class Broken(Seeing):
    def run(self, output_names, feed, options=None):
        return [super().run(output_names, feed)[0][..., :-1]]


def model_of(runner=None, **changes: object) -> ScreeningModel:
    from beltline.screening.tasks import find_model_task

    card = find_model_task("anomaly").check(card_of(**changes))
    return ScreeningModel(card, "0" * 64, {"model": runner or Seeing()})


def scan_of(*, hidden: bool, device: bool = True, size: tuple[int, int] = (240, 320)) -> Scan:
    rgb = np.full((*size, 3), 255, np.uint8)
    rgb[20:220, 20:300] = 225  # a pale bag
    if device:
        rgb[60:180, 80:240] = (120, 170, 110)
    if hidden:
        rgb[100:130, 150:190] = (20, 30, 60)
    return Scan(rgb.transpose(2, 0, 1).astype(np.float32) / 255, "color", ("r", "g", "b"), 0.8)


def test_a_device_with_something_in_it_alarms_and_shows_where() -> None:
    report = screen_scan(scan_of(hidden=True), model_of()).report
    assert report.decision == "alarm"
    (finding,) = report.classes
    assert finding.label == "anomaly"
    assert finding.alarm
    x, y = finding.point
    assert 150 <= x <= 190
    assert 100 <= y <= 130
    device, *parts = report.instances
    assert device.label == DEVICE_LABEL
    assert not device.alarm
    assert device.mask[0].shape == (240, 320)
    assert np.abs(np.array(device.box) - [80, 60, 240, 180]).max() <= 4
    assert parts
    assert all(part.label == "anomaly" and part.alarm for part in parts)
    covered = parts[0].mask[0]
    assert covered[100:130, 150:190].mean() > 0.9


def test_a_benign_device_is_clear_and_shown() -> None:
    report = screen_scan(scan_of(hidden=False), model_of()).report
    assert report.decision == "clear"
    assert [one.label for one in report.instances] == [DEVICE_LABEL]
    assert not report.classes[0].alarm


def test_no_device_is_no_result_and_never_clear() -> None:
    report = screen_scan(scan_of(hidden=False, device=False), model_of()).report
    assert report.decision == "no_machine_result"
    assert report.reason == NO_DEVICE


def test_a_scan_without_a_device_sets_no_threshold(tmp_path: Path) -> None:
    from beltline.formats import write_png
    from beltline.screening.own_thresholds import score_benign

    for name, device in (("with", True), ("without", False)):
        pixels = scan_of(hidden=False, device=device).pixels.transpose(1, 2, 0)
        write_png(tmp_path / f"{name}.png", np.asarray(pixels * 255, np.uint8))
    found = score_benign([tmp_path], model_of())
    assert [Path(name).name for name in found.names] == ["with.png"]
    (failed,) = found.not_judged
    assert failed.reason == NO_DEVICE


def test_devices_apart_are_judged_one_by_one() -> None:
    scan = scan_of(hidden=False, device=False)
    pixels = scan.pixels.copy()
    for left in (40, 200):
        pixels[:, 60:160, left : left + 80] = np.array([0.45, 0.66, 0.43])[:, None, None]
    pixels[:, 90:120, 220:250] = 0.1
    report = screen_scan(Scan(pixels, "color", ("r", "g", "b"), 0.8), model_of()).report
    devices = [one for one in report.instances if one.label == DEVICE_LABEL]
    assert len(devices) == 2
    assert sorted(one.score >= 0.6 for one in devices) == [False, True]
    anomalies = [one for one in report.instances if one.alarm]
    assert all(one.box[0] >= 190 for one in anomalies)


def test_a_report_is_read_back() -> None:
    from beltline.core import ModelRef

    entry = screen_scan(scan_of(hidden=True), model_of()).report
    report = Report(ModelRef("toy", "0"), {"pfa": 0.05}, (entry,))
    again = Report.from_json(report.to_json())
    assert [one.alarm for one in again.scans[0].instances] == [one.alarm for one in entry.instances]
    written = json.loads(report.to_json())["scans"][0]["instances"]
    assert written[0]["alarm"] is False
    assert "alarm" not in written[1]


def test_a_strip_is_put_together_with_its_masks() -> None:
    left, right = scan_of(hidden=False), scan_of(hidden=True)
    air = np.ones((3, 240, 700), np.float32)
    strip = Scan(np.concatenate([left.pixels, air, right.pixels], axis=2), "color", ("r", "g", "b"), 0.8)
    report = screen_scan(strip, model_of()).report
    assert len(report.bags) == 2
    assert report.decision == "alarm"
    for found in report.instances:
        mask = found.mask[0]
        assert mask.shape == (240, 1340)
        columns = np.flatnonzero(mask.any(axis=0))
        assert columns[0] == pytest.approx(found.box[0], abs=1)
        assert columns[-1] + 1 == pytest.approx(found.box[2], abs=1)
    empty = scan_of(hidden=False, device=False)
    strip = Scan(np.concatenate([left.pixels, air, empty.pixels], axis=2), "color", ("r", "g", "b"), 0.8)
    report = screen_scan(strip, model_of()).report
    assert report.decision == "no_machine_result"
    assert report.reason == f"bag 2 of 2: {NO_DEVICE}"


def test_scans_without_a_pixel_size_are_judged() -> None:
    scan = scan_of(hidden=True)
    unsized = Scan(scan.pixels, scan.quantity, scan.channels)
    assert screen_scan(unsized, model_of()).report.decision == "alarm"


def test_an_answer_of_another_shape_is_no_result() -> None:
    report = screen_scan(scan_of(hidden=True), model_of(Broken())).report
    assert report.decision == "no_machine_result"
    assert "has shape" in str(report.reason)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fusion": "vote"}, "fusion must be one of max"),
        ({"rule": {"side": 3}}, "rule of parts"),
    ],
)
def test_a_card_that_does_not_say_how_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        model_of(**changes)


def test_a_card_of_other_classes_or_without_thresholds_is_refused() -> None:
    from beltline.screening.tasks import find_model_task

    check = find_model_task("anomaly").check
    with pytest.raises(ValueError, match="must be anomaly"):
        check(make_card("x", ("gun",), 128, thresholds={"0.05": [0.5]}, task="anomaly"))
    with pytest.raises(ValueError, match="need anomaly: fusion"):
        check(make_card("x", ("anomaly",), 128, thresholds={"0.05": [0.5]}, task="anomaly"))
    with pytest.raises(BadInputError, match="needs thresholds"):
        check(make_card("x", ("anomaly",), 128, thresholds={}, task="anomaly"))


@pytest.mark.parametrize("size", [(240, 320), (301, 97), (64, 640)])
def test_found_devices_lie_where_they_are(size: tuple[int, int]) -> None:
    from beltline.screening.device_map import image_of

    picture = np.full((*size, 3), 255, np.uint8)
    top, left = size[0] // 4, size[1] // 4
    picture[top : 3 * top, left : 3 * left] = 100
    logits = Seeing().run([], {"image": image_of(picture, (128, 128))})[0][0, 0]
    (mask,) = find_devices(logits, size)
    truth = (picture < 200).all(axis=2)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.75


def test_holes_are_filled_and_crumbs_are_no_devices() -> None:
    logits = np.full((32, 32), -5.0)
    logits[8:20, 8:24] = 5.0
    logits[12:15, 12:16] = -5.0
    logits[28, 30] = 0.5
    (mask,) = find_devices(logits, (128, 128))
    assert mask[52, 56]
    assert not mask[112, 120]


def test_from_training_to_a_report(tmp_path: Path) -> None:
    """A tiny run, exported and screened by: what it says is of no worth, that it says it is."""
    from tests.systems.device_toys import write_toy_devices

    from beltline.cli.app import main
    from beltline.formats import write_png

    devices, run = write_toy_devices(tmp_path / "devices"), str(tmp_path / "run")
    small = ["--set", "height=64", "--set", "width_px=64", "--set", "batch_size=4", "--set", "steps=3"]
    assert main(["train", "anomaly", "--data", str(devices), "--out", run, *small]) == 0
    assert main(["evaluate", run, "--data", str(devices), "--calibrate"]) == 0
    assert main(["export", run, "--out", str(tmp_path / "toy.onnx"), "--name", "toy", "--half"]) == 0
    assert (tmp_path / "toy.onnx").stat().st_size < 8e6
    (tmp_path / "scans").mkdir()
    pixels = scan_of(hidden=True).pixels
    write_png(tmp_path / "scans" / "a.png", np.asarray(pixels.transpose(1, 2, 0) * 255, np.uint8))
    words = ["screen", str(tmp_path / "scans"), "--model", str(tmp_path / "toy.onnx"), "--trust"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["model"]["name"] == "toy"
    (entry,) = report["scans"]
    assert entry["decision"] in ("alarm", "clear", "no_machine_result")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    judged = sum(found.get("alarm") is False for found in entry["instances"])
    assert page.count("device, score ") == judged
