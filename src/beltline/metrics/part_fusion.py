"""One decision for a device, or a whole scan, from the probabilities of its parts.

Parts are ragged, so they are flat arrays with the index of the device that each belongs to; pass the scan's
index instead to decide for scans. A part's threshold is no device's threshold: of 20 independent parts at
3.5 % false alarms each, one alarms in 51 % of the benign devices. So the threshold is chosen on fused scores.

Source:
    The rules are classic (Dietterich et al., 1997, for max; Maron and Lozano-Perez, 1998, for noisy-or); the
    paper on concealed electronics leaves the decision on a whole device to future work. Choice reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.calibration import sigmoid
from beltline.metrics.conformal import conformal_rank
from beltline.metrics.operating_points import OperatingPoint, rates_at_threshold
from beltline.metrics.ranking import known_pairs, roc_auc

TOP = 3  # parts that count in `fuse_top_mean`
TINY = 1e-6  # probabilities are kept this far from 0 and 1 where their log-odds are taken

Floats = NDArray[np.float64]
Fusion = Callable[[ArrayLike, ArrayLike, ArrayLike, int], Floats]
"""From probabilities, areas and devices of parts, and the count of devices, to scores of devices."""


@dataclass(frozen=True, eq=False)
class _Parts:
    """Checked parts in an order that does not depend on the order given: by device, surest first."""

    probs: Floats  # (P,)
    areas: Floats  # (P,)
    device: NDArray[np.int64]  # (P,)
    devices: int

    def counts(self) -> NDArray[np.int64]:
        """(D,) parts of each device."""
        return np.bincount(self.device, minlength=self.devices).astype(np.int64)

    def ranks(self) -> NDArray[np.int64]:
        """(P,) place of each part within its device, 0 the surest."""
        counts = self.counts()
        return np.arange(len(self.device)) - (np.cumsum(counts) - counts)[self.device]

    def total(self, values: Floats) -> Floats:
        """(D,) sums of values (P,), NaN for devices without parts."""
        sums = np.bincount(self.device, values, minlength=self.devices)
        return np.where(self.counts() > 0, sums, np.nan)


def fuse_max(probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> Floats:
    """The surest part decides: ``max_i p_i``.

    Args:
        probs: (P,) probability of an anomaly in each part, in [0, 1].
        areas: (P,) area of each part, > 0, any unit.
        device: (P,) index of its device, in 0..``devices`` - 1.
        devices: D.

    Returns:
        (D,) in [0, 1], NaN for devices without parts.

    Raises:
        ValueError: If lengths differ or a value is out of its range.

    Example:
        >>> fuse_max([0.5, 0.25, 0.75], [10, 10, 10], [0, 0, 1], 3).tolist()
        [0.5, 0.75, nan]
    """
    return fuse_top_mean(probs, areas, device, devices, k=1)


def fuse_top_mean(
    probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int, *, k: int = TOP
) -> Floats:
    """Mean of the k surest parts, of all where there are fewer; arguments, result and errors as `fuse_max`.

    Args:
        probs: See `fuse_max`.
        areas: See `fuse_max`.
        device: See `fuse_max`.
        devices: See `fuse_max`.
        k: How many parts, 1 or more.

    Example:
        >>> fuse_top_mean([0.5, 0.25, 0.75], [10, 10, 10], [0, 0, 0], 1, k=2).tolist()
        [0.625]
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more parts, got {k}")
    parts = _parts(probs, areas, device, devices)
    return parts.total(np.where(parts.ranks() < k, parts.probs, 0)) / np.clip(parts.counts(), 1, k)


