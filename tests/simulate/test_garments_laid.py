"""Garments are folded or spread to the bag, keep their layers, and fill it from wall to wall."""

from __future__ import annotations

import numpy as np
import pytest

from beltline.simulate.bags import family_facts
from beltline.simulate.items import make_item
from beltline.simulate.packing import LAYERS, HeightMap, PackingRules, laid_out

GARMENTS = [name for name, facts in family_facts().items() if facts.soft and not facts.threat]


def test_a_garment_is_laid_in_as_many_layers_as_drawn_or_as_the_bag_is_deep_for(
    rng: np.random.Generator,
) -> None:
    size, room = np.array([420.0, 300.0, 30.0]), np.array([500.0, 350.0, 200.0])
    factors = np.array([laid_out(rng, size, room) for _ in range(300)])
    laid = factors * size
    assert (laid <= room).all()
    layers = factors.prod(axis=1)
    assert layers.max() <= LAYERS[1]
    assert np.median(layers) > 1
    shallow = np.array([laid_out(rng, size, [500.0, 350.0, 25.0]) for _ in range(100)]) * size
    assert shallow[:, 2].max() < 25


@pytest.mark.parametrize("inner", [(480.0, 340.0, 210.0), (300.0, 220.0, 110.0)])
def test_garments_find_room_in_large_and_small_bags(
    inner: tuple[float, float, float], rng: np.random.Generator
) -> None:
    filled = []
    for number in range(4):
        bag = HeightMap(np.array(inner))
        placed = 0
        for seed, family in enumerate(rng.permutation(GARMENTS)[:12]):
            item = make_item(str(family), 100 * number + seed)
            pose = bag.place(rng, item, PackingRules())
            if pose is None:
                continue
            placed += 1
            corners = np.concatenate([pose.apply(p.mesh).vertices for p in item.parts if p.sign > 0])
            assert (np.ptp(corners, axis=0) <= np.array(inner) * [1.001, 1.001, 1.1]).all()
            assert np.linalg.det(pose.rotation) > 0
        assert placed >= 5
        filled.append((bag.height > 0).mean())
    assert np.mean(filled) > 0.8, "soft mass reaches the walls"
