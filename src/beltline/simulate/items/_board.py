"""Printed circuit boards: copper planes, chips with die pads and pins, passives, coils, connectors.

Everything small is a box, and all boxes of one material are one mesh made in one NumPy call.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng
from beltline.simulate.shapes import Array, Mesh, cylinder, merge
from beltline.simulate.solids import Part

Rectangle = tuple[float, float, float, float]  # centre x, centre y, size x, size y in mm

_CORNERS = np.array([(i, j, k) for k in (-0.5, 0.5) for j in (-0.5, 0.5) for i in (-0.5, 0.5)])
_QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
_FACES = np.array([t for a, b, c, d in _QUADS for t in ((a, b, c), (a, c, d))], dtype=np.int32)
_PACKAGES = np.array([(1.0, 0.5, 0.4), (1.6, 0.8, 0.5), (2.0, 1.25, 0.7), (3.2, 1.6, 0.9), (3.2, 2.5, 1.2)])
_PACKAGE_SHARE = (0.34, 0.32, 0.2, 0.09, 0.05)


def boxes(centres: ArrayLike, sizes: ArrayLike) -> Mesh:
    """One mesh of N boxes that do not overlap: 8 vertices and 12 triangles each.

    Args:
        centres: (N, 3) mm.
        sizes: (N, 3) or (3,) full side lengths, mm.
    """
    centres = np.atleast_2d(np.asarray(centres, dtype=np.float64))
    sizes = np.broadcast_to(np.asarray(sizes, dtype=np.float64), centres.shape)
    vertices = centres[:, None] + _CORNERS * sizes[:, None]
    offsets = np.arange(len(centres), dtype=np.int32)[:, None, None] * 8
    return Mesh(vertices.reshape(-1, 3), (_FACES + offsets).reshape(-1, 3))


def plate(x: float, y: float, z: float) -> Mesh:
    """One box standing on z = 0, centred in x and y: 12 triangles."""
    return boxes([(0.0, 0.0, z / 2)], (x, y, z))


def scattered(rng: Rng, area: tuple[float, float], count: int, low: ArrayLike, high: ArrayLike) -> Mesh:
    """``count`` boxes on cells of a grid over ``area`` (x, y) mm, standing on z = 0, of drawn sizes (3,)."""
    columns = max(int(np.ceil(np.sqrt(count * area[0] / max(area[1], 1e-6)))), 1)
    rows = max(int(np.ceil(count / columns)), 1)
    cells = rng.permutation(columns * rows)[:count]
    pitch = np.array([area[0] / columns, area[1] / rows])
    sizes = rng.uniform(np.asarray(low, float), np.asarray(high, float), (len(cells), 3))
    sizes[:, :2] = np.minimum(sizes[:, :2], pitch * 0.92)
    at = (np.column_stack([cells % columns, cells // columns]) + 0.5) * pitch - np.array(area) / 2
    room = np.maximum(pitch - sizes[:, :2], 0) / 2
    at += rng.uniform(-1, 1, at.shape) * room
    return boxes(np.column_stack([at, sizes[:, 2] / 2]), sizes)


class _Places:
    """Which square millimetres of a board are still free."""

    def __init__(self, rectangles: Sequence[Rectangle]) -> None:
        r = np.array(rectangles)
        self.low = (r[:, :2] - r[:, 2:] / 2).min(axis=0)
        high = (r[:, :2] + r[:, 2:] / 2).max(axis=0)
        shape = np.maximum(np.ceil(high - self.low).astype(int), 1)
        self.free = np.zeros((shape[0], shape[1]), dtype=bool)
        for x, y, w, h in rectangles:
            i0, j0 = np.floor([x - w / 2 + 1, y - h / 2 + 1] - self.low).astype(int)
            i1, j1 = np.ceil([x + w / 2 - 1, y + h / 2 - 1] - self.low).astype(int)
            self.free[max(i0, 0) : i1, max(j0, 0) : j1] = True

    def take(self, rng: Rng, x: float, y: float, tries: int = 14) -> tuple[float, float] | None:
        """Centre of a free place for x by y mm, now taken; None after ``tries`` attempts."""
        nx, ny = int(np.ceil(x)), int(np.ceil(y))
        mx, my = self.free.shape[0] - nx, self.free.shape[1] - ny
        if mx < 0 or my < 0:
            return None
        for i, j in rng.integers(0, [mx + 1, my + 1], (tries, 2)):
            window = self.free[i : i + nx, j : j + ny]
            if window.all():
                window[...] = False
                return float(self.low[0] + i + nx / 2), float(self.low[1] + j + ny / 2)
        return None

    def specks(self, rng: Rng, count: int) -> Array:
        """(K, 2) centres of up to ``count`` still free millimetres, at least 2 mm apart along y."""
        columns, rows = np.nonzero(self.free[:, ::2])
        some = rng.permutation(len(columns))[:count]
        at = np.column_stack([columns[some], rows[some] * 2.0]) + 0.5
        spots: Array = self.low + at
        return spots


class _Pile:
    """Boxes gathered per material until they become one mesh each."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, float | None], list[tuple[Array, Array]]] = {}

    def put(self, material: str, centres: ArrayLike, sizes: ArrayLike, density: float | None = None) -> None:
        centres = np.atleast_2d(np.asarray(centres, dtype=np.float64))
        sizes = np.broadcast_to(np.asarray(sizes, dtype=np.float64), centres.shape)
        self.found.setdefault((material, density), []).append((centres, sizes))

    def parts(self, z: float) -> list[Part]:
        made = []
        for (material, density), rows in self.found.items():
            mesh = boxes(np.concatenate([c for c, _ in rows]), np.concatenate([s for _, s in rows]))
            made.append(Part(mesh.moved(z=z), material, 1, density))
        return made


