"""Packing by gravity on a height map: things fall to the lowest place they fit, soft ones give way.

Physical overlap is not forbidden (bags deform), but the summed heights, less what nestles or is pressed,
never exceed the bag's depth, so the total thickness stays possible. Garments are folded or spread to the bag
and pushed to its walls: public scans show soft mass from wall to wall. Source: reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.simulate.projection import Pose
from beltline.simulate.shapes import rotation
from beltline.simulate.solids import Item

CELL_MM = 10.0
NESTLE = 0.6  # height that a thing takes from the bag, as a share of its box: hulls are mostly air
SUPPORT = 0.6  # share of the floor under a thing that lies lower than the thing; the rest is pressed in
LEAN = 0.65  # share of its length by which a long thing rises at most, as if propped up at one end
REDRAWS = 6  # orientations that are tried before a thing is laid flat
CLOTH = 0.35  # softness from which a thing is laid out, pressed and pushed to the walls as garments are
PRESSED = 1.6  # height that softness takes from a thing in a closed bag: loose cloth is mostly air
FLOOR_SHARE = (0.5, 1.0)  # of the bag's length and width that a garment is laid out to
DEPTH_SHARE = (0.25, 0.75)  # most of the bag's depth that one garment takes
STRETCH = (0.4, 2.2)  # least and most that laying out changes a side
LAYERS = (0.8, 3.0)  # a garment is laid loosely or tightly, once or up to three times
WALLWARD = 0.6  # both parameters of the beta distribution of garments' places between opposite walls
TRIES = 24  # places probed; the lowest wins, as if the bag were shaken


@dataclass(frozen=True)
class PackingRules:
    """How things are laid into a bag.

    Attributes:
        flat: Share of items that lie on their largest face (up to ``tilt_deg``).
        on_edge: Share that stands on an edge; the rest is turned freely over the sphere.
        tilt_deg: Standard deviation of the tilt of flat and standing items, degrees.
        aligned: Share turned roughly parallel to the bag's sides.
        fill: Height that may be filled, as a share of the depth.
        tall_mm: What would rise higher is laid down; about the depth of a bag on its broad side, mm.
    """

    flat: float = 0.6
    on_edge: float = 0.22
    tilt_deg: float = 9.0
    aligned: float = 0.45
    fill: float = 1.0
    tall_mm: float = 150.0


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation (3, 3) uniform over the sphere (random unit quaternion)."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def draw_rotation(
    rng: np.random.Generator, rules: PackingRules, size: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Orientation of one item as a packed bag allows: mostly lying, sometimes standing, sometimes any.

    Args:
        rng: Source of chance.
        rules: Shares and tilts.
        size: (3,) extent of the item in its frame in mm; with it, what would stand too tall is drawn again.

    Returns:
        Rotation (3, 3).
    """
    for _ in range(REDRAWS):
        turn = _any_rotation(rng, rules)
        if size is None or float(np.abs(turn[2]) @ size) <= _tallest(size, rules):
            return turn
    return _any_rotation(rng, replace(rules, flat=1.0))


def _tallest(size: NDArray[np.float64], rules: PackingRules) -> float:
    """Height in mm to which a thing may rise: long ones lean at most, they do not stand on their end."""
    thin, middle, longest = np.sort(size)
    leaning = LEAN * longest if longest > 2 * middle else np.inf
    return float(max(min(rules.tall_mm, leaning), 1.2 * thin))


def _any_rotation(rng: np.random.Generator, rules: PackingRules) -> NDArray[np.float64]:
    kind = rng.random()
    yaw = rng.integers(4) * 90 + rng.normal(0, 10) if rng.random() < rules.aligned else rng.uniform(0, 360)
    turn = rotation("z", float(yaw))
    if kind >= rules.flat + rules.on_edge:
        return random_rotation(rng)
    tilt = rotation("x", float(rng.normal(0, rules.tilt_deg))) @ rotation(
        "y", float(rng.normal(0, rules.tilt_deg))
    )
    if rng.random() < 0.5:  # either face up
        tilt = tilt @ rotation("x", 180.0)
    if kind < rules.flat:
        return turn @ tilt
    edge = rotation("x", 90.0) if rng.random() < 0.6 else rotation("y", 90.0)
    return turn @ tilt @ edge


def laid_out(rng: np.random.Generator, size: ArrayLike, room: ArrayLike) -> tuple[float, float, float]:
    """How a garment changes when it is folded or spread to the bag: factors on length, width and height.

    Args:
        rng: Source of chance.
        size: Length, width and height of the garment in mm.
        room: The same of the bag.

    Returns:
        Three factors. Their product is the number of layers it is laid in, drawn from ``LAYERS``, or as many
        as the bag is deep for; length and width then fit, unless the bag is smaller than ``STRETCH[0]`` of
        them.
    """
    layers = rng.uniform(*LAYERS)
    shares = rng.uniform(*np.transpose([FLOOR_SHARE, FLOOR_SHARE, DEPTH_SHARE]))
    along, across, up = shares * np.asarray(room) / np.asarray(size)
    along, across = np.clip([along, across], *STRETCH)
    return float(along), float(across), float(min(layers / (along * across), up))


