"""Blades: outlines of the kinds that kitchens, hunters and sheaths hold, and the meshes made from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng
from beltline.simulate.shapes import Mesh, blade, merge

Curve = NDArray[np.float64]
STATIONS = 26


def _drop(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.55 * w * (np.maximum(x - 0.65, 0) / 0.35) ** 1.6
    return spine, -w + 0.45 * w * np.clip((x - 0.6) / 0.4, 0, 1) ** 2.2


def _chef(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.06 * w * x**2 - 0.1 * w * np.clip((x - 0.9) / 0.1, 0, 1)
    return spine, -w * (1 - 0.9 * np.clip((x - 0.35) / 0.65, 0, 1) ** 2.4)


def _clip(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.6 * w * (np.maximum(x - 0.55, 0) / 0.45) ** 0.8
    return spine, -w + 0.38 * w * np.clip((x - 0.7) / 0.3, 0, 1) ** 2


def _double(x: Curve, w: float) -> tuple[Curve, Curve]:
    taper = 0.5 * w * np.clip((x - 0.5) / 0.5, 0, 1) ** 1.3
    return -taper, -w + taper


def _leaf(x: Curve, w: float) -> tuple[Curve, Curve]:
    half = 0.5 * w * (0.62 + 0.38 * np.sin(np.pi * np.clip(x * 1.35 - 0.2, 0, 1)))
    half = half * (1 - np.clip((x - 0.72) / 0.28, 0, 1) ** 1.4)
    return half - w / 2, -half - w / 2


def _square(x: Curve, w: float) -> tuple[Curve, Curve]:
    return 0 * x, -w + 0.08 * w * x


def _fan(x: Curve, w: float) -> tuple[Curve, Curve]:
    """Cleaver that widens to its end, the end cut aslant, the edge bowed."""
    end = np.clip((x - 0.94) / 0.06, 0, 1)
    return 0.12 * w * x - 0.55 * w * end, -w * (0.78 + 0.22 * np.sin(np.pi * (0.15 + 0.6 * x)))


def _tanto(x: Curve, w: float) -> tuple[Curve, Curve]:
    return 0 * x, -w + 0.95 * w * np.clip((x - 0.8) / 0.2, 0, 1)


def _sheep(x: Curve, w: float) -> tuple[Curve, Curve]:
    """Straight edge, the spine falling to it in a round: santoku, sheepsfoot, most paring knives."""
    return -0.85 * w * np.clip((x - 0.72) / 0.28, 0, 1) ** 2.2, -w + 0.06 * w * x**3


def _round(x: Curve, w: float) -> tuple[Curve, Curve]:
    return -0.1 * w * x**3, -w + 0.7 * w * np.clip((x - 0.88) / 0.12, 0, 1) ** 2


def _fillet(x: Curve, w: float) -> tuple[Curve, Curve]:
    """Narrow blade sweeping up to its point: fillet and boning knives."""
    rise = 0.45 * w * x**2
    return rise - 0.45 * w * np.clip((x - 0.9) / 0.1, 0, 1), -w * (1 - 0.45 * x) + rise


def _hook(x: Curve, w: float) -> tuple[Curve, Curve]:
    """Claw bent down towards its edge."""
    bend = -0.9 * w * x**2
    return bend - 0.15 * w * x, bend - w * (1 - 0.95 * x**1.6)


PROFILES: dict[str, Callable[[Curve, float], tuple[Curve, Curve]]] = {
    "drop": _drop,
    "chef": _chef,
    "clip": _clip,
    "dagger": _double,
    "leaf": _leaf,
    "cleaver": _square,
    "fan": _fan,
    "tanto": _tanto,
    "sheep": _sheep,
    "table": _round,
    "fillet": _fillet,
    "hook": _hook,
}


def _teeth(x: Curve, pitch: float, depth: float) -> Curve:
    """Scallops of a bread edge or a saw back at stations in mm: 0 at their points, ``depth`` between."""
    return depth * np.abs(np.sin(np.pi * x / pitch))


def _tapered(mesh: Mesh, length: float, share: float) -> Mesh:
    """The mesh thinned along x by ``share`` of its thickness at ``length`` mm."""
    thin = 1 - share * np.clip(mesh.vertices[:, 0] / length, 0, 1)
    return Mesh(mesh.vertices * np.column_stack([np.ones((len(thin), 2)), thin]), mesh.faces)


def blade_mesh(
    rng: Rng,
    length: float,
    width: float,
    profile: str,
    *,
    thickness: float | None = None,
    grind: float | None = None,
    serrated: float = 0.0,
    saw_back: float = 0.0,
    taper: float = 0.0,
) -> Mesh:
    """Blade from x = 0 to ``length`` mm, spine up, its middle at y = 0.

    Args:
        rng: Source of chance.
        length: Of the blade, mm.
        width: From spine to edge, mm.
        profile: A name of ``PROFILES``.
        thickness: At the spine, mm; drawn when None.
        grind: Share of the width that is ground thin, from the edge on; drawn when None.
        serrated: Depth of scallops along the edge, mm.
        saw_back: Depth of teeth along the spine, mm.
        taper: Share of the thickness lost towards the point.
    """
    x = np.linspace(0, 1, STATIONS if serrated == saw_back == 0 else 3 * STATIONS)
    spine, edge = PROFILES[profile](x, width)
    edge = edge + _teeth(x * length, 7.0, serrated) * (x < 0.94)
    spine = spine - _teeth(x * length, 6.0, saw_back) * ((x > 0.08) & (x < 0.55))
    edge = np.minimum(edge, spine - 0.3)
    thick = rng.uniform(1.4, 4.2) if thickness is None else thickness
    ground = rng.uniform(0.2, 0.95) if grind is None else grind
    upper = np.column_stack([x * length, spine + width / 2])
    mesh = blade(upper, np.column_stack([x * length, edge + width / 2]), thick, grind=ground)
    return _tapered(mesh, length, taper) if taper else mesh


def two_edged(
    length: float, width: float, profile: str, *, thickness: float, grind: float, waved: float = 0.0
) -> Mesh:
    """Blade with an edge on both sides of its middle rib, from x = 0 to ``length`` mm.

    ``waved`` bends it from side to side by that many mm, as a kris is.
    """
    x = np.linspace(0, 1, STATIONS if waved == 0 else 2 * STATIONS)
    upper, lower = PROFILES[profile](x, width)
    sway = waved * np.sin(5 * np.pi * x)
    half = np.maximum((upper - lower) / 2, 0.2)
    rib = np.column_stack([x * length, sway])
    sides = [np.column_stack([x * length, sway + s * half]) for s in (1, -1)]
    return merge([blade(rib, side, thickness, grind=grind) for side in sides])
