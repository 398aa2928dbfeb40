"""Tube spectra as seen by the two detector layers, in energy bins.

The tables are written by ``scripts/make_physics_tables.py``: tungsten tube from spekpy, 3 mm Al, front layer
0.30 mm Gd2O2S, 0.6 mm copper, rear layer 4 mm CsI, both energy-integrating.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from beltline.physics.materials import TABLES

TUBES_KV = (120, 140, 160, 180)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Relative signal per energy bin without an object.

    Attributes:
        tube_kv: Tube voltage in kV.
        edges_kev: Bin edges, shape (bins + 1,), in keV.
        low: Signal of the front (low-energy) layer, shape (bins,), sums to 1.
        high: Signal of the rear (high-energy) layer, shape (bins,), sums to 1.
        mean_low_kev: Mean energy of the low signal.
        mean_high_kev: Mean energy of the high signal.
    """

    tube_kv: int
    edges_kev: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean_low_kev: float
    mean_high_kev: float


@cache
def spectrum(tube_kv: int = 160) -> Spectrum:
    """Shipped spectrum of a tube voltage.

    Args:
        tube_kv: One of :data:`TUBES_KV`.

    Raises:
        ValueError: For a voltage that is not shipped.

    Example:
        >>> spectrum(160).low.size
        19
    """
    if tube_kv not in TUBES_KV:
        raise ValueError(f"tube_kv must be one of {TUBES_KV}, got {tube_kv!r}")
    table = json.loads((TABLES / "spectra.json").read_text(encoding="utf-8"))
    row = table["tubes"][str(tube_kv)]
    low, high = np.array(row["low"]), np.array(row["high"])
    return Spectrum(
        tube_kv=tube_kv,
        edges_kev=np.array(table["bin_edges_kev"], dtype=np.float64),
        low=low / low.sum(),
        high=high / high.sum(),
        mean_low_kev=row["mean_low_kev"],
        mean_high_kev=row["mean_high_kev"],
    )
