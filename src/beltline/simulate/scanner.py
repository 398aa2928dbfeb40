"""The virtual scanner: a scene in, noise-free dual-energy transmission and exact labels out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.physics import basis_vector, dual_energy_transmission, transmit_supersampled
from beltline.simulate.projection import MaterialKey, Pose, item_window, material_thickness
from beltline.simulate.raster import HAVE_NUMBA, Beam, Window
from beltline.simulate.scene import Scene
from beltline.simulate.shapes import rotation
from beltline.simulate.solids import Item, Part

MASK_DEPTH = 0.02  # optical depth (low energy) from which a pixel belongs to an object
BASIS_TERMS = 6

if HAVE_NUMBA:
    from numba import njit


@dataclass(frozen=True)
class Scanner:
    """Geometry of the scanner and its sampling.

    Attributes:
        pixel_mm: Pixel pitch in the plane of the bag's centre, mm.
        source_mm: Distance source to bag centre, mm; None for a parallel beam.
        supersample: Sub-pixels per side; they are averaged in intensity (partial volume).
        views: 1 (from above) or 2 (from above and from the side).
        margin_px: Air kept around the bag.
    """

    pixel_mm: float = 0.8
    source_mm: float | None = 620.0
    supersample: int = 2
    views: int = 1
    margin_px: int = 12


@dataclass(frozen=True, eq=False)
class Seen:
    """One labelled object in one view.

    Attributes:
        object_id: Index into ``Scene.placed``; equal across views.
        label: Taxonomy label.
        family: Generator.
        threat: Prohibited or not.
        mask: (H, W) bool, amodal: optical depth above 0.02 wherever it lies.
        box: (4,) float32 xyxy in pixels, right and bottom exclusive.
        share: Mean share of the object in the total optical depth over its mask, in (0, 1].
        occlusion: 1 - share: how much of what is seen there is something else.
        material: Material with the largest mass in the mask.
        role: "object", or "anomaly" for a concealed part of an object.
        site: What and where an anomaly is (kind, material, size, place); None for objects.
    """

    object_id: int
    label: str
    family: str
    threat: bool
    mask: NDArray[np.bool_]
    box: NDArray[np.float32]
    share: float
    occlusion: float
    material: str
    role: str = "object"
    site: Mapping[str, object] | None = None


@dataclass(frozen=True, eq=False)
class View:
    """One view of a scene, without noise.

    Attributes:
        low: (H, W) float32 transmission of the low-energy channel, (0, 1].
        high: (H, W) float32 transmission of the high-energy channel.
        seen: Labelled objects inside the frame.
        window: Where the frame lies in the scanner's pixel plane.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    seen: tuple[Seen, ...]
    window: Window


def scan_scene(scene: Scene, scanner: Scanner, *, labels: bool = True) -> tuple[View, ...]:
    """Render every view of a scene.

    Args:
        scene: What lies where.
        scanner: Geometry and sampling.
        labels: Skip masks and shares when False (about a quarter faster).

    Returns:
        ``scanner.views`` views; the second is the scene turned by 90 degrees about the belt axis.
    """
    built = [placed.build() for placed in scene.placed]
    bag_turn = rotation("z", scene.turn_deg)
    turns = [bag_turn, rotation("x", 90.0) @ bag_turn][: scanner.views]
    return tuple(_render(scene, built, turn, scanner, labels) for turn in turns)


