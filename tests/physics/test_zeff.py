"""Effective atomic number: calibration materials come back, hue order holds, noise is smoothed."""

import numpy as np
import pytest

from beltline.physics import (
    CALIBRATION_Z,
    TUBES_KV,
    Detector,
    basis_vector,
    detect,
    dual_energy_transmission,
    effective_atomic_number,
    exact_transmission,
)


def transmissions(material, thickness_mm, tube_kv=160):
    return np.array([exact_transmission({material: t}, tube_kv=tube_kv) for t in thickness_mm], np.float32).T


def thickness_at_high(material, high):
    """Thickness in mm at which the high-energy transmission is ``high``."""
    ladder = np.geomspace(1e-3, 2e3, 600)
    values = [exact_transmission({material: t})[1] for t in ladder]
    return float(np.interp(-high, -np.array(values), ladder))


@pytest.mark.parametrize("tube_kv", TUBES_KV)
@pytest.mark.parametrize("material", CALIBRATION_Z)
def test_calibration_materials_come_back(material, tube_kv):
    ladder = [thickness_at_high(material, high) for high in (0.95, 0.7, 0.4, 0.15, 0.05)]
    low, high = transmissions(material, ladder, tube_kv)
    z = effective_atomic_number(low[None], high[None], tube_kv=tube_kv)
    np.testing.assert_allclose(z, CALIBRATION_Z[material], atol=0.3)


@pytest.mark.parametrize(
    ("material", "lowest", "highest"),
    [("pmma", 6.2, 6.7), ("sheet_simulant", 6.9, 7.5), ("marzipan", 6.3, 6.9), ("sugar", 6.6, 7.2),
     ("glass", 12.0, 13.2), ("pvc", 13.9, 14.9), ("salt", 15.2, 16.2), ("ss", 25.0, 27.0), ("pb", 8.0, 14.0)],
)  # fmt: skip
def test_other_materials_fall_where_scanners_see_them(material, lowest, highest):
    low, high = transmissions(material, [thickness_at_high(material, 0.6)])
    z = effective_atomic_number(low[None], high[None])[0, 0]
    assert lowest <= z <= highest


def test_hue_order_is_monotone_at_every_thickness():
    for target in (0.9, 0.5, 0.1):
        pairs = [transmissions(m, [thickness_at_high(m, target)]) for m in CALIBRATION_Z]
        numbers = [effective_atomic_number(low[None], high[None])[0, 0] for low, high in pairs]
        assert (np.diff(numbers) > 0).all()


def test_steel_under_water_turns_green():
    stack = [basis_vector("fe") + basis_vector("water") * np.float32(t) for t in (0, 50, 120)]
    low, high = dual_energy_transmission(np.array(stack, np.float32).T[:, None, :])
    z = effective_atomic_number(low, high)[0]
    np.testing.assert_allclose(z, [26.0, 13.9, 11.3], atol=0.3)


def test_smoothing_lowers_the_noise_and_keeps_edges(rng):
    basis = np.zeros((6, 64, 64), np.float32)
    basis[:, :, 32:] = basis_vector("al")[:, None, None] * 5
    clean = dual_energy_transmission(basis)
    noisy = detect(*clean, Detector(psf_sigma_px=0.0, grain_share=0.0, scatter_fraction=0.0), rng)
    rough = effective_atomic_number(*noisy)
    smooth = effective_atomic_number(*noisy, smoothing_sigma_px=0.8)
    assert smooth[:, 34:].std() < 0.7 * rough[:, 34:].std()
    assert abs(float(smooth[:, 33].mean()) - 13) < 0.7  # air does not bleed in
    assert float(np.median(smooth[:, :30])) == 0.0


@pytest.mark.parametrize("bad", [0.0, -0.5, 2.0, np.inf])
def test_no_nan_for_any_input(bad):
    low = np.full((3, 3), bad, np.float32)
    z = effective_atomic_number(low, np.full((3, 3), 0.5, np.float32), smoothing_sigma_px=1.0)
    assert np.isfinite(z).all()
    assert ((z >= 0) & (z <= 30)).all()


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 900), (900, 1)])
def test_any_size(shape):
    ones = np.full(shape, 0.5, np.float32)
    assert effective_atomic_number(ones, ones, smoothing_sigma_px=0.8).shape == shape


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="low and high"):
        effective_atomic_number(np.ones((2, 2), np.float32), np.ones((2, 3), np.float32))
