"""Calibration: from logits to probabilities that mean what they say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.ranking import known_pairs


@dataclass(frozen=True)
class Calibration:
    """``probability = sigmoid(scale * logit + offset)``; with offset 0 this is temperature 1 / scale."""

    scale: float
    offset: float

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities of logits, same shape."""
        return sigmoid(self.scale * np.asarray(logits, np.float64) + self.offset)


def sigmoid(x: ArrayLike) -> NDArray[np.float64]:
    """Logistic function without overflow."""
    value = np.asarray(x, np.float64)
    small = np.exp(-np.abs(value))
    return np.where(value >= 0, 1 / (1 + small), small / (1 + small))


def fit_platt(labels: ArrayLike, logits: ArrayLike) -> Calibration:
    """Scale and offset of highest likelihood, with Platt's smoothed targets.

    The smoothing keeps the fit finite where the classes are perfectly separated. A fit with a negative scale
    (scores that rank the wrong way round) is refused and falls back to scale 0: the base rate.

    Args:
        labels: (N,) 1, 0, or NaN left out; validation data.
        logits: (N,).

    Raises:
        ValueError: If no label is known.

    Source:
        Platt (1999); Newton steps with backtracking after Lin, Lin and Weng (2007).
    """
    truth, value = _some_pairs(labels, logits)
    target = _smoothed(truth)
    spread = float(value.std()) or 1.0
    centre = float(value.mean())
    x = (value - centre) / spread
    slope, offset = _newton(x, target)
    if slope < 0:
        rate = float(target.mean())
        return Calibration(0.0, float(np.log(rate / (1 - rate))))
    return Calibration(slope / spread, offset - slope * centre / spread)


def fit_temperature(labels: ArrayLike, logits: ArrayLike) -> Calibration:
    """One scale for everything given (any shape), no offset: temperature scaling.

    Raises:
        ValueError: If no label is known.

    Source:
        Guo et al., On calibration of modern neural networks (2017), in its binary form.
    """
    truth, value = _some_pairs(labels, logits)
    target = _smoothed(truth)
    log_scale = 0.0
    for _ in range(100):
        z = np.exp(log_scale) * value
        p = sigmoid(z)
        gradient = float(((p - target) * z).sum())
        curvature = float((p * (1 - p) * z * z).sum()) + 1e-9
        step = float(np.clip(gradient / curvature, -1, 1))
        log_scale -= step
        if abs(step) < 1e-10:
            break
    return Calibration(float(np.exp(log_scale)), 0.0)


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: int = 15, equal_mass: bool = False
) -> float:
    """Mean absolute gap between confidence and frequency, weighted by the bins' counts.

    Args:
        labels: (N,) 1, 0, or NaN left out.
        probabilities: (N,) of class 1, in [0, 1].
        bins: Number of bins over [0, 1].
        equal_mass: Bins of equal count instead of equal width.

    Source:
        Naeini et al. (2015), on the probability of the positive class.
    """
    truth, value = known_pairs(labels, probabilities)
    if value.size == 0:
        return float("nan")
    if equal_mass:
        _, group, count = np.unique(value, return_inverse=True, return_counts=True)
        rank = (np.cumsum(count) - (count + 1) / 2)[group]  # equal probabilities share a bin
        index = (rank * bins // value.size).astype(int)
    else:
        index = np.clip(np.ceil(value * bins).astype(int) - 1, 0, bins - 1)  # (low, high]
    gap = np.bincount(index, weights=value - truth, minlength=bins)
    return float(np.abs(gap).sum() / value.size)


def _some_pairs(labels: ArrayLike, logits: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, value = known_pairs(labels, logits)
    if value.size == 0:
        raise ValueError("a calibration needs at least one known label")
    return truth, value


def _smoothed(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    positives = int(truth.sum())
    negatives = truth.size - positives
    return np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _newton(x: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    beta = np.array([1.0, 0.0])
    design = np.column_stack([x, np.ones_like(x)])

    def cost(b: NDArray[np.float64]) -> float:
        z = design @ b
        return float(np.sum(np.logaddexp(0, z) - target * z))

    current = cost(beta)
    for _ in range(100):
        p = sigmoid(design @ beta)
        gradient = design.T @ (p - target)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-8 and cost(beta - size * step) > current:
            size /= 2
        beta = beta - size * step
        before, current = current, cost(beta)
        if before - current < 1e-12 * max(1.0, abs(current)):
            break
    return float(beta[0]), float(beta[1])
