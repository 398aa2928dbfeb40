"""Transmission: laws, reference values, basis error, and the compiled path against NumPy."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.physics import (
    MATERIALS,
    TUBES_KV,
    basis_matrix,
    basis_vector,
    bin_mu_per_mm,
    dual_energy_transmission,
    exact_transmission,
    mass_mu_cm2_per_g,
    spectrum,
    transmission,
    transmit_supersampled,
)
from beltline.physics.basis import thickness_ladder_mm

THICKNESS = st.floats(0, 20)
NAMES = st.sampled_from(sorted(MATERIALS))

# Signal per bin at 160 kV from an independent calculation of the same tube and detector (12..160 keV).
REFERENCE_LOW = (
    ".0003 .0103 .0225 .0343 .0403 .0410 .0384 .0343 .0705 "
    ".1351 .1785 .1140 .0710 .0681 .0571 .0445 .0299 .0100"
)
REFERENCE_HIGH = (
    "0 0 0 .0001 .0006 .0028 .0077 .0155 .0163 .0254 .0553 .0694 .0716 .1154 .1573 .1898 .1879 .0850"
)


def column(thickness_mm):
    """Basis (6, 1, 1) of a stack."""
    return sum(basis_vector(m) * np.float32(t) for m, t in thickness_mm.items()).reshape(6, 1, 1)


def log_transmissions(curve_per_mm, thickness_mm, signal):
    return np.log(np.exp(-np.outer(thickness_mm, curve_per_mm)) @ signal)


def test_spectrum_agrees_with_the_reference():
    beam = spectrum(160)
    np.testing.assert_allclose(beam.low[:18], [float(v) for v in REFERENCE_LOW.split()], atol=1e-3)
    np.testing.assert_allclose(beam.high[:18], [float(v) for v in REFERENCE_HIGH.split()], atol=1e-3)
    assert beam.mean_low_kev == pytest.approx(63.7, abs=0.3)
    assert beam.mean_high_kev == pytest.approx(97.0, abs=0.3)


def test_higher_voltage_means_a_harder_beam():
    beams = [spectrum(kv) for kv in TUBES_KV]
    assert all(np.diff([b.mean_low_kev for b in beams]) > 0)
    assert all(np.diff([b.mean_high_kev for b in beams]) > 0)
    assert all(b.low.sum() == pytest.approx(1) and b.high.sum() == pytest.approx(1) for b in beams)


@given(material=NAMES, first=THICKNESS, second=THICKNESS)
def test_slabs_multiply_at_one_energy(material, first, second):
    mu_per_mm = mass_mu_cm2_per_g(material, 60.0) * MATERIALS[material].density_g_cm3 / 10

    def slab(thickness):
        return np.exp(-mu_per_mm * thickness)

    assert slab(first) * slab(second) == pytest.approx(slab(first + second), rel=1e-12)


@given(material=NAMES, first=THICKNESS, second=THICKNESS)
def test_polychromatic_slabs_pass_more_than_their_product(material, first, second):
    product = exact_transmission({material: first})[0] * exact_transmission({material: second})[0]
    assert exact_transmission({material: first + second})[0] >= product * (1 - 1e-9)


@given(order=st.permutations(["water", "fe", "pvc", "cotton", "pb"]))
def test_order_of_materials_is_irrelevant(order):
    stack = {"water": 40.0, "fe": 1.0, "pvc": 5.0, "cotton": 60.0, "pb": 0.2}
    low, high = dual_energy_transmission(column({m: stack[m] for m in order}))
    expected = dual_energy_transmission(column(stack))
    np.testing.assert_allclose([low, high], expected, rtol=1e-5)


@given(material=NAMES, more=st.floats(0.01, 5))
def test_adding_material_never_brightens(material, more):
    base = column({"water": 30.0, "al": 2.0})
    low, high = dual_energy_transmission(base)
    low_more, high_more = dual_energy_transmission(base + column({material: more}))
    assert low_more[0, 0] <= low[0, 0] * (1 + 1e-6)
    assert high_more[0, 0] <= high[0, 0] * (1 + 1e-6)


def test_additivity_gap_of_log_domain_composition():
    # What ordinary threat image projection loses by adding logarithms: reference values of the design notes.
    def gap(first, second):
        together = exact_transmission({k: first.get(k, 0) + second.get(k, 0) for k in {*first, *second}})
        apart = np.array(exact_transmission(first)) * exact_transmission(second)
        return np.log(together) - np.log(apart)

    np.testing.assert_allclose(gap({"fe": 2}, {"fe": 2}), [0.62, 0.15], atol=0.01)
    np.testing.assert_allclose(gap({"fe": 2}, {"water": 50}), [0.16, 0.04], atol=0.01)
    np.testing.assert_allclose(gap({"al": 5}, {"water": 50}), [0.064, 0.008], atol=0.002)


@pytest.mark.parametrize(
    ("material", "thin", "thick", "mu_thin", "mu_thick"),
    [("water", 1.0, 200.0, 0.226, 0.204), ("fe", 0.1, 20.0, 14.7, 3.3)],
)
def test_beam_hardening_lowers_the_effective_coefficient(material, thin, thick, mu_thin, mu_thick):
    steps = np.geomspace(thin, thick, 12)
    mu_per_cm = [-10 * np.log(exact_transmission({material: t})[0]) / t for t in steps]
    assert (np.diff(mu_per_cm) < 0).all()
    assert mu_per_cm[0] == pytest.approx(mu_thin, rel=0.01)
    assert mu_per_cm[-1] == pytest.approx(mu_thick, rel=0.01)


@pytest.mark.parametrize("tube_kv", TUBES_KV)
def test_six_terms_carry_every_material(tube_kv):
    beam = spectrum(tube_kv)
    for name in MATERIALS:
        curve = bin_mu_per_mm(name)
        ladder = thickness_ladder_mm(curve, steps=40)
        fitted = basis_matrix() @ basis_vector(name).astype(np.float64)
        for signal in (beam.low, beam.high):
            error = log_transmissions(curve, ladder, signal) - log_transmissions(fitted, ladder, signal)
            assert np.abs(error).max() < 0.005, name


def test_six_terms_carry_mixtures(rng):
    beam = spectrum()
    for _ in range(200):
        names = rng.choice(sorted(MATERIALS), 3, replace=False)
        exact, fitted = np.zeros(19), np.zeros(19)
        for name in names:
            curve = bin_mu_per_mm(name)
            thickness = thickness_ladder_mm(curve)[rng.integers(0, 5)]
            exact += curve * thickness
            fitted += basis_matrix() @ basis_vector(name).astype(np.float64) * thickness
        for signal in (beam.low, beam.high):
            if np.exp(-exact) @ signal > 0.003:
                error = np.log(np.exp(-exact) @ signal) - np.log(np.exp(-fitted) @ signal)
                assert abs(error) < 0.005, names


def test_basis_vector_is_proportional_to_density():
    np.testing.assert_allclose(basis_vector("cotton", 0.6), 2 * basis_vector("cotton", 0.3), rtol=1e-6)
    with pytest.raises(ValueError, match="density_g_cm3"):
        basis_vector("cotton", -1.0)


@pytest.fixture
def bag(rng):
    """Random boxes of several materials, (6, 120, 300): several blocks, air, edges, opaque parts."""
    basis = np.zeros((6, 120, 300), np.float32)
    for material, thickness in (("cotton", 60), ("al", 3), ("fe", 30), ("pe", 8), ("pb", 1), ("cu", 0.3)):
        for _ in range(4):
            y, x = rng.integers(0, 110), rng.integers(0, 280)
            h, w = rng.integers(3, 60), rng.integers(3, 120)
            basis[:, y : y + h, x : x + w] += basis_vector(material)[:, None, None] * np.float32(thickness)
    basis *= 1 + 0.02 * rng.standard_normal((1, 120, 300)).astype(np.float32)
    return basis


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_numpy_fallback_equals_the_kernel(bag, factor, monkeypatch):
    pytest.importorskip("numba")
    compiled = transmit_supersampled(bag, factor, tolerance=0.0)
    monkeypatch.setattr(transmission, "_kernels", lambda: None)
    plain = transmit_supersampled(bag, factor)
    np.testing.assert_allclose(compiled, plain, atol=1e-5)
    opaque = np.asarray(plain) < 1e-5
    np.testing.assert_allclose(np.log(compiled)[~opaque], np.log(plain)[~opaque], atol=2e-5)


def test_room_works_without_numba():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from beltline.physics import basis_vector, dual_energy_transmission\n"
        "print(float(dual_energy_transmission(basis_vector('fe').reshape(6, 1, 1) * 2)[0][0, 0]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) == pytest.approx(exact_transmission({"fe": 2.0})[0], rel=1e-3)


def test_subpixel_tolerance_costs_less_than_it_promises(bag):
    coarse, exact = (
        transmit_supersampled(bag, 2, tolerance=0.02),
        transmit_supersampled(bag, 2, tolerance=0.0),
    )
    np.testing.assert_allclose(coarse, exact, rtol=0.02**2)


def test_pixels_average_intensity_not_thickness():
    half = np.zeros((6, 2, 2), np.float32)
    half[:, :, 0] = basis_vector("fe")[:, None] * 2
    low, _ = transmit_supersampled(half, 2)
    assert low[0, 0] == pytest.approx((1 + exact_transmission({"fe": 2.0})[0]) / 2, rel=1e-3)


@pytest.mark.parametrize("shape", [(6, 0, 0), (6, 1, 1), (6, 1, 500), (6, 500, 1)])
def test_any_size(shape):
    low, high = dual_energy_transmission(np.zeros(shape, np.float32))
    assert low.shape == high.shape == shape[1:]
    assert (low == 1).all()


def test_values_stay_in_range_for_opaque_and_negative_thickness():
    extremes = np.concatenate([column({"pb": 500.0}), column({"water": 1.0}) * -0.01], axis=2)
    for channel in dual_energy_transmission(extremes):
        assert channel[0, 0] >= 1e-6
        assert channel[0, 1] == 1.0


@pytest.mark.parametrize(
    ("basis", "factor", "message"),
    [
        (np.zeros((5, 4, 4), np.float32), 2, "basis must be"),
        (np.zeros((6, 4), np.float32), 1, "basis must be"),
        (np.zeros((6, 5, 4), np.float32), 2, "multiple of factor=2"),
        (np.zeros((6, 4, 4), np.float32), 0, "multiple of factor=0"),
    ],
)
def test_wrong_shapes_are_named(basis, factor, message):
    with pytest.raises(ValueError, match=message):
        transmit_supersampled(basis, factor)


def test_unknown_voltage_and_negative_thickness_are_errors():
    with pytest.raises(ValueError, match="tube_kv"):
        spectrum(150)
    with pytest.raises(ValueError, match="thickness_mm"):
        exact_transmission({"water": -1.0})
