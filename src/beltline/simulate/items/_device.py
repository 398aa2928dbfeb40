"""Putting a device together: named components, the rooms of its shell, and what already fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng
from beltline.simulate.shapes import Array, Mesh
from beltline.simulate.solids import Item, ItemMaker, Part, bounds, moved, turned

Point = tuple[float, float]  # x and y in mm
FLAT_MM = 2.0  # a field of boxes up to this tall blocks as one slab


@dataclass(frozen=True, eq=False)
class Room:
    """A rectangular region inside the shell, free or partly filled.

    Attributes:
        name: Where it is ("battery_bay").
        low: (3,) lowest corner, mm, in the item's frame.
        high: (3,) highest corner, mm.
    """

    name: str
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Device:
    """A benign device and what a concealment needs to know of its inside.

    Attributes:
        item: The benign item.
        rooms: Regions inside the shell.
        blocks: (N, 2, 3) lowest and highest corners of what fills them, mm.
        removable: Component name to indices of its parts.
    """

    item: Item
    rooms: tuple[Room, ...]
    blocks: Array
    removable: Mapping[str, tuple[int, ...]]


def intact(make: Callable[[Rng], Device]) -> ItemMaker:
    """Maker of a device with nothing hidden in it; ``anomalies.anomalous`` gives it with its twin."""
    return lambda rng: make(rng).item


@dataclass(eq=False)
class Assembly:
    """Collects a device's parts; :meth:`finish` centres and freezes it."""

    parts: list[Part] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    removable: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _blocks: list[Array] = field(default_factory=list)

    def add(
        self,
        parts: Iterable[Part],
        at: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        degrees: float = 0.0,
        name: str | None = None,
        solid: bool = True,
    ) -> None:
        """Add parts turned about z and moved.

        Args:
            parts: In the component's own frame.
            at: Where its origin goes, mm.
            degrees: Turn about z.
            name: Makes it a component that may be taken out; a second one of that name gets a number.
            solid: False for shells and thin wires, which block no room.
        """
        placed = moved(turned(parts, "z", degrees) if degrees else parts, *at)
        first = len(self.parts)
        self.parts += placed
        if solid:
            for part in placed:
                self._blocks += extents(part.mesh) if part.sign > 0 else []
        if name is not None:
            copy = sum(known.split("#")[0] == name for known in self.removable)
            self.removable[f"{name}#{copy + 1}" if copy else name] = tuple(range(first, len(self.parts)))

    def skin(self, *parts: Part, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> None:
        """Add shells and thin wires, which block no room, moved to ``at``, mm."""
        self.add(parts, at, solid=False)

    def room(self, name: str, low: ArrayLike, high: ArrayLike) -> None:
        """Declare a region inside the shell by two opposite corners, mm."""
        ends = np.stack([np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)])
        self.rooms.append(Room(name, ends.min(axis=0), ends.max(axis=0)))

    def bay(self, name: str, half: Point, low: float, high: float, at: Point = (0.0, 0.0)) -> None:
        """Declare a region that reaches ``half`` mm each way from a point, between two heights, all in mm."""
        (x, y), (hx, hy) = at, half
        self.room(name, (x - hx, y - hy, low), (x + hx, y + hy, high))

    def finish(self, family: str, design: str, *, turn_x: float = 0.0, **params: object) -> Device:
        """The device, turned about x by 0 or ±90 degrees, centred on the origin.

        ``params`` values that are floats are rounded to 0.01.
        """
        parts, rooms, blocks = list(self.parts), self.rooms, np.array(self._blocks).reshape(-1, 2, 3)
        if turn_x:
            parts = turned(parts, "x", turn_x)
            rooms = [Room(r.name, *_turned(np.stack([r.low, r.high])[None], turn_x)[0]) for r in rooms]
            blocks = _turned(blocks, turn_x)
        low, high = bounds(parts)
        middle = (low + high) / 2
        whole = tuple(moved(parts, *-middle))
        shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in params.items()}
        size = [round(float(v), 1) for v in high - low]
        item = Item(family, family, whole, params={"design": design, "size_mm": size, **shown})
        return Device(
            item,
            tuple(Room(r.name, r.low - middle, r.high - middle) for r in rooms),
            blocks - middle,
            dict(self.removable),
        )


def extents(mesh: Mesh) -> list[Array]:
    """(2, 3) corners of a mesh; one per box for tall fields of boxes (8 vertices and 12 faces each)."""
    count = len(mesh.vertices)
    fields = count % 8 == 0 and len(mesh.faces) * 8 == count * 12
    if fields and np.ptp(mesh.vertices[:, 2]) > FLAT_MM:
        corners = mesh.vertices.reshape(-1, 8, 3)
        return list(np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1))
    return [mesh.bounds]


def _turned(boxes: Array, degrees: float) -> Array:
    """Boxes (N, 2, 3) turned about x by a multiple of 90 degrees, corners sorted again."""
    y, z = boxes[..., 1], boxes[..., 2]
    c, s = np.round(np.cos(np.radians(degrees))), np.round(np.sin(np.radians(degrees)))
    out = np.stack([boxes[..., 0], c * y - s * z, s * y + c * z], axis=-1)
    return np.stack([out.min(axis=1), out.max(axis=1)], axis=1)


def free_places(
    rng: Rng, room: Room, blocks: Array, size: ArrayLike, *, tries: int = 120
) -> tuple[Array, Array]:
    """Where a box fits into a room without touching anything.

    Args:
        rng: Source of chance.
        room: Region to stay in.
        blocks: (N, 2, 3) what fills it.
        size: (3,) of the box, mm.
        tries: How many places to probe.

    Returns:
        Centres (K, 3) of the places found, K <= tries, and for each the height in mm of what lies above
        and below it, averaged over its area.
    """
    half = np.asarray(size, dtype=np.float64) / 2
    low, high = room.low + half, room.high - half
    if (low > high).any():
        return np.empty((0, 3)), np.empty(0)
    centres = rng.uniform(low, high, (tries, 3))
    centres[: tries // 3, 2] = low[2]  # what is hidden mostly lies on the floor
    a, b = centres - half, centres + half
    shared = np.minimum(b[:, None], blocks[None, :, 1]) - np.maximum(a[:, None], blocks[None, :, 0])
    free = ~np.any(np.all(shared > 0.02, axis=-1), axis=1)
    area = np.maximum(shared[..., 0], 0) * np.maximum(shared[..., 1], 0)
    cover = (area * (blocks[:, 1, 2] - blocks[:, 0, 2])).sum(axis=1) / (4 * half[0] * half[1])
    return centres[free], cover[free]
