"""Reviewed scans as click shards, which is what click models learn from.

One shard a scan, because all pictures of a shard are of one size: what is reviewed later adds shards, and
nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan, mask_window
from beltline.formats.click_shards import OBJECT, ClickBag, write_click_classes, write_click_shard
from beltline.formats.shard_writer import shard_path
from beltline.screening.click_view import ClickView, view_of
from beltline.simulate.clickable import touching

Mask = NDArray[np.bool_]


def reviewed_bag(
    scan: Scan, labels: Sequence[str], masks: Sequence[Mask], classes: Sequence[str]
) -> ClickBag:
    """A reviewed scan as it is stored for training.

    Nobody says of which pixels a reviewed object is metal or how much of it is covered, so the object is its
    own part, and its occlusion counts as none. Energies are the scanner's, or those of the colours.

    Args:
        scan: Any quantity and size.
        labels: Of N objects.
        masks: N masks (H, W) of the scan; an empty one is left out.
        classes: All labels of the project; each is a family.
    """
    view = view_of(scan)
    shape = view.picture.shape[1:]
    laid = [(label, _at_size(mask, shape)) for label, mask in zip(labels, masks, strict=True)]
    kept = [(label, mask) for label, mask in laid if mask.any()]
    return ClickBag(
        image=view.picture,
        energies=view.energies,
        box=_around(view),
        style=0,
        objects=_records(kept, classes),
        windows=[_window(mask) for _, mask in kept],
    )


def write_reviewed(folder: Path, bags: Sequence[ClickBag], classes: Sequence[str], first: int = 0) -> int:
    """Write reviewed scans as shards ``first``, ``first + 1``, ...; those without an object are left out.

    Args:
        folder: Of the set.
        bags: From `reviewed_bag`.
        classes: All labels of the project.
        first: Number of the first shard.

    Returns:
        The number after the last one.
    """
    write_click_classes(folder, classes, ("", *classes))
    number = first
    for bag in bags:
        if len(bag.objects):
            if not shard_path(folder, number).is_dir():
                write_click_shard(folder, number, [bag])
            number += 1
    return number


def _records(objects: Sequence[tuple[str, Mask]], classes: Sequence[str]) -> NDArray[Any]:
    twins, groups = touching([label for label, _ in objects], [mask for _, mask in objects])
    records = np.zeros(len(objects), OBJECT)
    for number, (label, mask) in enumerate(objects):
        rows, columns = mask_window(mask)
        record = records[number]
        record["family"] = classes.index(label)
        record["label"] = classes.index(label) + 1  # 0 is everyday
        record["threat"] = True
        record["x1"], record["y1"], record["x2"], record["y2"] = (
            columns.start, rows.start, columns.stop, rows.stop
        )  # fmt: skip
        record["area_px"] = int(mask.sum())
        record["twin"], record["group"] = twins[number], groups[number]
    return records


def _window(mask: Mask) -> Mask:
    """(2, h, w): the object in its box, and no metal."""
    inside = mask[mask_window(mask)]
    return np.stack([inside, np.zeros_like(inside)])


def _around(view: ClickView) -> tuple[float, float, float, float]:
    """The box around all bags of a scan."""
    left, top, right, bottom = zip(*view.bags, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _at_size(mask: Mask, shape: tuple[int, ...]) -> Mask:
    if mask.shape == shape:
        return np.asarray(mask, bool)
    return np.asarray(cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)
