"""Polychromatic dual-energy transmission through six basis maps.

``T_c = sum_j S_c[j] exp(-(B @ basis)[j])`` with the shipped spectrum S and basis matrix B.  Fast paths run in
numba when it is installed; NumPy gives the same numbers to 1e-5.  Units: mm; transmission is I/I0, air = 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from beltline.physics.basis import TERMS, basis_matrix
from beltline.physics.materials import bin_mu_per_mm
from beltline.physics.spectra import spectrum

FloatMap = NDArray[np.float32]

TRANSMISSION_MIN = 1e-6
SUBPIXEL_TOLERANCE = 0.02
_CHUNK = 65536


@cache
def _kernels() -> ModuleType | None:
    """The compiled kernels, or None without numba."""
    try:
        from beltline.physics import _kernels
    except ImportError:
        return None
    return _kernels


@cache
def _bins(tube_kv: int) -> tuple[FloatMap, FloatMap, FloatMap, FloatMap]:
    """Base-2 exponent matrix (bins, 6), low and high signal, and the subpixel probe (6,)."""
    beam = spectrum(tube_kv)
    seen = (beam.low + beam.high) > 1e-7
    matrix = basis_matrix()
    # The probe is the optical depth at the effective low energy; differences in it bound those in lnT.
    probe = (beam.low @ matrix) * 1.5
    return (
        np.ascontiguousarray(-matrix[seen] / np.log(2.0), dtype=np.float32),
        beam.low[seen].astype(np.float32),
        beam.high[seen].astype(np.float32),
        probe.astype(np.float32),
    )


def _checked_basis(basis: NDArray[np.float32], factor: int) -> FloatMap:
    array = np.ascontiguousarray(basis, dtype=np.float32)
    if array.ndim != 3 or array.shape[0] != TERMS:
        raise ValueError(f"basis must be ({TERMS}, H, W), got {array.shape}")
    if factor < 1 or array.shape[1] % factor or array.shape[2] % factor:
        raise ValueError(f"basis size must be a multiple of factor={factor}, got {array.shape[1:]}")
    return array


def _dense(basis: FloatMap, tube_kv: int) -> tuple[FloatMap, FloatMap]:
    """NumPy evaluation of (6, N) columns; returns two (N,) arrays."""
    exponents, low, high, _ = _bins(tube_kv)
    out = np.empty((2, basis.shape[1]), dtype=np.float32)
    for start in range(0, basis.shape[1], _CHUNK):
        part = np.exp2(np.minimum(exponents @ basis[:, start : start + _CHUNK], 0.0))
        np.matmul(np.stack([low, high]), part, out=out[:, start : start + _CHUNK])
    np.clip(out, TRANSMISSION_MIN, 1.0, out=out)
    return out[0], out[1]


def dual_energy_transmission(basis: NDArray[np.float32], *, tube_kv: int = 160) -> tuple[FloatMap, FloatMap]:
    """Noise-free transmission of both detector layers.

    Args:
        basis: Summed ``thickness_mm * basis_vector``, shape (6, H, W), unitless.
        tube_kv: Tube voltage in kV.

    Returns:
        Low- and high-energy transmission, each (H, W) float32 in [1e-6, 1].

    Raises:
        ValueError: For a wrong shape or an unknown voltage.

    Source:
        Polychromatic Beer-Lambert law without scatter; basis reconstructed.

    Example:
        >>> from beltline.physics import basis_vector
        >>> low, high = dual_energy_transmission(basis_vector("water").reshape(6, 1, 1) * 50.0)
        >>> bool(low[0, 0] < high[0, 0])
        True
    """
    return transmit_supersampled(basis, 1, tube_kv=tube_kv)


def transmit_supersampled(
    basis: NDArray[np.float32],
    factor: int = 2,
    *,
    tube_kv: int = 160,
    tolerance: float = SUBPIXEL_TOLERANCE,
) -> tuple[FloatMap, FloatMap]:
    """Transmission of finite pixels: the mean intensity of ``factor`` x ``factor`` subpixels.

    Intensities are averaged, not thicknesses (partial-volume effect).  Where the optical depth of the
    subpixels differs by less than ``tolerance``, one evaluation at the mean thickness stands for all
    (error < tolerance**2 / 8).

    Args:
        basis: Subpixel basis maps, shape (6, factor * H, factor * W).
        factor: Subpixels along each axis.
        tube_kv: Tube voltage in kV.
        tolerance: Largest spread of optical depth that is not resolved; 0 resolves everything.

    Returns:
        Low- and high-energy transmission, each (H, W) float32 in [1e-6, 1].

    Raises:
        ValueError: For a wrong shape, a size that is no multiple of ``factor`` or an unknown voltage.

    Source:
        reconstructed.

    Example:
        >>> import numpy as np
        >>> [t.shape for t in transmit_supersampled(np.zeros((6, 4, 8), np.float32), 2)]
        [(2, 4), (2, 4)]
    """
    array = _checked_basis(basis, factor)
    height, width = array.shape[1] // factor, array.shape[2] // factor
    kernels = _kernels()
    if kernels is None:
        low, high = _dense(array.reshape(TERMS, -1), tube_kv)
        split = (height, factor, width, factor)
        return low.reshape(split).mean(axis=(1, 3)), high.reshape(split).mean(axis=(1, 3))
    exponents, signal_low, signal_high, probe = _bins(tube_kv)
    low = np.empty((height, width), dtype=np.float32)
    high = np.empty((height, width), dtype=np.float32)
    limit = np.float32(tolerance)
    kernels.transmit(array, factor, exponents, signal_low, signal_high, probe, limit, low, high)
    return low, high


def exact_transmission(thickness_mm: Mapping[str, float], *, tube_kv: int = 160) -> tuple[float, float]:
    """Reference transmission of a stack with every bin's own coefficient: no basis, double precision.

    Args:
        thickness_mm: Material name -> thickness in mm.
        tube_kv: Tube voltage in kV.

    Returns:
        Low- and high-energy transmission.

    Raises:
        ValueError: For an unknown material or a negative thickness.

    Example:
        >>> low, high = exact_transmission({"water": 50.0})
        >>> round(float(-np.log(low) / 5), 3)
        0.216
    """
    if any(t < 0 for t in thickness_mm.values()):
        raise ValueError(f"thickness_mm must be >= 0, got {dict(thickness_mm)}")
    beam = spectrum(tube_kv)
    depth = np.zeros_like(beam.low)
    for material, thickness in thickness_mm.items():
        depth += bin_mu_per_mm(material) * thickness
    passed = np.exp(-depth)
    return float(beam.low @ passed), float(beam.high @ passed)
