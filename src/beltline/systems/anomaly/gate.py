"""Learning gated attention over parts: from validation devices, twins always on the same side."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from beltline.metrics.gated_fusion import FEATURES, Gate, part_features
from beltline.models.gated_attention import GatedAttention

HIDDEN, STEPS, RATE, DECAY = 8, 300, 0.02, 1e-2
FOLDS = 2

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def learn_gate(probs: Floats, areas: Floats, device: Numbers, truth: Numbers, *, seed: int = 0) -> Gate:
    """Gated attention that tells the devices apart.

    Args:
        probs: (P,) calibrated probabilities of parts.
        areas: (P,).
        device: (P,) index of its device, each of them with a part.
        truth: (D,) 1 where something is concealed, else 0.
        seed: Of the start.
    """
    features, present = _padded(part_features(probs, areas, device, len(truth)), device, len(truth))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GatedAttention(FEATURES, hidden=HIDDEN)
    wanted = torch.from_numpy(truth).float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model(features, present)[0], wanted).backward()
        optimizer.step()
    return _numbers(model)


def cross_fitted(
    probs: Floats, areas: Floats, device: Numbers, truth: Numbers, pair: Numbers, *, seed: int = 0
) -> Floats:
    """Scores (D,) of gates that never saw the device or its twin, to be compared with other fusions.

    Args:
        probs: See `learn_gate`.
        areas: See `learn_gate`.
        device: See `learn_gate`.
        truth: See `learn_gate`.
        pair: (D,) the same for twins.
        seed: Of the start.
    """
    _, order = np.unique(pair, return_inverse=True)
    scores = np.full(len(truth), np.nan)
    for fold in range(FOLDS):
        away = order % FOLDS == fold
        if not (~away).any() or len(np.unique(truth[~away])) < 2:
            raise ValueError("gated attention needs pairs of both kinds in each half of the validation data")
        rows = {name: part_rows(device, chosen) for name, chosen in (("away", away), ("home", ~away))}
        kept, number = rows["home"]
        gate = learn_gate(probs[kept], areas[kept], number, truth[~away], seed=seed)
        kept, number = rows["away"]
        scores[away] = gate(probs[kept], areas[kept], number, int(away.sum()))
    return scores


def part_rows(device: Numbers, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Numbers]:
    """Parts (P,) of the chosen devices (D,), and the devices' numbers counted among the chosen.

    Example:
        >>> kept, number = part_rows(np.array([0, 1, 1, 2]), np.array([False, True, True]))
        >>> kept.tolist(), number.tolist()
        ([False, True, True, True], [0, 0, 1])
    """
    kept = chosen[device]
    return kept, (np.cumsum(chosen) - 1)[device[kept]]


def _padded(features: Floats, device: Numbers, devices: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ragged parts as (D, N, 2) and which are there (D, N)."""
    order = np.argsort(device, kind="stable")
    counts = np.bincount(device, minlength=devices)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    padded = np.zeros((devices, int(counts.max()), FEATURES))
    padded[device[order], place] = features[order]
    present = np.arange(padded.shape[1]) < counts[:, None]
    return torch.from_numpy(padded).float(), torch.from_numpy(present)


def _numbers(model: GatedAttention) -> Gate:
    def with_bias(layer: torch.nn.Linear) -> list[list[float]]:
        both = torch.cat([layer.weight, layer.bias[:, None]], dim=1)
        return [[float(value) for value in row] for row in both.detach()]

    attention = [float(value) for value in model.attention.weight.detach()[0]]
    return Gate(with_bias(model.content), with_bias(model.gate), attention, with_bias(model.head)[0])
