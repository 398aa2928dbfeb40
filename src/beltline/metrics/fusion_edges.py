"""How much of two sources' edges a fused image keeps: Q^AB/F and edge intensity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError

Floats = NDArray[np.float64]
AngleRule = Literal["difference", "folded"]


@dataclass(frozen=True)
class EdgeConstants:
    """Sigmoids of Q^AB/F: gain, slope and centre for the strength and for the orientation of edges."""

    strength: tuple[float, float, float]
    orientation: tuple[float, float, float]


PETROVIC = EdgeConstants((0.9994, -15.0, 0.5), (0.9879, -22.0, 0.8))
METRIC_XYDEAS = EdgeConstants((1.0, -10.0, 0.5), (1.0, -20.0, 0.75))


def qabf(
    first: ArrayLike,
    second: ArrayLike,
    fused: ArrayLike,
    *,
    constants: EdgeConstants = PETROVIC,
    angle: AngleRule = "difference",
) -> float:
    """Share of the sources' edge information that the fused image carries.

    Args:
        first: Grey source (H, W), any range that the three share; `luminance` makes one of a colour image.
        second: The other source.
        fused: Fused image.
        constants: `PETROVIC` as in most public code, or `METRIC_XYDEAS` as in MATLAB's metricXydeas.
        angle: ``difference`` is 1 - |a - b| / 90 degrees; ``folded`` is ||a - b| - 90| / 90, as metricXydeas
            has it: it takes opposite orientations for the same.

    Returns:
        About 0 to 0.987 (the sigmoids do not reach 1), NaN where neither source has an edge.

    Raises:
        ShapeError: If the images are not (H, W) of one shape.

    Source:
        Xydeas and Petrovic, Objective image fusion performance measure (2000); the two variants are those of
        public implementations. Borders are mirrored.
    """
    if angle not in get_args(AngleRule):
        raise ValueError(f"angle must be one of {get_args(AngleRule)}, got {angle!r}")
    a, b, f = (_edges(image) for image in same_grey(first, second, fused))
    kept = sum(
        ((_kept(source, f, constants, angle) * source[0]).sum() for source in (a, b)), start=np.float64(0)
    )
    total = a[0].sum() + b[0].sum()
    return float(kept / total) if total > 0 else float("nan")


def edge_intensity(image: ArrayLike) -> float:
    """EI: mean Sobel magnitude of a grey image (H, W) in 0..255; borders are mirrored.

    Source:
        Public fusion benchmarks; higher is sharper, also where the sharpness is noise.
    """
    (grey,) = same_grey(image)
    return float(_edges(grey)[0].mean())


def luminance(rgb: ArrayLike) -> Floats:
    """Grey (H, W) in 0..255 of RGB (H, W, 3) in 0..255, by ITU-R BT.601.

    Raises:
        ShapeError: If the image is not (H, W, 3).
    """
    pixels = np.asarray(rgb, np.float64)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ShapeError(f"a colour image must be (H, W, 3), got {pixels.shape}")
    grey: Floats = pixels @ np.array([0.299, 0.587, 0.114])
    return grey


def same_grey(*images: ArrayLike) -> tuple[Floats, ...]:
    """Images as float64 (H, W) of one shape.

    Raises:
        ShapeError: If one is not (H, W) or the shapes differ.
    """
    made = tuple(np.asarray(image, np.float64) for image in images)
    if any(image.ndim != 2 or image.shape != made[0].shape or 0 in image.shape for image in made):
        raise ShapeError(f"expected grey images (H, W) of one shape, got {[image.shape for image in made]}")
    return made


def _edges(grey: Floats) -> tuple[Floats, Floats]:
    # magnitude and orientation, the latter in (-90, 90] degrees as radians
    across, down = cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1)
    slope = np.divide(down, across, out=np.full_like(down, np.inf), where=across != 0)
    return np.hypot(across, down), np.arctan(slope)


def _kept(
    source: tuple[Floats, Floats], fused: tuple[Floats, Floats], constants: EdgeConstants, angle: AngleRule
) -> Floats:
    larger = np.maximum(source[0], fused[0])
    strength = np.divide(np.minimum(source[0], fused[0]), larger, out=np.ones_like(larger), where=larger > 0)
    turned = np.abs(source[1] - fused[1]) / (np.pi / 2)
    orientation = 1 - turned if angle == "difference" else np.abs(turned - 1)
    kept: Floats = _sigmoid(strength, constants.strength) * _sigmoid(orientation, constants.orientation)
    return kept


def _sigmoid(values: Floats, shape: tuple[float, float, float]) -> Floats:
    gain, slope, centre = shape
    result: Floats = gain / (1 + np.exp(slope * (values - centre)))
    return result
