"""What a trained classifier is worth: scores on whole scans, calibration and thresholds, figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.formats.shard_writer import STRIDE
from beltline.metrics import (
    Calibration,
    average_precision,
    best_iou,
    box_from_cam,
    corloc,
    expected_calibration_error,
    fit_platt,
    peak_points,
    pointing_share,
    roc_auc,
    scan_thresholds,
    sigmoid,
    threshold_at_pfa,
    top_k_error,
)
from beltline.models.chr import ChrOutput, fuse_cams, mean_logits
from beltline.systems.chr.data import ChrData
from beltline.systems.chr.lists import Split
from beltline.systems.chr.recipe import ChrRecipe, classifier_of
from beltline.training.loop import Evaluate
from beltline.training.shards import Batch
from beltline.training.tables import point, rate_text, whole_scan_lines

PFAS = (0.01, 0.02, 0.05, 0.1, 0.2)
BOX_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
COVERED = 64 / 255  # a cell counts as the object's from this coverage on


@dataclass(frozen=True, eq=False)
class Scores:
    """Answers of a model on a set of N scans with K classes.

    Attributes:
        logits: (N, K), mean over the stages, before calibration.
        labels: (N, K) 0, 1 or NaN.
        hits: (N, K) pointing game with a margin of 15 pixels; NaN where the class is absent.
        strict_hits: Same without margin.
        ious: (N, K, T) IoU of the map's box with the object's, one per `BOX_THRESHOLDS`; NaN where absent.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.float32]
    hits: NDArray[np.float32]
    strict_hits: NDArray[np.float32]
    ious: NDArray[np.float32]


def score(
    recipe: ChrRecipe,
    model: nn.Module,
    data: ChrData,
    *,
    limit: int | None = None,
    boxes: bool = True,
    split: Split = "test",
) -> Scores:
    """Run a model over scans: those of shards at their stored size, image files warped to a square.

    In float32, as the exported model runs: bfloat16 has 8 bits, in which the scores of many scans tie.

    Args:
        recipe: Of the model.
        model: See `build_model`.
        data: From `open_data`.
        limit: Number of scans, None for all.
        split: Which list, of data that has two.
        boxes: Also measure boxes (slower).
    """
    parts: list[tuple[NDArray[np.float32], ...]] = []
    model.eval()
    with torch.no_grad():
        for batch in data.scans(recipe, split, limit):
            output: ChrOutput = model(batch.image)
            cams = fuse_cams(classifier_of(model).cams_with_bias(output))
            logits = mean_logits(output).numpy()
            parts.append((logits, batch.labels.numpy(), *_localise(cams, batch, boxes=boxes)))
    return Scores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def build_evaluate(recipe: ChrRecipe, data: ChrData, *, limit: int = 1000) -> Evaluate:
    """Mean AP, mean AUC and pointing accuracy, for use while training."""

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        found = score(recipe, model, data, limit=limit, boxes=False)
        if recipe.loss == "cross_entropy":
            return single_label_figures(found)
        rows = [_ranking(found, k) for k in range(found.labels.shape[1])]
        return {
            "map": _mean([row["ap"] for row in rows]),
            "auc": _mean([row["auc"] for row in rows]),
            "pointing": _mean([row["pointing"] for row in rows]),
        }

    return evaluate


def single_label_figures(scores: Scores) -> dict[str, float]:
    """Top-1 and top-5 error of images that hold exactly one class each."""
    truth = scores.labels.argmax(1)
    top = min(5, scores.labels.shape[1])
    return {
        "top1_error": top_k_error(scores.logits, truth),
        f"top{top}_error": top_k_error(scores.logits, truth, k=top),
    }


