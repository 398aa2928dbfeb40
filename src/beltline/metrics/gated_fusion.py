"""Gated attention over the parts of a device as a fusion: a few learnt numbers, computed without torch.

A part is seen as its log-odds and the logarithm of its share of the device. What decides is learnt with the
labels of devices alone (`beltline.systems.anomaly.gate`), and stands in the card of a model.

Source:
    Ilse, Tomczak and Welling, Attention-based deep multiple instance learning (ICML 2018), equations 7 to 9;
    features reconstructed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.calibration import sigmoid
from beltline.metrics.part_fusion import FUSIONS, Fusion, fuse_max

GATED = "gated_attention"
FEATURES = 2
MOST_ODDS = 10.0  # log-odds beyond tell nothing apart
ODDS_UNIT = 3.0  # log-odds that count as one

Floats = NDArray[np.float64]
Numbers = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Gate:
    """What was learnt, H hidden units.

    Attributes:
        content: (H, 3) weights of the two features and a bias, of what a part says.
        gate: (H, 3), of how much it may say it.
        attention: (H,) weights of the products.
        head: (3,) from the pooled features and 1 to the logit of the device.
    """

    content: Numbers
    gate: Numbers
    attention: Sequence[float]
    head: Sequence[float]

    def __post_init__(self) -> None:
        hidden = len(self.attention)
        shapes = {np.shape(self.content), np.shape(self.gate)}
        if shapes != {(hidden, FEATURES + 1)} or np.shape(self.head) != (FEATURES + 1,):
            raise ValueError(f"a gate of {hidden} units needs (H, 3), (H, 3), (H,) and (3,), got {shapes}")

    def __call__(self, probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> Floats:
        """Scores of devices; arguments, result and errors as `fuse_max`.

        Example:
            >>> gate = Gate([[1, 0, 0]], [[0, 0, 9]], [5.0], [3.0, 0, 0])  # looks at the surest part
            >>> gate([0.9, 0.1, 0.1], [1, 1, 1], [0, 0, 1], 2).round(2).tolist()
            [0.9, 0.1]
        """
        counts = fuse_max(probs, areas, device, devices)  # checks what came, NaN where there are no parts
        owner = np.asarray(device, np.int64).ravel()
        seen = np.column_stack([part_features(probs, areas, owner, devices), np.ones(len(owner))])
        content, gate = (seen @ np.asarray(each, np.float64).T for each in (self.content, self.gate))
        energy = (np.tanh(content) * sigmoid(gate)) @ np.asarray(self.attention, np.float64)
        top = np.full(devices, -np.inf)
        np.maximum.at(top, owner, energy)
        weight = np.exp(energy - top[owner])
        total = np.bincount(owner, weight, devices)
        weight = weight / total[owner]
        pooled = [np.bincount(owner, weight * seen[:, k], devices) for k in range(FEATURES)]
        logit = np.column_stack([*pooled, np.ones(devices)]) @ np.asarray(self.head, np.float64)
        return np.where(np.isnan(counts), np.nan, sigmoid(logit))


def part_features(probs: ArrayLike, areas: ArrayLike, device: ArrayLike, devices: int) -> Floats:
    """(P, 2) of parts: log-odds in units of 3, and the logarithm of the share of the device.

    Args:
        probs: (P,) in [0, 1].
        areas: (P,) more than 0.
        device: (P,) index of its device.
        devices: D.

    Example:
        >>> part_features([0.5, 0.5], [1, 3], [0, 0], 1).round(2).tolist()
        [[0.0, -1.39], [0.0, -0.29]]
    """
    p, area, owner = (
        np.asarray(probs, np.float64),
        np.asarray(areas, np.float64),
        np.asarray(device, np.int64),
    )
    with np.errstate(divide="ignore"):
        odds = np.clip(np.log(p) - np.log1p(-p), -MOST_ODDS, MOST_ODDS) / ODDS_UNIT
    share = area / np.bincount(owner, area, devices)[owner]
    return np.column_stack([odds, np.log(share)])


def fusion_of(chosen: Mapping[str, object]) -> Fusion:
    """The fusion that was chosen: ``fusion``, its name, and ``gate``, the numbers of gated attention.

    Raises:
        ValueError: If there is none of the name, or the gate is missing or damaged.
    """
    name, gate = chosen.get("fusion"), chosen.get("gate")
    if name == GATED:
        if not isinstance(gate, Mapping):
            raise ValueError(f"fusion {GATED} needs its gate")
        try:
            return Gate(**gate)
        except TypeError as error:
            raise ValueError(f"gate: {error}") from error
    if name not in FUSIONS:
        raise ValueError(f"fusion must be one of {', '.join((*FUSIONS, GATED))}, got {name!r}")
    return FUSIONS[str(name)]
