"""Device shards from a library: twins alike but for the anomaly; its number alone decides what one holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.simulate import DEVICES, KINDS, ElectronicsRecipe, split_of
from beltline.simulate.device_shards import DeviceShardPlan, write_device_shards
from beltline.simulate.library import ObjectLibrary

PLAN = DeviceShardPlan(pairs=3, styles=(("white", 1.0),))


@pytest.fixture(scope="module")
def recipe(library: ObjectLibrary) -> ElectronicsRecipe:
    return ElectronicsRecipe(twins=True, split=library.split)


@pytest.fixture(scope="module")
def folder(
    library: ObjectLibrary, recipe: ElectronicsRecipe, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("devices")
    assert write_device_shards(out, library, recipe, PLAN, shards=2, seed=5) == 2
    return out


@pytest.fixture(scope="module")
def shards(folder: Path) -> DeviceShards:
    return open_device_shards(folder)


def test_twins_lie_side_by_side(shards: DeviceShards, library: ObjectLibrary) -> None:
    assert len(shards) == 12
    assert shards.families == tuple(DEVICES)
    assert shards.kinds == KINDS
    for benign, hidden in zip(shards.devices[::2], shards.devices[1::2], strict=True):
        assert not benign["positive"]
        assert hidden["positive"]
        assert benign["kind"] == -1
        assert hidden["kind"] >= 0
        assert hidden["anomaly_px"] > 0
        for same in ("pair", "family", "in_bag"):
            assert benign[same] == hidden[same]
        assert split_of(int(benign["pair"])) == library.split
    assert len(set(shards.devices["pair"])) == 6


def test_twins_differ_where_something_is_concealed(shards: DeviceShards) -> None:
    seen = 0
    for number in range(0, len(shards), 2):
        benign, hidden = shards.device(number), shards.device(number + 1)
        if benign.mask.shape != hidden.mask.shape:
            continue  # what was taken out had been the device's rim
        both, anomaly = benign.mask & hidden.mask, shards.anomaly(number + 1)
        apart = np.abs(benign.rgb.astype(int) - hidden.rgb.astype(int)).max(axis=2)
        if (both & ~anomaly).any():
            assert np.median(apart[both & ~anomaly]) <= 3  # scatter and whitening move it a little
            seen += 1
        assert not shards.anomaly(number).any()
    assert seen >= 3


def test_whole_scans_show_devices_or_none(shards: DeviceShards) -> None:
    assert shards.scans >= 6
    covered = [float((shards.scan(n)[..., 3] > 127).mean()) for n in range(shards.scans)]
    assert sum(share > 0 for share in covered) == 6
    assert max(covered) < 0.6
    with pytest.raises(IndexError):
        shards.scan(shards.scans)


def test_parts_with_the_anomaly_are_labelled(shards: DeviceShards) -> None:
    for number in range(len(shards)):
        labels = shards.parts[shards.rows(number)]["label"]
        assert (labels == 1).any() == bool(shards.devices[number]["positive"])


def test_a_shard_depends_on_its_number_alone(
    folder: Path, library: ObjectLibrary, recipe: ElectronicsRecipe, tmp_path: Path
) -> None:
    write_device_shards(tmp_path, library, recipe, PLAN, shards=1, first=1, seed=5)
    for path in (tmp_path / "shard_00001").iterdir():
        assert path.read_bytes() == (folder / "shard_00001" / path.name).read_bytes()


def test_no_other_device_lies_around_it(library: ObjectLibrary) -> None:
    families = frozenset({"laptop", "phone"})
    rest = ObjectLibrary(library.root, left_out=families)
    assert {one.family for one in library.objects} >= families
    assert not families & {one.family for one in rest.objects}
    again = rest.__reduce__()
    assert [one.family for one in again[0](*again[1]).objects] == [one.family for one in rest.objects]


def test_another_split_or_plan_is_refused(
    folder: Path, library: ObjectLibrary, recipe: ElectronicsRecipe, tmp_path: Path
) -> None:
    other = "val" if library.split != "val" else "train"
    with pytest.raises(ValueError, match=f"asked for {other}"):
        write_device_shards(tmp_path, library, replace(recipe, split=other), PLAN, shards=1)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match=r"pairs was 3, now 4"):
        write_device_shards(folder, library, recipe, replace(PLAN, pairs=4), shards=3, seed=5)
    with pytest.raises(ValueError, match="pairs must be at least 1"):
        DeviceShardPlan(pairs=0)


def test_the_command(library: ObjectLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "data",
        "electronics",
        str(tmp_path / "out"),
        "--split",
        library.split,
        "--shards",
        "1",
        "--pairs",
        "1",
    ]
    more = ["--families", "phone", "--kinds", "blade,screws", "--styles", "white", "--in-bags", "0"]
    where = ["--library", str(library.root), "--pixel-mm", str(library.pixel_mm)]
    assert main([*words, *more, *where]) == 0
    shards = open_device_shards(tmp_path / "out")
    assert shards.families == ("phone",)
    assert shards.kinds == ("blade", "screws")
    assert "1 shards of 1 devices" in capsys.readouterr().out
