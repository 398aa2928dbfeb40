"""How far simulated scans are from real ones: statistics side by side, and a classifier that separates.

The classifier is deliberately small (regularised logistic regression on some hundred texture and colour
features), cross-validated over scans, so that an AUC of 0.5 means "cannot tell" and 1.0 "tells at once".
Whole scans are shrunk to one size first; patches are judged at full resolution.

Source: reconstructed; a classifier two-sample test (Lopez-Paz and Oquab 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.data.compare.statistics import ForegroundStatistics, luminance_of, pooled_statistics
from beltline.formats import read_scan
from beltline.metrics import roc_auc

WHOLE_SIDE = 256
PATCH = 96
PATCHES_PER_SCAN = 12
FOLDS = 5
_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}


@dataclass(frozen=True)
class RealismReport:
    """Comparison of two folders.

    Attributes:
        simulated: Statistics of the first folder.
        real: Statistics of the second.
        scans: Number of scans in each.
        auc_scans: AUC of the classifier on whole scans, cross-validated.
        auc_patches: AUC on foreground patches, cross-validated over scans.
    """

    simulated: ForegroundStatistics
    real: ForegroundStatistics
    scans: tuple[int, int]
    auc_scans: float
    auc_patches: float

    def to_json(self) -> dict[str, object]:
        """JSON object."""
        return {**asdict(self), "simulated": self.simulated.to_json(), "real": self.real.to_json()}


def compare_folders(simulated: Path, real: Path, *, limit: int = 200, seed: int = 0) -> RealismReport:
    """Compare the images of two folders (searched recursively).

    Args:
        simulated: Folder of simulated scans, or a simulated set.
        real: Folder of real scans.
        limit: Most scans read from each, drawn evenly from the sorted names.
        seed: Of folds and patches.

    Raises:
        BadInputError: If a folder holds fewer than ten readable images.
    """
    ours, theirs = load_folder(simulated, limit), load_folder(real, limit)
    return RealismReport(
        pooled_statistics(ours),
        pooled_statistics(theirs),
        (len(ours), len(theirs)),
        separation_auc([[_whole(s)] for s in ours], [[_whole(s)] for s in theirs], seed=seed),
        separation_auc(_patches(ours, seed), _patches(theirs, seed), seed=seed),
    )


def load_folder(folder: Path, limit: int) -> list[NDArray[np.uint8]]:
    """Images (H, W, 3) uint8 of a folder, evenly chosen from the sorted names, unreadable ones skipped.

    Raises:
        BadInputError: If fewer than ten can be read.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and "raw" not in p.parts)
    if len(paths) > limit:
        paths = [paths[int(i)] for i in np.linspace(0, len(paths) - 1, limit)]
    images = []
    for path in paths:
        try:
            pixels = read_scan(path).pixels
        except BadInputError:
            continue
        if pixels.shape[0] == 3:
            images.append(np.ascontiguousarray((pixels.transpose(1, 2, 0) * 255).round().astype(np.uint8)))
    if len(images) < 10:
        raise BadInputError(
            f"{folder}: a comparison needs at least 10 readable colour scans, found {len(images)}"
        )
    return images