def circuit_board(
    rng: Rng,
    x: float,
    y: float,
    *,
    density: float = 1.0,
    z: float = 0.0,
    tall: float = 1.0,
    also: Sequence[Rectangle] = (),
) -> tuple[Part, ...]:
    """A populated board of x by y mm whose bare top lies at height z: about 30 to 400 components.

    Args:
        rng: Source of chance.
        x: Length in mm.
        y: Width in mm.
        density: Factor on the number of components.
        z: Height of the board's top.
        tall: Factor on tall components (electrolytic capacitors, coils, sockets); 0 for flat devices.
        also: More rectangles that belong to the board (an L or a T); they must not overlap it or each other.
    """
    rectangles = [(0.0, 0.0, x, y), *also]
    area = sum(r[2] * r[3] for r in rectangles)
    places, pile = _Places(rectangles), _Pile()
    thick = float(rng.uniform(0.8, 1.6))
    at = np.array([(r[0], r[1], -thick / 2) for r in rectangles])
    pile.put("fr4", at, np.array([(r[2], r[3], thick) for r in rectangles]))
    _planes(rng, pile, rectangles, thick)
    cans: list[Mesh] = []
    if tall > 0:
        _sockets(rng, pile, places, min(int(area * tall / 1400), 9))
        cans = _capacitors(rng, places, min(int(rng.uniform(0.4, 1.6) * area * tall / 1600), 12))
    _chips(rng, pile, places, int(np.clip(area * density / 700, 1, 26)))
    _coils(rng, pile, places, int(np.clip(area * density / 2200, 0, 9)))
    _shields(rng, pile, places, int(rng.integers(0, 3)) if area > 1500 else 0)
    _passives(rng, pile, places, int(np.clip(area * density / 55, 6, 170)))
    parts = pile.parts(z)
    if cans:
        parts.append(Part(merge(cans).moved(z=z), "al", 1, 1.5))
    return tuple(parts)


def _planes(rng: Rng, pile: _Pile, rectangles: Sequence[Rectangle], thick: float) -> None:
    """Copper areas of different summed thickness, and bundles of traces."""
    base = rng.uniform(0.03, 0.08)
    for x, y, w, h in rectangles:
        n, m = max(int(w / rng.uniform(14, 30)), 1), max(int(h / rng.uniform(12, 24)), 1)
        i, j = np.divmod(np.arange(n * m), m)
        keep = rng.random(n * m) < 0.85
        keep[0] = True
        pitch = np.array([w / n, h / m])
        at = np.column_stack([x - w / 2 + (i + 0.5) * pitch[0], y - h / 2 + (j + 0.5) * pitch[1]])[keep]
        sizes = np.column_stack([np.tile(pitch * 0.985, (len(at), 1)), base * rng.uniform(0.6, 2.4, len(at))])
        pile.put("cu", np.column_stack([at, np.full(len(at), -thick / 2)]), sizes)


def _sockets(rng: Rng, pile: _Pile, places: _Places, count: int) -> None:
    """Connectors: a plastic body with pin rows, or a sheet steel shell."""
    for _ in range(count):
        w, d, h = rng.uniform(7, 22), rng.uniform(4, 9), rng.uniform(2.0, 5.0)
        if rng.random() < 0.3:
            w, d = d, w
        spot = places.take(rng, w, d)
        if spot is None:
            continue
        if rng.random() < 0.45:
            pile.put("fe", (*spot, h / 2), (w, d, h), 1.9)
            continue
        pile.put("nylon", (*spot, h / 2), (w, d, h))
        pins = max(int(max(w, d) / 2.0), 2)
        along = (np.arange(pins) - (pins - 1) / 2) * 1.9
        offsets = np.column_stack([along, 0 * along, np.full(pins, h / 2)])
        if d > w:
            offsets = offsets[:, [1, 0, 2]]
        pile.put("brass", np.array([*spot, 0.0]) + offsets, (0.6, 0.6, h))


