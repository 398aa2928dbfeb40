"""Meshes are closed, outward, and of the right volume."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.simulate.shapes import (
    Mesh,
    blade,
    box,
    cylinder,
    ellipsoid,
    heightfield,
    helix,
    loft,
    merge,
    prism,
    rounded_box,
    spline,
    superellipse,
    torus,
    tube,
)

STAR = np.array(
    [(np.cos(a) * r, np.sin(a) * r) for a, r in zip(np.arange(10) * np.pi / 5, [50, 20] * 5, strict=True)]
)

SOLIDS = {
    "box": (box(30, 20, 10), 6000.0, 1e-9),
    "cylinder": (cylinder(10, 40, segments=200), np.pi * 100 * 40, 1e-3),
    "ellipsoid": (ellipsoid(10, 20, 30, segments=200), 4 / 3 * np.pi * 6000, 2e-3),
    "torus": (torus(30, 5, segments=200, tube_segments=100), 2 * np.pi**2 * 30 * 25, 2e-3),
    "star": (prism(STAR, 8), 5 * 50 * 20 * np.sin(np.pi / 5) * 8, 1e-9),
    "heightfield": (heightfield(np.full((5, 7), 4.0), 1.0, 20, 10), 600.0, 1e-9),
    "superellipse": (prism(superellipse(10, 5, 2.0, segments=400), 2), np.pi * 50 * 2, 1e-3),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_volume_matches_the_formula(name: str) -> None:
    mesh, expected, tolerance = SOLIDS[name]
    assert mesh.volume_mm3 == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    "mesh",
    [
        *[mesh for mesh, _, _ in SOLIDS.values()],
        rounded_box(30, 20, 10, 3),
        tube(spline([(0, 0, 0), (20, 5, 3), (30, -8, 0)]), 2),
        tube(helix(8, 40, 6), 0.6),
        blade(
            np.c_[np.linspace(0, 90, 12), np.zeros(12)],
            np.c_[np.linspace(0, 85, 12), np.full(12, -18.0)],
            2.0,
        ),
    ],
)
def test_every_edge_is_shared_by_two_opposite_faces(mesh: Mesh) -> None:
    edges = Counter((int(f[k]), int(f[(k + 1) % 3])) for f in mesh.faces for k in range(3))
    assert all(edges[(b, a)] == count for (a, b), count in edges.items())
    assert mesh.volume_mm3 > 0


@given(turn=st.floats(-180, 180), shift=st.floats(-100, 100))
def test_moving_and_turning_keep_the_volume(turn: float, shift: float) -> None:
    mesh = box(30, 20, 10)
    moved = mesh.rotated("x", turn).rotated("z", 2 * turn).moved(x=shift, y=-shift)
    assert moved.volume_mm3 == pytest.approx(mesh.volume_mm3, rel=1e-9)
    assert mesh.mirrored("y").volume_mm3 == pytest.approx(mesh.volume_mm3)


def test_merge_adds_volumes() -> None:
    assert merge([box(1, 1, 1), box(2, 2, 2).moved(x=5)]).volume_mm3 == pytest.approx(9)


def test_bad_input_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="rings must be"):
        loft(np.zeros((1, 4, 3)))
    with pytest.raises(ValueError, match="top >= bottom"):
        heightfield(np.zeros((3, 3)), 1.0, 5, 5)