def _whole(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = WHOLE_SIDE / max(rgb.shape[:2])
    size = (max(int(rgb.shape[1] * scale), 8), max(int(rgb.shape[0] * scale), 8))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _patches(scans: Sequence[NDArray[np.uint8]], seed: int) -> list[list[NDArray[np.uint8]]]:
    """Patches of each scan that are mostly foreground."""
    rng = np.random.default_rng(seed)
    found = []
    for rgb in scans:
        own: list[NDArray[np.uint8]] = []
        if min(rgb.shape[:2]) > PATCH:
            for _ in range(PATCHES_PER_SCAN * 4):
                r, c = (int(rng.integers(0, n - PATCH)) for n in rgb.shape[:2])
                patch = rgb[r : r + PATCH, c : c + PATCH]
                if (luminance_of(patch) < 225).mean() > 0.6:
                    own.append(patch)
                if len(own) == PATCHES_PER_SCAN:
                    break
        if own:
            found.append(own)
    return found


def image_features(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """About a hundred colour and texture features (F,) of an image of any size."""
    y = luminance_of(rgb)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    parts = [np.percentile(y, (1, 5, 10, 25, 50, 75, 90, 95, 99)) / 255]
    weights = hsv[..., 1].astype(np.float64).ravel() / 255
    parts.append(
        np.histogram(hsv[..., 0], bins=18, range=(0, 180), weights=weights.reshape(y.shape))[0] / y.size
    )
    parts.append(np.histogram(hsv[..., 1], bins=8, range=(0, 256))[0] / y.size)
    level: NDArray[Any] = y
    for _ in range(4):  # band energies: what is lost from one octave to the next
        soft = cv2.GaussianBlur(level, (0, 0), 1.2)
        band = np.abs(level - soft)
        parts.append(np.log1p(np.percentile(band, (25, 50, 75, 90, 97, 99.5))))
        level = cv2.resize(soft, (max(soft.shape[1] // 2, 4), max(soft.shape[0] // 2, 4)))
    dx, dy = np.abs(np.diff(y, axis=1)), np.abs(np.diff(y, axis=0))
    parts.append(np.log1p([dx.mean(), dy.mean(), np.percentile(dx, 90), np.percentile(dy, 90)]))
    parts.append(_binary_patterns(y))
    channels = rgb.reshape(-1, 3).astype(np.float64) / 255
    parts.append(channels.mean(axis=0))
    parts.append(np.corrcoef(channels.T + 1e-9 * np.arange(3)[:, None]).ravel()[[1, 2, 5]])
    return np.nan_to_num(np.concatenate(parts))


def _binary_patterns(y: NDArray[np.float32]) -> NDArray[np.float64]:
    """Histogram (16,) of which of the four neighbours are brighter."""
    centre = y[1:-1, 1:-1]
    around = (y[:-2, 1:-1], y[1:-1, 2:], y[2:, 1:-1], y[1:-1, :-2])
    code = sum((np.asarray(n > centre + 1, dtype=np.int64) << k) for k, n in enumerate(around))
    return np.bincount(np.asarray(code).ravel(), minlength=16) / centre.size


def separation_auc(
    first: Sequence[Sequence[NDArray[np.uint8]]],
    second: Sequence[Sequence[NDArray[np.uint8]]],
    *,
    seed: int = 0,
) -> float:
    """Cross-validated AUC of a logistic regression that separates two groups of images.

    Args:
        first: Images per scan; all images of a scan fall into one fold.
        second: The same for the other group.
        seed: Of the folds.

    Returns:
        AUC in [0, 1]; 0.5 means they cannot be told apart by these features.
    """
    groups = [*first, *second]
    truth = np.array([0.0] * len(first) + [1.0] * len(second))
    features = np.stack([image_features(image) for own in groups for image in own])
    owner = np.repeat(np.arange(len(groups)), [len(own) for own in groups])
    label = truth[owner]
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    rng = np.random.default_rng(seed)
    fold = np.empty(len(groups), dtype=np.int64)
    for value in (0.0, 1.0):  # every fold holds both groups
        members = np.flatnonzero(truth == value)
        fold[rng.permutation(members)] = np.arange(len(members)) % FOLDS
    scores = np.empty(len(label))
    for k in range(FOLDS):
        held = fold[owner] == k
        scores[held] = features[held] @ _logistic_fit(features[~held], label[~held])
    return float(roc_auc(label, scores))


def _logistic_fit(
    features: NDArray[np.float64], label: NDArray[np.float64], ridge: float = 0.02
) -> NDArray[np.float64]:
    """Weights (F,) of ridge-penalised logistic regression on balanced classes (centred features).

    Newton's method; the loss is strictly convex, and halving the step makes every step descend.
    """
    balance = np.where(label == 1, 0.5 / max(label.mean(), 1e-9), 0.5 / max(1 - label.mean(), 1e-9))
    signed = (2 * label - 1)[:, None] * features
    ridges = ridge * np.eye(features.shape[1])

    def loss(w: NDArray[np.float64]) -> float:
        return float((balance * np.logaddexp(0, -signed @ w)).mean() + 0.5 * ridge * w @ w)

    weights = np.zeros(features.shape[1])
    for _ in range(50):
        wrong = 1 / (1 + np.exp(np.clip(signed @ weights, -50, 50)))  # probability of the other class
        slope = ridge * weights - signed.T @ (balance * wrong) / len(label)
        curvature = (signed.T * (balance * wrong * (1 - wrong))) @ signed / len(label) + ridges
        step = np.linalg.solve(curvature, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    return weights