def calibrate(scores: Scores, pfas: Sequence[float] = PFAS) -> dict[str, Any]:
    """Calibration, thresholds and box threshold, chosen on validation scores.

    Returns:
        Plain values: ``calibration`` (``scale`` and ``bias``, K each), ``thresholds`` (probabilities, K for
        each PFA of the class, keys like ``"0.05"``), ``scan_thresholds`` (the same for the PFA of a whole
        scan that holds none of the classes), ``box_threshold``.
    """
    classes = range(scores.labels.shape[1])
    fitted = [fit_platt(scores.labels[:, k], scores.logits[:, k]) for k in classes]
    probs = [fitted[k].probability(scores.logits[:, k]) for k in classes]
    return {
        "calibration": {"scale": [c.scale for c in fitted], "bias": [c.offset for c in fitted]},
        "thresholds": {
            f"{pfa:g}": [threshold_at_pfa(scores.labels[:, k], probs[k], pfa) for k in classes]
            for pfa in pfas
        },
        "scan_thresholds": {
            f"{pfa:g}": scan_thresholds(scores.labels, np.stack(probs, axis=1), pfa) for pfa in pfas
        },
        "box_threshold": _best_box_threshold(scores),
    }


def ranking_figures(scores: Scores, classes: Sequence[str]) -> dict[str, Any]:
    """What needs no threshold: AP, AUC and pointing by class, and their unweighted means.

    Args:
        scores: On the test set.
        classes: Names.
    """
    rows = {
        name: {"positives": int((scores.labels[:, k] == 1).sum()), **_ranking(scores, k)}
        for k, name in enumerate(classes)
    }
    keys = ("ap", "auc", "pointing", "pointing_strict")
    mean = {key: _mean([row[key] for row in rows.values()]) for key in keys}
    return {"scans": len(scores.labels), "mean": mean, "classes": rows}


