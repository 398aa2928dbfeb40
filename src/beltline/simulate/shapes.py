"""Closed triangle meshes from a few builders, all lengths in mm.

Every builder returns a closed, outward oriented :class:`Mesh`. Caps are signed triangle fans about the ring
mean, so outlines need not be convex: the raster adds signed path lengths, and a fan that leaves a
non-convex outline cancels itself there. Holes, fillings and nested parts are separate meshes with a sign.

Source: reconstructed; signed sums over oriented triangles are the L-buffer of Vidal et al. (gVirtualXRay).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Axis = Literal["x", "y", "z"]
Array = NDArray[np.float64]
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangle soup that encloses a volume.

    Attributes:
        vertices: (V, 3) float64, mm.
        faces: (F, 3) int32 vertex indices, counter-clockwise seen from outside.
    """

    vertices: Array
    faces: NDArray[np.int32]

    @property
    def volume_mm3(self) -> float:
        """Enclosed volume in mm3 by the divergence theorem, negative when the faces point inwards."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)

    @property
    def bounds(self) -> Array:
        """(2, 3) lowest and highest corner in mm."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)])

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """The mesh shifted by (x, y, z) mm."""
        return Mesh(self.vertices + np.array([x, y, z]), self.faces)

    def rotated(self, axis: Axis, degrees: float) -> Mesh:
        """The mesh turned about a coordinate axis through the origin, right-handed, in degrees."""
        return self.transformed(rotation(axis, degrees))

    def scaled(self, x: float, y: float | None = None, z: float | None = None) -> Mesh:
        """The mesh scaled by positive factors per axis (one factor scales all)."""
        return Mesh(self.vertices * np.array([x, x if y is None else y, x if z is None else z]), self.faces)

    def mirrored(self, axis: Axis) -> Mesh:
        """The mesh mirrored through the plane across ``axis`` at 0, still outward oriented."""
        flip = np.ones(3)
        flip[_AXES[axis]] = -1.0
        return Mesh(self.vertices * flip, self.faces[:, ::-1])

    def transformed(self, matrix: Array, offset: ArrayLike = 0.0) -> Mesh:
        """The mesh under ``x -> matrix @ x + offset``; ``matrix`` (3, 3) has a positive determinant."""
        return Mesh(self.vertices @ matrix.T + np.asarray(offset, dtype=np.float64), self.faces)


def rotation(axis: Axis, degrees: float) -> Array:
    """Right-handed rotation matrix (3, 3) about a coordinate axis, angle in degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [(1, 2), (2, 0), (0, 1)][_AXES[axis]]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh from several that do not overlap (overlaps count twice)."""
    offsets = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = [m.faces + offset for m, offset in zip(meshes, offsets, strict=False)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces).astype(np.int32))


def _outward(vertices: Array, faces: NDArray[np.int32]) -> Mesh:
    mesh = Mesh(np.ascontiguousarray(vertices, dtype=np.float64), np.ascontiguousarray(faces, dtype=np.int32))
    return mesh if mesh.volume_mm3 >= 0 else Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def loft(rings: ArrayLike, *, closed: bool = False) -> Mesh:
    """Skin over rings of equal length: the one builder the others call.

    Args:
        rings: (N, M, 3) N rings of M points in mm, each ring closed by itself.
        closed: Join the last ring to the first (a torus) instead of capping both ends.

    Returns:
        Closed mesh with 2·N·M side faces and, unless ``closed``, a fan of M faces at each end.

    Raises:
        ValueError: If ``rings`` is not (N >= 2, M >= 3, 3).
    """
    rings = np.asarray(rings, dtype=np.float64)
    if rings.ndim != 3 or rings.shape[0] < 2 or rings.shape[1] < 3 or rings.shape[2] != 3:
        raise ValueError(f"rings must be (N >= 2, M >= 3, 3), got {rings.shape}")
    n, m = rings.shape[:2]
    index = np.arange(n * m, dtype=np.int32).reshape(n, m)
    a = index if closed else index[:-1]
    b = np.roll(index, -1, axis=0) if closed else index[1:]
    a1, b1 = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    sides = [np.stack([a, a1, b1], -1).reshape(-1, 3), np.stack([a, b1, b], -1).reshape(-1, 3)]
    vertices = rings.reshape(-1, 3)
    if closed:
        return _outward(vertices, np.concatenate(sides))
    first, last = index[0], index[-1]
    vertices = np.concatenate([vertices, rings[[0, -1]].mean(axis=1)])
    bottom = np.stack([np.roll(first, -1), first, np.full(m, n * m, np.int32)], -1)
    top = np.stack([last, np.roll(last, -1), np.full(m, n * m + 1, np.int32)], -1)
    return _outward(vertices, np.concatenate([*sides, bottom, top]))


