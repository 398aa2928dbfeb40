"""Label Studio's brush masks: the RGBA values of the whole picture, run-length encoded bit by bit.

Source:
    The format of `rle-pack` in thi.ng/umbrella (Apache-2.0), which Label Studio writes and reads: 32 bits how
    many values, 5 bits the bits of one value less 1, four times 4 bits a width less 1; then blocks: 1 bit
    whether one value is repeated, 2 bits which of the four widths holds the length less 1, the length, and
    the value or values. Values go red, green, blue, alpha, pixel by pixel and row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.data.annotations.row_runs import row_runs

_CHANNELS = 4
_WIDTHS = (3, 4, 8, 16)
_HEAD_BITS = 32 + 5 + 4 * len(_WIDTHS)
_VALUE_BITS = 8
_LONGEST = 1 << _WIDTHS[-1]


def encode_brush(mask: NDArray[np.bool_]) -> list[int]:
    """A mask (H, W) as the bytes that Label Studio keeps, white and opaque inside.

    The same bytes as ``label_studio_sdk.converter.brush.mask2rle`` gives.

    Example:
        >>> encode_brush(np.array([[0, 1]], bool))
        [0, 0, 0, 8, 57, 27, 252, 96, 17, 255, 128]
    """
    total = _CHANNELS * mask.size
    head = f"{total:032b}{_VALUE_BITS - 1:05b}" + "".join(f"{width - 1:04b}" for width in _WIDTHS)
    blocks = [_block(_CHANNELS * run, 255 * (number % 2)) for number, run in enumerate(row_runs(mask)) if run]
    bits = head + "".join(blocks)
    bits += "0" * (8 - len(bits) % 8)
    return np.packbits(np.frombuffer(bits.encode("ascii"), np.uint8) - ord("0")).tolist()


def decode_brush(data: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) of such bytes.

    A pixel counts where its alpha is more than half of the strongest: brushes have soft edges, and masks of
    other programs may be translucent, or 0 and 1.

    Raises:
        ShapeError: If these are no bytes, end early, or hold another number of values than 4 x H x W.
    """
    try:
        packed = bytes(data) if isinstance(data, list) else b""
    except (TypeError, ValueError) as error:
        raise ShapeError("a brush mask must be a list of bytes, 0 to 255") from error
    values, lengths = _runs(packed, _CHANNELS * size[0] * size[1])
    # Alpha of pixel p is value 4 p + 3: of the values before `end`, end // 4 are alphas.
    ends = np.cumsum(lengths) // _CHANNELS
    alphas = np.diff(ends, prepend=0)
    strongest = values[alphas > 0].max(initial=0)
    return np.repeat(2 * values > strongest, alphas).reshape(size)


def _block(length: int, value: int) -> str:
    """One value so many times."""
    full, rest = divmod(length - 1, _LONGEST)
    which, width = next((k, w) for k, w in enumerate(_WIDTHS) if rest < 1 << w)
    longest = f"1{len(_WIDTHS) - 1:02b}{_LONGEST - 1:0{_WIDTHS[-1]}b}{value:0{_VALUE_BITS}b}"
    return longest * full + f"1{which:02b}{rest:0{width}b}{value:0{_VALUE_BITS}b}"


def _runs(packed: bytes, total: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values and how often each comes, in memory of the order of the bytes and not of the picture."""
    stated = _bits(packed, 0, 32)
    if stated != total:
        raise ShapeError(f"a brush mask must hold {total} values, 4 a pixel; got {stated}")
    value_bits = _bits(packed, 32, 5) + 1
    widths = [_bits(packed, 37 + 4 * k, 4) + 1 for k in range(len(_WIDTHS))]
    values: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.int64]] = []
    for found, length in _blocks(packed, value_bits, widths, total):
        values.append(found)
        lengths.append(np.full(len(found), length, np.int64))
    nothing = np.zeros(0, np.int64)
    return np.concatenate([nothing, *values]), np.concatenate([nothing, *lengths])


def _blocks(
    packed: bytes, value_bits: int, widths: Sequence[int], total: int
) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Values of each block and how often each comes: one often, or many once."""
    at, filled = _HEAD_BITS, 0
    while filled < total:
        head = _bits(packed, at, 3)
        width = widths[head & 3]
        length = _bits(packed, at + 3, width) + 1
        at, repeated = at + 3 + width, head >> 2
        count = 1 if repeated else length
        filled += length
        if filled > total:
            raise ShapeError(f"a brush mask must hold {total} values, got a run beyond")
        yield _values(packed, at, count, value_bits), length if repeated else 1
        at += count * value_bits


def _bits(packed: bytes, at: int, count: int) -> int:
    """A number of at most 32 bits that begins at a bit."""
    window = packed[at >> 3 : (at + count + 7) >> 3]
    spare = 8 * len(window) - (at & 7) - count
    if spare < 0:
        raise ShapeError(f"a brush mask ends early, after {len(packed)} bytes")
    return (int.from_bytes(window, "big") >> spare) & ((1 << count) - 1)


def _values(packed: bytes, at: int, count: int, value_bits: int) -> NDArray[np.int64]:
    if count == 1:
        return np.array([_bits(packed, at, value_bits)], np.int64)
    last = at + count * value_bits
    if last > 8 * len(packed):
        raise ShapeError(f"a brush mask ends early, after {len(packed)} bytes")
    window = np.frombuffer(packed[at >> 3 : (last + 7) >> 3], np.uint8)
    bits = np.unpackbits(window)[at & 7 : (at & 7) + count * value_bits].reshape(count, value_bits)
    return bits.astype(np.int64) @ (1 << np.arange(value_bits - 1, -1, -1, dtype=np.int64))