class HeightMap:
    """The state of a bag while it is packed: filled height per 10 mm cell above the floor."""

    def __init__(self, inner_size: NDArray[np.float64]) -> None:
        """Start empty for inner side lengths (3,) in mm, centred at the origin."""
        self.inner = np.asarray(inner_size, dtype=np.float64)
        columns, rows = np.maximum(np.round(self.inner[:2] / CELL_MM).astype(int), 1)
        self.height = np.zeros((int(rows), int(columns)))

    def place(
        self, rng: np.random.Generator, item: Item, rules: PackingRules, *, attempts: int = 3
    ) -> Pose | None:
        """Pose where the item comes to lie lowest among random places, or None when it does not fit."""
        corners = np.concatenate([part.mesh.vertices for part in item.parts if part.sign > 0])
        size = corners.max(axis=0) - corners.min(axis=0)
        for _ in range(attempts):
            turn = draw_rotation(rng, rules, size)
            turned = corners @ turn.T
            low, high = turned.min(axis=0), turned.max(axis=0)
            if item.soft >= CLOTH and not item.threat:
                turn = np.diag(np.array(laid_out(rng, high - low, self.inner))) @ turn
                turned = corners @ turn.T
                low, high = turned.min(axis=0), turned.max(axis=0)
            if ((high - low)[:2] > self.inner[:2]).any():
                turn = rotation("z", float(rng.integers(2) * 180)) @ _lay_along(self.inner, item.size)
                turned = corners @ turn.T
                low, high = turned.min(axis=0), turned.max(axis=0)
            if (high - low > self.inner + np.array([0.0, 0.0, 0.1 * item.soft * self.inner[2]])).any():
                continue
            pose = self._drop(rng, turned, item.soft, rules.fill)
            if pose is not None:
                return Pose(turn, pose)
        return None

    def _drop(
        self, rng: np.random.Generator, points: NDArray[np.float64], soft: float, fill: float
    ) -> NDArray[np.float64] | None:
        low, high = points.min(axis=0), points.max(axis=0)
        spot = self.settle(rng, _footprint(points[:, :2] - low[:2]), float(high[2] - low[2]), soft, fill)
        if spot is None:
            return None
        row, column, base = spot
        if soft >= CLOTH:  # sinks in between the things, rather than out of the closed bag
            base = max(min(base, float(self.inner[2] - (high - low)[2])), 0.0)
        corner = np.array([column * CELL_MM, row * CELL_MM, base]) - self.inner / 2
        return np.asarray(corner - low, dtype=np.float64)

    def settle(
        self, rng: np.random.Generator, footprint: NDArray[np.bool_], tall: float, soft: float, fill: float
    ) -> tuple[int, int, float] | None:
        """Let a footprint fall to the lowest of some random places and fill the map there.

        Args:
            rng: Source of chance.
            footprint: (rows, columns) cells the thing covers.
            tall: Its height in mm.
            soft: Share by which things on top sink in.
            fill: Height that may be filled, as a share of the depth.

        Returns:
            First row, first column and height of the floor under it in mm; None when it fits nowhere.
        """
        rows, columns = footprint.shape
        free_r, free_c = self.height.shape[0] - rows, self.height.shape[1] - columns
        if free_r < 0 or free_c < 0:
            return None
        cloth = soft >= CLOTH
        thick = tall * NESTLE * (max(1 - PRESSED * soft, 0.2) if cloth else 1 - 0.45 * soft)
        shares = rng.beta(WALLWARD, WALLWARD, (2, TRIES)) if cloth else rng.uniform(size=(2, TRIES))
        places = (shares * [[free_r + 0.999], [free_c + 0.999]]).astype(int)
        best: tuple[float, int, int, float] | None = None
        for r, c in places.T:
            base = float(np.quantile(self.height[r : r + rows, c : c + columns][footprint], SUPPORT))
            score = base + rng.uniform(0, 15)
            if base + thick <= self.inner[2] * fill and (best is None or score < best[0]):
                best = (score, int(r), int(c), base)
        if best is None:
            return None
        _, row, column, base = best
        region = self.height[row : row + rows, column : column + columns]
        region[footprint] = np.maximum(region[footprint] * 0.5 + base * 0.5, base) + thick
        return row, column, base


def _lay_along(inner: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Identity, or a quarter turn when the item's long side must follow the bag's."""
    return np.eye(3) if (inner[0] >= inner[1]) == (size[0] >= size[1]) else rotation("z", 90.0)


def _footprint(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cells (rows, columns) under the convex hull of xy points in mm measured from their corner."""
    width, height = np.maximum(np.ceil(points.max(axis=0) / CELL_MM).astype(int), 1)
    hull = cv2.convexHull((points / CELL_MM - 0.5).astype(np.float32))
    cells = np.zeros((int(height), int(width)), dtype=np.uint8)
    cv2.fillConvexPoly(cells, np.round(hull).astype(np.int32), 1)
    cells[int(height) // 2, int(width) // 2] = 1
    return cells.astype(bool)


def pack(
    rng: np.random.Generator, inner_size: NDArray[np.float64], items: Sequence[Item], rules: PackingRules
) -> list[Pose | None]:
    """Poses of items laid one after the other; None where one did not fit.

    Args:
        rng: Source of chance.
        inner_size: (3,) inner side lengths in mm; the box is centred at the origin.
        items: In packing order, the lowest first.
        rules: Orientation and filling rules.
    """
    bag = HeightMap(inner_size)
    return [bag.place(rng, item, rules) for item in items]
