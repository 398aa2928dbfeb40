"""Pseudo-colour: tables, order of luminance, looks drawn at random, and pins of the measured styles."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.physics import STYLES, basis_vector, colorize, dual_energy_transmission, random_style
from beltline.physics.color import HUES, LUMINANCE, display_luminance
from beltline.physics.style_random import luma, shift_palette

STEPS = {"water": (20, 80), "pvc": (8,), "al": (3, 15), "fe": (1, 10)}
PINS = {
    "white": [
        (237, 217, 178),
        (191, 144, 61),
        (206, 229, 198),
        (224, 238, 209),
        (146, 195, 121),
        (164, 188, 219),
        (28, 106, 171),
    ],
    "grey": [
        (225, 206, 190),
        (182, 135, 60),
        (194, 219, 191),
        (211, 225, 203),
        (135, 177, 117),
        (153, 177, 197),
        (23, 87, 131),
    ],
    "tray": [
        (232, 192, 147),
        (218, 118, 36),
        (174, 217, 170),
        (198, 228, 188),
        (120, 171, 96),
        (125, 164, 204),
        (32, 93, 172),
    ],
    "olive": [
        (196, 206, 149),
        (109, 125, 45),
        (170, 219, 163),
        (197, 232, 191),
        (91, 162, 73),
        (122, 158, 200),
        (25, 64, 121),
    ],
}


def flat_field(material, thickness_mm, size=24):
    basis = np.broadcast_to(basis_vector(material)[:, None, None] * np.float32(thickness_mm), (6, size, size))
    return dual_energy_transmission(np.ascontiguousarray(basis))


def flat_color(material, thickness_mm, style):
    return tuple(int(v) for v in colorize(*flat_field(material, thickness_mm), style)[12, 12])


@pytest.mark.parametrize("style", STYLES)
def test_pinned_colors(style):
    # Pins, not references: numbers our own code produced, to notice a change of look.
    ours = [flat_color(m, t, style) for m, steps in STEPS.items() for t in steps]
    np.testing.assert_allclose(ours, PINS[style], atol=1)


@pytest.mark.parametrize("style", STYLES)
def test_fine_table_holds_the_measured_colors(style):
    look = STYLES[style]
    columns = np.rint(LUMINANCE * 1023).astype(int)
    for hue in range(len(HUES)):
        np.testing.assert_allclose(look.fine_table[hue * 32, columns], look.table[hue], atol=1.5)


def test_core_rows_of_the_published_tables():
    assert STYLES["white"].table[0, 2].tolist() == [54, 40, 8]
    assert STYLES["grey"].table[4, 1].tolist() == [1, 6, 197]
    assert STYLES["tray"].table[2, 8].tolist() == [128, 184, 112]
    assert STYLES["olive"].table[4, 2].tolist() == [12, 45, 91]


@pytest.mark.parametrize("style", STYLES)
def test_air_is_the_background(style):
    ones = np.ones((8, 8), np.float32)
    expected = np.rint(STYLES[style].background)
    assert (colorize(ones, ones, style) == expected).all()


@pytest.mark.parametrize("style", STYLES)
def test_organics_are_warm_and_metals_are_blue(style):
    red, green, blue = flat_color("water", 60, style)
    # water of 60 mm reads Z 7.5, which the olive look draws olive; cloth and plastics are warm there too
    assert min(red, green) > blue
    red, green, blue = flat_color("pe", 60, style)
    assert red > green > blue
    red, green, blue = flat_color("fe", 2, style)
    assert blue > green > red
    red, green, blue = flat_color("al", 8, style)
    assert green > red
    assert green > blue


def test_steel_under_mass_turns_green():
    basis = basis_vector("fe") + basis_vector("water") * 60
    low, high = dual_energy_transmission(np.broadcast_to(basis[:, None, None], (6, 24, 24)).copy())
    red, green, blue = colorize(low, high, "white")[12, 12].tolist()
    assert green > blue
    assert green > red


@pytest.mark.parametrize("style", STYLES)
def test_thicker_is_darker(style):
    for material in ("water", "pvc", "al"):
        base = float(flat_field(material, 1.0)[1].mean())
        steps = np.array([0.1, 0.3, 0.8, 1.5]) / -np.log(base)
        shades = [luma(np.array(flat_color(material, t, style), float)) for t in steps]
        assert (np.diff(shades) < 1).all()


@pytest.mark.parametrize("style", STYLES)
def test_dense_metal_is_compressed_and_thin_metal_left_alone(style):
    look = STYLES[style]
    plain = replace(look, compression=0.0)
    thick = [luma(np.array(flat_color("fe", t, s), float)) for s in (look, plain) for t in (12, 25)]
    assert thick[0] > thick[2] + 8, "a gun is drawn lighter than the power law alone draws it"
    assert thick[1] > thick[3]
    assert thick[0] > thick[1], "and thicker is still darker"
    np.testing.assert_array_equal(flat_color("fe", 0.5, look), flat_color("fe", 0.5, plain))


@pytest.mark.parametrize("style", STYLES)
def test_luminance_rises_with_transmission_through_the_knee(style):
    g = np.linspace(0, 1, 4001, dtype=np.float32)[None]
    for position in range(len(HUES)):
        shown = display_luminance(g, np.full_like(g, position), STYLES[style])[0]
        assert (np.diff(shown) >= 0).all()
        assert shown[0] == 0
        assert shown[-1] == 1
        assert len(np.unique(shown[:1000])) > 250, "dense structure keeps its steps"


def test_edges_overshoot_within_their_limit():
    image = np.full((60, 60), 0.6, np.float32)
    image[:, 30:] = 0.3
    sharp, plain = STYLES["white"], replace(STYLES["white"], edge_limit=0.0, halo_limit=0.0)
    zeff = np.full(image.shape, 7.0, np.float32)
    difference = luma(colorize(image, image, sharp, zeff).astype(float)) - luma(
        colorize(image, image, plain, zeff).astype(float)
    )
    assert difference.max() > 10
    assert np.abs(difference).max() <= (0.14 + 0.07) * 255 + 2


@given(seed=st.integers(0, 2**32 - 1), strength=st.floats(0.05, 1))
def test_random_styles_are_valid_and_never_inverted(seed, strength):
    style = random_style(np.random.default_rng(seed), strength=strength)
    assert style.table.min() >= 0
    assert style.table.max() <= 255
    assert (np.diff(luma(style.table), axis=1) > -1.0).all()
    np.testing.assert_allclose(style.table[:, -1], np.tile(style.background, (5, 1)), atol=1e-6)


def test_random_styles_span_the_tones_of_the_measured_looks():
    field = flat_field("fe", 12)  # about a gun

    def value(look):  # HSV value of the steel
        return colorize(*field, look)[12, 12].max() / 255

    drawn = [value(random_style(np.random.default_rng(seed))) for seed in range(60)]
    measured = [value(look) for look in STYLES.values()]
    low, middle, high = np.percentile(drawn, (5, 50, 95))
    assert low < min(measured)
    assert high > max(measured)
    assert min(measured) < middle < max(measured)


@given(seed=st.integers(0, 2**32 - 1))
def test_equal_generators_give_equal_styles(seed):
    first, second = (random_style(np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first.table, second.table)
    assert first.gamma == second.gamma


def test_random_styles_differ_and_stay_near_their_base(rng):
    drawn = [random_style(rng) for _ in range(40)]
    middles = np.array([s.table[:, 6] for s in drawn])
    assert middles.std(axis=0).mean() > 15
    near = np.array([random_style(rng, "grey", 0.2).table for _ in range(20)])
    assert np.abs(near - STYLES["grey"].table).mean() < 12


def test_strength_zero_is_the_base(rng):
    assert random_style(rng, "tray", 0.0) is STYLES["tray"]


def test_palette_turn_keeps_luminance():
    table = STYLES["white"].table
    turned = shift_palette(table, hue_turn=1.0, saturation=0.8, tone=1.0)
    np.testing.assert_allclose(luma(turned), luma(table), atol=1e-6)
    np.testing.assert_allclose(shift_palette(table, hue_turn=0, saturation=1, tone=1), table, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (1, 900), (900, 1), (3, 40000)])
def test_any_size(shape):
    half = np.full(shape, 0.5, np.float32)
    assert colorize(half, half, "grey").shape == (*shape, 3)


def test_wrong_input_is_named():
    ones = np.ones((2, 2), np.float32)
    with pytest.raises(ValueError, match="style must be one of"):
        colorize(ones, ones, "vendor")
    with pytest.raises(ValueError, match="must all be"):
        colorize(ones, np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="strength"):
        random_style(np.random.default_rng(0), strength=2.0)
    with pytest.raises(ValueError, match="table must be"):
        replace(STYLES["white"], table=np.zeros((2, 2, 3)))
    with pytest.raises(
        ValueError, match=r"knee must lie in \(0, 1\] and compression in \[0, 1\), got 0.5 and 1"
    ):
        replace(STYLES["white"], compression=1.0)
    with pytest.raises(ValueError, match="got 0 and"):
        replace(STYLES["white"], knee=0)
    with pytest.raises(ValueError, match="zeff_anchors"):
        replace(STYLES["white"], zeff_anchors=(5.0, 4.0))
