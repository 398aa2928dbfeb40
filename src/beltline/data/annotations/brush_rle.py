"""Label Studio's brush masks: the RGBA values of the whole picture, run-length encoded bit by bit.

Source:
    The format of `rle-pack` in thi.ng/umbrella (Apache-2.0), which Label Studio writes and reads: 32 bits how
    many values, 5 bits the bits of one value less 1, four times 4 bits a width less 1; then blocks: 1 bit
    whether one value is repeated, 2 bits which of the four widths holds the length less 1, the length, and
    the value or values. Values go red, green, blue, alpha, pixel by pixel and row by row.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    runs = _CHANNELS * np.array(row_runs(mask), np.int64)
    values = 255 * (np.arange(len(runs)) % 2)
    codes, bits = _blocks(runs[runs > 0], values[runs > 0])
    head = [(_CHANNELS * mask.size, 32), (_VALUE_BITS - 1, 5), *((width - 1, 4) for width in _WIDTHS)]
    codes = np.concatenate([[code for code, _ in head], codes])
    bits = np.concatenate([[count for _, count in head], bits])
    # Bit k of a code of n bits is its bit n - 1 - k from the right.
    place = np.arange(bits.sum()) - np.repeat(np.cumsum(bits) - bits, bits)
    found = (np.repeat(codes, bits) >> (np.repeat(bits, bits) - 1 - place)) & 1
    spare = np.zeros(8 - len(found) % 8, np.int64)
    packed: list[int] = np.packbits(np.concatenate([found, spare]).astype(np.uint8)).tolist()
    return packed


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


def _blocks(
    runs: NDArray[np.int64], values: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A code and its number of bits for each repeated value; runs that are too long take several."""
    full, rest = np.divmod(runs - 1, _LONGEST)
    lengths = np.full(full.sum() + len(runs), _LONGEST, np.int64)
    lengths[np.cumsum(full + 1) - 1] = rest + 1
    which = np.searchsorted([1 << width for width in _WIDTHS[:-1]], lengths)
    widths = np.array(_WIDTHS)[which]
    codes = ((4 | which) << widths | (lengths - 1)) << _VALUE_BITS | np.repeat(values, full + 1)
    return codes, 3 + widths + _VALUE_BITS


def _runs(packed: bytes, total: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values and how often each comes, in memory of the order of the bytes and not of the picture."""
    stated = _bits(packed, 0, 32)
    if stated != total:
        raise ShapeError(f"a brush mask must hold {total} values, 4 a pixel; got {stated}")
    value_bits = _bits(packed, 32, 5) + 1
    widths = [_bits(packed, 37 + 4 * k, 4) + 1 for k in range(len(_WIDTHS))]
    values: list[int] = []
    lengths: list[int] = []
    at, filled = _HEAD_BITS, 0
    while filled < total:
        head = _bits(packed, at, 3)
        width = widths[head & 3]
        length = _bits(packed, at + 3, width) + 1
        at += 3 + width
        found = _values(packed, at, 1 if head & 4 else length, value_bits)
        values += found
        lengths += [length] if head & 4 else [1] * length
        at += len(found) * value_bits
        filled += length
    if filled > total:
        raise ShapeError(f"a brush mask must hold {total} values, got a run beyond")
    return np.array(values, np.int64), np.array(lengths, np.int64)


def _bits(packed: bytes, at: int, count: int) -> int:
    """A number of at most 32 bits that begins at a bit."""
    window = packed[at >> 3 : (at + count + 7) >> 3]
    spare = 8 * len(window) - (at & 7) - count
    if spare < 0:
        raise ShapeError(f"a brush mask ends early, after {len(packed)} bytes")
    return (int.from_bytes(window, "big") >> spare) & ((1 << count) - 1)


def _values(packed: bytes, at: int, count: int, value_bits: int) -> list[int]:
    """So many values that begin at a bit."""
    if count == 1:
        return [_bits(packed, at, value_bits)]
    last = at + count * value_bits
    if last > 8 * len(packed):
        raise ShapeError(f"a brush mask ends early, after {len(packed)} bytes")
    window = np.frombuffer(packed[at >> 3 : (last + 7) >> 3], np.uint8)
    bits = np.unpackbits(window)[at & 7 : (at & 7) + count * value_bits].reshape(count, value_bits)
    found: list[int] = (
        bits.astype(np.int64) @ (1 << np.arange(value_bits - 1, -1, -1, dtype=np.int64))
    ).tolist()
    return found
