"""Where a threat goes: turned, scaled, inside the bag, with as much over and under it as is wished."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.synthesis.domains import optical_depth
from beltline.synthesis.threat import Domain, Threat

Floats = NDArray[np.float32]
AIR_DEPTH = 0.05  # optical depth under which a pixel of a bag counts as air
COARSE = 4  # places are sought on a grid this many pixels wide
INSIDE = 0.98  # share of the item that has to lie in the bag


@dataclass(frozen=True)
class Wish:
    """Which places are wanted; ranges are (lowest, highest), in [0, 1].

    Attributes:
        difficulty: Share of the optical depth under the item that is the bag's: 0 over air, 0.5 where the
            bag weighs as much as the item.
        overlap: Share of the item that lies over something and not over a gap of the bag.
        deepest: Largest mean optical depth of bag and item together; no scanner sees through more.
    """

    difficulty: tuple[float, float] = (0.0, 0.8)
    overlap: tuple[float, float] = (0.5, 1.0)
    deepest: float = 5.0


@dataclass(frozen=True)
class Place:
    """Where an item lies.

    Attributes:
        corner: Row and column of its first pixel.
        inside: Share of it inside the bag.
        overlap: See `Wish`.
        difficulty: See `Wish`.
        depth: Mean optical depth of bag and item under the mask.
    """

    corner: tuple[int, int]
    inside: float
    overlap: float
    difficulty: float
    depth: float

    def window(self, threat: Threat, margin: int = 0) -> tuple[slice, slice]:
        """Rows and columns of a threat that lies there, with a margin as far as the picture reaches."""
        rows, columns = (
            slice(max(first - margin, 0), first + length + margin)
            for first, length in zip(self.corner, threat.mask.shape, strict=True)
        )
        return rows, columns


@dataclass(frozen=True, eq=False)
class Ground:
    """What placing needs to know of a bag, computed once.

    Attributes:
        depth: (H, W) optical depth.
        inside: (H, W) bool, the silhouette of the bag with its gaps filled.
    """

    depth: Floats
    inside: NDArray[np.bool_]


def ground_of(pixels: Floats, domain: Domain) -> Ground:
    """Depth and silhouette of a bag."""
    depth = optical_depth(pixels, domain)
    return Ground(depth, silhouette(depth))


def silhouette(depth: Floats) -> NDArray[np.bool_]:
    """(H, W) bool: outlines of everything but air, closed and filled; crumbs beside the bag are left out."""
    solid = (cv2.GaussianBlur(depth, (5, 5), 1.2) > AIR_DEPTH).astype(np.uint8)
    side = max(min(depth.shape) // 100, 1)  # bags side by side stay apart
    closed = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((2 * side + 1,) * 2, np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(outline) for outline in outlines]
    filled = np.zeros(depth.shape, np.uint8)
    large = [o for o, a in zip(outlines, areas, strict=True) if a >= 0.1 * max(areas)]
    cv2.drawContours(filled, large, -1, 1, cv2.FILLED)
    return filled > 0


def turned(threat: Threat, *, scale: float = 1.0, degrees: float = 0.0, mirror: bool = False) -> Threat:
    """The threat scaled, turned and mirrored.

    Transmissions are interpolated as such, thicknesses of basis maps as such: what a detector would do. A
    quarter turn and a mirror image are exact.

    Args:
        threat: The item.
        scale: Side of a pixel of the threat's scan over that of the bag's; thickness is untouched.
        degrees: Counter-clockwise.
        mirror: Left to right, before the turn.

    Raises:
        ValueError: If the scale is not positive.
    """
    if scale <= 0:
        raise ValueError(f"scale must be positive, got {scale}")
    pixels, mask = threat.pixels, threat.mask
    if mirror:
        pixels, mask = pixels[:, :, ::-1], mask[:, ::-1]
    quarters, rest = divmod(degrees + 45, 90)
    pixels, mask = np.rot90(pixels, int(quarters), axes=(1, 2)), np.rot90(mask, int(quarters))
    if abs(rest - 45) > 1e-6 or scale != 1:
        pixels, mask = _warped(pixels, mask, scale, rest - 45, 0.0 if threat.domain == "basis" else 1.0)
    mm = None if threat.pixel_mm is None else threat.pixel_mm / scale
    return replace(threat, pixels=np.ascontiguousarray(pixels), mask=np.ascontiguousarray(mask), pixel_mm=mm)


def _warped(
    pixels: Floats, mask: Floats, scale: float, degrees: float, outside: float
) -> tuple[Floats, Floats]:
    height, width = mask.shape
    cosine, sine = abs(np.cos(np.radians(degrees))), abs(np.sin(np.radians(degrees)))
    size = (
        int(np.ceil(scale * (width * cosine + height * sine))) + 2,
        int(np.ceil(scale * (width * sine + height * cosine))) + 2,
    )
    if scale < 1:  # averaged before it is sampled, else thin parts vanish
        sigma = 0.5 * (1 / scale - 1)
        if sigma > 0.1:
            pixels = np.stack([_blurred(plane, sigma, outside) for plane in pixels])
            mask = _blurred(mask, sigma, 0.0)
    matrix = np.array(
        cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale), np.float64
    )
    matrix[:, 2] += (np.array(size) - 1) / 2 - np.array([(width - 1) / 2, (height - 1) / 2])
    planes = [_sampled(plane, matrix, size, outside) for plane in pixels]
    return np.stack(planes), np.clip(_sampled(mask, matrix, size, 0.0), 0, 1)


def _blurred(plane: Floats, sigma: float, outside: float) -> Floats:
    rim = int(3 * sigma) + 1
    wide = np.pad(plane, rim, constant_values=outside)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), sigma)[rim:-rim, rim:-rim], np.float32)


def _sampled(plane: Floats, matrix: NDArray[np.float64], size: tuple[int, int], outside: float) -> Floats:
    source = np.ascontiguousarray(plane, np.float32)
    return np.asarray(
        cv2.warpAffine(
            source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
        ),
        np.float32,
    )


def find_place(ground: Ground, threat: Threat, wish: Wish, rng: np.random.Generator) -> Place | None:
    """A place by chance among all that fit and are as wished.

    The item lies wholly in the picture and by 0.98 in the bag, never over what is too thick to see through.

    Returns:
        None where there is no such place; another turn or another bag may have one.
    """
    height, width = threat.mask.shape
    if height > ground.depth.shape[0] or width > ground.depth.shape[1]:
        return None
    own = optical_depth(threat.pixels, threat.domain)
    area = float(threat.mask.sum())
    own_depth = float((own * threat.mask).sum()) / area
    small = _coarse(threat.mask)
    inside, over, under = (
        _sums(_coarse(plane.astype(np.float32)), small)
        for plane in (ground.inside, ground.depth > AIR_DEPTH, ground.depth)
    )
    difficulty = under / np.maximum(under + own_depth, 1e-6)
    fits = (
        (inside >= INSIDE - 0.01)
        & (difficulty >= wish.difficulty[0])
        & (difficulty <= wish.difficulty[1])
        & (over >= wish.overlap[0] - 0.01)
        & (over <= wish.overlap[1] + 0.01)
        & (under + own_depth <= wish.deepest)
    )
    choices = np.flatnonzero(fits)
    for index in rng.permutation(choices)[:8]:
        row, column = (int(i) * COARSE for i in np.unravel_index(index, fits.shape))
        corner = min(row, ground.depth.shape[0] - height), min(column, ground.depth.shape[1] - width)
        place = place_at(ground, threat, corner)
        if place.inside >= INSIDE and wish.difficulty[0] <= place.difficulty <= wish.difficulty[1]:
            return place
    return None


def place_at(ground: Ground, threat: Threat, corner: tuple[int, int]) -> Place:
    """What a place is like, exactly; the item has to lie wholly in the picture."""
    height, width = threat.mask.shape
    window = np.s_[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    weight = threat.mask / threat.mask.sum()
    own = float((optical_depth(threat.pixels, threat.domain) * weight).sum())
    under = float((ground.depth[window] * weight).sum())
    inside = float((ground.inside[window] * weight).sum())
    over = float(((ground.depth[window] > AIR_DEPTH) * weight).sum())
    return Place(corner, inside, over, under / max(under + own, 1e-6), under + own)


def _coarse(plane: Floats) -> Floats:
    """Means over cells of 4 pixels, the rest of a cell taken as empty."""
    height, width = (-(-n // COARSE) * COARSE for n in plane.shape)
    wide = np.zeros((height, width), np.float32)
    wide[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(
        cv2.resize(wide, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA), np.float32
    )


def _sums(plane: Floats, kernel: Floats) -> Floats:
    """Mean of the plane under the kernel for every position that lies wholly inside."""
    return np.asarray(cv2.matchTemplate(plane, kernel, cv2.TM_CCORR) / kernel.sum(), np.float32)
