"""Augmentation of pseudo-colour scans: parameters are sampled first, then applied to pixels and masks.

White is air, so what enters from outside the frame is white. Arrays are (H, W, 3) uint8.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.training.amplitude_swap import Amplitudes, amplitudes_of
from beltline.training.augmix import augmix

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class AugmentationRange:
    """How far augmentation goes; every probability and width may be set to 0.

    Attributes:
        flip: Probability of each flip.
        quarter_turn: Probability of a 90-degree rotation (either way).
        zoom: Smallest and largest magnification of the stored scan; what does not fit is cropped, what is
            missing is white. 1 is the size at which scans are screened.
        aspect: Largest stretch of one side against the other, as a natural logarithm.
        tilt_deg: Largest rotation beside the quarter turns.
        shift: Largest offset of the crop beyond centred, as a share of the free play.
        gamma: Standard deviation of ln(gamma), with which transmission is raised to a power.
        contrast: Largest relative change of contrast about white.
        brightness: Largest offset in grey levels.
        hue: Standard deviation of the mixing of colour channels, white kept white.
        channel_swap: Probability that two colour channels trade places.
        grey: Probability of no colour at all.
        tint: Probability that white becomes another background, down to (222, 222, 222).
        blur: Probability of a Gaussian blur, sigma up to 1.3 pixels.
        sharpen: Probability of unsharp masking.
        jpeg: Probability of JPEG coding at quality 30 to 95.
        noise: Probability of Gaussian noise, sigma up to 9 grey levels.
        shrink: Probability of a loss of resolution, down to half.
        augmix: Probability of further colours, see `beltline.training.augmix`.
        montage: Probability that a scan is shown with up to five others, in one picture that is then as
            large as one scan; see `beltline.training.montage`.
        amplitude_swap: Probability of the broad colours of another scan, see
            `beltline.training.amplitude_swap`; used where ``amplitude_from`` names where they come from.
        amplitude_from: Folder of scans in colour, which need no label; empty for none.
    """

    flip: float = 0.5
    quarter_turn: float = 0.25
    zoom: tuple[float, float] = (0.7, 1.4)
    aspect: float = 0.2
    tilt_deg: float = 10.0
    shift: float = 1.0
    gamma: float = 0.22
    contrast: float = 0.2
    brightness: float = 10.0
    hue: float = 0.06
    channel_swap: float = 0.03
    grey: float = 0.08
    tint: float = 0.25
    blur: float = 0.2
    sharpen: float = 0.15
    jpeg: float = 0.3
    noise: float = 0.35
    shrink: float = 0.15
    augmix: float = 0.0
    montage: float = 0.0
    amplitude_swap: float = 0.5
    amplitude_from: str = ""


NO_AUGMENTATION = AugmentationRange(
    flip=0, quarter_turn=0, zoom=(1, 1), aspect=0, tilt_deg=0, shift=0, gamma=0, contrast=0, brightness=0,
    hue=0, channel_swap=0, grey=0, tint=0, blur=0, sharpen=0, jpeg=0, noise=0, shrink=0, augmix=0,
    montage=0, amplitude_swap=0,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Augmentation:
    """One drawn augmentation; see `AugmentationRange` for the meaning of the numbers."""

    matrix: Matrix  # (3, 3), from source to output in continuous pixels (corner of the image = 0, 0)
    curve: NDArray[np.uint8]  # (256,)
    mixing: NDArray[np.float32]  # (3, 3), applied to 255 - colour
    background: NDArray[np.float32]  # (3,), factor
    blur_sigma: float
    sharpen: float
    shrink: float
    noise_sigma: float
    noise_seed: int
    jpeg_quality: int | None
    mixes: bool = False
    amplitudes: Amplitudes | None = None


def sample_augmentation(
    rng: np.random.Generator,
    ranges: AugmentationRange,
    *,
    source: tuple[int, int],
    output: tuple[int, int],
) -> Augmentation:
    """Draw one augmentation.

    Args:
        rng: Source of chance.
        ranges: How far to go.
        source: (H, W) of the scan.
        output: (H, W) of the result.
    """
    chance = rng.random(9)
    width = ranges.gamma * rng.standard_normal()
    mixing = np.eye(3) + ranges.hue * rng.standard_normal((3, 3))
    if chance[0] < ranges.channel_swap:
        mixing = mixing[rng.permutation(3)]
    if chance[1] < ranges.grey:
        mixing = np.tile([0.299, 0.587, 0.114], (3, 1))
    background = np.ones(3)
    if chance[2] < ranges.tint:
        background = rng.uniform(222, 255) / 255 * (1 + rng.uniform(-0.015, 0.015, 3))
    return Augmentation(
        matrix=_sample_matrix(rng, ranges, source, output),
        curve=_curve(
            gamma=math.exp(width),
            contrast=1 + ranges.contrast * rng.uniform(-1, 1),
            offset=ranges.brightness * rng.uniform(-1, 1),
        ),
        mixing=mixing.astype(np.float32),
        background=np.minimum(background, 1).astype(np.float32),
        blur_sigma=rng.uniform(0.3, 1.3) if chance[3] < ranges.blur else 0.0,
        sharpen=rng.uniform(0.3, 1.2) if chance[4] < ranges.sharpen else 0.0,
        shrink=rng.uniform(0.5, 0.9) if chance[5] < ranges.shrink else 1.0,
        noise_sigma=rng.uniform(1, 9) if chance[6] < ranges.noise else 0.0,
        noise_seed=int(rng.integers(2**31)),
        jpeg_quality=int(rng.integers(30, 96)) if chance[7] < ranges.jpeg else None,
        mixes=bool(chance[8] < ranges.augmix),
        amplitudes=_sample_amplitudes(rng, ranges, output),
    )


def apply_to_pixels(pixels: NDArray[np.uint8], aug: Augmentation, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Warp and recolour a scan (H, W, 3) to ``size`` (H, W); outside is white like the scan's own air."""
    out: Any = warp(pixels, aug.matrix, size, outside=255)
    if aug.shrink < 1:
        small = cv2.resize(out, None, fx=aug.shrink, fy=aug.shrink, interpolation=cv2.INTER_AREA)
        out = cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR)
    if aug.amplitudes is not None:
        out = aug.amplitudes.over(out, aug.noise_seed)
    if aug.mixes:
        out = augmix(out, aug.noise_seed)
    out = cv2.LUT(out, aug.curve)
    if not np.array_equal(aug.mixing, np.eye(3)) or (aug.background != 1).any():
        # background * (255 - mixing @ (255 - x)), as one affine map of the colours
        linear = aug.background[:, None] * aug.mixing
        offset = 255 * aug.background * (1 - aug.mixing.sum(1))
        out = cv2.transform(out, np.column_stack([linear, offset]))
    if aug.blur_sigma > 0:
        out = cv2.GaussianBlur(out, (0, 0), aug.blur_sigma)
    if aug.sharpen > 0:
        out = cv2.addWeighted(out, 1 + aug.sharpen, cv2.GaussianBlur(out, (0, 0), 1.0), -aug.sharpen, 0)
    if aug.noise_sigma > 0:
        out = _add_noise(out, aug)
    if aug.jpeg_quality is not None:
        coded: Any = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, aug.jpeg_quality])[1]
        out = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.asarray(out, np.uint8)


