"""Path lengths against geometry: chords, volumes, no leaks, and the NumPy path bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from beltline.simulate.packing import random_rotation
from beltline.simulate.raster import HAVE_NUMBA, Beam, Window, add_path_length
from beltline.simulate.shapes import Mesh, box, cylinder, ellipsoid, prism, torus, tube

FAN, PARALLEL = Beam(0.8, 620.0), Beam(0.8, None)


def thickness(mesh: Mesh, beam: Beam, **options: bool) -> tuple[NDArray[np.float64], Window]:
    window = Window.around(beam.project(mesh.vertices), margin=3)
    out = np.zeros((window.height, window.width))
    add_path_length(out, mesh.vertices, mesh.faces, beam, window, **options)
    return out, window


def rays(beam: Beam, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x of each column and tangent (fan) or y (parallel) of each row."""
    x = (np.arange(window.width) + window.col + 0.5) * beam.pixel_mm
    v = (np.arange(window.height) + window.row + 0.5) * beam.pixel_mm
    return x, v if beam.source_mm is None else v / beam.source_mm


@pytest.mark.parametrize("beam", [FAN, PARALLEL], ids=["fan", "parallel"])
def test_box_chords_are_exact(beam: Beam) -> None:
    out, window = thickness(box(60.6, 40.6, 20).moved(y=30), beam)
    x, row = rays(beam, window)
    if beam.source_mm is None:
        along = np.where((row > 9.7) & (row < 50.3), 20.0, 0.0)
    else:  # clip the ray y = tau * d against the box in (y, d)
        tau, near, far = row, 610.0, 630.0
        enter, leave = np.maximum(near, 9.7 / tau), np.minimum(far, 50.3 / tau)
        along = np.where(tau > 0, np.maximum(leave - enter, 0) * np.sqrt(1 + tau**2), 0.0)
    inside = np.abs(x) < 30.3
    np.testing.assert_allclose(out, along[:, None] * inside[None], atol=1e-9)


@pytest.mark.parametrize("beam", [FAN, PARALLEL], ids=["fan", "parallel"])
def test_sphere_chords_within_the_tessellation(beam: Beam) -> None:
    out, window = thickness(ellipsoid(60, 60, 60, segments=200), beam)
    x, row = rays(beam, window)
    distance = row if beam.source_mm is None else beam.source_mm * row / np.sqrt(1 + row**2)
    square = 60.0**2 - x[None] ** 2 - distance[:, None] ** 2
    chord = 2 * np.sqrt(np.maximum(square, 0))
    deep = chord > 20
    assert np.abs(out - chord)[deep].max() < 0.2
    assert np.abs(out - chord).mean() < 0.06


SHAPES = st.sampled_from(
    [
        box(80, 35, 12),
        cylinder(20, 70, segments=40),
        torus(30, 7),
        prism(
            [
                (np.cos(a) * r, np.sin(a) * r)
                for a, r in zip(np.arange(10) * np.pi / 5, [40, 15] * 5, strict=True)
            ],
            15,
        ),
        tube([(0, 0, 0), (30, 10, 5), (60, -5, 20), (70, 20, 40)], 4),
    ]
)


@settings(max_examples=60)
@given(mesh=SHAPES, seed=st.integers(0, 10_000), fan=st.booleans())
def test_no_leaks_and_volume_in_any_pose(mesh: Mesh, seed: int, fan: bool) -> None:
    rng = np.random.default_rng(seed)
    turned = mesh.transformed(random_rotation(rng), rng.uniform(-60, 60, 3))
    out, _ = thickness(turned, FAN if fan else PARALLEL)
    assert out.min() >= -1e-9
    assert np.abs(out[[0, -1]]).max() < 1e-9
    assert np.abs(out[:, [0, -1]]).max() < 1e-9
    if not fan:
        assert out.sum() * 0.64 == pytest.approx(mesh.volume_mm3, rel=0.02)


@pytest.mark.skipif(not HAVE_NUMBA, reason="numba is not installed")
@settings(max_examples=25)
@given(mesh=SHAPES, seed=st.integers(0, 10_000), fan=st.booleans())
def test_numpy_path_gives_the_same_bits(mesh: Mesh, seed: int, fan: bool) -> None:
    rng = np.random.default_rng(seed)
    turned = mesh.transformed(random_rotation(rng), rng.uniform(-60, 60, 3))
    beam = FAN if fan else PARALLEL
    fast, _ = thickness(turned, beam, use_numba=True)
    slow, _ = thickness(turned, beam, use_numba=False)
    np.testing.assert_array_equal(fast, slow)


def test_inner_part_makes_a_shell() -> None:
    outer, inner = cylinder(20, 50), cylinder(18, 46)
    window = Window.around(FAN.project(outer.vertices))
    out = np.zeros((window.height, window.width))
    add_path_length(out, outer.vertices, outer.faces, FAN, window)
    add_path_length(out, inner.vertices, inner.faces, FAN, window, -1.0)
    assert out.min() >= -1e-6
    assert out[window.height // 2, window.width // 2] == pytest.approx(4.0, rel=0.01)


def test_windows_cut_without_changing_pixels() -> None:
    mesh = torus(30, 7).rotated("x", 50)
    whole, window = thickness(mesh, FAN)
    part = Window(window.col + 10, window.row + 15, 20, 12)
    out = np.zeros((12, 20))
    add_path_length(out, mesh.vertices, mesh.faces, FAN, part)
    np.testing.assert_allclose(out, whole[15:27, 10:30], atol=1e-12)


def test_two_views_share_the_volume() -> None:
    mesh = torus(30, 7).rotated("x", 30)
    above, _ = thickness(mesh, PARALLEL)
    side, _ = thickness(mesh.rotated("x", 90), PARALLEL)
    assert above.sum() == pytest.approx(side.sum(), rel=0.01)


def test_a_vertex_above_the_source_is_refused() -> None:
    with pytest.raises(ValueError, match="below the source"):
        thickness(box(10, 10, 10).moved(z=700), FAN)
    mesh = box(10, 10, 10)
    with pytest.raises(ValueError, match="like the window"):
        add_path_length(np.zeros((2, 2)), mesh.vertices, mesh.faces, FAN, Window(0, 0, 3, 3))
