"""From noise-free transmission to what a console shows: detector, effective atomic number, colour."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beltline.physics import (
    STYLES,
    ColorStyle,
    Detector,
    colorize,
    detect,
    effective_atomic_number,
    random_detector,
    random_style,
)

NAMED_PHOTONS = (1.8e3, 6e3)  # quanta per pixel in air: the grain of public scans lies in this range


def _unseen_style() -> ColorStyle:
    """A look kept for tests: no model is trained on it by name.

    Tables between the grey and the tray look with their blue and green pulled together, a bluish background,
    a flatter tone curve and hardly any edge enhancement. Random styles may come near it, as a customer's
    scanner may.
    """
    table = 0.5 * (STYLES["grey"].table + STYLES["tray"].table)
    mixed = table @ np.array([[1.0, 0.0, 0.0], [0.05, 0.85, 0.1], [0.0, 0.2, 0.8]])
    return ColorStyle(
        "unseen", np.clip(mixed, 0, 255), (238.0, 240.0, 246.0), gamma=0.62, edge_gain=0.8, floor=0.16
    )


TEST_STYLES = {"unseen": _unseen_style()}


@dataclass(frozen=True, eq=False)
class Look:
    """How one scanner measures and colours.

    Attributes:
        name: Style name, "random" for a drawn one.
        style: Colour tables and their settings.
        detector: Noise, blur, bands.
    """

    name: str
    style: ColorStyle
    detector: Detector


@dataclass(frozen=True, eq=False)
class Photograph:
    """One view as measured.

    Attributes:
        low: (H, W) float32 transmission, noisy, in (0, 1].
        high: (H, W) float32 transmission, noisy.
        zeff: (H, W) float32 effective atomic number.
        rgb: (H, W, 3) uint8 pseudo-colour.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    zeff: NDArray[np.float32]
    rgb: NDArray[np.uint8]


def check_style(style: str) -> None:
    """Refuse a style that `draw_look` does not know.

    Raises:
        ValueError: If the style is unknown.
    """
    named = (*STYLES, *TEST_STYLES, "any", "random")
    if style not in named:
        raise ValueError(f"style must be one of {', '.join(named)}, got {style!r}")


def draw_look(rng: np.random.Generator, style: str, *, strength: float = 1.0) -> Look:
    """A named style with a drawn detector, or a wholly random look.

    Args:
        rng: Source of chance.
        style: A key of ``beltline.physics.STYLES``, "any" for one of them by chance, "random", or "unseen".
        strength: How far random styles stray, in [0, 1].

    Raises:
        ValueError: If the style is unknown.
    """
    check_style(style)
    if style == "random":
        return Look("random", random_style(rng, strength=strength), random_detector(rng))
    name = str(rng.choice(sorted(STYLES))) if style == "any" else style
    photons = float(np.exp(rng.uniform(*np.log(NAMED_PHOTONS))))
    detector = replace(random_detector(rng), photons_low=photons, photons_high=1.15 * photons)
    return Look(name, {**STYLES, **TEST_STYLES}[name], detector)


def photograph(
    low: NDArray[np.float32], high: NDArray[np.float32], look: Look, rng: np.random.Generator
) -> Photograph:
    """Measure and colour a noise-free view.

    Args:
        low: (H, W) noise-free low-energy transmission.
        high: (H, W) noise-free high-energy transmission.
        look: Detector and colours.
        rng: Source of the noise.
    """
    low, high = detect(low, high, look.detector, rng)
    zeff = effective_atomic_number(low, high)
    return Photograph(low, high, zeff, colorize(low, high, look.style, zeff=zeff))
