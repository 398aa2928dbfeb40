"""Materials and attenuation coefficients against published tables."""

import pickle

import numpy as np
import pytest

from beltline.physics import MATERIALS, Material, bin_mu_per_mm, mass_mu_cm2_per_g
from beltline.physics.materials import formula_fractions

# Hubbell and Seltzer, Tables of X-Ray Mass Attenuation Coefficients, NISTIR 5632 (NIST SRD 126), in cm2/g
# at 30, 60, 100 and 150 keV, coherent scatter included.
NIST = {
    "water": (0.3756, 0.2059, 0.1707, 0.1505),
    "C": (0.2562, 0.1753, 0.1514, 0.1347),
    "Al": (1.128, 0.2778, 0.1704, 0.1378),
    "Fe": (8.176, 1.205, 0.3717, 0.1964),
    "Cu": (10.92, 1.593, 0.4584, 0.2217),
    "Pb": (30.32, 5.021, 5.549, 2.014),
}

# The 42 names other rooms may rely on.
PROMISED = {
    *("water", "pe", "pp", "pet", "pmma", "abs", "nylon", "pvc", "ptfe", "cotton", "wool", "polyester"),
    *("paper", "leather", "rubber", "wood", "sugar", "salt", "food", "choc", "marzipan", "sheet_simulant"),
    *("powder", "glass", "ceramic", "fr4", "al", "fe", "ss", "cu", "brass", "zn", "ti", "pb", "solder"),
    *("liion", "alkaline", "butane", "bone", "absf", "talc_pp", "coated_nylon"),
}


@pytest.mark.parametrize("material", NIST)
def test_mass_attenuation_matches_nist_within_half_a_percent(material):
    ours = mass_mu_cm2_per_g(material, [30.0, 60.0, 100.0, 150.0])
    np.testing.assert_allclose(ours, NIST[material], rtol=5e-3)


def test_lead_jumps_at_its_k_edge():
    below, above = mass_mu_cm2_per_g("pb", [87.9, 88.1])
    assert above > 3.5 * below


def test_promised_materials_exist_with_sources():
    assert set(MATERIALS) >= PROMISED
    assert len(MATERIALS) >= 50
    assert {m.source for m in MATERIALS.values()} <= {"compound", "bulk", "mixture", "alloy"}


@pytest.mark.parametrize("name", MATERIALS)
def test_composition_sums_to_one_and_curve_is_positive(name):
    material = MATERIALS[name]
    assert sum(material.mass_fractions.values()) == pytest.approx(1.0)
    curve = bin_mu_per_mm(name)
    assert np.isfinite(curve).all()
    assert (curve > 0).all()


def test_bin_coefficients_follow_the_fine_curve():
    # Bin 64..70 keV: no edge of iron inside, so the average lies between the values at its ends.
    at_ends = mass_mu_cm2_per_g("fe", [64.0, 70.0]) * 7.85 / 10
    assert at_ends[1] < bin_mu_per_mm("fe")[11] < at_ends[0]


def test_mixture_rule():
    water = mass_mu_cm2_per_g("water", 60.0)
    parts = formula_fractions("H2O")
    by_hand = sum(share * mass_mu_cm2_per_g(symbol, 60.0) for symbol, share in parts.items())
    assert water == pytest.approx(by_hand)


def test_own_material_and_pickle():
    own = Material("saline", 1.05, {"H": 0.10, "O": 0.80, "Na": 0.04, "Cl": 0.06})
    assert mass_mu_cm2_per_g(own, 60.0) > mass_mu_cm2_per_g("water", 60.0)
    assert pickle.loads(pickle.dumps(own)) == own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", 1.0, {"Xx": 1.0}), "unknown elements"),
        (("x", 0.0, {"H": 1.0}), "density_g_cm3 must be positive"),
        (("x", float("nan"), {"H": 1.0}), "density_g_cm3 must be positive"),
        (("x", 1.0, {"H": 0.5}), "sum to 1"),
        (("x", 1.0, {"H": 1.5, "O": -0.5}), "sum to 1"),
        (("x", 1.0, {}), "sum to 1"),
    ],
)
def test_material_rejects_nonsense(arguments, message):
    with pytest.raises(ValueError, match=message):
        Material(*arguments)


@pytest.mark.parametrize("formula", ["", "h2o", "H2O!", "Xx2", "2H"])
def test_formula_rejects_nonsense(formula):
    with pytest.raises(ValueError, match="formula"):
        formula_fractions(formula)


@pytest.mark.parametrize("energy", [9.0, 201.0, float("nan")])
def test_energy_outside_the_table_is_an_error(energy):
    with pytest.raises(ValueError, match=r"10\.\.200"):
        mass_mu_cm2_per_g("water", energy)


def test_unknown_material_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown material 'watr'; known: water"):
        mass_mu_cm2_per_g("watr", 60.0)
