"""Meshes that luggage is full of: ribbons, bands, shells with ribs, repeated small things, soft bending."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng
from beltline.simulate.shapes import Array, Mesh, loft, prism, rounded_rectangle
from beltline.simulate.solids import Part, hollow

Warp = Callable[[Array], Array]
COARSE_FACES = 60  # boxes and plates: bent vertex by vertex they would fold


def repeated(mesh: Mesh, spots: ArrayLike, yaw_deg: ArrayLike = 0.0) -> Mesh:
    """One mesh at many places (N, 3) in mm, each copy first turned about z by ``yaw_deg``."""
    spots = np.asarray(spots, dtype=np.float64).reshape(-1, 3)
    yaw = np.radians(np.broadcast_to(np.asarray(yaw_deg, dtype=np.float64), (len(spots),)))
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y, z = mesh.vertices.T
    turned = np.stack([c * x - s * y, s * x + c * y, np.broadcast_to(z, (len(spots), len(z)))], axis=-1)
    vertices = (turned + spots[:, None]).reshape(-1, 3)
    faces = mesh.faces[None] + (np.arange(len(spots)) * len(mesh.vertices))[:, None, None]
    return Mesh(vertices, faces.reshape(-1, 3).astype(np.int32))


def block(x: float, y: float, z: float) -> Mesh:
    """Box of 12 triangles, centred, for things repeated by the hundred."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * [x / 2, y / 2]
    strip = _strip(
        np.stack([np.column_stack([np.full(4, z), corners[:, 0], corners[:, 1]]) for z in (-z / 2, z / 2)])
    )
    return Mesh(strip.vertices[:, [1, 2, 0]], strip.faces)


