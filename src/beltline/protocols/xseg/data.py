"""Square pictures of one side with the mask of every instance: what all methods of the experiment see.

A picture is brought whole to the side, its longer side filling it, white below or to the right. Masks come
along by area, half a pixel or more counting; instances that become too small are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats import require_same, write_json
from beltline.formats.json_files import read_json
from beltline.training.sides import to_long_side

#: One instance. ``wanted``: to be segmented in the experiment, else an everyday thing for the pretraining.
#: ``area``: share of the scan that it covers. ``occlusion``: share of the optical depth along its pixels that
#: is of other things. ``metal``: share of its pixels that are metal. The last two may be NaN.
INSTANCE = np.dtype(
    [
        ("image", "<i4"),
        ("label", "<i2"),
        ("wanted", "?"),
        ("area", "<f4"),
        ("occlusion", "<f4"),
        ("metal", "<f4"),
    ]
)
CARD = "card.json"
Mask = NDArray[np.bool_]


class Found(NamedTuple):
    """An instance as a source gives it: the columns of `INSTANCE` without the image, and its mask (H, W)."""

    label: int
    wanted: bool
    occlusion: float
    metal: float
    mask: Mask


Bag = tuple[NDArray[np.uint8], list[Found]]  # picture (H, W, 3) RGB, white = air, and what lies in it


@dataclass(frozen=True, eq=False)
class ClickSet:
    """A set, memory mapped.

    Attributes:
        pictures: (N, S, S, 3) uint8.
        instances: (M,) of `INSTANCE`, sorted by image.
        packed: (M, ceil(S * S / 8)) uint8, their masks.
        labels: K names.
        left_out: Instances that are too small at this side.
    """

    pictures: NDArray[np.uint8]
    instances: NDArray[Any]
    packed: NDArray[np.uint8]
    labels: tuple[str, ...]
    left_out: int

    @property
    def side(self) -> int:
        """S, pixels."""
        return int(self.pictures.shape[1])

    def masks(self, rows: Sequence[int] | NDArray[np.intp]) -> Mask:
        """(n, S, S) of some instances."""
        packed = np.asarray(self.packed[np.asarray(rows, np.intp)])
        bits = np.unpackbits(packed, axis=1, count=self.side**2)
        return bits.reshape(-1, self.side, self.side).astype(bool)

    def image(self, row: int) -> NDArray[np.float32]:
        """(3, S, S) in [0, 1]."""
        return np.ascontiguousarray(np.moveaxis(self.pictures[row], 2, 0), np.float32) / np.float32(255)

    def rows(self, *, wanted: bool = True) -> NDArray[np.intp]:
        """Instances that are to be segmented, or the everyday things."""
        return np.flatnonzero(self.instances["wanted"] == wanted)


def keep_set(
    folder: Path,
    bags: Iterable[Bag],
    labels: Sequence[str],
    *,
    side: int,
    min_area: int,
    made_of: dict[str, Any],
) -> ClickSet:
    """Write a set; see the module.

    Args:
        folder: Of the set.
        bags: Pictures with their instances.
        labels: K names.
        side: Of the square pictures, pixels.
        min_area: Pixels that an instance must keep.
        made_of: What `kept_set` compares.

    Raises:
        BadInputError: If no instance is left.
    """
    pictures: list[NDArray[np.uint8]] = []
    instances: list[tuple[Any, ...]] = []
    packed: list[NDArray[np.uint8]] = []
    left_out = 0
    for number, (picture, found) in enumerate(bags):
        pictures.append(squared(picture, side))
        for one in found:
            mask = squared_mask(one.mask, side)
            if int(mask.sum()) < min_area:
                left_out += 1
                continue
            share = float(one.mask.mean())
            instances.append((number, one.label, one.wanted, share, one.occlusion, one.metal))
            packed.append(np.packbits(mask))
    if not instances:
        raise BadInputError(f"{folder}: no instance of {min_area} pixels or more at {side} pixels a side")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "pictures.npy", np.stack(pictures))
    np.save(folder / "instances.npy", np.array(instances, INSTANCE))
    np.save(folder / "masks.npy", np.stack(packed))
    write_json(folder / CARD, {"made_of": made_of, "labels": list(labels), "left_out": left_out})
    found_set = kept_set(folder, made_of)
    assert found_set is not None
    return found_set


def kept_set(folder: Path, made_of: dict[str, Any]) -> ClickSet | None:
    """The complete set of a folder, None where there is none.

    Raises:
        BadInputError: If it was made of something else; it names what differs.
    """
    if not (folder / CARD).is_file():
        return None
    card = read_json(folder / CARD)
    require_same(card["made_of"], made_of, f"{folder}: made otherwise:", "choose another folder")
    return ClickSet(
        np.load(folder / "pictures.npy", mmap_mode="r"),
        np.load(folder / "instances.npy"),
        np.load(folder / "masks.npy", mmap_mode="r"),
        tuple(card["labels"]),
        int(card["left_out"]),
    )


def squared(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3) in the upper left of a white square."""
    fitted, _ = to_long_side(picture, side)
    square = np.full((side, side, 3), 255, np.uint8)
    square[: fitted.shape[0], : fitted.shape[1]] = fitted
    return square


def squared_mask(mask: Mask, side: int) -> Mask:
    """A mask (H, W) likewise; a pixel of which half is covered counts.

    Example:
        >>> mask = np.zeros((40, 80), bool); mask[10:30, 20:60] = True
        >>> int(squared_mask(mask, 8).sum())
        8
    """
    height, width = mask.shape
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    fitted = cv2.resize(mask.astype(np.float32), size, interpolation=how)
    square = np.zeros((side, side), bool)
    square[: size[1], : size[0]] = fitted >= 0.5
    return square
