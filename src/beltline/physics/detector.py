"""From clean transmission to what a line-scan detector reports.

Order of effects: focal spot and diode blur, scatter, photon and electronic noise (partly coarse-grained),
gain errors of rows and detector modules, air clip.  Rows are detector channels, columns are belt positions,
so gain errors streak along x.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]

SIGNAL_MIN = 1e-4


@dataclass(frozen=True)
class Detector:
    """Imaging chain of one scanner; every value is non-negative.

    Attributes:
        psf_sigma_px: Gaussian blur of focal spot and diode, in pixels.
        photons_low: Detected quanta per pixel in air, low channel; 0 switches photon noise off.
        photons_high: The same, high channel.
        electronic_sigma: Read noise in quanta.
        row_gain_sigma: Relative gain error of single rows.
        row_drift_sigma: Relative slow drift along the belt, per module.
        band_gain_sigma: Relative gain error of detector modules: horizontal bands.
        band_height_px: Rows per detector module.
        scatter_fraction: Scattered share of the unscattered signal around a pixel.
        scatter_sigma_px: Width of the scatter field in pixels.
        grain_share: Share of the noise variance that is coarse, in [0, 1].
        grain_sigma_px: Correlation width of the coarse grain in pixels.
        air_clip: Signals from here on read as air (1.0); a ramp of 0.015 leads there.
    """

    psf_sigma_px: float = 0.85
    photons_low: float = 6e3
    photons_high: float = 7e3
    electronic_sigma: float = 5.0
    row_gain_sigma: float = 0.0022
    row_drift_sigma: float = 0.0015
    band_gain_sigma: float = 0.0015
    band_height_px: int = 64
    scatter_fraction: float = 0.012
    scatter_sigma_px: float = 25.0
    grain_share: float = 0.45
    grain_sigma_px: float = 0.9
    air_clip: float = 0.985

    def __post_init__(self) -> None:
        """Reject values without meaning."""
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"Detector.{name} must be finite and >= 0, got {value!r}")
        if self.grain_share > 1 or self.band_height_px < 1:
            raise ValueError("Detector.grain_share must be <= 1 and band_height_px >= 1")
        if not 0.5 <= self.air_clip <= 1:
            raise ValueError(f"Detector.air_clip must lie in [0.5, 1], got {self.air_clip}")


IDEAL = Detector(0, 0, 0, 0, 0, 0, 0, 64, 0, 25.0, 0, 0.9, 1.0)


def random_detector(rng: np.random.Generator) -> Detector:
    """Draw a scanner: quanta 3e3 to 3e4, blur, grain and streaks over a wide but believable range.

    Args:
        rng: Source of chance; equal generators give equal detectors.
    """
    photons = float(np.exp(rng.uniform(np.log(3e3), np.log(3e4))))
    return Detector(
        psf_sigma_px=float(rng.uniform(0.5, 1.2)),
        photons_low=photons,
        photons_high=photons * float(rng.uniform(0.9, 1.4)),
        electronic_sigma=float(rng.uniform(2, 10)),
        row_gain_sigma=float(rng.uniform(0.0005, 0.004)),
        row_drift_sigma=float(rng.uniform(0.0, 0.003)),
        band_gain_sigma=float(rng.uniform(0.0, 0.003)),
        band_height_px=int(rng.choice([16, 32, 64, 128])),
        scatter_fraction=float(rng.uniform(0.0, 0.03)),
        scatter_sigma_px=float(rng.uniform(15, 40)),
        grain_share=float(rng.uniform(0.1, 0.8)),
        grain_sigma_px=float(rng.uniform(0.6, 1.5)),
        air_clip=float(rng.uniform(0.975, 0.992)),
    )


def _blur(image: FloatMap, sigma_px: float) -> FloatMap:
    if sigma_px <= 0:
        return image
    size = 2 * int(np.ceil(3 * sigma_px)) + 1
    blurred = cv2.GaussianBlur(image, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def _scattered(image: FloatMap, fraction: float, sigma_px: float) -> FloatMap:
    """Add the scatter field, computed on a grid an eighth as fine."""
    if fraction <= 0:
        return image
    height, width = image.shape
    coarse = max(width // 8, 1), max(height // 8, 1)
    small = np.asarray(cv2.resize(image, coarse, interpolation=cv2.INTER_AREA), np.float32)
    field = cv2.resize(_blur(small, sigma_px / 8), (width, height), interpolation=cv2.INTER_LINEAR)
    absorbed = np.sqrt(np.maximum(np.float32(1.0) - image, np.float32(0.0)))
    return np.asarray(image + np.float32(fraction) * field * absorbed, np.float32)


def grain(shape: tuple[int, int], share: float, sigma_px: float, rng: np.random.Generator) -> FloatMap:
    """Unit-variance noise: white grain mixed with a blurred copy of itself.

    Args:
        shape: Height and width.
        share: Weight of the coarse part in [0, 1]; 0 is white noise.
        sigma_px: Gaussian blur of the coarse part.
        rng: Source of chance.

    Returns:
        Field (H, W), float32, mean 0, variance 1.
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    if share <= 0 or sigma_px <= 0 or white.size == 0:
        return white
    size = 2 * int(np.ceil(3 * sigma_px)) + 1
    kernel = cv2.getGaussianKernel(size, sigma_px)[:, 0]
    norm = float(kernel @ kernel)  # 2-D L2 norm of the separable kernel
    overlap = 2.0 * np.sqrt(share * (1 - share)) * kernel[size // 2] ** 2 / norm
    scale = 1.0 / np.sqrt(1.0 + overlap)
    weights = scale * np.sqrt(1 - share), scale * np.sqrt(share) / norm
    return np.asarray(cv2.addWeighted(white, weights[0], _blur(white, sigma_px), weights[1], 0.0), np.float32)


def _gain(shape: tuple[int, int], detector: Detector, rng: np.random.Generator) -> FloatMap:
    """Gain field (H, W): rows, modules and their slow drift along the belt."""
    height, width = shape
    modules = -(-height // int(detector.band_height_px)) + 1
    offset = int(rng.integers(0, int(detector.band_height_px)))
    module = (np.arange(height) + offset) // int(detector.band_height_px)
    knots = rng.standard_normal((modules, 9), dtype=np.float32) * np.float32(detector.row_drift_sigma)
    drift = cv2.resize(knots, (max(width, 1), modules), interpolation=cv2.INTER_LINEAR)
    band = rng.standard_normal(modules, dtype=np.float32) * np.float32(detector.band_gain_sigma)
    row = rng.standard_normal(height, dtype=np.float32) * np.float32(detector.row_gain_sigma)
    return np.asarray((drift + band[:, None])[module] + (row + np.float32(1.0))[:, None], np.float32)


def _clip_air(signal: FloatMap, air_clip: float) -> FloatMap:
    """Read signals above the clip as air, with a short ramp so that grey levels stay continuous."""
    if air_clip < 1:
        ramp = 0.015
        above = np.maximum(signal - np.float32(air_clip - ramp), np.float32(0.0))
        signal = signal + above * np.float32((1 - air_clip) / ramp)
    return np.clip(signal, np.float32(SIGNAL_MIN), np.float32(1.0))


def _detect_channel(
    transmission: FloatMap, photons: float, detector: Detector, rng: np.random.Generator
) -> FloatMap:
    image = np.nan_to_num(np.asarray(transmission, np.float32), nan=1.0, posinf=1.0, neginf=0.0)
    signal = _scattered(
        _blur(image, detector.psf_sigma_px), detector.scatter_fraction, detector.scatter_sigma_px
    )
    signal = np.maximum(signal, np.float32(0.0))
    if photons > 0:
        # Normal approximation of Poisson counts; exact Poisson costs seven times as much and looks the same.
        sigma = np.sqrt(signal * np.float32(photons) + np.float32(detector.electronic_sigma**2))
        sigma *= np.float32(1.0 / photons)
        noise = grain(signal.shape, detector.grain_share, detector.grain_sigma_px, rng)
        signal = signal + sigma * noise
    if detector.row_gain_sigma or detector.row_drift_sigma or detector.band_gain_sigma:
        signal = signal * _gain(image.shape, detector, rng)
    return _clip_air(signal, detector.air_clip)


def detect(
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    detector: Detector,
    rng: np.random.Generator,
) -> tuple[FloatMap, FloatMap]:
    """Detected signal of both channels.

    Args:
        low: Clean low-energy transmission (H, W); rows are detector channels, columns belt positions.
        high: Clean high-energy transmission, same shape.
        detector: Imaging chain.
        rng: Source of chance; equal generators give equal images.

    Returns:
        Low and high signal, float32 (H, W), in [1e-4, 1]; air is 1.  NaN reads as air.

    Raises:
        ValueError: If the shapes differ or are not (H, W).

    Source:
        reconstructed.

    Example:
        >>> import numpy as np
        >>> low, high = detect(*np.ones((2, 8, 8), np.float32), Detector(), np.random.default_rng(0))
        >>> bool((low <= 1).all())
        True
    """
    if low.ndim != 2 or low.shape != high.shape:
        raise ValueError(f"low and high must both be (H, W), got {low.shape} and {high.shape}")
    if low.size == 0:
        return np.asarray(low, np.float32).copy(), np.asarray(high, np.float32).copy()
    return (
        _detect_channel(low, detector.photons_low, detector, rng),
        _detect_channel(high, detector.photons_high, detector, rng),
    )