def ribbon(
    path: ArrayLike,
    width: float,
    thickness: float,
    up: ArrayLike = (0.0, 0.0, 1.0),
    *,
    across: ArrayLike | None = None,
) -> Mesh:
    """Flat strip along a path (N, 3) in mm.

    ``up`` is its surface normal, (3,) or (N, 3), nowhere along the path; ``across`` gives the direction of
    its width instead, for strips that bow steeply.
    """
    path = np.asarray(path, dtype=np.float64)
    tangents = np.gradient(path, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    if across is None:
        across = np.cross(tangents, np.broadcast_to(np.asarray(up, dtype=np.float64), path.shape))
    across = _untwisted(np.array(np.broadcast_to(np.asarray(across, dtype=np.float64), path.shape)), tangents)
    normals = np.cross(across, tangents)
    half = _narrowed(path, across, width / 2)[:, None]
    thin = _narrowed(path, normals, thickness / 2)[:, None]
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    rings = np.stack([path + a * half * across + b * thin * normals for a, b in corners], axis=1)
    return _strip(rings)


def _untwisted(across: Array, tangents: Array) -> Array:
    """Width directions without flips, smoothed along the strip, unit length, square to the tangents."""
    for i in range(1, len(across)):
        if across[i] @ across[i - 1] < 0:
            across[i] *= -1
    for _ in range(12):
        across[1:-1] = (across[:-2] + 2 * across[1:-1] + across[2:]) / 4
        across -= tangents * np.einsum("ij,ij->i", across, tangents)[:, None]
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    return across


def _narrowed(path: Array, across: Array, half: float) -> Array:
    """Half width (N,), less where the strip bends or twists so tightly that its edges would cross."""
    length = np.maximum(np.linalg.norm(np.diff(path, axis=0), axis=1), 1e-9)
    turn = np.linalg.norm(np.diff(across, axis=0), axis=1)
    most = np.minimum(0.6 * length / np.maximum(turn, 1e-9), half)
    at_nodes = np.minimum(np.r_[most, half], np.r_[half, most])
    return np.asarray(np.clip(at_nodes, 0.02, half))


def _strip(rings: Array) -> Mesh:
    """Skin over rings (N, 4, 3) whose two wide faces are cut along the same diagonals.

    So a thin strip keeps its thickness when it is twisted or bent, which :func:`loft` does not promise.
    """
    i = np.arange(0, 4 * (len(rings) - 1), 4)[:, None]
    faces = np.array(
        [(0, 1, 5), (0, 5, 4), (3, 7, 6), (3, 6, 2), (1, 2, 6), (1, 6, 5), (3, 0, 4), (3, 4, 7)],
        dtype=np.int64,
    )
    last = 4 * len(rings) - 4
    ends = [(0, 3, 2), (0, 2, 1), (last, last + 1, last + 2), (last, last + 2, last + 3)]
    skin = np.concatenate([(i[..., None] + faces[None]).reshape(-1, 3), np.array(ends)])
    mesh = Mesh(rings.reshape(-1, 3), skin.astype(np.int32))
    return mesh if mesh.volume_mm3 >= 0 else Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def offset(outline: ArrayLike, distance: float) -> Array:
    """Outline (M, 2) moved outwards by ``distance`` mm along its vertex normals (inwards when negative)."""
    outline = np.asarray(outline, dtype=np.float64)
    before, after = outline - np.roll(outline, 1, 0), np.roll(outline, -1, 0) - outline
    before /= np.maximum(np.linalg.norm(before, axis=1, keepdims=True), 1e-9)
    after /= np.maximum(np.linalg.norm(after, axis=1, keepdims=True), 1e-9)
    mean = before + after
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    return np.asarray(outline + distance * np.column_stack([mean[:, 1], -mean[:, 0]]))


def band(outline: ArrayLike, z: ArrayLike, height: float, depth: float) -> Mesh:
    """Closed strip that follows an outline (M, 2) at height z: ``height`` along z, ``depth`` inwards, mm."""
    outer = np.asarray(outline, dtype=np.float64)
    inner = offset(outer, -depth)
    level = np.broadcast_to(np.asarray(z, dtype=np.float64), (len(outer),))
    low, high = level - height / 2, level + height / 2
    rings = [
        np.column_stack([ring, side])
        for ring, side in ((outer, low), (outer, high), (inner, high), (inner, low))
    ]
    return loft(np.stack(rings, axis=1), closed=True)


def plan_outline(x: float, y: float, corner: float, *, taper: float = 0.0, steps: int = 6) -> Array:
    """Rounded rectangle (28, 2) whose +x end is narrower by the share ``taper``."""
    outline = rounded_rectangle(x, y, corner, steps=steps)
    narrowing = 1 - taper * (0.5 + outline[:, 0] / x)
    return np.asarray(outline * np.column_stack([np.ones(len(outline)), narrowing]))


def evenly(path: ArrayLike, pitch: float) -> tuple[Array, Array]:
    """Points (N, 3) every ``pitch`` mm along a path, and their direction in the xy plane in degrees."""
    path = np.asarray(path, dtype=np.float64)
    steps = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    spots = np.arange(pitch / 2, max(float(steps[-1]), pitch), pitch)
    points = np.column_stack([np.interp(spots, steps, path[:, k]) for k in range(3)])
    ahead = np.column_stack([np.interp(spots + 0.5, steps, path[:, k]) for k in range(2)])
    behind = np.column_stack([np.interp(spots - 0.5, steps, path[:, k]) for k in range(2)])
    return points, np.degrees(np.arctan2(*(ahead - behind).T[::-1]))


def annulus(outer: float, inner: float, height: float, *, segments: int = 18) -> Mesh:
    """Flat ring about z with a square section, mm."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    section = ((outer, -height), (outer, height), (inner, height), (inner, -height))
    rings = [np.column_stack([circle * r, np.full(segments, z / 2)]) for r, z in section]
    return loft(np.stack(rings, axis=1), closed=True)


def square_tube(
    length: float, wide: float, tall: float, wall: float, *, corner: float = 2.0
) -> tuple[Mesh, Mesh]:
    """Outer and inner skin of a tube along x with nearly closed ends, centred; round when corner is large."""
    outline = rounded_rectangle(wide, tall, corner, steps=3)
    outer = prism(outline, length).rotated("y", 90).rotated("x", 90)
    factor = [1 - 0.4 / length, 1 - 2 * wall / wide, 1 - 2 * wall / tall]
    return outer, Mesh(outer.vertices * factor, outer.faces)


def tube_parts(
    length: float, wide: float, tall: float, wall: float, material: str, *, corner: float = 2.0
) -> list[Part]:
    """:func:`square_tube` as signed parts."""
    return list(hollow(*square_tube(length, wide, tall, wall, corner=corner), material))


def shell_parts(mesh: Mesh, wall: float, material: str, density_g_cm3: float | None = None) -> list[Part]:
    """Hollow shell of a roughly convex mesh about the origin: minus its own copy, scaled per axis."""
    low, high = mesh.bounds
    size, middle = high - low, (low + high) / 2
    factor = 1 - 2 * np.minimum(wall, 0.4 * size) / size
    inner = Mesh(middle + (mesh.vertices - middle) * factor, mesh.faces)
    return list(hollow(mesh, inner, material, density_g_cm3=density_g_cm3))


def bent(parts: Iterable[Part], warp: Warp) -> list[Part]:
    """Parts that went through ``warp``: fine meshes vertex by vertex, coarse ones (hardware) as a whole."""
    return [replace(part, mesh=_bent(part.mesh, warp)) for part in parts]


def _bent(mesh: Mesh, warp: Warp) -> Mesh:
    if len(mesh.faces) > COARSE_FACES:
        return Mesh(warp(mesh.vertices), mesh.faces)
    middle = mesh.bounds.mean(axis=0)
    step = np.eye(3) * 5.0
    moved, *ahead = warp(np.vstack([middle, middle + step]))
    jacobian = (np.array(ahead) - moved) / 5.0  # row k: image of the unit step along axis k
    return Mesh(moved + (mesh.vertices - middle) @ jacobian, mesh.faces)


def soft_warp(rng: Rng, size: ArrayLike, amplitude: float) -> Warp:
    """Smooth bending of a soft bag: a few long waves of about ``amplitude`` mm, the same for all its parts.

    The shift depends on x and y alone (besides a shear), so walls along z stay plane, sheets keep their
    thickness, and nested skins of one tessellation stay nested.
    """
    span = np.asarray(size, dtype=np.float64)[:2]
    waves = rng.normal(0, 1.6, (5, 2)) / span * np.pi
    phases = rng.uniform(0, 2 * np.pi, 5)
    pushes = rng.normal(0, amplitude / 2, (5, 3)) * [1.0, 1.0, 0.6]
    steepness = float(np.sum(np.linalg.norm(waves, axis=1) * np.linalg.norm(pushes, axis=1)))
    pushes *= min(1.0, 0.35 / max(steepness, 1e-9))  # steeper would fold the bag over
    lean = rng.normal(0, amplitude / 100, 2)

    def warp(vertices: Array) -> Array:
        moved = vertices + np.sin(vertices[:, :2] @ waves.T + phases) @ pushes
        moved[:, :2] += vertices[:, 2:] * lean
        return np.asarray(moved)

    return warp


def case_mesh(
    size: ArrayLike,
    corner: float,
    edge: float,
    *,
    ribs: str = "none",
    count: int = 9,
    depth: float = 2.0,
) -> Mesh:
    """Suitcase body about the origin: rounded in plan by ``corner`` and along all edges by ``edge`` mm.

    Args:
        size: (3,) outer sides, mm.
        corner: Radius of the plan view's corners.
        edge: Radius of the edges between faces and sides.
        ribs: "none", "long" (grooves along x), "cross" (along y) or "side" (round the ends too).
        count: Number of grooves.
        depth: Depth of the grooves, mm.
    """
    half = np.asarray(size, dtype=np.float64) / 2
    xs, wave = _stations(half[0], corner, edge, count if ribs == "cross" else 0)
    outline = rounded_rectangle(2 * half[1], 2 * half[2], edge, steps=3)
    if ribs in ("long", "side"):
        outline = _grooved(outline, half[1], count, depth, sides=ribs == "side")
    rings = []
    for x, dip in zip(xs, wave, strict=True):
        inset_y = corner - np.sqrt(max(corner**2 - max(abs(x) - (half[0] - corner), 0.0) ** 2, 0.0))
        inset_z = edge - np.sqrt(max(edge**2 - max(abs(x) - (half[0] - edge), 0.0) ** 2, 0.0))
        scale = np.array([1 - inset_y / half[1], 1 - (inset_z + dip * depth) / half[2]])
        ring = outline * np.maximum(scale, 0.15)
        rings.append(np.column_stack([np.full(len(ring), x), ring]))
    return loft(rings)


def _stations(half: float, corner: float, edge: float, grooves: int) -> tuple[Array, Array]:
    """Positions along x, dense at both rounded ends, and the dip (0..1) of cross grooves there."""
    bend = np.sin(np.linspace(0, np.pi / 2, 6))
    ends = np.concatenate([half - corner + corner * bend, half - edge + edge * bend[2::2]])
    middle = np.linspace(0, half - max(corner, edge), 4 * grooves // 2 + 2)[:-1]
    right = np.unique(np.round(np.concatenate([middle, ends]), 3))
    xs = np.concatenate([-right[:0:-1], right])
    flat = half - max(corner, edge)
    dip = 0.5 - 0.5 * np.cos(np.pi * grooves * xs / flat) if grooves else np.zeros(len(xs))
    return xs, np.where(np.abs(xs) < flat, dip, 0.0)


def _grooved(outline: Array, half_y: float, count: int, depth: float, *, sides: bool) -> Array:
    """Outline with its long faces resampled and dented by ``count`` grooves."""
    closed = np.vstack([outline, outline[:1]])
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    t = np.linspace(0, length[-1], min(6 * count + 24, 76), endpoint=False)
    fine = np.column_stack([np.interp(t, length, closed[:, k]) for k in range(2)])
    dip = (0.5 - 0.5 * np.cos(np.pi * count * fine[:, 0] / half_y)) ** 2
    high = np.abs(fine[:, 1]) > 0.98 * np.abs(outline[:, 1]).max()
    shrunk = offset(fine, -depth) if sides else fine - np.column_stack([0 * t, np.sign(fine[:, 1]) * depth])
    where = (high | sides) * dip
    return np.asarray(fine + (shrunk - fine) * where[:, None])
