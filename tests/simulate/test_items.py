"""What every item family must keep: physical parts, real sizes, variety, and the same item for the same seed.

A new family is tested by being listed; nothing has to be added here.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from beltline.core import PROHIBITED
from beltline.physics import MATERIALS
from beltline.simulate.containers import CONTAINERS
from beltline.simulate.items import families, make_item
from beltline.simulate.packing import random_rotation
from beltline.simulate.projection import IDENTITY, Pose, item_window, material_thickness
from beltline.simulate.raster import Beam
from beltline.simulate.solids import Item

QUICK_SEEDS = 6
ALL_SEEDS = 200
SMALLEST_MM = -1e-6


def least_thickness(item: Item, seed: int) -> float:
    """Smallest summed thickness of any material, in a pose that depends on the seed."""
    rng = np.random.default_rng(seed)
    pose = IDENTITY if seed % 3 == 0 else Pose(random_rotation(rng), rng.uniform(-40, 40, 3))
    beam = Beam(1.0, 620.0)
    maps = material_thickness(item.parts, pose, beam, item_window(item.parts, pose, beam))
    return min(float(m.min()) for m in maps.values())


@pytest.mark.parametrize("family", sorted(families()))
def test_no_part_removes_what_is_not_there(family: str) -> None:
    assert min(least_thickness(make_item(family, s), s) for s in range(QUICK_SEEDS)) >= SMALLEST_MM


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(families()))
def test_no_part_removes_what_is_not_there_over_200_seeds(family: str) -> None:
    worst = {s: least_thickness(make_item(family, s), s) for s in range(ALL_SEEDS)}
    assert min(worst.values()) >= SMALLEST_MM, min(worst, key=lambda s: worst[s])


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(CONTAINERS))
def test_no_container_removes_what_is_not_there_over_200_seeds(kind: str) -> None:
    for seed in range(ALL_SEEDS):
        made = CONTAINERS[kind](np.random.default_rng(seed))
        assert least_thickness(Item(kind, kind, (*made.parts, *made.tray)), seed) >= SMALLEST_MM


@pytest.mark.parametrize("family", sorted(families()))
def test_family_is_sound(family: str) -> None:
    items = [make_item(family, seed) for seed in range(QUICK_SEEDS)]
    for item in items:
        assert item.family == family
        assert {part.material for part in item.parts} <= set(MATERIALS)
        assert all(np.isfinite(part.mesh.vertices).all() for part in item.parts)
        assert all(part.mesh.volume_mm3 > 0 for part in item.parts)
        assert np.abs(item.bounds.mean(axis=0)).max() < 0.35 * item.size.max() + 5
        assert 2 < item.size.max() < 1100
        json.dumps(dict(item.params))
        if item.threat:
            assert item.label in {*PROHIBITED, "anomaly"}
        else:
            assert item.label == family
    assert len({tuple(np.round(item.size, 3)) for item in items}) > QUICK_SEEDS / 2, "items look alike"


@pytest.mark.parametrize("family", sorted(families()))
def test_the_same_seed_gives_the_same_item(family: str) -> None:
    first, again = make_item(family, 3), make_item(family, 3)
    assert len(first.parts) == len(again.parts)
    for a, b in zip(first.parts, again.parts, strict=True):
        np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)
        assert (a.material, a.sign, a.density_g_cm3, a.texture) == (
            b.material,
            b.sign,
            b.density_g_cm3,
            b.texture,
        )


def test_there_is_enough_of_everything() -> None:
    made = {name: make_item(name, 0) for name in families()}
    labels = {item.label for item in made.values() if item.threat}
    assert set(PROHIBITED) <= labels, f"no family makes {sorted(set(PROHIBITED) - labels)}"
    assert sum(not item.threat for item in made.values()) >= 40


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match="unknown item family 'teapotx'"):
        make_item("teapotx", 0)
