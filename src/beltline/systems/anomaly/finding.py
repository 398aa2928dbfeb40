"""How well devices are found in whole scans: how many, how exactly, and what is taken for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from beltline.core.device_parts import frame_in
from beltline.formats.device_shards import DeviceShards, devices_in
from beltline.metrics import mask_iou, wilson
from beltline.models.dense_anomaly import DenseAnomaly
from beltline.models.mask_rcnn import MaskRcnn
from beltline.screening.device_finder import find_devices
from beltline.screening.device_map import DEVICE, image_of
from beltline.systems.anomaly.recipe import AnomalyRecipe
from beltline.training.tables import rate_text

Mask = NDArray[np.bool_]
Find = Callable[[NDArray[np.uint8]], Sequence[Mask]]
"""From a picture (H, W, 3) to masks (H, W), one a device."""
FOUND_AT = 0.5  # IoU


def finder_of(recipe: AnomalyRecipe, model: nn.Module) -> Find:
    """How a trained model finds devices.

    Args:
        recipe: What it was trained by.
        model: A `DenseAnomaly` or a `MaskRcnn` in eval mode.
    """
    device = next(model.parameters()).device

    def dense(picture: NDArray[np.uint8]) -> Sequence[Mask]:
        with torch.inference_mode():
            logits = model(torch.from_numpy(image_of(picture, recipe.shape)).to(device))
        return find_devices(logits[0, DEVICE].float().cpu().numpy(), picture.shape[:2])

    def mask_rcnn(picture: NDArray[np.uint8]) -> Sequence[Mask]:
        (masks,) = model(torch.from_numpy(image_of(picture, recipe.shape)).to(device))
        inner = [_unframed(mask.cpu().numpy(), picture.shape[:2]) for mask in masks]
        return [mask for mask in inner if mask.any()]

    if isinstance(model, MaskRcnn):
        return mask_rcnn
    assert isinstance(model, DenseAnomaly)
    return dense


def _unframed(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask of a framed picture as one of the picture (H, W)."""
    inner = np.ascontiguousarray(mask[frame_in(size, mask.shape)]).astype(np.uint8)
    return np.asarray(cv2.resize(inner, size[::-1], interpolation=cv2.INTER_NEAREST)) > 0


def finding_figures(find: Find, shards: DeviceShards, limit: int | None = None) -> dict[str, Any]:
    """How well devices are found in the whole scans of device shards.

    Args:
        find: From `finder_of`, or a rule.
        shards: With whole scans.
        limit: The first so many scans.

    Returns:
        ``scans``; ``found``, the share of devices of which half (IoU) was found; ``iou``, the mean of the
        best IoU of every device; ``false``, what was taken for a device a scan; ``empty``, the share of scans
        without a device in which nothing was found. Empty where there are no scans.
    """
    if not shards.scans:
        return {}
    overlaps: list[float] = []
    false, empty = 0, []
    for number in range(shards.scans if limit is None else min(limit, shards.scans)):
        planes = shards.scan(number)
        true, found = devices_in(planes[..., 3]), list(find(np.ascontiguousarray(planes[..., :3])))
        table = np.array([[mask_iou(a, b) for b in found] for a in true]).reshape(len(true), len(found))
        overlaps += table.max(axis=1, initial=0.0).tolist()
        false += int((table.max(axis=0, initial=0.0) < FOUND_AT).sum())
        if not true:
            empty.append(not found)
    hits = sum(overlap >= FOUND_AT for overlap in overlaps)
    scans = shards.scans if limit is None else min(limit, shards.scans)
    return {
        "scans": scans,
        "found": asdict(wilson(hits, len(overlaps))) if overlaps else None,
        "iou": float(np.mean(overlaps)) if overlaps else None,
        "false": false / scans,
        "empty": asdict(wilson(sum(empty), len(empty))) if empty else None,
    }


def finding_table(found: Mapping[str, Any]) -> list[str]:
    """`finding_figures` as ``beltline evaluate`` shows them."""
    lines = [f"{found['scans']} whole scans, {found['false']:.2f} a scan taken for a device that is none"]
    if found["found"]:
        lines.append(f"devices found: {rate_text(found['found'])}, mean IoU {found['iou']:.3f}")
    if found["empty"]:
        lines.append(f"scans without a device in which none was found: {rate_text(found['empty'])}")
    return lines


def everything_dark(picture: NDArray[np.uint8]) -> list[Mask]:
    """The rule beside: every large connected thing darker than half is a device.

    Example:
        >>> picture = np.full((90, 90, 3), 250, np.uint8); picture[20:60, 20:70] = 60
        >>> [int(mask.sum()) for mask in everything_dark(picture)]
        [1820]
    """
    dark = (cv2.GaussianBlur(picture.mean(axis=2).astype(np.float32), (0, 0), 2) < 128).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(dark)
    least = 0.01 * dark.size
    return [parts == k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= least]
