"""Device shards on disk: electronics cut out of scans, with their parts and what is known of them.

Layout, N devices of any size, P pixels and M parts in all::

    DATA/plan.json                     what all shards were made with
    DATA/names.json                    {"families": [...], "kinds": [...], "rule": how parts were cut}
    DATA/shard_00000/pixels.npy        (P, 5) uint8: red, green, blue on white, number of the part (255 =
                                       none), 1 where something is concealed; each device row by row
    DATA/shard_00000/devices.npy       (N,) of `DEVICE`
    DATA/shard_00000/parts.npy         (M,) of `PART`
    DATA/shard_00000/scans.npy         (K, 320, 320, 4) uint8, K may be 0: whole scans, framed on white, and
                                       where devices are; some have none

Pixels are mapped, not read: a set larger than the memory is taken part by part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.core.boxes import mask_window
from beltline.core.device_parts import CutDevice, PartRule, framed
from beltline.core.superpixels import NOTHING
from beltline.formats.atomic import write_json
from beltline.formats.limits import bad
from beltline.formats.shard_writer import complete_shards, shard_in_parts, shard_path

NAMES = "names.json"
UNKNOWN = -1
#: One device. ``scan`` counts over the shard (over all of them once opened) and ``pair`` is the same for a
#: device and its twin, else as many different numbers as devices; ``family`` and ``kind`` number the names,
#: -1 = not known or nothing concealed. ``positive``: something is concealed. ``masked``: it is known where.
#: ``difficulty`` in 0..1, NaN where there is none. ``pixel_mm``: NaN where not known. ``first`` and
#: ``parts``: rows of its parts.
DEVICE = np.dtype(
    [
        ("offset", "<i8"), ("height", "<i4"), ("width", "<i4"), ("scan", "<i4"), ("pair", "<i8"),
        ("family", "<i2"), ("kind", "<i2"), ("positive", "?"), ("masked", "?"), ("in_bag", "?"),
        ("difficulty", "<f4"), ("anomaly_px", "<i4"), ("pixel_mm", "<f4"), ("first", "<i4"), ("parts", "<i4"),
    ]
)  # fmt: skip
#: One part. ``label``: 1 anomalous, 0 benign, -1 neither taught nor judged; the window is the part's own.
PART = np.dtype(
    [
        ("device", "<i4"), ("label", "i1"), ("area_px", "<i4"),
        ("top", "<i4"), ("left", "<i4"), ("bottom", "<i4"), ("right", "<i4"),
    ]
)  # fmt: skip
PLANES = 5
MOST_PARTS = 255
SCAN_SIDE = 320  # of the stored whole scans, pixels
LEAST_DEVICE = 30  # pixels of a device in them; smaller pieces are its rim


@dataclass(frozen=True, eq=False)
class StoredDevice:
    """A device as it is stored.

    Attributes:
        cut: The device and its parts.
        anomaly: (h, w) bool, what is concealed, in the device's own window.
        labels: (P,) of its parts, see `beltline.core.device_parts.part_labels`.
        facts: Columns of `DEVICE` beside those that follow from the pixels.
    """

    cut: CutDevice
    anomaly: NDArray[np.bool_]
    labels: NDArray[np.int8]
    facts: dict[str, Any]


def framed_scan(rgb: NDArray[np.uint8], devices: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A whole scan as it is stored, (320, 320, 4).

    Args:
        rgb: (H, W, 3), white = air.
        devices: (H, W) where they are.
    """
    size = (SCAN_SIDE, SCAN_SIDE)
    beside = framed(np.where(devices, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2), size)
    return np.dstack([framed(rgb, size), 255 - beside[..., :1]])


