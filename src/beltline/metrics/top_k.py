"""Top-k error of single-label classification, as ILSVRC counts it."""

import numpy as np
from numpy.typing import ArrayLike


def top_k_error(scores: ArrayLike, labels: ArrayLike, *, k: int = 1) -> float:
    """Share of images whose label is not among the ``k`` highest scores.

    A score equal to the label's counts as higher, so a constant classifier gets no credit from ties.

    Args:
        scores: (N, K), any real numbers, higher is likelier. Images with a NaN score are errors.
        labels: (N,) class indices in 0..K-1.
        k: 1 for top-1, 5 for top-5.

    Returns:
        Error in [0, 1]; NaN without images.

    Raises:
        ValueError: If shapes do not fit, a label is outside 0..K-1, or ``k`` is not in 1..K.

    Source:
        Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge (2015), section 4.1. The
        treatment of ties is ours.

    Example:
        >>> top_k_error([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]], [1, 1])
        0.5
    """
    s, y = np.asarray(scores, float), np.asarray(labels)
    if s.ndim != 2 or y.shape != s.shape[:1]:
        raise ValueError(f"scores must be (N, K) and labels (N,), got {s.shape} and {y.shape}")
    if not 1 <= k <= s.shape[1]:
        raise ValueError(f"k must be in 1..{s.shape[1]}, got {k}")
    if len(y) == 0:
        return float("nan")
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= s.shape[1]:
        raise ValueError(f"labels must be integers in 0..{s.shape[1] - 1}, got {np.unique(y)[[0, -1]]}")
    own = s[np.arange(len(y)), y]
    rank = (s >= own[:, None]).sum(1)  # 1 where the label is alone at the top
    wrong = (rank > k) | np.isnan(s).any(1)
    return float(wrong.mean())