def apply_to_masks(
    masks: NDArray[np.uint8], aug: Augmentation, size: tuple[int, int], *, stride: int
) -> NDArray[np.uint8]:
    """Warp coverage planes (K, h, w) at ``stride`` to the output's grid; outside is 0."""
    scale = np.diag([stride, stride, 1.0])
    matrix = np.linalg.inv(scale) @ aug.matrix @ scale
    out = np.zeros((len(masks), size[0] // stride, size[1] // stride), np.uint8)
    for index in np.flatnonzero(masks.reshape(len(masks), -1).any(1)):
        out[index] = warp(masks[index], matrix, out.shape[1:], outside=0)
    return out


def warp(
    pixels: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], *, outside: int
) -> NDArray[np.uint8]:
    """Warp (H, W) or (H, W, C) by a source-to-output matrix in continuous pixels."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(half) @ matrix @ half  # OpenCV counts from pixel centres
    fill = (outside,) * 4
    shape = (size[1], size[0])
    out = cv2.warpAffine(
        pixels, centred[:2], shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )
    return np.asarray(out, np.uint8)


def _sample_matrix(
    rng: np.random.Generator, ranges: AugmentationRange, source: tuple[int, int], output: tuple[int, int]
) -> Matrix:
    centre_source = np.array([[1, 0, -source[1] / 2], [0, 1, -source[0] / 2], [0, 0, 1.0]])
    turned = rng.random() < ranges.quarter_turn
    angle = math.radians(rng.uniform(-1, 1) * ranges.tilt_deg) + (math.pi / 2 if turned else 0)
    flip_x, flip_y = np.where(rng.random(2) < ranges.flip, -1.0, 1.0)
    cos, sin = math.cos(angle), math.sin(angle)
    stretch = math.exp(ranges.aspect * rng.uniform(-0.5, 0.5))
    extent = np.array(source if turned else source[::-1], float)  # (width, height) after the turn
    zoom = math.exp(rng.uniform(math.log(ranges.zoom[0]), math.log(ranges.zoom[1])))
    linear = np.diag([zoom * stretch, zoom / stretch, 1.0]) @ np.array(
        [[cos * flip_x, -sin * flip_y, 0], [sin * flip_x, cos * flip_y, 0], [0, 0, 1.0]]
    )
    play = np.abs(extent * zoom - np.array(output[::-1])) / 2
    offset = play * ranges.shift * rng.uniform(-1, 1, 2) + np.array(output[::-1]) / 2
    place = np.array([[1, 0, offset[0]], [0, 1, offset[1]], [0, 0, 1.0]])
    return np.asarray(place @ linear @ centre_source, np.float64)


def require_amplitudes(ranges: AugmentationRange, output: tuple[int, int]) -> None:
    """Read the scans that the augmentation borrows from, so that a bad folder is told before training begins.

    Raises:
        BadInputError: If there is none.
    """
    if ranges.amplitude_from:
        amplitudes_of(ranges.amplitude_from, output)


def _sample_amplitudes(
    rng: np.random.Generator, ranges: AugmentationRange, output: tuple[int, int]
) -> Amplitudes | None:
    if not ranges.amplitude_from or rng.random() >= ranges.amplitude_swap:
        return None
    return amplitudes_of(ranges.amplitude_from, output)


def _curve(*, gamma: float, contrast: float, offset: float) -> NDArray[np.uint8]:
    level = np.arange(256) / 255
    out = 255 * (1 - contrast * (1 - level**gamma))
    out += offset * (1 - level)  # white stays white
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _add_noise(pixels: NDArray[np.uint8], aug: Augmentation) -> NDArray[np.uint8]:
    noise: Any = np.empty(pixels.shape, np.int16)
    cv2.setRNGSeed(aug.noise_seed)
    cv2.randn(noise, np.zeros(3), np.full(3, aug.noise_sigma))
    return np.asarray(np.clip(pixels + noise, 0, 255), np.uint8)
