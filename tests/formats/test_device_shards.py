"""Device shards: what goes in comes out, over several shards, and damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.core.device_parts import cut_device, part_labels
from beltline.formats.device_shards import (
    StoredDevice,
    open_device_shards,
    write_device_names,
    write_device_shard,
)


def stored(seed: int, positive: bool) -> StoredDevice:
    """A device of noise in the middle of a scan."""
    rng = np.random.default_rng(seed)
    scan = rng.integers(0, 200, (90 + 10 * seed, 120, 3), np.uint8)
    mask = np.zeros(scan.shape[:2], bool)
    mask[10:-10, 15:-20] = True
    hidden = np.zeros_like(mask)
    if positive:
        hidden[20:50, 30:60] = True
    cut = cut_device(scan, mask, 0.8)
    window = hidden[10:-10, 15:-20]
    facts = {"family": seed, "kind": 0 if positive else -1, "positive": positive, "masked": True, "pair": 7}
    return StoredDevice(cut, window, part_labels(cut, hidden), facts)


@pytest.fixture
def devices() -> list[StoredDevice]:
    """Three of them, the second with something concealed."""
    return [stored(0, False), stored(1, True), stored(2, False)]


@pytest.fixture
def folder(tmp_path: Path, devices: list[StoredDevice]) -> Path:
    """Two shards."""
    write_device_shard(tmp_path, 0, devices[:2])
    write_device_shard(tmp_path, 1, devices[2:])
    write_device_names(tmp_path, ["laptop", "phone", "radio"], ["blade"])
    return tmp_path


def test_what_goes_in_comes_out(folder: Path, devices: list[StoredDevice]) -> None:
    shards = open_device_shards(folder)
    assert len(shards) == 3
    assert shards.families == ("laptop", "phone", "radio")
    assert shards.kinds == ("blade",)
    assert shards.devices["scan"].tolist() == [0, 1, 2]
    assert shards.devices["family"].tolist() == [0, 1, 2]
    assert shards.devices["positive"].tolist() == [False, True, False]
    for number, device in enumerate(devices):
        found = shards.device(number)
        assert (found.rgb == device.cut.rgb).all()
        assert (found.mask == device.cut.mask).all()
        assert (found.labels == device.cut.labels).all()
        assert (shards.anomaly(number) == device.anomaly).all()
        parts = shards.parts[shards.rows(number)]
        assert (parts["label"] == device.labels).all()
        assert (parts["device"] == number).all()
        assert (parts["area_px"] == device.cut.areas).all()


def test_a_part_is_alone_on_white(folder: Path) -> None:
    shards = open_device_shards(folder)
    for part in (0, len(shards.parts) - 1, int(np.flatnonzero(shards.parts["label"] == 1)[0])):
        row = shards.parts[part]
        picture = shards.part(part)
        assert picture.shape == (row["bottom"] - row["top"], row["right"] - row["left"], 3)
        device = shards.device(int(row["device"]))
        number = part - shards.rows(int(row["device"])).start
        window = np.s_[row["top"] : row["bottom"], row["left"] : row["right"]]
        mine = device.labels[window] == number
        assert mine.sum() == row["area_px"]
        assert (picture[mine] == device.rgb[window][mine]).all()
        assert (picture[~mine] == 255).all()


def test_damage_and_absence_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no device shards"):
        open_device_shards(tmp_path / "none")
    (folder / "shard_00001" / "parts.npy").write_bytes(b"no array")
    with pytest.raises(BadInputError, match=r"shard_00001.* is damaged"):
        open_device_shards(folder)


def test_arrays_of_another_set_are_refused(folder: Path) -> None:
    np.save(folder / "shard_00001" / "pixels.npy", np.zeros((3, 5), np.uint8))
    with pytest.raises(BadInputError, match="do not belong together"):
        open_device_shards(folder)


def test_damaged_names_are_told(folder: Path) -> None:
    (folder / "names.json").write_text("[]")
    with pytest.raises(BadInputError, match=r"names\.json.* is damaged"):
        open_device_shards(folder)


def test_more_parts_than_a_byte_holds_are_refused(tmp_path: Path) -> None:
    device = stored(0, False)
    many = np.arange(device.cut.mask.size, dtype=np.int32).reshape(device.cut.mask.shape)
    cut = type(device.cut)(device.cut.rgb, device.cut.mask, many, (0, 0))
    with pytest.raises(ValueError, match="254 parts"):
        write_device_shard(tmp_path, 0, [StoredDevice(cut, device.anomaly, device.labels, {})])