def prism(outline: ArrayLike, depth: float, *, bevel: float = 0.0) -> Mesh:
    """Outline (M, 2) in the xy plane extruded to ``depth`` mm, centred on z = 0.

    ``bevel`` shrinks both end faces towards the outline's mean by about that many mm.
    """
    outline = np.asarray(outline, dtype=np.float64)
    half = depth / 2
    if bevel <= 0:
        return loft([in_plane(outline, -half), in_plane(outline, half)])
    centre = outline.mean(axis=0)
    reach = max(float(np.linalg.norm(outline - centre, axis=1).mean()), 1e-9)
    small = centre + (outline - centre) * max(1 - bevel / reach, 0.05)
    step = min(bevel, half * 0.9)
    rings = [
        in_plane(small, -half),
        in_plane(outline, -half + step),
        in_plane(outline, half - step),
        in_plane(small, half),
    ]
    return loft(rings)


def in_plane(points: ArrayLike, z: ArrayLike = 0.0) -> Array:
    """Path (N, 3) from plane points (N, 2), at height ``z``, one number or (N,), in mm."""
    plane = np.asarray(points, dtype=np.float64)
    return np.column_stack([plane, np.broadcast_to(np.asarray(z, dtype=np.float64), len(plane))])


def revolve(profile: ArrayLike, *, segments: int = 28) -> Mesh:
    """Profile (N, 2) of (radius, z) in mm turned about the z axis; radii of 0 make a point."""
    profile = np.asarray(profile, dtype=np.float64)
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return loft([in_plane(circle * max(r, 1e-6), z) for r, z in profile])


def cylinder(radius: float, height: float, *, segments: int = 24) -> Mesh:
    """Cylinder about z, centred."""
    return revolve([(radius, -height / 2), (radius, height / 2)], segments=segments)


def cone(radius_low: float, radius_high: float, height: float, *, segments: int = 24) -> Mesh:
    """Truncated cone about z, centred."""
    return revolve([(radius_low, -height / 2), (radius_high, height / 2)], segments=segments)