def devices_in(covered: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """The devices of a stored scan, one mask (h, w) each; those that touch are one.

    Args:
        covered: (h, w) in 0..255, the last plane of `framed_scan`.

    Example:
        >>> covered = np.zeros((20, 30), np.uint8); covered[2:10, 3:12] = 255; covered[12:19, 15:28] = 200
        >>> [int(mask.sum()) for mask in devices_in(covered)]
        [72, 91]
    """
    count, parts, stats, _ = cv2.connectedComponentsWithStats((covered > 127).astype(np.uint8))
    return [parts == k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= LEAST_DEVICE]


def write_device_shard(
    folder: Path, index: int, devices: Sequence[StoredDevice], scans: Sequence[NDArray[np.uint8]] = ()
) -> Path:
    """Write one complete shard; see the module for the layout.

    Args:
        folder: Of the set.
        index: Number of the shard.
        devices: At least one.
        scans: From `framed_scan`.

    Raises:
        ValueError: If a device has more parts than a byte can number.
        OSError: If it cannot be written.
    """
    if most := max(one.cut.parts for one in devices) >= MOST_PARTS:
        raise ValueError(f"a device may have {MOST_PARTS - 1} parts, got {most}")
    table = np.zeros(len(devices), DEVICE)
    sizes = [one.cut.mask.size for one in devices]
    counts = [one.cut.parts for one in devices]
    table["scan"] = np.arange(len(devices))
    table["offset"], table["first"] = np.cumsum([0, *sizes[:-1]]), np.cumsum([0, *counts[:-1]])
    table["parts"] = counts
    for row, one in zip(table, devices, strict=True):
        row["height"], row["width"] = one.cut.mask.shape
        row["anomaly_px"] = one.anomaly.sum()
        for name, value in one.facts.items():
            row[name] = value
    with shard_in_parts(folder, index) as part:
        np.save(part / "pixels.npy", np.concatenate([_pixels(one) for one in devices]))
        np.save(part / "devices.npy", table)
        np.save(part / "parts.npy", np.concatenate([_parts(n, one) for n, one in enumerate(devices)]))
        np.save(part / "scans.npy", np.array(scans, np.uint8).reshape(-1, SCAN_SIDE, SCAN_SIDE, 4))
    return shard_path(folder, index)


def write_device_names(
    folder: Path, families: Sequence[str], kinds: Sequence[str], rule: PartRule | None = None
) -> None:
    """Write the names that devices and what they conceal are numbered by, and how their parts were cut."""
    cut = asdict(rule or PartRule())
    write_json(folder / NAMES, {"families": list(families), "kinds": list(kinds), "rule": cut})


def _pixels(one: StoredDevice) -> NDArray[np.uint8]:
    number = np.where(one.cut.labels == NOTHING, MOST_PARTS, one.cut.labels).astype(np.uint8)
    planes = np.dstack([one.cut.rgb, number, one.anomaly.astype(np.uint8)])
    return planes.reshape(-1, PLANES)


def _parts(device: int, one: StoredDevice) -> NDArray[Any]:
    table = np.zeros(one.cut.parts, PART)
    table["device"], table["label"], table["area_px"] = device, one.labels, one.cut.areas
    for number, row in enumerate(table):
        rows, columns = mask_window(one.cut.labels == number)
        row["top"], row["bottom"], row["left"], row["right"] = (
            rows.start,
            rows.stop,
            columns.start,
            columns.stop,
        )
    return table


@dataclass(frozen=True, eq=False)
class DeviceShards:
    """All shards of a folder as one set; pixels are read when asked for.

    Attributes:
        families: Names that ``devices["family"]`` numbers.
        kinds: Names that ``devices["kind"]`` numbers.
        devices: (N,) of `DEVICE`; ``scan`` and ``first`` count over all shards.
        parts: (M,) of `PART`; ``device`` counts over all shards.
        rule: Fields of the `PartRule` that parts were cut by.

    Example::

        shards = open_device_shards(Path("devices/train"))
        whole = shards.device(3)  # CutDevice
        anomalous = np.flatnonzero(shards.parts["label"] == 1)
        picture = shards.part(anomalous[0])  # (h, w, 3) on white
    """

    families: tuple[str, ...]
    kinds: tuple[str, ...]
    devices: NDArray[Any]
    parts: NDArray[Any]
    rule: Mapping[str, Any]
    _pixels: tuple[NDArray[np.uint8], ...]
    _starts: NDArray[np.int64]
    _scans: tuple[NDArray[np.uint8], ...] = ()

    def __len__(self) -> int:
        """Number of devices."""
        return len(self.devices)

    @property
    def scans(self) -> int:
        """Number of whole scans."""
        return sum(len(some) for some in self._scans)

    def scan(self, number: int) -> NDArray[np.uint8]:
        """A whole scan, see `framed_scan`."""
        for some in self._scans:
            if number < len(some):
                return np.asarray(some[number])
            number -= len(some)
        raise IndexError(f"there are {self.scans} scans")

    def planes(self, device: int) -> NDArray[np.uint8]:
        """(h, w, 5) uint8, see the module."""
        row = self.devices[device]
        shard = int(np.searchsorted(self._starts, device, "right")) - 1
        first, shape = int(row["offset"]), (int(row["height"]), int(row["width"]))
        found = self._pixels[shard][first : first + shape[0] * shape[1]]
        return np.asarray(found.reshape(*shape, PLANES))

    def device(self, device: int) -> CutDevice:
        """A device with its parts; its corner is (0, 0)."""
        planes = self.planes(device)
        labels = planes[..., 3].astype(np.int32)
        labels[labels == MOST_PARTS] = NOTHING
        return CutDevice(np.ascontiguousarray(planes[..., :3]), labels != NOTHING, labels, (0, 0))

    def anomaly(self, device: int) -> NDArray[np.bool_]:
        """(h, w) where something is concealed."""
        return np.asarray(self.planes(device)[..., 4] == 1)

    def part(self, part: int) -> NDArray[np.uint8]:
        """A part alone on white, (h, w, 3)."""
        row = self.parts[part]
        device = int(row["device"])
        planes = self.planes(device)[row["top"] : row["bottom"], row["left"] : row["right"]]
        mine = planes[..., 3] == part - int(self.devices[device]["first"])
        return np.where(mine[..., None], planes[..., :3], np.uint8(255))

    def rows(self, device: int) -> slice:
        """Rows of a device's parts."""
        first = int(self.devices[device]["first"])
        return slice(first, first + int(self.devices[device]["parts"]))


def open_device_shards(folder: Path) -> DeviceShards:
    """Open all complete shards of a folder.

    Raises:
        BadInputError: If there is none, or one is damaged.
    """
    paths = complete_shards(folder) if folder.is_dir() else []
    if not paths or not (folder / NAMES).is_file():
        raise bad(folder, "holds no device shards; make them by beltline data devices")
    try:
        names = json.loads((folder / NAMES).read_text("utf-8"))
        families, kinds, rule = tuple(names["families"]), tuple(names["kinds"]), dict(names["rule"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad(folder / NAMES, f"is damaged ({error}); make the shards again") from error
    tables = [_read(path) for path in paths]
    counts = [len(devices) for _, devices, _ in tables]
    parts_before = np.cumsum([0, *(len(parts) for *_, parts in tables)])
    starts = np.cumsum([0, *counts[:-1]])
    for (_, devices, parts), before, start in zip(tables, parts_before, starts, strict=False):
        devices["scan"] += start
        devices["first"] += before
        parts["device"] += start
    return DeviceShards(
        families,
        kinds,
        np.concatenate([devices for _, devices, _ in tables]),
        np.concatenate([parts for *_, parts in tables]),
        rule,
        tuple(pixels for pixels, *_ in tables),
        starts,
        tuple(_read_scans(path) for path in paths),
    )


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any]]:
    try:
        pixels = np.load(path / "pixels.npy", mmap_mode="r")
        devices, parts = np.load(path / "devices.npy"), np.load(path / "parts.npy")
    except (OSError, ValueError) as error:
        raise bad(path, f"is damaged ({error}); make the shard again") from error
    whole = (
        int((devices["height"].astype(np.int64) * devices["width"]).sum()) if devices.dtype == DEVICE else -1
    )
    if devices.dtype != DEVICE or parts.dtype != PART or pixels.shape != (whole, PLANES):
        raise BadInputError(f"{path}: its arrays do not belong together; make the shard again")
    return pixels, devices, parts


def _read_scans(path: Path) -> NDArray[np.uint8]:
    try:
        scans = np.load(path / "scans.npy", mmap_mode="r")
    except (OSError, ValueError) as error:
        raise bad(path, f"is damaged ({error}); make the shard again") from error
    if scans.dtype != np.uint8 or scans.shape[1:] != (SCAN_SIDE, SCAN_SIDE, 4):
        raise BadInputError(f"{path}: its scans are {scans.shape} of {scans.dtype}; make the shard again")
    return np.asarray(scans)
