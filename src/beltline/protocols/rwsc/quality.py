"""How good each fusion is: by the field's metrics, which know no truth, and against the true composite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.metrics import (
    edge_intensity,
    luminance,
    luminance_error,
    mean_absolute_error,
    mef_ssim,
    piella_qe,
    psnr,
    qabf,
    saturation_error,
    source_psnr,
    ssim,
)
from beltline.models.fusion_losses import RwscWeights, local_loss, saturation_loss
from beltline.protocols.rwsc.synthesis import OnPairs
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.training.arrays import as_input

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
#: What the paper prints, of the whole picture; the same and more of the item's box; then what is measured
#: against the truth under the mask.
WHOLE = ("QE, whole", "Qabf, whole", "EI, whole", "PSNR of sources, whole")
WITHOUT_TRUTH = ("QE", "Qabf", "EI", "PSNR of sources", "MEF-SSIM", "LL", "CSD")
AGAINST_TRUTH = ("MAE", "PSNR", "SSIM", "luminance error", "saturation error")
#: Metrics of which less is better.
ERRORS = ("MAE", "luminance error", "saturation error", "LL", "CSD")


def quality(fuse: OnPairs, pairs: FusionPairs) -> Mapping[str, Floats]:
    """(N,) of each metric for every pair, of the item's box and a rim of 8 pixels around it.

    Pairs without a true composite give what needs none.

    The field's metrics are of the luminance; PSNR of sources is the mean error to both. They are measured of
    the whole picture too, as the papers print them: most of it is bag that no fusion touches, beside an item
    on white. LL and CSD are the
    losses that RWSC-Fusion is trained for. What is measured against the true composite counts under the mask
    alone.
    """
    measured = (*WHOLE, *WITHOUT_TRUTH, *(() if pairs.truth is None else AGAINST_TRUTH))
    values: dict[str, list[float]] = {name: [] for name in measured}
    for row in range(len(pairs)):
        fused = fuse(pairs, row)
        covered = np.asarray(pairs.mask[row]) > 0
        box = mask_window(covered, 8)
        whole = [np.asarray(p) for p in (pairs.bag[row], pairs.item[row], fused)]
        bag, item, image = (p[box] for p in whole)
        mask = covered[box]
        grey = [luminance(p) for p in (bag, item, image)]
        for name, value in zip(WHOLE, _printed_metrics(*whole), strict=True):
            values[name].append(value)
        for name, value in zip(WITHOUT_TRUTH, _printed_metrics(bag, item, image), strict=False):
            values[name].append(value)
        values["MEF-SSIM"].append(mef_ssim(grey[:2], grey[2]))
        fake, bag_in, item_in = as_input(np.stack([fused, pairs.bag[row], pairs.item[row]]))[:, None]
        weight = torch.from_numpy(np.array(pairs.mask[row])).float()[None, None] / 255
        values["LL"].append(local_loss(fake, bag_in, item_in, weight, RwscWeights()).item())
        values["CSD"].append(saturation_loss(fake, bag_in, item_in, weight).item())
        if pairs.truth is None:
            continue
        truth = np.asarray(pairs.truth[row])[box]
        values["MAE"].append(mean_absolute_error(image, truth, mask))
        # equal pictures have an infinite PSNR, which no mean survives
        values["PSNR"].append(min(psnr(image, truth, mask), 99.0))
        values["SSIM"].append(ssim(grey[2], luminance(truth), mask))
        values["luminance error"].append(luminance_error(image, truth, mask))
        values["saturation error"].append(saturation_error(image, truth, mask))
    return {name: np.array(column) for name, column in values.items()}


def _printed_metrics(bag: Pixels, item: Pixels, fused: Pixels) -> tuple[float, float, float, float]:
    grey = [luminance(picture) for picture in (bag, item, fused)]
    return piella_qe(*grey), qabf(*grey), edge_intensity(grey[2]), source_psnr(bag, item, fused)


def outside(draw: OnPairs, pairs: FusionPairs) -> tuple[Floats, Floats]:
    """(N,) mean absolute error and PSNR to the bag outside the mask, of what is drawn and not pasted.

    Source:
        Ablation of edge attention in RWSC-Fusion (CVPR 2023): MAE 1.938 and PSNR 39.08 with it.
    """
    errors, ratios = [], []
    for row in range(len(pairs)):
        free = np.asarray(pairs.mask[row]) == 0
        drawn, bag = draw(pairs, row), np.asarray(pairs.bag[row])
        errors.append(mean_absolute_error(drawn, bag, free))
        ratios.append(min(psnr(drawn, bag, free), 99.0))
    return np.array(errors), np.array(ratios)


def paired_interval(
    first: Floats, second: Floats, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of ``second - first`` over the pairs, and its 95 % bootstrap interval."""
    difference = second - first
    rows = np.random.default_rng(seed).integers(0, len(difference), (resamples, len(difference)))
    low, high = np.quantile(difference[rows].mean(1), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
