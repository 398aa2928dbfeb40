"""What a fusion network is worth on pairs whose true composite a simulator knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from beltline.core import BadInputError
from beltline.metrics import luminance, luminance_error, mean_absolute_error, psnr, saturation_error, ssim
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.synthesis.fuser import UNTRAINED, Fuser
from beltline.synthesis.fusion import learned_fuser

PLAIN = "product"  # the baseline that needs no training
MEASURES = {
    "mae": mean_absolute_error,
    "psnr": psnr,
    "luminance_error": luminance_error,
    "saturation_error": saturation_error,
}


def measure_fusion(model: nn.Module, pairs: FusionPairs, limit: int | None) -> dict[str, Any]:
    """Errors to the true composite under the mask, of the network and of the plain product beside it.

    Args:
        model: Trained.
        pairs: With true composites.
        limit: The first so many pairs; all if None.

    Returns:
        ``pairs``, and of ``network`` and ``product`` the means of MAE, PSNR (dB), luminance and saturation
        error, in grey levels of 0 to 255 where they have a unit, and SSIM.

    Raises:
        BadInputError: If nobody knows the true composites.
    """
    if pairs.truth is None:
        raise BadInputError("fusions are measured against the true composite; these pairs have none")
    count = len(pairs) if limit is None else min(limit, len(pairs))
    arms = {"network": learned_fuser(model), PLAIN: UNTRAINED[PLAIN]}
    return {"pairs": count, **{name: _errors(fuse, pairs, count) for name, fuse in arms.items()}}


def table(found: Mapping[str, Any]) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    lines = [f"{found['pairs']} pairs        MAE    PSNR   SSIM  luminance  saturation"]
    for name in ("network", PLAIN):
        row = found[name]
        lines.append(
            f"{name:10s} {row['mae']:9.2f}  {row['psnr']:6.2f}  {row['ssim']:.3f}"
            f"  {row['luminance_error']:9.2f}  {row['saturation_error']:10.3f}"
        )
    return lines


def _errors(fuse: Fuser, pairs: FusionPairs, count: int) -> dict[str, float]:
    values: dict[str, list[float]] = {name: [] for name in (*MEASURES, "ssim")}
    for row in range(count):
        covered = np.asarray(pairs.mask[row]) > 0
        weight = np.asarray(pairs.mask[row], np.float32) / np.float32(255)
        fused = fuse(np.asarray(pairs.bag[row]), np.asarray(pairs.item[row]), weight)
        truth = np.asarray(pairs.truth[row])  # type: ignore[index]
        for name, metric in MEASURES.items():
            values[name].append(min(metric(fused, truth, covered), 99.0 if name == "psnr" else np.inf))
        values["ssim"].append(ssim(luminance(fused), luminance(truth), covered))
    return {name: float(np.mean(column)) for name, column in values.items()}
