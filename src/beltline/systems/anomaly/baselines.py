"""What needs no training for it: darkness, the middle, PatchCore on benign devices; asked like a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core.device_parts import OBJECT_SIZE, CutDevice, frame_in
from beltline.formats.device_shards import DeviceShards
from beltline.models.exemplars import Exemplars
from beltline.models.patchcore import PatchCore
from beltline.screening.device_map import image_of, part_logits
from beltline.systems.anomaly.judge import Judged

Places = Callable[[CutDevice], NDArray[np.floating[Any]]]
"""A number for each pixel (h, w) of a device, larger where it is more suspicious."""
REMEMBERED = 150  # benign devices that a memory is fitted on


def judge_places(shards: DeviceShards, places: Places) -> Judged:
    """What a rule says of each pixel of all devices, as numbers of their parts."""
    rows = np.arange(len(shards))
    cut = (shards.device(int(row)) for row in rows)
    logits = np.concatenate([part_logits(one, places(one)) for one in cut])
    truth, pair = (shards.devices[name].astype(np.int64) for name in ("positive", "pair"))
    device, labels = np.repeat(rows, shards.devices["parts"]), shards.parts["label"].astype(np.int64)
    areas = shards.parts["area_px"].astype(np.float64)
    return Judged(rows, logits, areas, device, labels, truth, pair)


def darkness(device: CutDevice) -> NDArray[np.float64]:
    """How dark each pixel is: what attenuates more is more suspicious.

    Example:
        >>> from beltline.core.device_parts import cut_device
        >>> scan = np.full((60, 60, 3), 200, np.uint8); scan[20:40, 20:40] = 50
        >>> found = darkness(cut_device(scan, np.ones((60, 60), bool), 0.8))
        >>> float(found.min()), float(found.max())
        (55.0, 205.0)
    """
    return np.asarray(255.0 - device.rgb.min(axis=2))


def middle(device: CutDevice) -> NDArray[np.float64]:
    """How far each pixel is from the device's edge: nothing is hidden in a rim, whatever it looks like.

    Example:
        >>> from beltline.core.device_parts import cut_device
        >>> found = middle(cut_device(np.full((60, 60, 3), 50, np.uint8), np.ones((60, 60), bool), 0.8))
        >>> np.unravel_index(found.argmax(), found.shape), float(found[0, 0])
        ((np.int64(29), np.int64(29)), 1.0)
    """
    around = np.pad(device.mask.astype(np.uint8), 1)
    far = cv2.distanceTransform(around, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(far[1:-1, 1:-1], np.float64)


def remembering(name: str, train: DeviceShards, **options: Any) -> Places:
    """PatchCore, or the nearest exemplar, fitted on benign training devices.

    Args:
        name: One of ``MEMORIES``.
        train: Devices; those that conceal something are left out.
        options: Of the model.
    """
    model = MEMORIES[name](**options)
    benign = np.flatnonzero(~train.devices["positive"])
    model.fit(_pictures(train, benign[:: max(len(benign) // REMEMBERED, 1)]))

    def places(device: CutDevice) -> NDArray[np.floating[Any]]:
        found = model(*_picture(device))[0][0].numpy()
        inner = found[frame_in(device.mask.shape, found.shape)]
        rows, columns = (np.arange(n) * m // n for n, m in zip(device.mask.shape, inner.shape, strict=True))
        return np.asarray(inner[np.ix_(rows, columns)])

    return places


def _pictures(shards: DeviceShards, rows: NDArray[np.int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return (_picture(shards.device(int(row))) for row in rows)


def _picture(device: CutDevice) -> tuple[torch.Tensor, torch.Tensor]:
    """A device (1, 3, H, W) on white and its mask (1, 1, H, W)."""
    beside = np.where(device.mask[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    mask = 1 - image_of(beside, OBJECT_SIZE)[:, :1]
    return torch.from_numpy(image_of(device.rgb, OBJECT_SIZE)), torch.from_numpy(mask)


#: What learns from benign devices alone, by name.
MEMORIES: Mapping[str, type[PatchCore] | type[Exemplars]] = MappingProxyType(
    {"PatchCore": PatchCore, "nearest exemplar": Exemplars}
)
#: Rules of a device alone, by name.
RULES: Mapping[str, Places] = MappingProxyType({"darkness": darkness, "middle": middle})
