"""Gated attention as a fusion: the same in torch and without, learnt with labels of devices alone."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beltline.metrics import roc_auc
from beltline.metrics.gated_fusion import GATED, Gate, fusion_of, part_features
from beltline.metrics.part_fusion import FUSIONS, fuse_max
from beltline.models.gated_attention import GatedAttention
from beltline.systems.anomaly.gate import _numbers, _padded, cross_fitted, learn_gate, part_rows


def parts_of(rng: np.random.Generator, devices: int):
    """Pairs; the second of each holds two likely parts, and benign ones may hold a small odd one."""
    device, probs, areas = [], [], []
    for number in range(devices):
        count = int(rng.integers(4, 9))
        mine = rng.uniform(0.02, 0.2, count)
        size = rng.uniform(80, 120, count)
        if number % 2:
            mine[:2] = rng.uniform(0.5, 0.8, 2)
        elif rng.random() < 0.5:
            mine[0], size[0] = rng.uniform(0.7, 0.95), 5.0  # sure of itself, and tiny
        device += [number] * count
        probs += mine.tolist()
        areas += size.tolist()
    truth = np.arange(devices) % 2
    return np.array(probs), np.array(areas), np.array(device), truth, np.arange(devices) // 2


def test_it_is_the_network_without_torch() -> None:
    rng = np.random.default_rng(0)
    probs, areas, device, truth, _ = parts_of(rng, 12)
    torch.manual_seed(1)
    model = GatedAttention(2, hidden=4)
    gate = _numbers(model)
    features, present = _padded(part_features(probs, areas, device, len(truth)), device, len(truth))
    with torch.no_grad():
        wanted = model(features, present)[0].sigmoid().numpy()
    np.testing.assert_allclose(gate(probs, areas, device, len(truth)), wanted, atol=1e-6)


def test_it_learns_what_the_surest_part_does_not_tell() -> None:
    rng = np.random.default_rng(3)
    given_, new = parts_of(rng, 120), parts_of(rng, 200)
    gate = learn_gate(*given_[:4])
    probs, areas, device, truth, _ = new
    ours, plain = (fuse(probs, areas, device, len(truth)) for fuse in (gate, fuse_max))
    assert roc_auc(truth, ours) > 0.95 > roc_auc(truth, plain)
    assert learn_gate(*given_[:4]) == gate


def test_no_device_is_scored_by_a_gate_that_saw_its_twin() -> None:
    rng = np.random.default_rng(5)
    probs, areas, device, truth, pair = parts_of(rng, 80)
    scores = cross_fitted(probs, areas, device, truth, pair)
    assert np.isfinite(scores).all()
    assert roc_auc(truth, scores) > 0.9
    turned = np.where(pair[device] == 0, 0.5, probs)  # of the first pair alone
    other = cross_fitted(turned, areas, device, truth, pair)
    even = (pair % 2 == 0) & (pair != 0)
    np.testing.assert_array_equal(scores[even], other[even])
    assert not np.array_equal(scores[pair % 2 == 1], other[pair % 2 == 1])
    with pytest.raises(ValueError, match="needs pairs of both kinds"):
        cross_fitted(probs[:4], areas[:4], np.zeros(4, int), np.array([0]), np.array([0]))


@given(st.integers(0, 2**32 - 1))
def test_neither_order_nor_unit_of_the_parts_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probs, areas, device, *_ = parts_of(rng, 6)
    gate = Gate([[1.0, 0.3, 0.1]], [[-0.4, 0.2, 1.0]], [2.0], [1.0, -0.5, 0.2])
    wanted = gate(probs, areas, device, 6)
    order = rng.permutation(len(probs))
    np.testing.assert_allclose(gate(probs[order], areas[order], device[order], 6), wanted)
    np.testing.assert_allclose(gate(probs, 7 * areas, device, 6), wanted)
    assert ((wanted >= 0) & (wanted <= 1)).all()


def test_a_device_without_parts_has_no_score() -> None:
    gate = Gate([[1.0, 0, 0]], [[0, 0, 9.0]], [5.0], [3.0, 0, 0])
    found = gate([0.9, 0.0, 1.0], [1, 1, 1], [0, 0, 2], 3)
    assert np.isnan(found[1])
    assert found[2] > 0.99


def test_what_was_chosen_comes_back_from_a_card() -> None:
    gate = Gate([[1.0, 0, 0]], [[0, 0, 9.0]], [5.0], [3.0, 0, 0])
    assert fusion_of({"fusion": GATED, "gate": asdict(gate)}) == gate
    assert fusion_of({"fusion": "max"}) is FUSIONS["max"]
    for bad, message in (
        ({"fusion": GATED}, "needs its gate"),
        ({"fusion": "mean"}, "fusion must be one of max, top_mean, noisy_or, log_odds, gated_attention"),
        ({"fusion": GATED, "gate": {**asdict(gate), "head": [1.0]}}, "a gate of 1 units needs"),
        ({"fusion": GATED, "gate": {"heads": 1}}, "gate: "),
    ):
        with pytest.raises(ValueError, match=message):
            fusion_of(bad)


def test_rows_of_parts_are_counted_anew() -> None:
    kept, number = part_rows(np.array([0, 1, 1, 2]), np.array([True, False, True]))
    assert kept.tolist() == [True, False, False, True]
    assert number.tolist() == [0, 1]
