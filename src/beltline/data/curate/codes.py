"""A code of 64 bits by which pictures that look alike are found, whichever way round they are.

Source:
    The perceptual hash of Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010):
    a cosine transform of the shrunken picture, a bit for each low frequency. Here a bit is the sign of its
    coefficient instead of a comparison with their median, because a mirrored picture changes the signs of
    odd frequencies and nothing else, and a transposed one swaps rows with columns: the codes of all eight
    orientations follow from one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]

ORIENTATIONS = (
    "the same way round", "mirrored top to bottom", "mirrored left to right", "turned by 180 degrees",
    "transposed", "turned by 90 degrees to the left", "turned by 90 degrees to the right",
    "transposed the other way",
)  # fmt: skip
BANDS = 4
"""A code is four words of 16 bits; low and high frequencies are dealt out to all of them."""
_SIDE, _FREQUENCIES = 32, 8


def _bit_places() -> NDArray[np.intp]:
    """Bit of each coefficient (8, 8): along the diagonals, dealt out to the bands in turn."""
    rows, columns = np.indices((_FREQUENCIES, _FREQUENCIES))
    order = np.lexsort((rows.ravel(), (rows + columns).ravel()))
    bits = np.empty(_FREQUENCIES**2, np.intp)
    rank = np.arange(len(order))
    bits[order] = rank % BANDS * (64 // BANDS) + rank // BANDS
    return bits


_BITS = _bit_places()


def picture_code(luminance: NDArray[np.float32]) -> int:
    """The code of a picture, below 2**64; the bit of the mean is always 0.

    Args:
        luminance: (H, W), any range.

    Example:
        >>> picture = np.random.default_rng(0).random((40, 60)).astype(np.float32)
        >>> picture_code(picture) == picture_code(200 * picture + 7)
        True
    """
    small = cv2.resize(np.ascontiguousarray(luminance), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    positive = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES] > 0
    positive[0, 0] = False
    return int(_packed(positive[None])[0])


def all_orientations(codes: Codes) -> Codes:
    """Codes (N,) of the same pictures in each of `ORIENTATIONS`, (N, 8)."""
    signs = _unpacked(codes)
    odd = np.arange(_FREQUENCIES) % 2 == 1
    mean = np.zeros((_FREQUENCIES, _FREQUENCIES), bool)
    mean[0, 0] = True
    columns = []
    for turned in (signs, signs.transpose(0, 2, 1)):
        for left_right in (False, True):
            for top_bottom in (False, True):
                flips = (odd[None, :] & left_right) ^ (odd[:, None] & top_bottom)
                columns.append(_packed((turned ^ flips) & ~mean))
    return np.stack(columns, axis=1)


def oriented(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A square picture (S, S) in one of `ORIENTATIONS`, by number."""
    turned = picture.T if orientation & 4 else picture
    turned = turned[:, ::-1] if orientation & 2 else turned
    return np.ascontiguousarray(turned[::-1] if orientation & 1 else turned)


def _packed(positive: NDArray[np.bool_]) -> Codes:
    flat = positive.reshape(len(positive), -1)
    bits = np.zeros(flat.shape, bool)
    bits[:, _BITS] = flat
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)[:, 0]


def _unpacked(codes: Codes) -> NDArray[np.bool_]:
    octets = np.ascontiguousarray(codes, dtype="<u8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(octets, axis=1, bitorder="little").astype(bool)
    return bits[:, _BITS].reshape(-1, _FREQUENCIES, _FREQUENCIES)