def figures(scores: Scores, chosen: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Figures of a test set at operating points that were chosen elsewhere.

    Args:
        scores: On the test set.
        chosen: Of `calibrate` on the validation set.
        classes: Names.

    Returns:
        ``classes``: name to AP, AUC, ECE, pointing, CorLoc and, for each PFA, PD and the PFA that came out,
        each with a 95 % Wilson interval; ``mean``: unweighted means.
    """
    scale, bias = chosen["calibration"]["scale"], chosen["calibration"]["bias"]
    box_index = BOX_THRESHOLDS.index(chosen["box_threshold"])
    rows: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(classes):
        truth = scores.labels[:, k]
        probs = Calibration(scale[k], bias[k]).probability(scores.logits[:, k])
        row: dict[str, Any] = {"positives": int((truth == 1).sum()), **_ranking(scores, k)}
        row["ece"] = expected_calibration_error(truth, probs)
        ious = scores.ious[:, k, box_index]
        row["corloc"] = corloc(ious[np.isfinite(ious)])
        row["operating_points"] = {
            pfa: point(truth, probs, values[k]) for pfa, values in chosen["thresholds"].items()
        }
        rows[name] = row
    keys = ("ap", "auc", "ece", "pointing", "pointing_strict", "corloc")
    mean: dict[str, Any] = {key: _mean([row[key] for row in rows.values()]) for key in keys}
    for pfa in chosen["thresholds"]:
        points = [row["operating_points"][pfa] for row in rows.values()]
        mean[f"pd_at_pfa_{pfa}"] = _mean([at["pd"]["value"] for at in points])
    return {
        "scans": len(scores.labels),
        "mean": mean,
        "whole_scan": _whole_scan(scores, chosen),
        "classes": rows,
    }


def _whole_scan(scores: Scores, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """PD and PFA of the decision "some class alarms", at the scan thresholds."""
    scale, bias = (np.array(chosen["calibration"][key]) for key in ("scale", "bias"))
    probs = sigmoid(scale * scores.logits + bias)
    truth = np.where((scores.labels == 0).all(axis=1), 0.0, np.nan)  # NaN: not known to be empty
    truth[(scores.labels == 1).any(axis=1)] = 1.0
    found = {}
    for pfa, values in chosen.get("scan_thresholds", {}).items():
        alarmed = np.asarray((probs >= np.array(values)).any(axis=1), dtype=np.float64)
        found[pfa] = point(truth, alarmed, 0.5)
    return found


def _ranking(scores: Scores, k: int) -> dict[str, float]:
    return {
        "ap": average_precision(scores.labels[:, k], scores.logits[:, k]),
        "auc": roc_auc(scores.labels[:, k], scores.logits[:, k]),
        "pointing": _mean(scores.hits[:, k].tolist()),
        "pointing_strict": _mean(scores.strict_hits[:, k].tolist()),
    }


def _best_box_threshold(scores: Scores) -> float:
    flat = scores.ious.reshape(-1, len(BOX_THRESHOLDS))
    flat = flat[np.isfinite(flat).all(1)]
    return BOX_THRESHOLDS[int(np.argmax(flat.mean(0)))] if len(flat) else 0.5


def _localise(cams: Tensor, batch: Batch, *, boxes: bool) -> tuple[NDArray[np.float32], ...]:
    labels, masks = batch.labels.numpy(), batch.masks.numpy()
    size = (masks.shape[2] * STRIDE, masks.shape[3] * STRIDE)
    hits = np.full((2, *labels.shape), np.nan, np.float32)
    ious = np.full((*labels.shape, len(BOX_THRESHOLDS)), np.nan, np.float32)
    maps = cams.numpy()
    for row, k in np.argwhere(labels == 1) if masks.size else ():
        truth = mask_boxes(masks[row, k])
        if not len(truth):
            continue
        peaks = peak_points(maps[row, k], size)
        hits[0, row, k] = pointing_share(peaks, truth, margin=15)
        hits[1, row, k] = pointing_share(peaks, truth)
        for index, threshold in enumerate(BOX_THRESHOLDS if boxes else ()):
            ious[row, k, index] = best_iou(box_from_cam(maps[row, k], size, threshold=threshold), truth)
    return hits[0], hits[1], ious


def mask_boxes(mask: NDArray[np.float32]) -> NDArray[np.float64]:
    """(M, 4) boxes of the connected parts of a coverage plane, in pixels; objects that touch are one."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask >= COVERED).astype(np.uint8), connectivity=8)
    left, top, width, height = (stats[1:, column].astype(np.float64) for column in range(4))
    return np.stack([left, top, left + width, top + height], axis=1) * STRIDE


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def table(found: Mapping[str, Any]) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    if "classes" not in found:
        errors = ", ".join(f"{key.replace('_', ' ')} {found[key]:.3f}" for key in found if "error" in key)
        return [f"{found['scans']} images: {errors}"]
    if "whole_scan" not in found:
        return [*_ranking_table(found), *whole_scan_lines(found)]
    lines = ["class             positives    AP    AUC  pointing  CorLoc   PD@5% [95 % interval]    PFA"]
    for name, row in found["classes"].items():
        at = row["operating_points"]["0.05"]
        lines.append(
            f"{name:18s} {row['positives']:8d}  {_ranks(row)}  {row['corloc']:6.3f}   {rate_text(at['pd'])}"
            f"  {at['pfa']['value']:6.3f}"
        )
    mean = found["mean"]
    lines.append(
        f"{'mean':18s} {found['scans']:8d}  {_ranks(mean)}  {mean['corloc']:6.3f}"
        f"   {mean['pd_at_pfa_0.05']:.3f}"
    )
    return [*lines, *whole_scan_lines(found)]


def _ranks(row: Mapping[str, Any]) -> str:
    return f"{row['ap']:.3f}  {row['auc']:.3f}  {row['pointing']:8.3f}"


def _ranking_table(found: Mapping[str, Any]) -> list[str]:
    rows = {**found["classes"], "mean": {"positives": found["scans"], **found["mean"]}}
    lines = ["class             positives    AP    AUC  pointing  15 px margin"]
    for name, row in rows.items():
        ranks = f"{row['ap']:.3f}  {row['auc']:.3f}"
        points = f"{row['pointing_strict']:8.3f}  {row['pointing']:12.3f}"
        lines.append(f"{name:18s} {row['positives']:8d}  {ranks}  {points}")
    return lines