def _capacitors(rng: Rng, places: _Places, count: int) -> list[Mesh]:
    """Upright electrolytic capacitors, tapered foil windings in a can."""
    cans = []
    for _ in range(count):
        radius, height = rng.uniform(2.0, 4.2), rng.uniform(4.5, 9.0)
        spot = places.take(rng, 2 * radius + 0.5, 2 * radius + 0.5)
        if spot is not None:
            cans.append(cylinder(radius, height, segments=10).moved(*spot, height / 2))
    return cans


def _chips(rng: Rng, pile: _Pile, places: _Places, count: int) -> None:
    """Moulded chips with a die pad and pins on two or four sides, or a field of solder balls."""
    for k in range(count):
        w = float(np.clip(rng.lognormal(2.05, 0.45), 3, 16 if k else 30))
        d = w * (rng.uniform(0.5, 1.0) if rng.random() < 0.4 else 1.0)
        spot = places.take(rng, w + 2, d + 2)
        if spot is None:
            continue
        h = rng.uniform(0.8, 1.5)
        at = np.array([*spot, 0.0])
        pile.put("glass", np.add(at, [0, 0, 0.3 + h / 2]), (w, d, h), 1.9)
        pad = rng.uniform(0.35, 0.75)
        pile.put("cu", np.add(at, [0, 0, 0.15]), (w * pad, d * pad, rng.uniform(0.12, 0.28)))
        if w > 11 and rng.random() < 0.5:
            pile.put("solder", np.add(at, [0, 0, 0.35]), (w * 0.92, d * 0.92, 0.1))
            continue
        sides = np.array([(0, d + 1, 0.3), (0, -d - 1, 0.3)]) / 2
        pile.put("solder", at + sides, (w * 0.92, 0.9, 0.25), 5.0)
        if w > 5 and rng.random() < 0.6:
            ends = np.array([(w + 1, 0, 0.3), (-w - 1, 0, 0.3)]) / 2
            pile.put("solder", at + ends, (0.9, d * 0.92, 0.25), 5.0)


def _coils(rng: Rng, pile: _Pile, places: _Places, count: int) -> None:
    """Shielded power coils: a ferrite block around copper."""
    for _ in range(count):
        w, h = rng.uniform(3, 9), rng.uniform(1.6, 4.0)
        spot = places.take(rng, w + 0.6, w + 0.6)
        if spot is not None:
            pile.put("ferrite", (*spot, h / 2), (w, w, h), 3.2)
            pile.put("cu", (*spot, h / 2), (w * 0.6, w * 0.6, h * 0.5), 5.0)


def _shields(rng: Rng, pile: _Pile, places: _Places, count: int) -> None:
    """Sheet metal lids over the radio parts."""
    for _ in range(count):
        w, d = rng.uniform(9, 24), rng.uniform(8, 18)
        spot = places.take(rng, w, d)
        if spot is None:
            continue
        at, h = np.array([*spot, 0.0]), rng.uniform(1.4, 2.4)
        pile.put("ss", np.add(at, [0, 0, h]), (w, d, 0.2))
        walls = np.array([(0, d / 2, h / 2), (0, -d / 2, h / 2), (w / 2, 0, h / 2), (-w / 2, 0, h / 2)])
        pile.put("ss", at + walls, [(w, 0.3, h), (w, 0.3, h), (0.3, d, h), (0.3, d, h)])
        inside = rng.uniform(-0.36, 0.36, (5, 2)) * [w, d]
        pile.put("cu", at + np.column_stack([inside, np.full(5, 0.3)]), (2.0, 1.6, 0.5))


def _passives(rng: Rng, pile: _Pile, places: _Places, count: int) -> None:
    """Small resistors and capacitors: heavy ceramic between tinned ends."""
    spots = places.specks(rng, count)
    if not len(spots):
        return
    sizes = _PACKAGES[rng.choice(len(_PACKAGES), len(spots), p=_PACKAGE_SHARE)]
    upright = rng.random(len(spots)) < 0.45
    sizes[upright] = sizes[upright][:, [1, 0, 2]]
    centres = np.column_stack([spots + rng.uniform(-0.3, 0.3, spots.shape), sizes[:, 2] / 2])
    heavy = rng.random(len(spots)) < 0.5
    for chosen, material, density in ((heavy, "solder", 4.0), (~heavy, "ceramic", None)):
        if chosen.any():
            pile.put(material, centres[chosen], sizes[chosen], density)
