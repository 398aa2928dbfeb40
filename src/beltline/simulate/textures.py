"""Thickness modulation of soft goods: periodic tiles of folds, creases, weave and grains.

Each kind is a tile of mean 1 made once per process; a texture places it by its seed (shift, turn, scale) in
the image plane. Source: reconstructed from the look of public scans.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.simulate.raster import Beam, Window
from beltline.simulate.solids import Texture

TILE = 512  # pixels
TILE_SCALES = 8  # the largest features of a tile are TILE / TILE_SCALES pixels
VARIANTS = 3

Field = NDArray[np.float32]


def modulation(texture: Texture, beam: Beam, window: Window) -> Field:
    """Factor (window.height, window.width) float32 >= 0, mean about 1, that multiplies a thickness."""
    rng = np.random.default_rng(texture.seed)
    tile = _tile(texture.kind, int(rng.integers(VARIANTS)))
    shift, angle = rng.uniform(0, TILE, 2), rng.uniform(0, 2 * np.pi)
    step = (TILE / TILE_SCALES) * beam.pixel_mm / texture.scale_mm  # tile pixels per image pixel
    stretch = rng.uniform(0.6, 1.6)
    c, s = np.cos(angle) * step, np.sin(angle) * step
    matrix = np.array([[c * stretch, -s * stretch, 0], [s / stretch, c / stretch, 0]])
    matrix[:, 2] = matrix[:, :2] @ [window.col, window.row] + shift
    size = (window.width, window.height)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix[:, 2] %= TILE
    sampled = cv2.warpAffine(tile, matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)
    return np.asarray(np.maximum(1.0 + texture.amplitude * (sampled - 1.0), 0.0), dtype=np.float32)


@lru_cache(maxsize=32)
def _tile(kind: str, variant: int) -> Field:
    rng = np.random.default_rng([sorted(_KINDS).index(kind), variant])
    tile = _KINDS[kind](rng).astype(np.float32)
    return np.ascontiguousarray(tile / tile.mean())


def _noise(rng: np.random.Generator, low: float, high: float, slope: float = 1.6) -> Field:
    """Periodic noise of unit variance with wavelengths TILE/high to TILE/low pixels."""
    fx, fy = np.meshgrid(np.fft.fftfreq(TILE, 1 / TILE), np.fft.rfftfreq(TILE, 1 / TILE), indexing="ij")
    radius = np.hypot(fx, fy)
    gain = np.where((radius >= low) & (radius <= high), np.maximum(radius, 1.0) ** -slope, 0.0)
    phase = rng.normal(size=gain.shape) + 1j * rng.normal(size=gain.shape)
    field = np.fft.irfft2(phase * gain, s=(TILE, TILE))
    return np.asarray(field / field.std(), dtype=np.float32)


def _ridges(field: Field, sharpness: float) -> Field:
    """Thin bright lines along the zero crossings of a noise field."""
    return np.asarray(np.exp(-np.abs(field) * sharpness), dtype=np.float32)


def _layers(rng: np.random.Generator, count: int, low: float, high: float) -> Field:
    """Folded layers: sheets with smooth outlines, one step of thickness each."""
    total = np.zeros((TILE, TILE), dtype=np.float32)
    for _ in range(count):
        total += 0.5 + 0.5 * np.tanh(30 * (_noise(rng, low, high, 2.2) - rng.uniform(-0.7, 0.7)))
    return total


def _cloth(rng: np.random.Generator) -> Field:
    """Crumpled garment: folded layers with step outlines, long creases, mottle."""
    layers = _layers(rng, 6, 3, 22) / 6
    creases = sum(_ridges(_noise(rng, 4, 60, 1.5), s) for s in (14, 22, 30))
    mottle = _noise(rng, 8, 160, 1.3)
    return _field(0.35 + layers * 1.1 + 0.25 * np.asarray(creases) + 0.12 * mottle, 0.05)


def _knit(rng: np.random.Generator) -> Field:
    """Cloth with a bent weave."""
    y, x = np.mgrid[0:TILE, 0:TILE] * (2 * np.pi * 64 / TILE)
    bend = 3 * _noise(rng, 2, 10, 2.0)
    weave = np.cos(x + bend) * (0.6 + 0.4 * np.cos(2 * y + bend))
    return _field(_cloth(rng) + 0.12 * weave, 0.05)


def _layered(rng: np.random.Generator) -> Field:
    """Many thin sheets one over the other: steps rather than creases."""
    return _field(0.3 + _layers(rng, 9, 2, 16) / 6 + 0.08 * _noise(rng, 10, 120, 1.3), 0.05)


def _rib(rng: np.random.Generator) -> Field:
    """Parallel ribs, gently bent."""
    y = np.mgrid[0:TILE, 0:TILE][0] * (2 * np.pi * 40 / TILE)
    ribs = np.tanh(2 * np.sin(y + 4 * _noise(rng, 2, 6, 2.0)))
    return _field(1 + 0.3 * ribs + 0.3 * (_layers(rng, 4, 3, 12) / 4 - 0.5), 0.1)


def _pleats(rng: np.random.Generator) -> Field:
    """Long folds in one direction, of uneven width."""
    y = np.mgrid[0:TILE, 0:TILE][0] * (2 * np.pi * 9 / TILE)
    phase = y + 2.5 * _noise(rng, 1, 4, 2.0)
    steps = (
        0.5
        + 0.5 * np.tanh(6 * np.sin(phase))
        + 0.5 * _ridges(np.asarray(np.sin(phase), dtype=np.float32), 25)
    )
    return _field(0.5 + steps + 0.1 * _noise(rng, 8, 120, 1.3), 0.05)


def _crumple(rng: np.random.Generator) -> Field:
    """Thin foil or lining: sharp creases."""
    creases = sum(_ridges(_noise(rng, 3, 40, 1.4), s) for s in (25, 35, 45, 55))
    return _field(0.6 + 0.5 * np.asarray(creases) + 0.15 * _layers(rng, 4, 3, 12), 0.05)


def _granular(rng: np.random.Generator) -> Field:
    """Powder, food: grains and lumps."""
    return _field(1 + 0.3 * _noise(rng, 20, 200, 0.8) + 0.25 * _noise(rng, 3, 12, 2.0), 0.1)


def _pages(rng: np.random.Generator) -> Field:
    """Sheets of paper seen through: faint lines in one direction."""
    y = np.linspace(0, 1, TILE, endpoint=False)[:, None]
    steps = np.cumsum(rng.normal(size=TILE))[:, None]
    steps -= y * steps[-1]
    wobble = steps / max(float(steps.std()), 1e-6)
    return _field(1 + 0.05 * wobble + 0.05 * _noise(rng, 2, 30, 1.6), 0.3)


def _leather(rng: np.random.Generator) -> Field:
    """Hide: grain and wrinkles."""
    return _field(1 + 0.1 * _noise(rng, 10, 250, 1.0) + 0.2 * _ridges(_noise(rng, 6, 90, 1.2), 20), 0.2)


def _foam(rng: np.random.Generator) -> Field:
    """Foam and stuffing: fine pores, soft lumps."""
    return _field(1 + 0.15 * _noise(rng, 40, 250, 0.6) + 0.2 * _noise(rng, 2, 10, 2.0), 0.2)


def _field(values: NDArray[np.floating], least: float) -> Field:
    return np.asarray(np.maximum(values, least), dtype=np.float32)


_KINDS: dict[str, Callable[[np.random.Generator], Field]] = {
    "cloth": _cloth,
    "knit": _knit,
    "layers": _layered,
    "rib": _rib,
    "pleats": _pleats,
    "crumple": _crumple,
    "granular": _granular,
    "pages": _pages,
    "leather": _leather,
    "foam": _foam,
}
