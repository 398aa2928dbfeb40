"""Regenerate the tables shipped in ``beltline.physics`` (needs xraydb and spekpy).

Writes ``elements.npz`` (mass attenuation of Z = 1..83 on a fine grid and averaged over the energy bins),
``spectra.json`` (bin signals of four tube voltages behind the sandwich detector) and ``basis.npz``
(six weighted singular vectors of the material curves).  No chance is
involved; only the basis may differ by 1e-4 between linear algebra builds, with equal transmissions.

Example::

    python scripts/make_physics_tables.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import spekpy  # type: ignore[import-untyped]
import xraydb  # type: ignore[import-untyped]
from numpy.typing import NDArray

Array = NDArray[np.float64]

TABLES = Path(__file__).resolve().parents[1] / "src" / "beltline" / "physics" / "tables"
BIN_EDGES_KEV = (12, 18, 24, 28, 32, 36, 40, 44, 48, 53, 58, 64, 70, 78, 88, 100, 115, 135, 160, 180)
TUBES_KV = (120, 140, 160, 180)
ELEMENTS = range(1, 84)
# Sandwich detector: (formula, effective density g/cm3, thickness cm), front to rear.
FRONT = ("Gd2O2S", 7.32 * 0.6, 0.030)
INTERLAYER = ("Cu", 8.96, 0.060)
REAR = ("CsI", 4.51, 0.400)


def symbol(z: int) -> str:
    """Chemical symbol of atomic number ``z``."""
    return str(xraydb.atomic_symbol(z))


def energy_grid_kev() -> Array:
    """Grid of 10..200 keV in 1 keV steps, plus 1 eV on either side of every absorption edge inside."""
    grid = set(np.arange(10.0, 201.0))
    for z in ELEMENTS:
        for edge in xraydb.xray_edges(symbol(z)).values():
            if 10.0 < edge.energy / 1e3 < 200.0:
                grid |= {edge.energy / 1e3 - 1e-3, edge.energy / 1e3 + 1e-3}
    return np.array(sorted(grid))


def layer_depth(layer: tuple[str, float, float], energy_kev: Array) -> Array:
    """Optical depth of one detector layer at ``energy_kev``."""
    formula, density, thickness_cm = layer
    return np.asarray(xraydb.material_mu(formula, energy_kev * 1e3, density=density)) * thickness_cm


def tube_signal(tube_kv: int) -> tuple[Array, Array, Array]:
    """Energies (keV) and energy-weighted signal of the front and rear layer, tungsten, 20 deg, 3 mm Al."""
    tube = spekpy.Spek(kvp=tube_kv, th=20, dk=0.5)
    tube.filter("Al", 3)
    energy, fluence = tube.get_spectrum()
    inside = (energy >= BIN_EDGES_KEV[0]) & (fluence > 0)
    energy, fluence = energy[inside], fluence[inside]
    front, inter, rear = (layer_depth(x, energy) for x in (FRONT, INTERLAYER, REAR))
    low = fluence * energy * -np.expm1(-front)
    high = fluence * energy * np.exp(-front - inter) * -np.expm1(-rear)
    return energy, low, high


def bin_sum(energy: Array, values: Array) -> Array:
    """Sum ``values`` over the energy bins; returns (number of bins,)."""
    return np.histogram(energy, bins=np.array(BIN_EDGES_KEV, dtype=float), weights=values)[0]


def bin_weight(energy: Array) -> Array:
    """Weights of the average inside a bin: both signals at 160 kV; flat in the last bin."""
    e160, low, high = tube_signal(160)
    total = low / low.sum() + high / high.sum()
    return np.where(energy < 159.5, np.interp(energy, e160, total), 1.0)


def write_elements() -> None:
    """Write the element table: masses, fine curves, bin averages."""
    grid = energy_grid_kev()
    fine = np.arange(BIN_EDGES_KEV[0] + 0.125, BIN_EDGES_KEV[-1], 0.25)
    weight = bin_weight(fine)
    curves = np.array([xraydb.mu_elam(symbol(z), grid * 1e3) for z in ELEMENTS])
    binned = np.array(
        [
            bin_sum(fine, weight * xraydb.mu_elam(symbol(z), fine * 1e3)) / bin_sum(fine, weight)
            for z in ELEMENTS
        ]
    )
    np.savez_compressed(
        TABLES / "elements.npz",
        symbols=np.array([symbol(z) for z in ELEMENTS]),
        atomic_mass=np.array([xraydb.atomic_mass(symbol(z)) for z in ELEMENTS]),
        energy_kev=grid.astype(np.float32),
        mass_mu_cm2_per_g=curves.astype(np.float32),
        bin_mass_mu_cm2_per_g=binned,
    )


def write_spectra() -> None:
    """Write the bin signals of every tube voltage, each channel summing to one."""
    tubes = {}
    for kv in TUBES_KV:
        energy, low, high = tube_signal(kv)
        tubes[str(kv)] = {
            "low": [round(float(v), 6) for v in bin_sum(energy, low) / low.sum()],
            "high": [round(float(v), 6) for v in bin_sum(energy, high) / high.sum()],
            "mean_low_kev": round(float((energy * low).sum() / low.sum()), 2),
            "mean_high_kev": round(float((energy * high).sum() / high.sum()), 2),
            "high_to_low": round(float(high.sum() / low.sum()), 4),
        }
    table = {
        "about": "Relative detector signal per energy bin without an object; energy-integrating, sums to 1.",
        "tube": "tungsten, 20 degree anode, 3 mm Al (spekpy)",
        "detector": "Gd2O2S 0.30 mm at 60 % packing; Cu 0.6 mm; CsI 4.0 mm",
        "bin_edges_kev": list(BIN_EDGES_KEV),
        "tubes": tubes,
    }
    (TABLES / "spectra.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def write_basis() -> None:
    """Fit and write the six-term basis (imports the tables written before)."""
    from beltline.physics.basis import fit_basis
    from beltline.physics.materials import MATERIALS

    np.savez(TABLES / "basis.npz", basis=fit_basis(tuple(MATERIALS.values())))


def main() -> None:
    """Write all three tables."""
    write_elements()
    write_spectra()
    write_basis()


if __name__ == "__main__":
    main()