def _render(
    scene: Scene, built: Sequence[Item], turn: NDArray[np.float64], scanner: Scanner, labels: bool
) -> View:
    s = scanner.supersample
    beam = Beam(scanner.pixel_mm / s, scanner.source_mm)
    poses = [placed.pose.then_turned(turn) for placed in scene.placed]
    own = [i for i, placed in enumerate(scene.placed) if placed.role != "neighbour"]
    frame = _frame(beam, [(built[i], poses[i]) for i in own], scanner)
    canvas = np.zeros((BASIS_TERMS, frame.height, frame.width), dtype=np.float32)
    found: list[_Footprint] = []
    for i, (item, pose) in enumerate(zip(built, poses, strict=True)):
        window = item_window(item.parts, pose, beam).clipped(frame)
        if window.width == 0 or window.height == 0:
            continue
        depth, material = _project(canvas, item, pose, beam, frame, window)
        if labels and scene.placed[i].role == "content":
            found.append(_Footprint(i, item, window, depth, material))
            found.extend(_anomalies(i, item, pose, beam, window))
    low, high = transmit_supersampled(canvas, factor=s)
    total = -np.log(np.maximum(low, 1e-6))
    view = Window(frame.col // s, frame.row // s, frame.width // s, frame.height // s)
    seen = [_seen(f, frame, total, s) for f in found]
    return View(low, high, tuple(x for x in seen if x is not None), view)


def _project(
    canvas: NDArray[np.float32], item: Item, pose: Pose, beam: Beam, frame: Window, window: Window
) -> tuple[NDArray[np.float32], str]:
    """Add an item to the canvas one material at a time, which keeps the memory small.

    Returns:
        Its optical depth (window.height, window.width) and the material that attenuates most.
    """
    groups: dict[MaterialKey, list[Part]] = {}
    for part in item.parts:
        groups.setdefault((part.material, part.density_g_cm3), []).append(part)
    depth = np.zeros((window.height, window.width), dtype=np.float32)
    weights: dict[str, float] = {}
    for (material, _), parts in groups.items():
        added = add_to_canvas(canvas, material_thickness(parts, pose, beam, window), frame, window)
        weights[material] = weights.get(material, 0.0) + float(added.sum())
        depth += added
    return depth, max(weights, key=lambda name: weights[name])


def _frame(beam: Beam, shown: Sequence[tuple[Item, Pose]], scanner: Scanner) -> Window:
    windows = [item_window(item.parts, pose, beam) for item, pose in shown]
    s, margin = scanner.supersample, scanner.margin_px
    col, row = min(w.col for w in windows) // s - margin, min(w.row for w in windows) // s - margin
    right = -(-max(w.col + w.width for w in windows) // s) + margin
    low = -(-max(w.row + w.height for w in windows) // s) + margin
    return Window(col * s, row * s, (right - col) * s, (low - row) * s)


@lru_cache(maxsize=1024)
def _vector_and_mu(key: MaterialKey) -> tuple[NDArray[np.float32], float]:
    """Basis vector (6,) per mm and low-energy optical depth per mm of a thin layer."""
    vector = basis_vector(*key)
    low, _ = dual_energy_transmission((vector * 0.1)[:, None, None])
    return vector, float(-np.log(low[0, 0]) / 0.1)


def add_to_canvas(
    canvas: NDArray[np.float32],
    maps: dict[MaterialKey, NDArray[np.float64]],
    frame: Window,
    window: Window,
) -> NDArray[np.float32]:
    """Add thickness maps to a basis canvas in place.

    Args:
        canvas: (6, frame.height, frame.width).
        maps: (window.height, window.width) mm per material; clamped at zero here.
        frame: Window of the canvas.
        window: Window of the maps, inside the frame.

    Returns:
        (window.height, window.width) optical depth of the object, thin-layer approximation.
    """
    row, col = window.row - frame.row, window.col - frame.col
    target = canvas[:, row : row + window.height, col : col + window.width]
    depth = np.zeros((window.height, window.width), dtype=np.float32)
    for key, thickness in maps.items():
        vector, mu = _vector_and_mu(key)
        if HAVE_NUMBA:
            _add_compiled(target, depth, thickness, vector, np.float32(mu))
            continue
        positive = np.maximum(thickness, 0.0).astype(np.float32)
        depth += np.float32(mu) * positive
        for k in range(BASIS_TERMS):
            target[k] += vector[k] * positive
    return depth


def _add_python(target, depth, thickness, vector, mu):  # type: ignore[no-untyped-def]
    for r in range(thickness.shape[0]):
        for c in range(thickness.shape[1]):
            t = np.float32(thickness[r, c])
            if t > 0:
                depth[r, c] += mu * t
                for k in range(vector.shape[0]):
                    target[k, r, c] += vector[k] * t


if HAVE_NUMBA:
    _add_compiled = njit(cache=True, nogil=True)(_add_python)


@dataclass(frozen=True, eq=False)
class _Footprint:
    object_id: int
    item: Item
    window: Window
    depth: NDArray[np.float32]
    material: str
    role: str = "object"


def _heaviest(maps: dict[MaterialKey, NDArray[np.float64]]) -> str:
    return max(maps, key=lambda key: float(maps[key].sum()) * _vector_and_mu(key)[1])[0]


def _anomalies(i: int, item: Item, pose: Pose, beam: Beam, window: Window) -> list[_Footprint]:
    """The concealed part of an anomalous item, as an object of its own."""
    parts: tuple[Part, ...] = (*(item.parts[k] for k in item.threat_parts), *item.mask_parts)
    if item.site is None or not parts:
        return []
    maps = material_thickness(parts, pose, beam, window)
    depth = np.zeros((window.height, window.width), dtype=np.float32)
    for key, thickness in maps.items():
        depth += np.maximum(thickness, 0).astype(np.float32) * _vector_and_mu(key)[1]
    return [_Footprint(i, item, window, depth, _heaviest(maps), "anomaly")]


def _seen(found: _Footprint, frame: Window, total: NDArray[np.float32], s: int) -> Seen | None:
    """Mask, box and share at output resolution; None when nothing of it is in the frame."""
    w, item = found.window, found.item
    top, left = (w.row - frame.row) // s, (w.col - frame.col) // s
    bottom = -(-(w.row - frame.row + w.height) // s)
    right = -(-(w.col - frame.col + w.width) // s)
    padded = np.zeros(((bottom - top) * s, (right - left) * s), dtype=np.float32)
    r, c = w.row - frame.row - top * s, w.col - frame.col - left * s
    padded[r : r + w.height, c : c + w.width] = found.depth
    small = padded.reshape(bottom - top, s, right - left, s).mean(axis=(1, 3))
    local = small > MASK_DEPTH
    if not local.any():
        return None
    rows, columns = mask_window(local)
    box = (left + columns.start, top + rows.start, left + columns.stop, top + rows.stop)
    mask = np.zeros(total.shape, dtype=bool)
    mask[top:bottom, left:right] = local
    share = np.minimum(small[local] / np.maximum(total[top:bottom, left:right][local], 1e-3), 1.0)
    anomaly, hidden = found.role == "anomaly", item.site is not None and found.role == "object"
    return Seen(
        found.object_id,
        item.family.removesuffix("_anomaly") if hidden else item.label,
        item.family,
        item.threat and not hidden,
        mask,
        np.array(box, dtype=np.float32),
        float(share.mean()),
        float(1 - share.mean()),
        found.material,
        "anomaly" if anomaly else "object",
        item.site if anomaly else None,
    )
