"""Click shards on disk: bags with the exact mask of everything a user could click.

Layout, N bags of H x W pixels, M objects, F families::

    DATA/plan.json                     what all shards were made with
    DATA/classes.json                  {"families": [F names], "labels": ["", "gun", ...]}, "" = everyday
    DATA/shard_00000/images.bin        N PNG, one after the other: RGB, white = air
    DATA/shard_00000/energies.bin      N PNG, grey, (2 H, W): transmission 0..255 of high, below it of low
    DATA/shard_00000/ends.npy          (N, 2) int64: where each picture ends in the two files
    DATA/shard_00000/bags.npy          (N, 4) float32: x1, y1, x2, y2 of the bag, pixels
    DATA/shard_00000/style.npy         (N,) uint8: number of the colour look, as in training shards
    DATA/shard_00000/objects.npy       (M,) of `OBJECT`
    DATA/shard_00000/masks.bin         per object, zlib of np.packbits of (2, y2 - y1, x2 - x1): mask, metal

Lossless, at a third of the bytes of plain arrays: so that a set of some thousand bags stays in memory, where
a picture is decoded in a few milliseconds. Masks are amodal and overlap.
"""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats.atomic import write_json
from beltline.formats.limits import bad
from beltline.formats.shard_writer import CLASSES, complete_shards, shard_in_parts, shard_path

#: One object. ``image`` counts over the shard (over all of them once opened), ``family`` and ``label`` number
#: the names in ``classes.json``; the box holds the mask exactly. ``occlusion``: share of the optical depth
#: along the object's pixels that is of other things. ``metal_share``: share of its pixels that are metal.
#: ``twin``: row of another object of its kind (label, or family of everyday things) that touches it, or -1.
#: ``group``: row of the first of all of its kind that touch each other; its own where none does.
OBJECT = np.dtype(
    [
        ("image", "<i4"), ("family", "<i2"), ("label", "<i2"), ("threat", "?"),
        ("x1", "<i4"), ("y1", "<i4"), ("x2", "<i4"), ("y2", "<i4"), ("area_px", "<i4"),
        ("occlusion", "<f4"), ("metal_share", "<f4"), ("twin", "<i4"), ("group", "<i4"),
        ("offset", "<i8"), ("size", "<i4"),
    ]
)  # fmt: skip
_ROWS = ("twin", "group")  # columns that number rows
_ARRAYS = ("ends", "bags", "style", "objects")
_FILES = ("images", "energies", "masks")
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ClickBag:
    """One bag as it is stored.

    Attributes:
        image: (3, H, W) uint8 RGB.
        energies: (2, H, W) uint8 transmissions of high and low energy, air = 255.
        box: x1, y1, x2, y2 of the bag.
        style: Number of the look.
        objects: (M,) of `OBJECT`; the writer fills in ``image``, ``offset`` and ``size``, and ``twin`` and
            ``group`` count within the bag.
        windows: M windows (2, y2 - y1, x2 - x1) bool: mask and metal.
    """

    image: Pixels
    energies: Pixels
    box: tuple[float, float, float, float]
    style: int
    objects: NDArray[Any]
    windows: Sequence[Mask]


def write_click_shard(folder: Path, index: int, bags: Sequence[ClickBag]) -> Path:
    """Write one complete shard; see the module for the layout.

    Args:
        folder: Of the set.
        index: Number of the shard.
        bags: Its bags, at least one.

    Raises:
        OSError: If it cannot be written.
    """
    pictures = [_png(np.moveaxis(bag.image, 0, 2)[..., ::-1]) for bag in bags]
    energies = [_png(bag.energies.reshape(-1, bag.energies.shape[2])) for bag in bags]
    masks = [zlib.compress(np.packbits(window).tobytes()) for bag in bags for window in bag.windows]
    with shard_in_parts(folder, index) as part:
        for name, blobs in zip(_FILES, (pictures, energies, masks), strict=True):
            (part / f"{name}.bin").write_bytes(b"".join(blobs))
        ends = np.cumsum([(len(a), len(b)) for a, b in zip(pictures, energies, strict=True)], axis=0)
        np.save(part / "ends.npy", ends.astype(np.int64))
        np.save(part / "bags.npy", np.array([bag.box for bag in bags], np.float32))
        np.save(part / "style.npy", np.array([bag.style for bag in bags], np.uint8))
        np.save(part / "objects.npy", _numbered(bags, [len(blob) for blob in masks]))
    return shard_path(folder, index)


def write_click_classes(folder: Path, families: Sequence[str], labels: Sequence[str]) -> None:
    """Write the names that objects are numbered by; ``labels`` begin with "" for everyday things."""
    write_json(folder / CLASSES, {"families": list(families), "labels": list(labels)})


