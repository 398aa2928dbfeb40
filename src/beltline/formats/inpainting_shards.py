"""Inpainting shards on disk: windows of scans around a threat, with it and as they were without.

Layout, N windows of S pixels, C channels::

    DATA/plan.json                     what all shards were made with
    DATA/classes.json                  ["gun", "knife", ...]     names that ``label`` numbers
    DATA/shard_00000/painted.npy       (N, C, S, S) uint8        with the threat
    DATA/shard_00000/bag.npy           (N, C, S, S) uint8        the same bag and noise without it
    DATA/shard_00000/mask.npy          (N, S, S / 8) uint8       its pixels, packed bits
    DATA/shard_00000/windows.npy       (N,) of `WINDOW`

Two channels are low and high energy as codes of attenuation (`beltline.physics.attenuation_code`, 255 times),
three are red, green and blue. Pixels are mapped, not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats.atomic import write_json
from beltline.formats.limits import bad
from beltline.formats.shard_writer import CLASSES, complete_shards, read_classes, shard_in_parts, shard_path

Pixels = NDArray[np.uint8]
#: One window. The box is xyxy in pixels of the window, ``scale`` pixels of the window a pixel of the scan,
#: ``occlusion`` the share of the optical depth along the threat's pixels that is of other things.
WINDOW = np.dtype([("label", "<i2"), ("box", "<f4", (4,)), ("scale", "<f4"), ("occlusion", "<f4")])


class InpaintingWindow(NamedTuple):
    """One window as it is stored."""

    painted: Pixels  # (C, S, S)
    bag: Pixels  # (C, S, S)
    mask: NDArray[np.bool_]  # (S, S)
    facts: tuple[Any, ...]  # a row of `WINDOW`


def write_inpainting_shard(folder: Path, index: int, windows: Sequence[InpaintingWindow]) -> Path:
    """Write one complete shard; see the module for the layout.

    Raises:
        ValueError: If there is no window, or they are of several sizes.
    """
    if not windows:
        raise ValueError("an inpainting shard needs at least one window, got none")
    with shard_in_parts(folder, index) as part:
        np.save(part / "painted.npy", np.stack([one.painted for one in windows]))
        np.save(part / "bag.npy", np.stack([one.bag for one in windows]))
        np.save(part / "mask.npy", np.packbits(np.stack([one.mask for one in windows]), axis=2))
        np.save(part / "windows.npy", np.array([one.facts for one in windows], WINDOW))
    return shard_path(folder, index)


def write_inpainting_classes(folder: Path, classes: Sequence[str]) -> None:
    """Write the names that windows are numbered by."""
    write_json(folder / CLASSES, list(classes))


@dataclass(frozen=True, eq=False)
class InpaintingWindows:
    """All shards of a folder as one set.

    Attributes:
        folder: Where it lies.
        classes: Names that ``windows["label"]`` numbers.
        windows: (N,) of `WINDOW`.

    Example::

        data = open_inpainting_shards(Path("inpainting/train"))
        data.painted([3, 5])  # (2, C, S, S) uint8
    """

    folder: Path
    classes: tuple[str, ...]
    windows: NDArray[Any]
    _painted: tuple[Pixels, ...]
    _bag: tuple[Pixels, ...]
    _mask: tuple[Pixels, ...]
    _starts: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.windows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a window."""
        return self._painted[0].shape[1], self._painted[0].shape[2], self._painted[0].shape[3]

    def painted(self, rows: Sequence[int] | NDArray[np.int64]) -> Pixels:
        """(n, C, S, S) uint8, windows with their threats."""
        return self._taken(self._painted, rows)

    def bag(self, rows: Sequence[int] | NDArray[np.int64]) -> Pixels:
        """(n, C, S, S) uint8, the same windows without them."""
        return self._taken(self._bag, rows)

    def mask(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n, S, S) bool, the threats' pixels, hidden ones included."""
        return np.unpackbits(self._taken(self._mask, rows), axis=2).astype(bool)

    def _taken(self, arrays: tuple[Pixels, ...], rows: Sequence[int] | NDArray[np.int64]) -> Pixels:
        wanted = np.asarray(rows, np.int64)
        found = np.empty((len(wanted), *arrays[0].shape[1:]), arrays[0].dtype)
        shards = np.searchsorted(self._starts, wanted, "right") - 1
        for place, (row, shard) in enumerate(zip(wanted, shards, strict=True)):
            found[place] = arrays[shard][row - self._starts[shard]]
        return found


def open_inpainting_shards(folder: Path) -> InpaintingWindows:
    """Open all complete shards of a folder.

    Raises:
        BadInputError: If there is none, or one is damaged.
    """
    paths = complete_shards(folder) if folder.is_dir() else []
    if not paths or not (paths[0] / "painted.npy").is_file():
        raise bad(folder, "holds no inpainting shards; make them by beltline data inpainting")
    classes = read_classes(folder)
    read = [_read(path) for path in paths]
    painted, bag, mask, tables = (tuple(column) for column in zip(*read, strict=True))
    if len({one.shape[1:] for one in painted}) != 1:
        raise BadInputError(f"{folder}: its shards have windows of several sizes; make them again")
    starts = np.cumsum([0, *(len(table) for table in tables[:-1])])
    return InpaintingWindows(folder, classes, np.concatenate(tables), painted, bag, mask, starts)


def _read(path: Path) -> tuple[Pixels, Pixels, Pixels, NDArray[Any]]:
    try:
        painted, bag, mask = (
            np.load(path / f"{name}.npy", mmap_mode="r") for name in ("painted", "bag", "mask")
        )
        table = np.load(path / "windows.npy")
    except (OSError, ValueError) as error:
        raise bad(path, f"is damaged ({error}); make the shard again") from error
    packed = (len(table), painted.shape[-1], -(-painted.shape[-1] // 8))
    if table.dtype != WINDOW or painted.shape != bag.shape or mask.shape != packed:
        raise BadInputError(f"{path}: its arrays do not belong together; make the shard again")
    return painted, bag, mask, table
