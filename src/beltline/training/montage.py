"""Several bags in one picture, as scanners have them that cut their pictures by length of belt.

Every thing in such a picture takes up less of it: guns in public scans a third of what they take up in a
simulated bag alone, see ``benchmarks/item_sizes.py`` and docs/training.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.formats.shard_writer import STRIDE

Pixels = NDArray[np.uint8]
MOST = 6  # bags of a picture
GAPS = 4  # between bags there are up to so many cells of coverage, less one
AIR = 235  # a pixel with all colours from here on is air


@dataclass(frozen=True)
class Tile:
    """Where a bag comes from and where it goes, pixels, all multiples of 8.

    Attributes:
        cut: top, left, bottom, right of the part of its scan that is taken.
        corner: top, left in the picture of all.
    """

    cut: tuple[int, int, int, int]
    corner: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        top, left, bottom, right = self.cut
        return bottom - top, right - left


@dataclass(frozen=True)
class Montage:
    """How scans lie side by side.

    Attributes:
        size: Height and width of the picture of all, multiples of 8.
        tiles: One of each scan.
    """

    size: tuple[int, int]
    tiles: tuple[Tile, ...]

    def pixels(self, scans: Sequence[Pixels]) -> Pixels:
        """The scans (H, W, 3) in one picture, white between them."""
        out = np.full((*self.size, 3), 255, np.uint8)
        for tile, scan in zip(self.tiles, scans, strict=True):
            _paste(out, scan, tile, 1)
        return out

    def planes(self, planes: Sequence[Pixels]) -> Pixels:
        """Their coverage planes (K, H / 8, W / 8) likewise, 0 between them."""
        height, width = self.size
        out = np.zeros((height // STRIDE, width // STRIDE, len(planes[0])), np.uint8)
        for tile, plane in zip(self.tiles, planes, strict=True):
            _paste(out, np.moveaxis(plane, 0, 2), tile, STRIDE)
        return np.ascontiguousarray(np.moveaxis(out, 2, 0))

    def boxes(self, boxes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Their boxes (M, 4) xyxy, one scan's after the other's."""
        moved = [
            one + np.array([left - tile.cut[1], top - tile.cut[0]] * 2, np.float32)
            for tile, one in zip(self.tiles, boxes, strict=True)
            for top, left in [tile.corner]
        ]
        return np.concatenate(moved).astype(np.float32)


def draw_others(rng: np.random.Generator, chance: float, scans: int) -> NDArray[np.int64]:
    """Numbers of the scans that one is shown with: with probability ``chance`` one to five, else none.

    Nothing is drawn where ``chance`` is 0.
    """
    if not chance or rng.random() >= chance:
        return np.zeros(0, np.int64)
    return rng.integers(0, scans, int(rng.integers(1, MOST)))


def draw_montage(rng: np.random.Generator, scans: Sequence[Pixels]) -> Montage:
    """Lay scans (H, W, 3) in one or two rows, each cut to what is not air.

    Args:
        rng: Of rows, gaps and places.
        scans: At least one; sides are multiples of 8.
    """
    rows = 2 if len(scans) > 3 else int(rng.integers(1, min(len(scans), 2) + 1))
    cuts = [content(scan) for scan in scans]
    tiles: list[Tile] = []
    top = width = 0
    for line in np.array_split(np.arange(len(scans)), rows):
        sizes = [(cuts[n][2] - cuts[n][0], cuts[n][3] - cuts[n][1]) for n in line]
        tallest, left = max(height for height, _ in sizes), 0
        for n, (height, across) in zip(line, sizes, strict=True):
            free = (tallest - height) // STRIDE
            tiles.append(Tile(cuts[n], (top + STRIDE * int(rng.integers(0, free + 1)), left)))
            left += across + STRIDE * int(rng.integers(0, GAPS))
        width, top = max(width, left), top + tallest + STRIDE * int(rng.integers(0, GAPS))
    return Montage((top, width), tuple(tiles))


def content(scan: Pixels) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of what is not air in (H, W, 3), out to whole cells; all of a scan of air."""
    solid = scan.min(2) < AIR
    rows, columns = (np.flatnonzero(solid.any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, scan.shape[0], scan.shape[1]
    top, left = (int(n[0]) // STRIDE * STRIDE for n in (rows, columns))
    bottom, right = ((int(n[-1]) // STRIDE + 1) * STRIDE for n in (rows, columns))
    return top, left, bottom, right


def _paste(out: Pixels, source: Pixels, tile: Tile, stride: int) -> None:
    top, left, bottom, right = (n // stride for n in tile.cut)
    y, x = (n // stride for n in tile.corner)
    out[y : y + bottom - top, x : x + right - left] = source[top:bottom, left:right]