def fuse_noisy_or(probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> Floats:
    """Chance that at least one part holds something, parts independent: ``1 - prod_i (1 - p_i)``.

    Computed as ``-expm1(sum_i log1p(-p_i))``, exact for many small probabilities. Near 1 it saturates, so
    that devices with a sure part can tie. Arguments, result and errors as `fuse_max`.

    Example:
        >>> fuse_noisy_or([0.5, 0.5, 0.25], [10, 10, 10], [0, 0, 1], 2).round(3).tolist()
        [0.75, 0.25]
    """
    parts = _parts(probs, areas, device, devices)
    with np.errstate(divide="ignore"):  # a part with p = 1 decides by -inf
        return -np.expm1(parts.total(np.log1p(-parts.probs)))


def fuse_log_odds(probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> Floats:
    """Area-weighted mean of the log-odds, as a probability: ``sigmoid(sum a_i logit(p_i) / sum a_i)``.

    Probabilities should be calibrated (`fit_platt`); they are kept 1e-6 away from 0 and 1. Arguments,
    result and errors as `fuse_max`.

    Example:
        >>> fuse_log_odds([0.9, 0.1, 0.1], [10, 10, 20], [0, 0, 1], 2).round(3).tolist()
        [0.5, 0.1]
    """
    parts = _parts(probs, areas, device, devices)
    kept = np.clip(parts.probs, TINY, 1 - TINY)
    odds = np.log(kept) - np.log1p(-kept)
    return sigmoid(parts.total(parts.areas * odds) / parts.total(parts.areas))


#: From the simplest to the least simple, which decides ties.
FUSIONS: Mapping[str, Fusion] = MappingProxyType(
    {"max": fuse_max, "top_mean": fuse_top_mean, "noisy_or": fuse_noisy_or, "log_odds": fuse_log_odds}
)


@dataclass(frozen=True)
class FusionFigures:
    """What a fusion does on validation data.

    Attributes:
        name: In the table of fusions.
        point: Threshold, PD and PFA there; a device alarms at or above the threshold.
        auc: Area under the ROC curve over devices.
    """

    name: str
    point: OperatingPoint
    auc: float


def compare_fusions(
    probs: ArrayLike,
    areas: ArrayLike,
    device: ArrayLike,
    labels: ArrayLike,
    *,
    pfa: float = 0.05,
    fusions: Mapping[str, Fusion] = FUSIONS,
) -> tuple[FusionFigures, ...]:
    """Every fusion at its own threshold, which the benign devices set by the conformal rule.

    Args:
        probs: See `fuse_max`; validation data.
        areas: See `fuse_max`.
        device: See `fuse_max`.
        labels: (D,) whether the device holds something: 1, 0, or NaN left out.
        pfa: Wanted share of benign devices that alarm, in (0, 1).
        fusions: Table of fusions.

    Raises:
        ValueError: As `fuse_max`; if benign devices are too few for ``pfa`` (see `conformal_rank`), none is
            a positive, or a device with a label has no part.
    """
    truth = np.asarray(labels, np.float64).ravel()
    _check_labels(truth, np.asarray(device))
    scores = {name: fuse(probs, areas, device, len(truth)) for name, fuse in fusions.items()}
    known = ~np.isnan(truth)
    return tuple(_figures(name, truth[known], each[known], pfa) for name, each in scores.items())


def choose_fusion(
    probs: ArrayLike,
    areas: ArrayLike,
    device: ArrayLike,
    labels: ArrayLike,
    *,
    pfa: float = 0.05,
    fusions: Mapping[str, Fusion] = FUSIONS,
) -> FusionFigures:
    """The fusion with the highest PD at a fixed PFA; of equals the higher AUC, then the simpler.

    Its figures are those of the data it was chosen on: PD on new devices is to be measured on others.
    Arguments and errors as `compare_fusions`.

    Example:
        >>> benign = [0.1] * 38 + [0.3] * 2  # 20 devices of two parts, one with two odd parts
        >>> chosen = choose_fusion([*benign, 0.9, 0.1], [1] * 42, np.arange(42) // 2, [0] * 20 + [1])
        >>> chosen.name, chosen.point.pd.value, chosen.point.pfa.hits
        ('max', 1.0, 0)
    """
    found = compare_fusions(probs, areas, device, labels, pfa=pfa, fusions=fusions)
    return max(found, key=lambda each: (each.point.pd.value, each.auc))  # the first of equals is the simpler


def expected_false_alarms(part_pfa: float, parts: int) -> float:
    """Share of benign devices in which at least one of so many independent parts alarms: ``1 - (1 - p)^n``.

    Args:
        part_pfa: Share of benign parts that alarm, in [0, 1].
        parts: Parts of a device, 0 or more.

    Raises:
        ValueError: If one is out of its range.

    Example:
        >>> round(expected_false_alarms(0.035, 20), 2)  # 1 - 0.965**20
        0.51
    """
    if not 0 <= part_pfa <= 1 or parts < 0:
        raise ValueError(f"expected a share in 0..1 and 0 or more parts, got {part_pfa} and {parts}")
    return float(1 - (1 - part_pfa) ** parts)


def _figures(name: str, labels: Floats, scores: Floats, pfa: float) -> FusionFigures:
    truth, value = known_pairs(labels, scores)
    benign = np.sort(value[~truth])
    last = benign[conformal_rank(len(benign), pfa) - 1]  # must not alarm
    threshold = float(np.nextafter(last, np.inf))
    return FusionFigures(name, rates_at_threshold(labels, scores, threshold), roc_auc(labels, scores))


def _check_labels(truth: Floats, device: NDArray[np.int64]) -> None:
    if not (truth == 1).any():
        raise ValueError("choosing a fusion needs devices that hold something, got none with label 1")
    empty = np.setdiff1d(np.flatnonzero(~np.isnan(truth)), device)
    if empty.size:
        raise ValueError(
            f"{empty.size} devices have a label and no part, the first is {empty[0]}:"
            " make their labels NaN and count them apart, they cannot alarm"
        )


def _parts(probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> _Parts:
    p, a = (np.asarray(values, np.float64).ravel() for values in (probs, areas))
    d = np.asarray(device).ravel()
    if not len(p) == len(a) == len(d):
        raise ValueError(f"expected as many probs, areas and devices, got {len(p)}, {len(a)} and {len(d)}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probs must be in 0..1, some are not; logits go through a calibration first")
    if not (np.isfinite(a) & (a > 0)).all():
        raise ValueError("areas must be more than 0, some are not; give 1 to each where none are known")
    if d.size and (d.dtype.kind not in "iu" or d.min() < 0 or d.max() >= devices):
        raise ValueError(
            f"device must be whole numbers in 0..{devices - 1}, got {d.dtype} {d.min()}..{d.max()}"
        )
    order = np.lexsort((a, -p, d))
    return _Parts(p[order], a[order], d[order].astype(np.int64), devices)
