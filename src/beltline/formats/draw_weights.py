"""How often each object of click shards is drawn, so that no kind of object is learnt at others' cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE_EDGES_PX = (500, 1500, 4000, 12000)  # between bins of an object's area
OCCLUSION_EDGES = (0.25, 0.5, 0.7, 0.85)
ROUNDS = 8


def draw_weights(
    objects: NDArray[Any],
    *,
    size_edges_px: Sequence[float] = SIZE_EDGES_PX,
    occlusion_edges: Sequence[float] = OCCLUSION_EDGES,
    threats: float | None = None,
) -> NDArray[np.float64]:
    """Probability of each object, so that families, sizes and occlusions come up evenly.

    ``w[i] = f[family i] * s[size bin i] * o[occlusion bin i]``, with factors that give each of F families the
    total 1/F, each of S bins of area that occur 1/S, and each of O bins of occlusion 1/O. Iterative
    proportional fitting: bins are scaled to their totals in turn, families last and hence exactly. Where
    families do not come in all sizes, bins are as even as the rounds make them.

    Args:
        objects: (M,) records with ``family``, ``area_px`` and ``occlusion``, as of click shards.
        size_edges_px: Ascending areas between the bins.
        occlusion_edges: Ascending occlusions between the bins.
        threats: Probability of a prohibited object (``threat``), within which as without stays even; None
            for what their families come to.

    Returns:
        (M,) float64 that sum to 1.

    Raises:
        ValueError: If there is no object.

    Source:
        Deming and Stephan, Ann. Math. Stat. 11 (1940) 427.

    Example:
        >>> kind = np.dtype([("family", "i4"), ("area_px", "i4"), ("occlusion", "f4")])
        >>> draw_weights(np.array([(0, 900, 0.1), (0, 900, 0.1), (1, 900, 0.1)], kind)).tolist()
        [0.25, 0.25, 0.5]
    """
    if not len(objects):
        raise ValueError("objects must hold at least one to draw from, got none")
    keys = [
        np.digitize(objects["occlusion"], occlusion_edges),
        np.digitize(objects["area_px"], size_edges_px),
        objects["family"],
    ]
    groups = [np.unique(key, return_inverse=True)[1] for key in keys]
    weights = np.full(len(objects), 1 / len(objects))
    for _ in range(ROUNDS):
        for group in groups:
            totals = np.bincount(group, weights)
            weights /= totals[group] * len(totals)
    return weights if threats is None else _with_threats(weights, objects["threat"], threats)


def _with_threats(
    weights: NDArray[np.float64], threat: NDArray[np.bool_], share: float
) -> NDArray[np.float64]:
    if threat.all() or not threat.any():
        return weights
    totals = np.where(threat, weights[threat].sum(), weights[~threat].sum())
    drawn: NDArray[np.float64] = weights / totals * np.where(threat, share, 1 - share)
    return drawn
