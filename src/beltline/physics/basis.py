"""Six numbers per material that carry its whole attenuation curve.

Every material curve mu_m(E_j) over the energy bins is written as ``B @ c_m`` with one shared (bins, 6)
matrix B.  A scene then needs six maps whatever its materials: ``basis = sum_m thickness_mm[m] * c_m``, and
``lnT`` follows from ``B @ basis``.  Objects are added, never multiplied.

Two terms (photoelectric and Compton) are not enough to render metals: iron is off by 0.1 in lnT.

Source: reconstructed; a low-rank fit weighted by its effect on lnT instead of on mu.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from beltline.physics.materials import TABLES, Material, bin_mu_per_mm, find_material
from beltline.physics.spectra import spectrum

Array = NDArray[np.float64]

TERMS = 6
TRANSMISSION_FLOOR = 0.003
_STEPS = 14
_PREFILTERS_MM: tuple[dict[str, float], ...] = (
    {},
    {"water": 100.0},
    {"al": 8.0},
    {"fe": 1.5},
    {"water": 50.0, "fe": 0.6},
)
_PREFILTER_WEIGHT = 0.4
_RIDGE = 1e-4


@cache
def basis_matrix() -> Array:
    """The shipped (bins, 6) matrix B, read once."""
    with (TABLES / "basis.npz").open("rb") as stream, np.load(stream) as table:
        return np.asarray(table["basis"], dtype=np.float64)


def thickness_ladder_mm(mu_per_mm: Array, floor: float = TRANSMISSION_FLOOR, steps: int = _STEPS) -> Array:
    """Thicknesses from nearly clear down to low transmission ``floor``, shape (steps,), in mm.

    Args:
        mu_per_mm: Curve over the bins, shape (bins,), in 1/mm.
        floor: Smallest low-energy transmission.
        steps: Number of thicknesses, evenly spaced in lnT.
    """
    low = spectrum().low
    fine = np.geomspace(1e-4, 1e4, 4000) / mu_per_mm[low > 0].mean()
    depth = -np.log(np.exp(-np.outer(fine, mu_per_mm)) @ low + 1e-300)
    return np.asarray(np.interp(np.linspace(0.02, -np.log(floor), steps), depth, fine))


def _sensitivity(mu_per_mm: Array) -> Array:
    """Rows d(lnT)/d(mu) over thicknesses, channels and prefilters, shape (rows, bins)."""
    rows = []
    ladder = thickness_ladder_mm(mu_per_mm)
    beam = spectrum()
    for prefilter in _PREFILTERS_MM:
        depth = sum((t * bin_mu_per_mm(m) for m, t in prefilter.items()), np.zeros_like(mu_per_mm))
        importance = _PREFILTER_WEIGHT if prefilter else 1.0
        for signal in (beam.low, beam.high):
            share = signal * np.exp(-depth - ladder[:, None] * mu_per_mm)
            share /= share.sum(axis=1, keepdims=True)
            rows.append(importance * ladder[:, None] * share)
    stacked = np.concatenate(rows)
    # Ridge: bins that no transmission sees (the lowest, and those above 160 kV) still follow their curve.
    return np.concatenate([stacked, _RIDGE * np.diag(1.0 / mu_per_mm) * stacked.shape[0]])


def fit_coefficients(mu_per_mm: Array, basis: Array) -> Array:
    """Coefficients c with ``basis @ c`` closest to a curve in lnT, shape (6,), per mm.

    Args:
        mu_per_mm: Curve over the bins, shape (bins,), in 1/mm.
        basis: Matrix B, shape (bins, 6).
    """
    sensitivity = _sensitivity(mu_per_mm)
    return np.asarray(np.linalg.lstsq(sensitivity @ basis, sensitivity @ mu_per_mm, rcond=None)[0])


def fit_basis(materials: tuple[Material, ...], terms: int = TERMS, rounds: int = 20) -> Array:
    """Weighted low-rank factorisation of all material curves by alternating least squares.

    Materials with the largest error (those with absorption edges) gain weight from round to round, which
    drives the fit from least squares towards the smallest maximum.

    Args:
        materials: Materials to cover.
        terms: Rank.
        rounds: Alternations; the result is deterministic.

    Returns:
        Matrix B, shape (bins, terms), orthonormal in the mean signal weight, largest term first.
    """
    curves = [bin_mu_per_mm(m, 1.0) for m in materials]
    curves = [c / c[8] for c in curves]
    beam = spectrum()
    weight = np.sqrt(beam.low + beam.high + 1e-4)
    left = np.linalg.svd(np.stack([c * weight for c in curves], axis=1), full_matrices=False)[0]
    basis = left[:, :terms] / weight[:, None]
    sensitivities = [_sensitivity(c) for c in curves]
    grams = [s.T @ s for s in sensitivities]
    importance = np.ones(len(curves))
    for _ in range(rounds):
        coefficients = [
            np.linalg.lstsq(s @ basis, s @ c, rcond=None)[0]
            for s, c in zip(sensitivities, curves, strict=True)
        ]
        worst = [
            np.abs(s @ (basis @ k - c)).max()
            for s, c, k in zip(sensitivities, curves, coefficients, strict=True)
        ]
        importance *= (np.array(worst) + 0.1 * max(worst)) / max(worst)
        importance /= importance.max()
        rows = list(zip(importance, grams, coefficients, strict=True))
        normal = sum(w * np.kron(g, np.outer(k, k)) for w, g, k in rows)
        target = sum(w * np.outer(g @ c, k) for (w, g, k), c in zip(rows, curves, strict=True))
        flat = np.linalg.lstsq(np.asarray(normal), np.asarray(target).reshape(-1), rcond=None)[0]
        basis = np.linalg.qr(flat.reshape(basis.shape) * weight[:, None])[0] / weight[:, None]
    return basis


@cache
def _unit_density_vector(material: Material, fractions: tuple[tuple[str, float], ...]) -> Array:
    del fractions  # part of the key: the mapping itself is not hashed
    return fit_coefficients(bin_mu_per_mm(material, 1.0), basis_matrix())


def basis_vector(material: str | Material, density_g_cm3: float | None = None) -> NDArray[np.float32]:
    """Six basis coefficients of a material.

    Args:
        material: Name in ``MATERIALS`` or an own :class:`Material`.
        density_g_cm3: Density; default that of the material.  The vector is proportional to it.

    Returns:
        Coefficients per mm of path, shape (6,), float32.

    Raises:
        ValueError: For an unknown material or a non-positive density.

    Source:
        reconstructed (weighted low-rank basis); maximal error in lnT is tested and printed in the docs.

    Example:
        >>> basis_vector("water").shape
        (6,)
    """
    found = find_material(material)
    density = found.density_g_cm3 if density_g_cm3 is None else float(density_g_cm3)
    if not density > 0:
        raise ValueError(f"density_g_cm3 must be positive, got {density_g_cm3!r}")
    unit = _unit_density_vector(found, tuple(found.mass_fractions.items()))
    return (unit * density).astype(np.float32)
