"""Device shards from sets and from folders: electronics cut out of scans, to train and judge anomaly models.

A device is cut from the white picture that all models see: training and screening feed the same pixels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ANOMALY, ELECTRONICS, BadInputError, Progress, Scan, counted
from beltline.core.device_parts import IGNORED, PartRule, cut_device, part_labels
from beltline.formats import begin_plan, find_scans, is_set, read_scan, read_set
from beltline.formats.device_shards import (
    UNKNOWN,
    StoredDevice,
    framed_scan,
    write_device_names,
    write_device_shard,
)
from beltline.formats.set_reader import ScanSet
from beltline.formats.shard_writer import shard_path
from beltline.screening.prepare import white_picture

BENIGN, ANOMALOUS = "benign", "anomalous"  # folders of a user's own pictures, one device each
PER_SHARD = 200
AIR = 245  # grey value from which a pixel of a picture of one device counts as air


@dataclass(frozen=True)
class DevicePlan:
    """How devices are cut out.

    Attributes:
        families: Labels of a set that are devices.
        rule: How they are cut into parts.
    """

    families: tuple[str, ...] = ELECTRONICS
    rule: PartRule = field(default_factory=PartRule)


@dataclass(frozen=True, eq=False)
class CutScan:
    """The devices of a scan, and `framed_scan` of it where they lie among other things."""

    devices: list[StoredDevice]
    scan: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """Where devices come from.

    Attributes:
        families: Names of the devices' families.
        kinds: Names of what is concealed.
        mark: Tells one source from another, for the plan.
        scans: Names of the scans.
        cut: One of them by its number.
    """

    families: tuple[str, ...]
    kinds: tuple[str, ...]
    mark: str
    scans: Sequence[str]
    cut: Callable[[int], CutScan]


def write_device_set(
    root: Path, out: Path, plan: DevicePlan | None = None, *, on_progress: Progress | None = None
) -> int:
    """Cut the devices of a set, or of a folder with ``benign/`` and ``anomalous/``, into shards.

    A stopped run goes on with the shards that are missing.

    Args:
        root: Set with masks of devices, or folder of pictures that show one device each.
        out: Folder of the shards.
        plan: How; the default if None.
        on_progress: Told scans.

    Returns:
        Number of devices.

    Raises:
        BadInputError: If the root is neither, holds no device, or ``out`` was begun with another plan.
    """
    plan = plan or DevicePlan()
    source = set_source(root, plan) if is_set(root) else folder_source(root, plan)
    begin_plan(out, "devices", {"source": source.mark, "plan": plan})
    numbers = iter(counted(range(len(source.scans)), on_progress, name=lambda n: source.scans[n]))
    found = 0
    for index, some in enumerate(_chunks(numbers, PER_SHARD)):
        if shard_path(out, index).is_dir():
            found += len(np.load(shard_path(out, index) / "devices.npy", mmap_mode="r"))
            continue
        cut = [source.cut(number) for number in some]
        devices = [device for one in cut for device in one.devices]
        if devices:
            write_device_shard(out, index, devices, [one.scan for one in cut if one.scan is not None])
        found += len(devices)
    if not found:
        raise BadInputError(f"{root}: none of its objects is one of {', '.join(plan.families)}")
    write_device_names(out, source.families, source.kinds, plan.rule)
    return found


def _chunks(numbers: Iterator[int], size: int) -> Iterator[list[int]]:
    while some := list(islice(numbers, size)):
        yield some


def set_source(root: Path, plan: DevicePlan) -> Source:
    """Devices of a set with masks; what is concealed has the label ``anomaly``.

    Raises:
        BadInputError: If the set is damaged.
    """
    scans = read_set(root)
    sites = [item.get("site") or {} for items in scans.annotations for item in items]
    kinds = tuple(sorted({str(site["kind"]) for site in sites if "kind" in site}))

    def cut(number: int) -> CutScan:
        return _cut_scan(scans, number, plan, kinds)

    mark = hashlib.sha256(json.dumps([list(scans.names), scans.card.get("seed")]).encode()).hexdigest()
    return Source(plan.families, kinds, mark, scans.names, cut)


def _cut_scan(scans: ScanSet, number: int, plan: DevicePlan, kinds: Sequence[str]) -> CutScan:
    items, record, scan = scans.annotations[number], scans.records[number], scans.scan(number)
    wanted = [k for k, item in enumerate(items) if item["label"] in plan.families]
    picture = white_picture(scan)
    if not wanted:
        return CutScan([], framed_scan(picture, np.zeros(picture.shape[:2], np.bool_)))
    instances = scans.instances(number)
    if instances is None or instances.masks is None:
        raise BadInputError(f"{scans.root}: {scans.names[number]} has a device without a mask")
    masks, found = instances.masks.decode(), []
    for row in wanted:
        hidden = [k for k, item in enumerate(items) if _within(item, items[row])]
        anomaly = np.asarray(masks[hidden].any(axis=0))  # of none it is empty
        if not masks[row].any():
            continue
        device = cut_device(picture, masks[row], scan.pixel_mm, plan.rule)
        facts = _facts(record, items[row], [items[k] for k in hidden], plan.families, kinds)
        pair = record.get("pair", number)  # ids of other people's sets may be words
        facts |= {"pair": pair, "pixel_mm": scan.pixel_mm or np.nan, "masked": True}
        found.append(StoredDevice(device, device.within(anomaly), part_labels(device, anomaly), facts))
    return CutScan(found, framed_scan(picture, np.asarray(masks[wanted].any(axis=0))))


def _within(item: Mapping[str, Any], device: Mapping[str, Any]) -> bool:
    """Whether an annotation is of what the device conceals."""
    if item["label"] != ANOMALY:
        return False
    if "object_id" in item and "object_id" in device:
        return bool(item["object_id"] == device["object_id"])
    x, y, width, height = item["bbox"]
    left, top, wide, high = device["bbox"]
    return bool(left <= x + width / 2 <= left + wide and top <= y + height / 2 <= top + high)


def _facts(
    record: Mapping[str, Any],
    device: Mapping[str, Any],
    hidden: Sequence[Mapping[str, Any]],
    families: Sequence[str],
    kinds: Sequence[str],
) -> dict[str, Any]:
    site: Mapping[str, Any] = next((item["site"] for item in hidden if item.get("site")), {})
    return {
        "family": families.index(device["label"]),
        "kind": kinds.index(str(site["kind"])) if "kind" in site else UNKNOWN,
        "positive": bool(hidden),
        "in_bag": record.get("place") == "bag",
        "difficulty": site.get("difficulty", np.nan),
    }


def folder_source(root: Path, plan: DevicePlan) -> Source:
    """Pictures of one device each, in ``benign/`` and ``anomalous/``; where it is concealed is not known.

    Raises:
        BadInputError: If there is no such folder.
    """
    folders = [root / name for name in (BENIGN, ANOMALOUS) if (root / name).is_dir()]
    if not folders:
        raise BadInputError(
            f"{root}: is neither a set (annotations.json) nor a folder with {BENIGN}/ and {ANOMALOUS}/"
        )
    paths = [path for folder in folders for path in find_scans(folder)]
    names = [str(path.relative_to(root)) for path in paths]

    def cut(number: int) -> CutScan:
        positive = names[number].startswith(ANOMALOUS)
        return CutScan([_alone(read_scan(paths[number]), positive, number, plan)])

    mark = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return Source(plan.families, (), mark, names, cut)


def _alone(scan: Scan, positive: bool, number: int, plan: DevicePlan) -> StoredDevice:
    picture = white_picture(scan)
    device = cut_device(picture, device_on_air(picture), scan.pixel_mm, plan.rule)
    labels = np.full(device.parts, IGNORED if positive else 0, np.int8)
    facts = {
        "family": UNKNOWN, "kind": UNKNOWN, "positive": positive, "masked": not positive, "pair": number,
        "difficulty": np.nan, "pixel_mm": scan.pixel_mm or np.nan,
    }  # fmt: skip
    return StoredDevice(device, np.zeros(device.mask.shape, np.bool_), labels, facts)


def device_on_air(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The largest thing (H, W) in a picture (H, W, 3) that shows one device on air, its holes filled.

    All of the picture if nothing stands out.

    Example:
        >>> picture = np.full((60, 80, 3), 255, np.uint8); picture[10:50, 20:70] = 90
        >>> int(device_on_air(picture).sum())
        2000
    """
    grey = picture.min(axis=2)
    solid = cv2.morphologyEx((grey < AIR).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return np.ones(grey.shape, np.bool_)
    largest = max(outlines, key=cv2.contourArea)
    found = np.zeros(grey.shape, np.uint8)
    cv2.drawContours(found, [largest], -1, 1, cv2.FILLED)
    return found.astype(bool)
