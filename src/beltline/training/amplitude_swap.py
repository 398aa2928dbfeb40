"""The broad colours of unlabelled scans, laid over simulated ones: a scanner's look without a label.

The lowest frequencies of each colour channel keep their phase, which says where things lie, and take the
amplitude of a scan drawn from a folder, which says how bright and of what colour large areas are.

Source:
    Yang and Soatto, FDA (2020), beta 0.01. That air stays white is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats import find_scans, read_scan
from beltline.physics import whiten_background

Pixels = NDArray[np.uint8]
BETA = 0.01
MOST = 500  # scans read of a folder
AIR = 250


@dataclass(frozen=True, eq=False)
class Amplitudes:
    """Low-frequency amplitudes of the scans of a folder at one size.

    Attributes:
        blocks: (N, 2 b + 1, b + 1, 3): frequencies -b..b down, 0..b across, of each channel.
    """

    blocks: NDArray[np.float32]

    @property
    def reach(self) -> int:
        """b, the highest frequency that is swapped."""
        return int(self.blocks.shape[2]) - 1

    def over(self, pixels: Pixels, number: int) -> Pixels:
        """A scan (H, W, 3) with the amplitudes of the folder's scan ``number``, counted round and round."""
        spectrum = np.fft.rfft2(pixels.astype(np.float32), axes=(0, 1))
        rows, columns = _low(self.reach)
        own = spectrum[rows, columns]
        wanted = self.blocks[number % len(self.blocks)]
        spectrum[rows, columns] = wanted * np.exp(1j * np.angle(own))
        found = np.fft.irfft2(spectrum, s=pixels.shape[:2], axes=(0, 1))
        out = np.clip(np.rint(found), 0, 255).astype(np.uint8)
        out[pixels.min(axis=2) >= AIR] = 255
        return out


@cache
def amplitudes_of(folder: str, size: tuple[int, int]) -> Amplitudes:
    """Amplitudes of the scans in a folder, read once, fitted into (H, W) with air around.

    Raises:
        BadInputError: If the folder holds no scan in colour.
    """
    blocks = [_block(pixels, size) for pixels in _pictures(Path(folder))]
    if not blocks:
        raise BadInputError(f"augmentation.amplitude_from: {folder} holds no scan in colour")
    return Amplitudes(np.stack(blocks))


def _pictures(folder: Path) -> list[Pixels]:
    found = []
    for path in find_scans(folder)[:MOST]:
        scan = read_scan(path)
        if scan.channels == ("r", "g", "b"):
            picture = np.moveaxis(np.rint(255 * scan.pixels).astype(np.uint8), 0, 2)
            found.append(whiten_background(np.ascontiguousarray(picture)))
    return found


def _block(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.float32]:
    scale = min(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    inner = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    canvas = np.full((*size, 3), 255, np.uint8)
    top, left = (size[0] - inner[1]) // 2, (size[1] - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        pixels, inner, interpolation=cv2.INTER_AREA
    )
    spectrum = np.fft.rfft2(canvas.astype(np.float32), axes=(0, 1))
    return np.abs(spectrum[_low(max(1, int(BETA * min(size))))]).astype(np.float32)


def _low(reach: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the frequencies -reach..reach and 0..reach in a real spectrum."""
    return np.ix_(np.arange(-reach, reach + 1), np.arange(reach + 1))  # type: ignore[return-value]