def ellipsoid(rx: float, ry: float, rz: float, *, segments: int = 24) -> Mesh:
    """Ellipsoid with half axes in mm, centred."""
    polar = np.linspace(0, np.pi, max(segments // 2, 6) + 1)
    unit = revolve(np.column_stack([np.sin(polar), -np.cos(polar)]), segments=segments)
    return unit.scaled(rx, ry, rz)


def torus(ring_radius: float, tube_radius: float, *, segments: int = 32, tube_segments: int = 10) -> Mesh:
    """Torus about z, centred."""
    phi = np.linspace(0, 2 * np.pi, segments, endpoint=False)[:, None]
    theta = np.linspace(0, 2 * np.pi, tube_segments, endpoint=False)[None, :]
    radius = ring_radius + tube_radius * np.cos(theta)
    height = np.broadcast_to(tube_radius * np.sin(theta), (segments, tube_segments))
    return loft(np.stack([radius * np.cos(phi), radius * np.sin(phi), height], -1), closed=True)


def box(x: float, y: float, z: float) -> Mesh:
    """Box with sharp edges, centred, full side lengths in mm."""
    return prism([(-x / 2, -y / 2), (x / 2, -y / 2), (x / 2, y / 2), (-x / 2, y / 2)], z)


def rounded_rectangle(x: float, y: float, radius: float, *, steps: int = 4) -> Array:
    """Outline (4·(steps+1), 2) of a rectangle of full sides x, y with rounded corners, centred."""
    radius = min(radius, 0.499 * x, 0.499 * y)
    angle = np.linspace(0, np.pi / 2, steps + 1)
    corner = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    centres = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * [x / 2 - radius, y / 2 - radius]
    turns = [corner, corner[:, ::-1] * [-1, 1], -corner, corner[:, ::-1] * [1, -1]]
    return np.concatenate([c + t for c, t in zip(centres, turns, strict=True)])


def rounded_box(x: float, y: float, z: float, radius: float, *, bevel: float | None = None) -> Mesh:
    """Box with rounded vertical edges and bevelled top and bottom, centred."""
    outline = rounded_rectangle(x, y, radius)
    return prism(outline, z, bevel=min(radius, z / 3) if bevel is None else bevel)


def superellipse(rx: float, ry: float, power: float = 3.0, *, segments: int = 32) -> Array:
    """Outline (segments, 2) of |x/rx|^p + |y/ry|^p = 1; power 2 is an ellipse, more is boxier."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    return np.column_stack(
        [rx * np.sign(c) * np.abs(c) ** (2 / power), ry * np.sign(s) * np.abs(s) ** (2 / power)]
    )


def tube(path: ArrayLike, radius: ArrayLike, *, segments: int = 8, closed: bool = False) -> Mesh:
    """Round section swept along a path (N, 3); ``radius`` is one number or (N,) in mm.

    Frames are carried along without twist (double reflection is not needed at these steps). A path that
    crosses itself counts its material twice there.
    """
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    section = np.column_stack([np.cos(angle), np.sin(angle)])
    path = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(path),))
    return sweep(path, section[None] * radii[:, None, None], closed=closed)


def sweep(path: ArrayLike, sections: ArrayLike, *, closed: bool = False) -> Mesh:
    """Sections (N, M, 2) or (M, 2) swept along a path (N, 3) in mm, in frames without twist."""
    path = np.asarray(path, dtype=np.float64)
    sections = np.asarray(sections, dtype=np.float64)
    if sections.ndim == 2:
        sections = np.broadcast_to(sections, (len(path), *sections.shape))
    tangents = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-12)
    normals = _carried_normals(tangents)
    binormals = np.cross(tangents, normals)
    rings = path[:, None] + sections[..., :1] * normals[:, None] + sections[..., 1:] * binormals[:, None]
    return loft(rings, closed=closed)


def _carried_normals(tangents: Array) -> Array:
    normal = np.cross(tangents[0], np.eye(3)[np.argmin(np.abs(tangents[0]))])
    normals = np.empty_like(tangents)
    for i, tangent in enumerate(tangents):
        normal = normal - tangent * (normal @ tangent)
        normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
        normals[i] = normal
    return normals


def heightfield(top: ArrayLike, bottom: ArrayLike, x: float, y: float) -> Mesh:
    """Solid between two height maps (N, M) in mm over a rectangle of full sides x, y, centred.

    Rows run along y, columns along x. ``top`` must not lie under ``bottom``.
    """
    top = np.asarray(top, dtype=np.float64)
    bottom = np.broadcast_to(np.asarray(bottom, dtype=np.float64), top.shape)
    if (top < bottom).any():
        raise ValueError("heightfield needs top >= bottom everywhere; clip it first")
    n, m = top.shape
    gx, gy = np.meshgrid(np.linspace(-x / 2, x / 2, m), np.linspace(-y / 2, y / 2, n))
    low = np.stack([gx, gy, bottom], -1).reshape(-1, 3)
    high = np.stack([gx, gy, top], -1).reshape(-1, 3)
    index = np.arange(n * m, dtype=np.int32).reshape(n, m)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    sheet = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    rim = np.concatenate([index[0, :-1], index[:-1, -1], index[-1, :0:-1], index[:0:-1, 0]])
    after, shift = np.roll(rim, -1), n * m
    walls = np.concatenate(
        [np.stack(t, -1) for t in ((rim, after, after + shift), (rim, after + shift, rim + shift))]
    )
    return _outward(np.concatenate([low, high]), np.concatenate([sheet[:, ::-1], sheet + shift, walls]))


def spline(points: ArrayLike, samples: int = 40, *, closed: bool = False) -> Array:
    """Smooth curve (samples, D) through control points (N, D), Catmull-Rom."""
    points = np.asarray(points, dtype=np.float64)
    if not closed:
        points = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    else:
        points = np.concatenate([points[-1:], points, points[:2]])
    t = np.linspace(0, len(points) - 3, samples, endpoint=not closed)
    i = np.minimum(t.astype(int), len(points) - 4)
    f = (t - i)[:, None]
    p0, p1, p2, p3 = (points[i + k] for k in range(4))
    cubic = -p0 + 3 * p1 - 3 * p2 + p3
    curve: Array = 2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f**2 + cubic * f**3
    return 0.5 * curve


def helix(radius: float, length: float, turns: float, *, steps_per_turn: int = 14) -> Array:
    """Path (N, 3) of a coil about z, centred, mm."""
    t = np.linspace(0, 1, max(int(turns * steps_per_turn), 4))
    angle = 2 * np.pi * turns * t
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), (t - 0.5) * length])


def arc(radius: float, start_deg: float, stop_deg: float, *, steps: int = 16) -> Array:
    """Points (steps, 2) on a circle about the origin, from start to stop in degrees."""
    angle = np.radians(np.linspace(start_deg, stop_deg, steps))
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def blade(spine: ArrayLike, edge: ArrayLike, thickness: float, *, grind: float = 0.6) -> Mesh:
    """Blade between a spine and an edge curve, both (N, 2) in the xy plane, in mm.

    The section is a wedge: full ``thickness`` at the spine down to the share ``grind`` of the width from
    the edge, then falling to a sharp edge.
    """
    spine, edge = np.asarray(spine, dtype=np.float64), np.asarray(edge, dtype=np.float64)
    shoulder = edge + (spine - edge) * np.clip(grind, 0.02, 0.98)
    half = thickness / 2
    layers = [(spine, half), (spine, -half), (shoulder, -half), (edge, -0.05), (edge, 0.05), (shoulder, half)]
    return loft(np.stack([in_plane(points, z) for points, z in layers], axis=1))
