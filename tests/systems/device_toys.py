"""Device shards of a pattern in which something is hidden that anybody sees."""

from pathlib import Path

import numpy as np

from beltline.core.device_parts import cut_device, part_labels
from beltline.formats.device_shards import (
    StoredDevice,
    framed_scan,
    write_device_names,
    write_device_shard,
)

SIZE = (120, 150)


def toy_device(number: int, positive: bool) -> StoredDevice:
    """A greenish board; a dark block in it where something is hidden."""
    rng = np.random.default_rng(number)
    scan = np.full((*SIZE, 3), 255, np.uint8)
    noise = rng.integers(-15, 15, (SIZE[0] - 20, SIZE[1] - 20, 3))
    scan[10:-10, 10:-10] = np.array([120, 170, 110]) + noise
    mask = np.zeros(SIZE, bool)
    mask[10:-10, 10:-10] = True
    top, left = rng.integers(15, 70), rng.integers(15, 100)
    hidden = np.zeros(SIZE, bool)
    if positive:
        hidden[top : top + 28, left : left + 28] = True
        scan[hidden] = (20, 30, 90)
    cut = cut_device(scan, mask, 0.8)
    facts = {
        "family": number % 2, "kind": number % 3 if positive else -1, "positive": positive, "masked": True,
        "in_bag": bool(number % 2), "pair": number, "pixel_mm": 0.8,
        "difficulty": 0.3 if positive else np.nan,
    }  # fmt: skip
    labels = part_labels(cut, hidden)
    return StoredDevice(cut, hidden[10:-10, 10:-10], labels, facts)


def toy_scan(device: StoredDevice) -> np.ndarray:
    """A device on air."""
    scan, mask = np.full((200, 300, 3), 255, np.uint8), np.zeros((200, 300), bool)
    scan[40:140, 20:150], mask[40:140, 20:150] = device.cut.rgb, device.cut.mask
    return framed_scan(scan, mask)


def write_toy_devices(folder: Path, pairs: int = 24, *, scans: bool = True) -> Path:
    """One shard of devices and their twins, and of whole scans that show a device at the left."""
    devices = [toy_device(n, kind) for n in range(pairs) for kind in (False, True)]
    whole = [toy_scan(device) for device in devices] if scans else []
    write_device_shard(folder, 0, devices, whole)
    write_device_names(folder, ["laptop", "phone"], ["blade", "screws", "organic_block"])
    return folder
