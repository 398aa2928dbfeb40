"""Strips and tiles of a TIFF, unpacked no further than they should go: a megabyte may hold a gigabyte.

LZW is left to Pillow, which takes a strip as a small picture of bytes; tifffile needs another package.
"""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LZMA_BYTES = 100_000_000
_LZW = 5
_SEPARATE = 2


def unpack_page(page: Any, data: bytes) -> NDArray[Any] | None:
    """The samples of a page, shape (C, H, W); None where only tifffile knows how.

    Known are whole bytes a sample, plain, deflate, LZMA or LZW, in strips or tiles, interleaved or in planes,
    also as differences along the row.

    Args:
        page: A page of a `tifffile.TiffFile`, its size checked.
        data: The whole file.

    Raises:
        ValueError: If a strip or tile is shorter than it should be, or damaged.
    """
    if page.compression not in _UNPACK or not _is_plain(page):
        return None
    grid, unpack = _grid(page), _UNPACK[page.compression]
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    if len(page.dataoffsets) < grid.count:
        raise ValueError(f"{len(page.dataoffsets)} strips or tiles, {grid.count} expected")
    out = np.empty((grid.planes * grid.samples, grid.height, grid.width), page.dtype)
    for at, (first, row, column, rows) in enumerate(grid.places()):
        start = page.dataoffsets[at]
        packed = data[start : start + page.databytecounts[at]]
        whole = unpack(packed, rows, grid.wide * grid.samples * dtype.itemsize)
        shape = (rows, grid.wide, grid.samples)
        block = np.moveaxis(_block(whole, dtype, shape, differences=page.predictor == 2), 2, 0)
        target = out[first : first + grid.samples, row : row + rows, column : column + grid.wide]
        target[:] = block[:, : target.shape[1], : target.shape[2]]  # tiles go over the border
    return out


def block_bytes(page: Any) -> int:
    """Bytes of the largest strip or tile of a page when unpacked."""
    grid = _grid(page)
    return grid.tall * grid.wide * grid.samples * -(-int(page.bitspersample) // 8)


@dataclass(frozen=True)
class _Grid:
    """How a page is cut: planes of ``samples`` channels, in blocks of ``tall`` x ``wide`` pixels."""

    height: int
    width: int
    planes: int
    samples: int
    tall: int
    wide: int
    tiled: bool

    @property
    def count(self) -> int:
        """Number of blocks."""
        return self.planes * -(-self.height // self.tall) * -(-self.width // self.wide)

    def places(self) -> Iterator[tuple[int, int, int, int]]:
        """First channel, row and column of each block in the order of the file, and its rows."""
        for plane in range(self.planes):
            for row in range(0, self.height, self.tall):
                rows = self.tall if self.tiled else min(self.tall, self.height - row)
                for column in range(0, self.width, self.wide):
                    yield plane * self.samples, row, column, rows


def _grid(page: Any) -> _Grid:
    height, width, channels = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
    separate, tiled = page.planarconfig == _SEPARATE and channels > 1, bool(page.is_tiled)
    tall = int(page.tilelength) if tiled else min(int(page.rowsperstrip), height)
    wide = int(page.tilewidth) if tiled else width
    planes, samples = (channels, 1) if separate else (1, channels)
    return _Grid(height, width, planes, samples, tall, wide, tiled)


def _is_plain(page: Any) -> bool:
    whole = page.dtype is not None and page.bitspersample == 8 * np.dtype(page.dtype).itemsize
    known = page.predictor == 1 or (page.predictor == 2 and np.dtype(page.dtype).kind in "ui")
    blocks = min(page.tilelength, page.tilewidth) if page.is_tiled else page.rowsperstrip
    return bool(whole and known and page.fillorder == 1 and blocks > 0 and page.imagedepth == 1)


def _block(
    whole: bytes, dtype: np.dtype[Any], shape: tuple[int, int, int], *, differences: bool
) -> NDArray[Any]:
    block: NDArray[Any] = np.frombuffer(whole, dtype, count=shape[0] * shape[1] * shape[2]).reshape(shape)
    if differences:
        native = block.astype(dtype.newbyteorder("="))
        block = np.cumsum(native, axis=1, dtype=native.dtype)  # wraps round as the differences did
    return block


def _plain(packed: bytes, rows: int, row_bytes: int) -> bytes:
    return packed


def _deflate(packed: bytes, rows: int, row_bytes: int) -> bytes:
    return zlib.decompressobj().decompress(packed, rows * row_bytes)


def _lzma(packed: bytes, rows: int, row_bytes: int) -> bytes:
    try:
        return lzma.LZMADecompressor(memlimit=_LZMA_BYTES).decompress(packed, rows * row_bytes)
    except lzma.LZMAError as error:
        raise ValueError(f"LZMA: {error}") from error


def _lzw(packed: bytes, rows: int, row_bytes: int) -> bytes:
    """Through Pillow, as a grey picture of 8 bits whose pixels are the bytes."""
    tags = (
        (256, 4, row_bytes), (257, 4, rows), (258, 3, 8), (259, 3, _LZW), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 4, rows), (279, 4, len(packed)),
    )  # fmt: skip
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    end = 8 + len(packed) + len(packed) % 2
    head = b"II*\x00" + struct.pack("<I", end)
    body = packed + b"\0" * (len(packed) % 2) + struct.pack("<H", len(tags)) + directory + b"\0\0\0\0"
    with Image.open(io.BytesIO(head + body), formats=("TIFF",)) as image:
        return image.tobytes()


_UNPACK: dict[int, Callable[[bytes, int, int], bytes]] = {
    1: _plain, _LZW: _lzw, 8: _deflate, 32946: _deflate, 34925: _lzma,
}  # fmt: skip
