"""Materials and their attenuation coefficients.

Compositions are data (``tables/materials.json``); element curves come from ``tables/elements.npz``, written
by ``scripts/make_physics_tables.py`` from xraydb (Elam, Ravel and Sieber 2002), which agrees with NIST XCOM
to 0.1 % between 30 and 150 keV.  Units: keV, g/cm3, cm2/g; linear coefficients carry their own suffix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

TABLES = files("beltline.physics") / "tables"
_TERM = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")


@dataclass(frozen=True)
class ElementTable:
    """Attenuation of the elements Z = 1..83.

    ``mass_mu_cm2_per_g`` is (83, G) on ``energy_kev`` (G,), ``bin_mass_mu_cm2_per_g`` (83, bins) the
    signal-weighted average over the energy bins.
    """

    index: Mapping[str, int]
    atomic_mass: NDArray[np.float64]
    energy_kev: NDArray[np.float64]
    mass_mu_cm2_per_g: NDArray[np.float64]
    bin_mass_mu_cm2_per_g: NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """A homogeneous material.

    Attributes:
        name: Key in :data:`MATERIALS`, or any name for an own material.
        density_g_cm3: Density as met in a bag (packed textiles and powders: bulk density).
        mass_fractions: Element symbol -> share of mass; must sum to 1 within 2 %, normalised on use.
        source: Where composition and density come from: compound, bulk, mixture, alloy or own.

    Raises:
        ValueError: For an unknown element, a non-positive density or fractions that do not sum to 1.
    """

    name: str
    density_g_cm3: float
    mass_fractions: Mapping[str, float] = field(hash=False)
    source: str = "own"

    def __post_init__(self) -> None:
        """Validate and freeze the composition."""
        where = f"material {self.name!r}"
        unknown = sorted(set(self.mass_fractions) - set(elements().index))
        if unknown:
            raise ValueError(f"{where}: unknown elements {unknown}; use symbols of Z = 1..83")
        if not self.density_g_cm3 > 0:
            raise ValueError(f"{where}: density_g_cm3 must be positive, got {self.density_g_cm3}")
        total = sum(self.mass_fractions.values())
        if min(self.mass_fractions.values(), default=0.0) < 0 or abs(total - 1) > 0.02:
            raise ValueError(f"{where}: mass_fractions must be >= 0 and sum to 1, got {total:.4f}")
        normalised = {k: v / total for k, v in self.mass_fractions.items()}
        object.__setattr__(self, "mass_fractions", MappingProxyType(normalised))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by value: mapping proxies do not pickle."""
        return Material, (self.name, self.density_g_cm3, dict(self.mass_fractions), self.source)


@cache
def elements() -> ElementTable:
    """The shipped element table, read once."""
    with (TABLES / "elements.npz").open("rb") as stream, np.load(stream) as table:
        return ElementTable(
            index={str(s): i for i, s in enumerate(table["symbols"])},
            atomic_mass=table["atomic_mass"],
            energy_kev=table["energy_kev"].astype(np.float64),
            mass_mu_cm2_per_g=table["mass_mu_cm2_per_g"].astype(np.float64),
            bin_mass_mu_cm2_per_g=table["bin_mass_mu_cm2_per_g"],
        )


def formula_fractions(formula: str) -> dict[str, float]:
    """Mass fractions of a flat chemical formula such as ``"C10H8O4"``.

    Raises:
        ValueError: If the formula has anything but symbols of Z = 1..83 and counts.

    Example:
        >>> round(formula_fractions("H2O")["O"], 4)
        0.8881
    """
    table = elements()
    terms = _TERM.findall(formula)
    known = all(s in table.index for s, _ in terms)
    if not terms or not known or "".join(s + n for s, n in terms) != formula:
        raise ValueError(f"formula must be symbols and counts such as 'C2H4', got {formula!r}")
    mass: dict[str, float] = {}
    for symbol, count in terms:
        atom = float(table.atomic_mass[table.index[symbol]])
        mass[symbol] = mass.get(symbol, 0.0) + float(count or 1) * atom
    total = sum(mass.values())
    return {symbol: value / total for symbol, value in mass.items()}


def _load_materials() -> Mapping[str, Material]:
    rows = json.loads((TABLES / "materials.json").read_text(encoding="utf-8"))["materials"]
    found = {}
    for name, row in rows.items():
        fractions = row.get("mass_fractions") or formula_fractions(row["formula"])
        found[name] = Material(name, row["density_g_cm3"], fractions, row["source"])
    return MappingProxyType(found)


MATERIALS: Mapping[str, Material] = _load_materials()


def find_material(material: str | Material) -> Material:
    """Look a material up by name; a :class:`Material` passes through.

    Raises:
        ValueError: For an unknown name.
    """
    if isinstance(material, Material):
        return material
    if material not in MATERIALS:
        raise ValueError(f"unknown material {material!r}; known: {', '.join(MATERIALS)}")
    return MATERIALS[material]


def mass_mu_cm2_per_g(material: str | Material, energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Total mass attenuation coefficient (coherent scatter included).

    ``sum_e w_e mu_e(E)``, log-log interpolation between tabulated energies, edges kept sharp.

    Args:
        material: Name in :data:`MATERIALS`, an element symbol, or a :class:`Material`.
        energy_kev: Photon energies in keV, any shape, 10 to 200.

    Returns:
        Coefficient in cm2/g, shape of ``energy_kev``.

    Raises:
        ValueError: For an unknown material or energies outside 10..200 keV.

    Source:
        Elam, Ravel, Sieber, Radiat. Phys. Chem. 63 (2002) 121, as tabulated in xraydb.

    Example:
        >>> round(float(mass_mu_cm2_per_g("water", 60.0)), 4)
        0.2059
    """
    table = elements()
    energy = np.asarray(energy_kev, dtype=np.float64)
    if energy.size and not (energy.min() >= table.energy_kev[0] and energy.max() <= table.energy_kev[-1]):
        raise ValueError(f"energy_kev must lie in 10..200, got {energy.min():g}..{energy.max():g}")
    is_element = isinstance(material, str) and material in table.index
    fractions = {str(material): 1.0} if is_element else find_material(material).mass_fractions
    log_energy, log_grid = np.log(energy), np.log(table.energy_kev)
    total = np.zeros_like(energy)
    for symbol, fraction in fractions.items():
        curve = np.log(table.mass_mu_cm2_per_g[table.index[symbol]])
        total += fraction * np.exp(np.interp(log_energy, log_grid, curve))
    return total


def bin_mu_per_mm(material: str | Material, density_g_cm3: float | None = None) -> NDArray[np.float64]:
    """Linear attenuation coefficient per energy bin of the shipped spectra.

    Args:
        material: Name or :class:`Material`.
        density_g_cm3: Density; default that of the material.

    Returns:
        Coefficients in 1/mm, shape (bins,).
    """
    found = find_material(material)
    table = elements()
    rows = [table.index[s] for s in found.mass_fractions]
    weights = np.array(list(found.mass_fractions.values()))
    density = found.density_g_cm3 if density_g_cm3 is None else density_g_cm3
    return np.asarray(weights @ table.bin_mass_mu_cm2_per_g[rows]) * density / 10.0
