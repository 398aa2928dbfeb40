"""Devices cut from sets and folders into shards."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import ELECTRONICS, BadInputError
from beltline.core.device_parts import PartRule
from beltline.formats import read_set, write_png
from beltline.formats.device_shards import open_device_shards
from beltline.screening import device_sets
from beltline.screening.device_sets import DevicePlan, device_on_air, write_device_set
from beltline.screening.prepare import white_picture
from beltline.simulate import DEVICES, BagRecipe, ElectronicsRecipe, SetPlan, simulate_set
from beltline.simulate.generate import PREVIEW_RECIPE, PREVIEW_SCANNER

SCANS = 6


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three devices and their twins in trays."""
    folder = tmp_path_factory.mktemp("set")
    recipe = ElectronicsRecipe(in_bags=0.0, twins=True)
    simulate_set(folder, SetPlan(SCANS, 2, recipe, replace(PREVIEW_SCANNER, pixel_mm=2.5)))
    return folder


def test_the_known_devices_are_those_that_are_simulated() -> None:
    assert set(ELECTRONICS) == set(DEVICES)


def test_a_set_becomes_shards(devices: Path, tmp_path: Path) -> None:
    assert write_device_set(devices, tmp_path) == SCANS
    shards, scans = open_device_shards(tmp_path), read_set(devices)
    assert shards.devices["positive"].tolist() == [False, True] * (SCANS // 2)
    assert (shards.devices["pixel_mm"] == 2.5).all()
    assert shards.devices["masked"].all()
    assert not shards.devices["in_bag"].any()
    for benign, hidden in zip(shards.devices[::2], shards.devices[1::2], strict=True):
        assert benign["pair"] == hidden["pair"]
        assert benign["kind"] == -1
        assert np.isnan(benign["difficulty"])
        assert 0 <= hidden["difficulty"] <= 1
    for number in range(SCANS):
        record = scans.records[number]
        assert shards.families[shards.devices[number]["family"]] == record["device"]
        labels = shards.parts[shards.rows(number)]["label"]
        assert (labels == 1).any() == bool(number % 2)
    assert shards.scans == SCANS
    assert (shards.scan(0)[..., 3] > 127).any()
    sites = [item["site"]["kind"] for items in scans.annotations for item in items if item.get("site")]
    named = [shards.kinds[kind] for kind in shards.devices["kind"] if kind >= 0]
    assert named == sites


def test_devices_are_cut_from_the_picture_that_models_see(devices: Path, tmp_path: Path) -> None:
    write_device_set(devices, tmp_path)
    shards, scans = open_device_shards(tmp_path), read_set(devices)
    picture, instances = white_picture(scans.scan(0)), scans.instances(0)
    assert instances is not None
    assert instances.masks is not None
    mask = instances.masks.decode()[instances.labels.index(scans.records[0]["device"])]
    device = shards.device(0)
    assert (device.rgb[device.mask] == picture[mask]).all()


def test_a_stopped_run_goes_on_and_another_plan_is_refused(
    devices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_sets, "PER_SHARD", 2)
    write_device_set(devices, tmp_path / "whole")
    write_device_set(devices, tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped" / "shard_00001")
    assert write_device_set(devices, tmp_path / "stopped") == SCANS
    for path in sorted((tmp_path / "whole").rglob("*.npy")):
        assert path.read_bytes() == (tmp_path / "stopped" / path.relative_to(tmp_path / "whole")).read_bytes()
    with pytest.raises(BadInputError, match=r"side_mm was 38\.0, now 20\.0"):
        write_device_set(devices, tmp_path / "whole", DevicePlan(rule=PartRule(side_mm=20.0)))


def test_a_set_whose_ids_are_words_is_cut(devices: Path, tmp_path: Path) -> None:
    shutil.copytree(devices, tmp_path / "set")
    coco = json.loads((tmp_path / "set" / "annotations.json").read_text())
    for image in coco["images"]:
        del image["pair"]
        image["id"] = f"scan {image['id']}"
    for item in coco["annotations"]:
        item["image_id"] = f"scan {item['image_id']}"
    (tmp_path / "set" / "annotations.json").write_text(json.dumps(coco))
    assert write_device_set(tmp_path / "set", tmp_path / "out") == SCANS
    assert len(set(open_device_shards(tmp_path / "out").devices["pair"])) == SCANS


def test_only_the_wanted_families_are_cut(devices: Path, tmp_path: Path) -> None:
    scans = read_set(devices)
    family = str(scans.records[0]["device"])
    wanted = sum(record["device"] == family for record in scans.records)
    assert write_device_set(devices, tmp_path, DevicePlan((family,))) == wanted
    assert open_device_shards(tmp_path).families == (family,)


def test_a_set_without_devices_is_refused(tmp_path: Path) -> None:
    recipe: BagRecipe = replace(PREVIEW_RECIPE, classes=(), positives=0.0, items=(1, 1), garments=(0, 0))
    simulate_set(tmp_path / "set", SetPlan(1, 3, recipe, PREVIEW_SCANNER))
    with pytest.raises(BadInputError, match="none of its objects is one of robot"):
        write_device_set(tmp_path / "set", tmp_path / "out", DevicePlan(("robot",)))


def test_a_users_own_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("benign/a", "benign/b", "anomalous/c"):
        picture = np.full((120, 160, 3), 255, np.uint8)
        picture[20:100, 30:140] = rng.integers(0, 200, (80, 110, 3))
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "own" / f"{name}.png", picture)
    assert main(["data", "devices", str(tmp_path / "own"), "--out", str(tmp_path / "out")]) == 0
    shards = open_device_shards(tmp_path / "out")
    assert shards.devices["positive"].tolist() == [False, False, True]
    assert shards.devices["masked"].tolist() == [True, True, False]
    assert (shards.devices["family"] == -1).all()
    assert shards.device(0).mask.sum() == pytest.approx(80 * 110, rel=0.05)
    assert (shards.parts[shards.rows(0)]["label"] == 0).all()
    assert (shards.parts[shards.rows(2)]["label"] == -1).all()


def test_neither_set_nor_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is neither a set"):
        write_device_set(tmp_path, tmp_path / "out")


def test_a_picture_of_nothing_is_taken_whole() -> None:
    assert device_on_air(np.full((20, 30, 3), 255, np.uint8)).all()
