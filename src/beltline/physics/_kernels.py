"""Compiled spectral sum: a polynomial exp2 that LLVM turns into vector instructions.

Pixels are worked in blocks that fit the first-level cache: points (one per pixel, or one per subpixel
where these differ) are gathered, evaluated together, and averaged back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, int32, njit
from numba.extending import intrinsic
from numpy.typing import NDArray

Float = NDArray[np.float32]

BLOCK = 128
_FLOOR = np.float32(1e-6)
# No reassociation in fastmath anywhere here: it would cancel the magic number.
_MAGIC = np.float32(12582912.0)  # 1.5 * 2**23: adding it rounds to the nearest integer
_C0 = np.float32(1.0000001)
_C1 = np.float32(0.69314697)
_C2 = np.float32(0.2402212)
_C3 = np.float32(0.05550713)
_C4 = np.float32(0.00967554)
_C5 = np.float32(0.00132765)


def _bitcast(typing_context: Any, bits: Any) -> Any:
    """Numba intrinsic that reinterprets an int32 as float32."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return float32(int32), codegen


_bits_to_float: Any = intrinsic(_bitcast)


@njit(fastmath={"contract", "nsz"}, inline="always")
def _exp2_nonpositive(x: Any) -> Any:
    """2**x for x <= 0, relative error below 3e-7; values under 2**-100 become 2**-100."""
    x = max(x, np.float32(-100.0))
    whole = (x + _MAGIC) - _MAGIC
    f = x - whole
    p = _C4 + f * _C5
    p = _C3 + f * p
    p = _C2 + f * p
    p = _C1 + f * p
    p = _C0 + f * p
    return p * _bits_to_float((np.int32(whole) + np.int32(127)) << np.int32(23))


@njit(fastmath={"contract", "nsz"}, error_model="numpy", boundscheck=False, cache=True)
def _evaluate(
    points: Float, count: int, exponents: Float, low: Float, high: Float, out_low: Float, out_high: Float
) -> None:
    """Spectral sum at ``count`` points of shape (6, count)."""
    for i in range(count):
        out_low[i] = np.float32(0.0)
        out_high[i] = np.float32(0.0)
    for j in range(exponents.shape[0]):
        e0, e1, e2 = exponents[j, 0], exponents[j, 1], exponents[j, 2]
        e3, e4, e5 = exponents[j, 3], exponents[j, 4], exponents[j, 5]
        weight_low, weight_high = low[j], high[j]
        for i in range(count):
            x = e0 * points[0, i] + e1 * points[1, i] + e2 * points[2, i]
            x += e3 * points[3, i] + e4 * points[4, i] + e5 * points[5, i]
            value = _exp2_nonpositive(min(x, np.float32(0.0)))
            out_low[i] += weight_low * value
            out_high[i] += weight_high * value


@njit(boundscheck=False, cache=True)
def _gather(
    basis: Float,
    row: int,
    start: int,
    stop: int,
    factor: int,
    probe: Float,
    tolerance: np.float32,
    points: Float,
    runs: NDArray[np.int32],
) -> int:
    """Copy the points of pixels ``start:stop`` of one row; ``runs`` gets points per pixel (0 = air)."""
    count = 0
    samples = factor * factor
    share = np.float32(1.0) / np.float32(samples)
    for column in range(start, stop):
        lowest, highest = np.float32(np.inf), np.float32(-np.inf)
        for dy in range(factor):
            for dx in range(factor):
                y, x = row * factor + dy, column * factor + dx
                depth = np.float32(0.0)
                for k in range(6):
                    depth += probe[k] * basis[k, y, x]
                lowest, highest = min(lowest, depth), max(highest, depth)
        if lowest == 0.0 and highest == 0.0:
            runs[column - start] = 0
        elif highest - lowest <= tolerance or samples == 1:
            for k in range(6):
                total = np.float32(0.0)
                for dy in range(factor):
                    for dx in range(factor):
                        total += basis[k, row * factor + dy, column * factor + dx]
                points[k, count] = total * share
            count += 1
            runs[column - start] = 1
        else:
            for dy in range(factor):
                for dx in range(factor):
                    for k in range(6):
                        points[k, count] = basis[k, row * factor + dy, column * factor + dx]
                    count += 1
            runs[column - start] = samples
    return count


@njit(boundscheck=False, cache=True)
def _scatter(
    runs: NDArray[np.int32], columns: int, low: Float, high: Float, out_low: Float, out_high: Float
) -> None:
    """Average the points of each pixel of a block into its output."""
    position = 0
    for i in range(columns):
        run = runs[i]
        if run == 0:
            out_low[i] = np.float32(1.0)
            out_high[i] = np.float32(1.0)
            continue
        sum_low, sum_high = np.float32(0.0), np.float32(0.0)
        for _ in range(run):
            sum_low += low[position]
            sum_high += high[position]
            position += 1
        share = np.float32(1.0) / np.float32(run)
        out_low[i] = min(max(sum_low * share, _FLOOR), np.float32(1.0))
        out_high[i] = min(max(sum_high * share, _FLOOR), np.float32(1.0))


@njit(boundscheck=False, nogil=True, cache=True)
def transmit(
    basis: Float,
    factor: int,
    exponents: Float,
    low: Float,
    high: Float,
    probe: Float,
    tolerance: np.float32,
    out_low: Float,
    out_high: Float,
) -> None:
    """Mean intensity of factor x factor subpixels for both channels, written to ``out_low``, ``out_high``."""
    height, width = out_low.shape
    capacity = BLOCK * factor * factor
    points = np.empty((6, capacity), dtype=np.float32)
    point_low = np.empty(capacity, dtype=np.float32)
    point_high = np.empty(capacity, dtype=np.float32)
    runs = np.empty(BLOCK, dtype=np.int32)
    for row in range(height):
        for start in range(0, width, BLOCK):
            stop = min(start + BLOCK, width)
            count = _gather(basis, row, start, stop, factor, probe, tolerance, points, runs)
            _evaluate(points, count, exponents, low, high, point_low, point_high)
            block_low, block_high = out_low[row, start:stop], out_high[row, start:stop]
            _scatter(runs, stop - start, point_low, point_high, block_low, block_high)