def _numbered(bags: Sequence[ClickBag], sizes: Sequence[int]) -> NDArray[Any]:
    counts = [len(bag.objects) for bag in bags]
    objects = np.concatenate([bag.objects for bag in bags]).astype(OBJECT)
    objects["image"] = np.repeat(np.arange(len(bags)), counts)
    _shift(objects, np.repeat(np.cumsum([0, *counts[:-1]]), counts))
    objects["size"] = sizes
    objects["offset"] = np.cumsum([0, *sizes])[:-1]
    return objects


def _shift(objects: NDArray[Any], rows: NDArray[np.int64] | int) -> None:
    for column in _ROWS:
        objects[column] = np.where(objects[column] < 0, -1, objects[column] + rows)


def _png(pixels: Pixels) -> bytes:
    done, coded = cv2.imencode(".png", np.ascontiguousarray(pixels), _PNG)
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {pixels.shape}")
    return coded.tobytes()


@dataclass(frozen=True, eq=False)
class _Shard:
    """One shard: arrays in memory, files mapped."""

    path: Path
    ends: NDArray[np.int64]
    bags: NDArray[np.float32]
    style: NDArray[np.uint8]
    objects: NDArray[Any]
    images: NDArray[np.uint8]
    energies: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    def decode(self, image: int, column: int, flags: int) -> Pixels:
        blob = (self.images, self.energies)[column]
        first = int(self.ends[image - 1, column]) if image else 0
        pixels = cv2.imdecode(blob[first : int(self.ends[image, column])], flags)
        if pixels is None:
            raise bad(self.path, f"picture {image} is damaged; make the shard again")
        return np.asarray(pixels, np.uint8)


