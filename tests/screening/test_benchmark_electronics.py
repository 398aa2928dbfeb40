"""The benchmark of whole scans: what it counts with true and with found masks, and its steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import electronics

from beltline.formats import read_set
from beltline.screening import ScreeningModel, make_card
from beltline.screening.tasks import find_model_task
from beltline.simulate import ElectronicsRecipe, Scanner, SetPlan, simulate_set

HOW = {"fusion": "max", "part_threshold": 0.5, "rule": {"side_mm": 60.0}}


class Finds:
    """Takes all that is not air for a device, if it is to find any, and hides nothing."""

    def __init__(self, *, any_device: bool) -> None:
        self.any_device = any_device

    def run(self, output_names, feed, options=None):
        image = feed["image"]
        pooled = image.reshape(1, 3, image.shape[2] // 4, 4, image.shape[3] // 4, 4).mean((3, 5))
        device = 40 * (0.9 - pooled.min(axis=1, keepdims=True)) if self.any_device else -9 + 0 * pooled[:, :1]
        return [np.concatenate([device, device * 0 - 3], axis=1).astype(np.float32)]


def model_of(*, any_device: bool) -> ScreeningModel:
    card = make_card(
        "toy", ("anomaly",), 64, thresholds={"0.05": [0.01]}, task="anomaly",
        calibration={"scale": [1.0], "bias": [0.0]}, details={"anomaly": HOW},
    )  # fmt: skip
    runner = Finds(any_device=any_device)
    return ScreeningModel(find_model_task("anomaly").check(card), "1" * 64, {"model": runner})


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("scans")
    recipe = ElectronicsRecipe(families=("phone",), twins=True, in_bags=0.0, split="test")
    simulate_set(folder, SetPlan(4, 3, recipe, Scanner(pixel_mm=4.0), "white"))
    return read_set(folder)


def test_what_is_not_found_cannot_alarm(scans) -> None:
    seen = [electronics.look_at(scans, n, model_of(any_device=False)) for n in range(len(scans))]
    assert [one.positive for one in seen] == [False, True, False, True]
    assert all(one.found is None and one.overlap == 0 for one in seen)
    true, found = electronics.decisions(seen, 0.01)
    assert true["PD"].startswith("1.00")  # the score of a device with no evidence is above so low a threshold
    assert found["PD"].startswith("0.00")
    assert found["no device found"] == "4 of 4"
    assert found["AUC"] == "0.500"
    assert found["devices found"].startswith("0.00")


def test_what_is_found_is_compared_with_the_truth(scans) -> None:
    one = electronics.look_at(scans, 1, model_of(any_device=True))
    assert one.found is not None
    assert 0 <= one.overlap <= 1


def test_every_step_has_its_time(scans, monkeypatch) -> None:
    monkeypatch.setattr(electronics, "WARM_UP", 1)
    monkeypatch.setattr(electronics, "BELT", (200, 140))
    rows = electronics.latency(scans, model_of(any_device=True))
    steps = [row["step"] for row in rows]
    assert steps == [
        "prepare", "first look", "find devices", "superpixels", "second look", "parts", "to the report",
    ]  # fmt: skip


def test_the_belts_picture_has_its_size_and_pitch(scans) -> None:
    scan = scans.scan(0)
    large = electronics.enlarged(scan)
    assert (large.width, large.height) == electronics.BELT
    assert large.pixel_mm == pytest.approx(scan.pixel_mm * scan.width / large.width)


def test_the_page_tells_what_the_card_says(tmp_path: Path) -> None:
    from scripts.anomaly_page import devices

    rate = {"value": 0.5, "low": 0.4, "high": 0.6, "hits": 5, "trials": 10}
    found = {
        "devices": 20, "part_auc": 0.8, "auc": 0.7, "part_table": {"tp": rate, "fp": rate},
        "at": {"0.05": {"pd": rate, "pfa": rate}}, "found": {"kind": {"metal_plate": [3, 5]}},
    }  # fmt: skip
    lines = devices(found)
    assert "| found at 0.05: kind metal plate | 3 of 5 |" in lines
    assert any(line.startswith("| devices, threshold for PFA 0.05 | PD 0.500") for line in lines)
