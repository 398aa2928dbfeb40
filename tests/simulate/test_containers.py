"""Containers: physical parts, room that is really free, the same bag for the same seed, variety."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from beltline.physics import MATERIALS
from beltline.simulate.containers import CONTAINERS, Container
from beltline.simulate.luggage._forms import band, bent, block, case_mesh, ribbon, shell_parts, soft_warp
from beltline.simulate.projection import IDENTITY, Pose, item_window, material_thickness
from beltline.simulate.raster import Beam
from beltline.simulate.shapes import rotation, rounded_rectangle
from beltline.simulate.solids import Part

KINDS = sorted(CONTAINERS)
SMALLEST_MM = -1e-6
BEAM = Beam(1.5, 620.0)
METALS = ("fe", "ss", "al", "zn", "brass")
HEAVY_MM3 = 4000.0  # zip teeth and buckles weigh less; rails, frames and wheels more
RAIL_BULGE_MM = 16.0  # telescopic rails bulge into the floor, and things rest on the bulge


def make(kind: str, seed: int) -> Container:
    return CONTAINERS[kind](np.random.default_rng(seed))


def least_thickness(parts: tuple[Part, ...], pose: Pose) -> float:
    maps = material_thickness(parts, pose, BEAM, item_window(parts, pose, BEAM))
    return min(float(m.min()) for m in maps.values())


def both_views(seed: int) -> tuple[Pose, Pose]:
    turn = rotation("z", 37.0 * seed)
    return Pose(turn, np.zeros(3)), Pose(rotation("x", 90.0) @ turn, np.zeros(3))


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_removes_what_is_not_there(kind: str) -> None:
    for seed in range(5):
        made = make(kind, seed)
        for pose in both_views(seed):
            assert least_thickness((*made.parts, *made.tray), pose) >= SMALLEST_MM, seed


@pytest.mark.parametrize("kind", KINDS)
def test_container_is_sound(kind: str) -> None:
    made = [make(kind, seed) for seed in range(8)]
    for bag in made:
        assert bag.kind == kind
        assert {p.material for p in bag.parts} <= set(MATERIALS)
        assert all(np.isfinite(p.mesh.vertices).all() for p in bag.parts)
        assert all(p.mesh.volume_mm3 > 0 for p in (*bag.parts, *bag.tray))
        json.dumps(dict(bag.params))
    assert len({tuple(np.round(bag.inner_size, 3)) for bag in made}) == len(made), "bags look alike"


@pytest.mark.parametrize("kind", KINDS)
def test_inner_box_lies_within_the_bag_and_is_of_a_real_size(kind: str) -> None:
    for seed in range(8):
        bag = make(kind, seed)
        low, high = outer_bounds(bag)
        half = bag.inner_size / 2
        slack = 0.25 * bag.inner_size + 12  # soft bags sag and lean; trays may be heaped
        assert (low - slack <= -half).all(), seed
        assert (half <= high + slack).all(), seed
        assert 20 < bag.inner_size[2] <= bag.inner_size[:2].min() + 60
        assert 100 < bag.inner_size[0] < 720


def outer_bounds(bag: Container) -> NDArray[np.float64]:
    corners = np.concatenate([p.mesh.bounds for p in bag.parts if p.sign > 0])
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


@pytest.mark.parametrize("kind", KINDS)
def test_no_heavy_metal_part_lies_in_the_room(kind: str) -> None:
    for seed in range(8):
        bag = make(kind, seed)
        reach = bag.inner_size / 2 - [0.1 * bag.inner_size[0], 0.1 * bag.inner_size[1], RAIL_BULGE_MM]
        for part in bag.parts:
            if part.sign < 0 or part.material not in METALS or part.mesh.volume_mm3 < HEAVY_MM3:
                continue
            inside = (np.abs(part.mesh.vertices) < np.maximum(reach, 0)).all(axis=1)
            assert not inside.any(), (seed, part.material, part.mesh.bounds.round())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_container(kind: str) -> None:
    first, again = make(kind, 4), make(kind, 4)
    np.testing.assert_array_equal(first.inner_size, again.inner_size)
    for a, b in zip((*first.parts, *first.tray), (*again.parts, *again.tray), strict=True):
        np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)
        assert (a.material, a.sign, a.density_g_cm3, a.texture) == (
            b.material,
            b.sign,
            b.density_g_cm3,
            b.texture,
        )


def test_a_strip_keeps_its_volume_when_it_turns() -> None:
    angle = np.linspace(0, np.pi, 40)
    path = np.column_stack([100 * np.cos(angle), 100 * np.sin(angle), 20 * angle])
    strip = ribbon(path, 30.0, 2.0)
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    assert strip.volume_mm3 == pytest.approx(length * 60, rel=0.02)


def test_bodies_have_their_size() -> None:
    assert block(2, 3, 5).volume_mm3 == pytest.approx(30)
    assert len(block(2, 3, 5).faces) == 12
    outline = rounded_rectangle(300, 200, 40, steps=6)
    around = 2 * (220 + 120) + 2 * np.pi * 39
    assert band(outline, 0.0, 10.0, 2.0).volume_mm3 == pytest.approx(around * 20, rel=0.01)
    case = case_mesh((500, 360, 220), 60, 40, ribs="long", count=9)
    np.testing.assert_allclose(np.ptp(case.bounds, axis=0), [500, 360, 220], atol=0.01)


def test_bending_keeps_nested_skins_nested() -> None:
    for seed in range(6):
        parts = shell_parts(case_mesh((420, 290, 150), 60, 30), 1.0, "nylon", 0.8)
        warped = bent(parts, soft_warp(np.random.default_rng(seed), (420, 290, 150), 24))
        for pose in (IDENTITY, *both_views(seed)):
            assert least_thickness(tuple(warped), pose) >= SMALLEST_MM


def test_inner_size_is_checked() -> None:
    with pytest.raises(ValueError, match="inner_size must be"):
        Container("bag", (), np.array([1.0, 0.0, 2.0]))
