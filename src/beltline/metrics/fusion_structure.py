"""Structure of a fused image: SSIM against the truth, MEF-SSIM and Q_E against the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.fusion_edges import same_grey

Floats = NDArray[np.float64]
SIGMA, RADIUS = 1.5, 5  # of SSIM's window: 11 x 11
PATCH = 11


def ssim(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None, *, peak: float = 255.0) -> float:
    """Structural similarity, mean over pixels.

    Args:
        image: Grey (H, W), both sides at least 11.
        truth: Same shape.
        mask: (H, W), windows count whose centre lies where it is over 0.5; None for all. Windows that leave
            the image never count. NaN where none counts.
        peak: Highest value possible.

    Source:
        Wang et al. (2004): Gaussian window of 11 pixels and sigma 1.5, K = 0.01, 0.03.
    """
    x, y = same_grey(image, truth)
    if min(x.shape) <= 2 * RADIUS:
        raise ShapeError(f"SSIM needs at least 11 x 11 pixels, got {x.shape}")
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mx, my = _gauss(x), _gauss(y)
    vx, vy = _gauss(x * x) - mx**2, _gauss(y * y) - my**2
    covariance = _gauss(x * y) - mx * my
    values = (2 * mx * my + c1) * (2 * covariance + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    inner = (slice(RADIUS, -RADIUS),) * 2
    values = values[inner]
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.shape != x.shape:
            raise ShapeError(f"the mask must be {x.shape} like the images, got {chosen.shape}")
        values = values[chosen[inner] > 0.5]
    return float(values.mean()) if values.size else float("nan")


def mef_ssim(sources: Sequence[ArrayLike], fused: ArrayLike, *, peak: float = 255.0) -> float:
    """Similarity to the patch that keeps the strongest contrast and the weighted structure of the sources.

    Args:
        sources: Grey images (H, W), both sides at least 11.
        fused: Same shape.
        peak: Highest value possible.

    Returns:
        Mean over all patches of 11 x 11, at most 1.

    Source:
        Ma, Zeng and Wang, Perceptual quality assessment for multi-exposure image fusion (2015), one scale,
        uniform patches; the exponent follows the sources' agreement, p = tan(pi R / 2), at most 10.
    """
    *given, image = same_grey(*sources, fused)
    if not given or min(image.shape) < PATCH:
        raise ShapeError(f"MEF-SSIM needs sources and at least 11 x 11 pixels, got {image.shape}")
    rows = [_mef_row([s[r : r + PATCH] for s in given], image[r : r + PATCH], peak)
            for r in range(image.shape[0] - PATCH + 1)]  # fmt: skip
    return float(np.mean(rows))


def piella_q(first: ArrayLike, second: ArrayLike, fused: ArrayLike, *, window: int = 8) -> float:
    """Q_W: similarity Q0 to the source that is more salient in a window, salient windows counting more.

    Args:
        first: Grey source (H, W), at least ``window`` on each side.
        second: The other.
        fused: Fused image.
        window: Side of the sliding windows; salience is the variance.

    Returns:
        -1 to 1; 1 where all three are equal.

    Source:
        Piella and Heijmans, A new quality metric for image fusion (2003).
    """
    a, b, f = same_grey(first, second, fused)
    if min(a.shape) < window:
        raise ShapeError(f"windows of {window} need images at least as large, got {a.shape}")
    q_a, salience_a = _universal_quality(a, f, window)
    q_b, salience_b = _universal_quality(b, f, window)
    total = salience_a + salience_b
    share = np.divide(salience_a, total, out=np.full_like(total, 0.5), where=total > 0)
    weight = np.maximum(salience_a, salience_b)
    if not weight.sum() > 0:
        weight = np.ones_like(weight)
    return float(((share * q_a + (1 - share) * q_b) * weight).sum() / weight.sum())


def canny_edges(image: ArrayLike) -> Floats:
    """Edges of a grey image (H, W) in 0..255 as 0 and 1, thresholds by its own gradients.

    Source:
        Canny with MATLAB's automatic thresholds (upper at the 70th percentile, lower at 0.4 of it), as public
        implementations of Q_E use it.
    """
    (grey,) = same_grey(image)
    smooth = cv2.GaussianBlur(np.clip(grey, 0, 255).astype(np.uint8), (0, 0), 2**0.5)
    across, down = (cv2.Sobel(smooth, cv2.CV_16S, *order) for order in ((1, 0), (0, 1)))
    high = max(1.0, float(np.percentile(np.hypot(across, down), 70)))
    return np.asarray(cv2.Canny(across, down, 0.4 * high, high, L2gradient=True) / 255.0, np.float64)


def piella_qe(
    first: ArrayLike,
    second: ArrayLike,
    fused: ArrayLike,
    *,
    alpha: float = 1.0,
    window: int = 8,
    edges: Callable[[ArrayLike], Floats] = canny_edges,
) -> float:
    """Q_E: Q_W of the images times Q_W of their edge images to the power ``alpha``.

    Args:
        first: Grey source (H, W) in 0..255.
        second: The other.
        fused: Fused image.
        alpha: How much the edges count.
        window: See `piella_q`.
        edges: Makes an edge image.

    Source:
        Piella and Heijmans (2003); alpha 1 and Canny's edges as in public implementations. A negative Q_W of
        the edges counts as 0, since its power need not be real.
    """
    edge_images = [edges(image) for image in (first, second, fused)]
    kept = max(0.0, piella_q(*edge_images, window=window))
    return piella_q(first, second, fused, window=window) * float(kept**alpha)


def _gauss(image: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(image, (2 * RADIUS + 1,) * 2, SIGMA), np.float64)


def _mean_of_windows(image: Floats, window: int) -> Floats:
    # windows inside the image only; the anchor makes the first of them the first pixel
    means = cv2.boxFilter(image, cv2.CV_64F, (window, window), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(means, np.float64)[: image.shape[0] - window + 1, : image.shape[1] - window + 1]


def _universal_quality(source: Floats, fused: Floats, window: int) -> tuple[Floats, Floats]:
    # Q0 of Wang and Bovik in every window, and the source's variance there
    mx, my = _mean_of_windows(source, window), _mean_of_windows(fused, window)
    tiny = 1e-9 * max(1.0, float(np.abs(source).max()), float(np.abs(fused).max())) ** 2
    vx, vy = (
        np.where(v > tiny, v, 0.0)
        for v in (_mean_of_windows(i * i, window) - m**2 for i, m in ((source, mx), (fused, my)))
    )
    covariance = _mean_of_windows(source * fused, window) - mx * my
    level_sum, spread_sum = mx**2 + my**2, vx + vy
    level = np.divide(2 * mx * my, level_sum, out=np.ones_like(mx), where=level_sum > 0)
    structure = np.divide(2 * covariance, spread_sum, out=np.ones_like(mx), where=spread_sum > 0)
    return level * structure, vx


def _mef_row(sources: Sequence[Floats], fused: Floats, peak: float) -> Floats:
    strips = np.lib.stride_tricks.sliding_window_view(np.stack([*sources, fused]), PATCH, axis=2)
    patches = strips.transpose(0, 2, 1, 3).reshape(len(sources) + 1, -1, PATCH**2)  # image, place, pixel
    patches = patches - patches.mean(2, keepdims=True)
    given, image = patches[:-1], patches[-1]
    norms = np.linalg.norm(given, axis=2)  # image, place
    total = norms.sum(0)
    agreement = np.divide(
        np.linalg.norm(given.sum(0), axis=1), total, out=np.ones_like(total), where=total > 0
    )
    power = np.minimum(np.tan(np.pi / 2 * np.clip(agreement, 0, 1 - 1e-9)), 10.0)
    largest = norms.max(0)
    relative = np.divide(norms, largest, out=np.ones_like(norms), where=largest > 0)
    weight = relative**power
    unit = np.divide(given, norms[..., None], out=np.zeros_like(given), where=norms[..., None] > 0)
    mixed = (weight[..., None] * unit).sum(0)
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    wished = largest[:, None] * np.divide(mixed, length, out=np.zeros_like(mixed), where=length > 0)
    constant = (0.03 * peak) ** 2
    count = PATCH**2
    covariance = (wished * image).sum(1) / count
    spread = ((wished**2).sum(1) + (image**2).sum(1)) / count
    result: Floats = (2 * covariance + constant) / (spread + constant)
    return result
