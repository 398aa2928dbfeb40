import sys
import time
from typing import Any

import numpy as np
import pytest

from beltline.core import Scan
from beltline.screening import ScreeningModel, screen_scan


def scan_with(block: float | tuple[float, float, float], *, width: int = 800, height: int = 600) -> Scan:
    pixels = np.ones((3, height, width), np.float32)
    pixels[:, 20:-20, 20:-20] = 0.93
    pixels[:, 300:400, 500:620] = np.broadcast_to(np.array(block, np.float32), 3)[:, None, None]
    return Scan(pixels, "color", ("r", "g", "b"))


class Runner:
    def __init__(self, action: Any) -> None:
        self.action = action

    def run(self, output_names: list[str], feed: dict[str, Any], options: Any = None) -> list[Any]:
        return self.action()


def model_that(model: ScreeningModel, action: Any) -> ScreeningModel:
    return ScreeningModel(model.card, model.sha256, {"model": Runner(action)})


def fail() -> list[Any]:
    raise RuntimeError("boom")


def nan() -> list[Any]:
    return [np.full((1, 3), np.nan, np.float32), np.zeros((1, 3, 4, 4), np.float32)]


def slow() -> list[Any]:
    time.sleep(0.5)
    return [np.full((1, 3), -9, np.float32), np.zeros((1, 3, 4, 4), np.float32)]


def test_alarm_points_at_the_dark_block(model: ScreeningModel) -> None:
    entry = screen_scan(scan_with(0.02), model, path="bag.png", sha256="ab", read_ms=3).report
    assert entry.decision == "alarm"
    gun = entry.classes[0]
    assert (gun.label, gun.alarm) == ("gun", True)
    assert gun.probability > 0.95
    assert gun.point is not None
    assert gun.box is not None
    assert 500 <= gun.point[0] <= 620
    assert 300 <= gun.point[1] <= 400
    assert np.allclose(gun.box, (500, 300, 620, 400), atol=40)
    assert [c.label for c in entry.classes] == ["gun", "knife", "liquid"]
    assert not entry.classes[1].alarm
    assert (entry.path, entry.sha256, entry.width, entry.height) == ("bag.png", "ab", 800, 600)


def test_each_class_sees_its_own_colour(model: ScreeningModel) -> None:
    entry = screen_scan(scan_with((0.02, 0.5, 1.0)), model).report
    assert [c.label for c in entry.classes if c.alarm] == ["knife"]


def test_clear_needs_every_class_below_its_threshold(model: ScreeningModel) -> None:
    assert screen_scan(scan_with(0.9), model).report.decision == "clear"


def test_operating_point_moves_the_decision(model: ScreeningModel) -> None:
    scan = scan_with(0.42)  # between the two thresholds of the fake
    assert screen_scan(scan, model, pfa=0.05).report.decision == "clear"
    assert screen_scan(scan, model, pfa=0.10).report.decision == "alarm"
    with pytest.raises(ValueError, match="operating points"):
        screen_scan(scan, model, pfa=0.5)


@pytest.mark.parametrize(("action", "reason"), [(fail, "boom"), (nan, "finite"), (slow, "deadline")])
def test_a_failed_or_late_model_is_no_machine_result(model: ScreeningModel, action: Any, reason: str) -> None:
    entry = screen_scan(scan_with(0.02), model_that(model, action), deadline_ms=400).report
    assert entry.decision == "no_machine_result"
    assert reason in (entry.reason or "")
    assert entry.classes == ()
    assert entry.ms["total"] > 0


def test_a_deadline_over_before_the_model_runs_is_no_machine_result(model: ScreeningModel) -> None:
    entry = screen_scan(scan_with(0.9), model, deadline_ms=0.001).report
    assert entry.decision == "no_machine_result"
    assert "deadline" in (entry.reason or "")


@pytest.mark.parametrize("step", ["prepare", "point_and_box"])
def test_a_fault_of_our_own_is_no_machine_result(
    model: ScreeningModel, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(sys.modules["beltline.screening.tasks.classification"], step, broken)
    entry = screen_scan(scan_with(0.9), model).report
    assert entry.decision == "no_machine_result"
    assert "ZeroDivisionError" in (entry.reason or "")


def test_times_are_given_by_step(model: ScreeningModel) -> None:
    ms = screen_scan(scan_with(0.9), model, read_ms=5).report.ms
    assert list(ms) == ["read", "prepare", "model", "localise", "total"]
    assert ms["total"] >= sum(ms[step] for step in ("read", "prepare", "model", "localise")) - 0.1


@pytest.mark.parametrize(
    ("quantity", "channels"),
    [
        ("color", ("r", "g", "b")), ("color", ("gray",)), ("transmission", ("gray",)),
        ("transmission", ("low", "high")), ("attenuation", ("low", "high")), ("attenuation", ("gray",)),
    ],
)  # fmt: skip
def test_every_quantity_finds_the_dark_block(
    model: ScreeningModel, quantity: Any, channels: tuple[str, ...]
) -> None:
    pixels = scan_with(0.004).pixels[: len(channels)]
    pixels = -np.log(pixels) if quantity == "attenuation" else pixels
    entry = screen_scan(Scan(pixels, quantity, channels), model).report
    gun = entry.classes[0]
    assert entry.decision == "alarm"
    assert gun.point is not None
    assert 490 <= gun.point[0] <= 630
    assert 290 <= gun.point[1] <= 410


@pytest.mark.parametrize("size", [(200, 1600), (1600, 200), (5000, 4000)])
def test_every_size_gets_a_decision(model: ScreeningModel, size: tuple[int, int]) -> None:
    pixels = np.full((1, size[1], size[0]), 0.5, np.float32)
    pixels[:, :, : size[0] // 2] = 0.8
    scan = Scan(pixels, "color", ("gray",))
    assert screen_scan(scan, model, deadline_ms=60_000).report.decision in ("alarm", "clear")