@dataclass(frozen=True, eq=False)
class ClickShards:
    """All shards of a folder as one set; pictures are decoded and masks unpacked when asked for.

    Attributes:
        families: Names that ``objects["family"]`` numbers.
        labels: Names that ``objects["label"]`` numbers; "" for everyday things.
        objects: (M,) of `OBJECT`; ``image``, ``twin`` and ``group`` count over all shards.
        bags: (N, 4) float32 boxes of the bags.
        style: (N,) uint8 numbers of the looks.

    Example::

        shards = open_click_shards(Path("clicks/train"))
        row = int(np.flatnonzero(shards.objects["threat"])[0])
        picture = shards.picture(shards.objects["image"][row])
        part, whole, group = shards.nested(row, (120, 80))
    """

    families: tuple[str, ...]
    labels: tuple[str, ...]
    objects: NDArray[Any]
    bags: NDArray[np.float32]
    style: NDArray[np.uint8]
    _shards: tuple[_Shard, ...]

    def __len__(self) -> int:
        """Number of bags."""
        return len(self.bags)

    @property
    def images(self) -> range:
        """Numbers of all pictures, for `picture` and `energies`."""
        return range(len(self))

    def picture(self, image: int) -> Pixels:
        """(3, H, W) uint8 RGB, white = air."""
        shard, place = self._shard_of_image(image)
        return np.ascontiguousarray(np.moveaxis(shard.decode(place, 0, cv2.IMREAD_COLOR)[..., ::-1], 2, 0))

    def energies(self, image: int) -> Pixels:
        """(2, H, W) uint8 transmissions of high and low energy, air = 255."""
        shard, place = self._shard_of_image(image)
        both = shard.decode(place, 1, cv2.IMREAD_GRAYSCALE)
        return both.reshape(2, -1, both.shape[1])

    def bag(self, image: int) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 of the bag."""
        x1, y1, x2, y2 = (float(value) for value in self.bags[image])
        return x1, y1, x2, y2

    def rows(self, image: int) -> NDArray[np.int64]:
        """Rows of the objects in a picture."""
        return np.arange(*np.searchsorted(self.objects["image"], [image, image + 1]))

    def window(self, row: int) -> Mask:
        """(2, y2 - y1, x2 - x1) bool: the object, and its metal, in its box."""
        row = range(len(self.objects))[row]
        shard = self._shards[int(np.searchsorted(self._object_ends, row, side="right"))]
        one = self.objects[row]
        shape = (2, int(one["y2"] - one["y1"]), int(one["x2"] - one["x1"]))
        blob = shard.masks[int(one["offset"]) : int(one["offset"]) + int(one["size"])]
        try:
            bits = np.frombuffer(zlib.decompress(blob.tobytes()), np.uint8)
            return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)
        except (zlib.error, ValueError) as error:
            raise bad(shard.path, f"mask of object {row} is damaged ({error}); make it again") from error

    def mask(self, row: int) -> Mask:
        """(H, W) bool, the whole object, also where other things cover it."""
        return self._whole(row, self.window(row)[0])

    def metal(self, row: int) -> Mask:
        """(H, W) bool, where the object is of metal."""
        return self._whole(row, self.window(row)[1])

    def nested(self, row: int, click: tuple[int, int]) -> Mask:
        """What a click may mean, small to large: (3, H, W) bool of part, object and group.

        The part is the connected region of the clicked material, metal or not; the whole object where it is
        of one material. The group is the object with all of its kind that touch it, directly or by others.

        Args:
            row: The object.
            click: x, y of a pixel on it.

        Raises:
            ValueError: If the pixel is not on the object.
        """
        one = self.objects[row]
        mask, metal = self.window(row)
        column, line = int(click[0] - one["x1"]), int(click[1] - one["y1"])
        inside = 0 <= line < mask.shape[0] and 0 <= column < mask.shape[1]
        if not inside or not mask[line, column]:
            raise ValueError(f"click must lie on object {row}, got {click[0]}, {click[1]}")
        same = mask & (metal == metal[line, column])
        part = mask if same.all() else _connected(same, line, column)
        whole = self._whole(row, mask)
        group = whole.copy()
        for other in self.rows(int(one["image"])):
            if other != row and self.objects["group"][other] == one["group"]:
                group |= self.mask(int(other))
        return np.stack([self._whole(row, part), whole, group])

    def _whole(self, row: int, window: Mask) -> Mask:
        one = self.objects[row]
        canvas = np.zeros(self._sizes[int(one["image"])], bool)
        canvas[one["y1"] : one["y2"], one["x1"] : one["x2"]] = window
        return canvas

    def _shard_of_image(self, image: int) -> tuple[_Shard, int]:
        image = self.images[image]
        number = int(np.searchsorted(self._image_ends, image, side="right"))
        shard = self._shards[number]
        return shard, image - int(self._image_ends[number]) + len(shard.bags)

    @cached_property
    def _image_ends(self) -> NDArray[np.int64]:
        return np.cumsum([len(shard.bags) for shard in self._shards])

    @cached_property
    def _object_ends(self) -> NDArray[np.int64]:
        return np.cumsum([len(shard.objects) for shard in self._shards])

    @cached_property
    def _sizes(self) -> list[tuple[int, int]]:
        sizes: list[tuple[int, int]] = []
        for shard in self._shards:  # all pictures of a shard are of one size
            height, width = shard.decode(0, 0, cv2.IMREAD_COLOR).shape[:2]
            sizes += [(height, width)] * len(shard.bags)
        return sizes


def open_click_shards(folder: str | Path) -> ClickShards:
    """Open every complete shard of a folder.

    Raises:
        BadInputError: If the folder holds none, or one is damaged.
    """
    root = Path(folder)
    families, labels = _read_classes(root)
    shards = [_open(path) for path in complete_shards(root)]
    if not shards:
        raise bad(root, "no complete click shard; make some with `beltline data clicks`")
    found, images, rows = [], 0, 0
    for shard in shards:
        objects = shard.objects.copy()
        objects["image"] += images
        _shift(objects, rows)
        images, rows = images + len(shard.bags), rows + len(objects)
        found.append(objects)
    objects = np.concatenate(found)
    if (objects["family"] >= len(families)).any() or (objects["label"] >= len(labels)).any():
        raise bad(root, f"{CLASSES} names fewer families or labels than the shards hold")
    bags, style = (np.concatenate([getattr(shard, name) for shard in shards]) for name in ("bags", "style"))
    return ClickShards(families, labels, objects, bags, style, tuple(shards))


def _read_classes(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    path = root / CLASSES
    if not path.is_file():
        raise bad(root, f"no {CLASSES}; expected a folder written by `beltline data clicks`")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return tuple(map(str, record["families"])), tuple(map(str, record["labels"]))
    except (ValueError, KeyError, TypeError) as error:
        raise bad(path, "expected families and labels; these are no click shards") from error


def _open(path: Path) -> _Shard:
    try:
        ends, bags, style, objects = (np.load(path / f"{name}.npy") for name in _ARRAYS)
        images, energies, masks = (_mapped(path / f"{name}.bin") for name in _FILES)
    except (OSError, EOFError, ValueError) as error:
        raise BadInputError(f"{path}: not a readable click shard: {error}") from error
    shard = _Shard(path, ends, bags, style, objects, images, energies, masks)
    count = len(bags)
    fits = shard.ends.shape == (count, 2) and len(shard.style) == count and objects.dtype == OBJECT
    if not fits or not count or tuple(shard.ends[-1]) != (len(shard.images), len(shard.energies)):
        raise bad(path, "its files do not belong together; make the shard again")
    if len(objects) and (
        objects["image"].max() >= count or (objects["offset"] + objects["size"]).max() > len(shard.masks)
    ):
        raise bad(path, "objects.npy points beyond its files; make the shard again")
    return shard


def _mapped(path: Path) -> NDArray[np.uint8]:
    if not path.stat().st_size:
        return np.zeros(0, np.uint8)
    with path.open("rb") as stream:
        return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _connected(mask: Mask, line: int, column: int) -> Mask:
    regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    return np.asarray(regions == regions[line, column])
