"""Projection by the law of attenuation, in four domains, and the noise it needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import BadInputError, ShapeError
from beltline.physics import (
    Detector,
    basis_vector,
    colorize,
    detect,
    dual_energy_transmission,
    exact_transmission,
)
from beltline.synthesis.domains import converted, optical_depth
from beltline.synthesis.noise import denoised, estimate_noise, lacking
from beltline.synthesis.threat import Threat
from beltline.synthesis.tip import box_of, project
from beltline.synthesis.tip_color import project_color


def slab(material: str, thickness_mm: float, size: int = 12) -> np.ndarray:
    return np.full((6, size, size), 1, np.float32) * basis_vector(material)[:, None, None] * thickness_mm


def threat(pixels: np.ndarray, domain: str) -> Threat:
    return Threat(pixels, np.ones(pixels.shape[1:], np.float32), domain, "knife", "a")  # type: ignore[arg-type]


def test_basis_maps_add_to_what_the_reference_gives() -> None:
    laid = project(slab("water", 40), threat(slab("fe", 2), "basis"), (0, 0)).pixels
    low, high = dual_energy_transmission(laid)
    expected = exact_transmission({"water": 40.0, "fe": 2.0})
    assert float(low[5, 5]) == pytest.approx(expected[0], rel=0.03)
    assert float(high[5, 5]) == pytest.approx(expected[1], rel=0.03)


def test_transmissions_multiply_channel_by_channel() -> None:
    bag = np.stack([np.full((6, 6), 0.5), np.full((6, 6), 0.8)]).astype(np.float32)
    item = np.stack([np.full((2, 3), 0.4), np.full((2, 3), 0.5)]).astype(np.float32)
    laid = project(bag, threat(item, "dual"), (3, 2))
    assert laid.pixels[:, 4, 3] == pytest.approx([0.2, 0.4])
    assert laid.pixels[:, 2, 3] == pytest.approx([0.5, 0.8])
    assert laid.box == (2, 3, 5, 5)
    assert float(laid.mask.sum()) == 6


@given(st.floats(0.05, 1), st.floats(0.05, 1), st.integers(-3, 7), st.integers(-3, 7))
def test_no_projection_brightens_and_none_reaches_beside_the_mask(
    bag: float, item: float, row: int, column: int
) -> None:
    before = np.full((1, 8, 8), bag, np.float32)
    laid = project(before, threat(np.full((1, 4, 4), item, np.float32), "grey"), (row, column))
    assert (laid.pixels <= before).all()
    assert (laid.pixels[0][laid.mask == 0] == before[0][laid.mask == 0]).all()


def test_order_of_threats_is_irrelevant_and_air_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    bag = rng.uniform(0.2, 1, (2, 20, 20)).astype(np.float32)
    a, b = (threat(rng.uniform(0.2, 1, (2, 6, 6)).astype(np.float32), "dual") for _ in range(2))
    one = project(project(bag, a, (2, 3)).pixels, b, (5, 5)).pixels
    other = project(project(bag, b, (5, 5)).pixels, a, (2, 3)).pixels
    assert np.allclose(one, other)
    assert (project(bag, threat(np.ones((2, 6, 6), np.float32), "dual"), (2, 3)).pixels == bag).all()


def test_half_covered_pixels_count_for_the_box_only_where_nothing_is_covered_more() -> None:
    mask = np.zeros((5, 6), np.float32)
    mask[1, 1:5] = 0.3
    assert box_of(mask) == (1, 1, 5, 2)
    mask[3, 2] = 0.7
    assert box_of(mask) == (2, 3, 3, 4)


def test_other_channels_and_places_outside_are_refused() -> None:
    grey = threat(np.full((1, 4, 4), 0.5, np.float32), "grey")
    with pytest.raises(ShapeError, match="grey threat must be"):
        project(np.ones((2, 8, 8), np.float32), grey, (0, 0))
    with pytest.raises(ValueError, match="outside"):
        project(np.ones((1, 8, 8), np.float32), grey, (20, 0))
    with pytest.raises(BadInputError, match="cannot become dual"):
        converted(grey, "dual")


def test_a_threat_of_basis_maps_reaches_every_domain_with_the_same_mask() -> None:
    item = threat(slab("al", 5), "basis")
    dual, grey, color = (converted(item, domain) for domain in ("dual", "grey", "color"))  # type: ignore[arg-type]
    low, high = exact_transmission({"al": 5.0})
    assert dual.pixels[:, 6, 6] == pytest.approx([low, high], rel=0.02)
    assert float(grey.pixels[0, 6, 6]) == pytest.approx((low + high) / 2, rel=0.02)
    assert color.pixels.shape == (3, 12, 12)
    assert float(optical_depth(dual.pixels, "dual")[6, 6]) == pytest.approx(
        -np.log((low + high) / 2), rel=0.02
    )


def test_colour_by_way_of_energies_comes_closer_to_the_truth_than_the_product() -> None:
    size = 48
    water = np.zeros((size, size), np.float32)
    water[:, 8:40] = 60
    iron = np.zeros((size, size), np.float32)
    iron[16:32, 16:32] = 1.5
    bag, item = (
        basis_vector(m)[:, None, None] * thickness for m, thickness in (("water", water), ("fe", iron))
    )
    pictures = [
        colorize(*dual_energy_transmission(np.asarray(basis, np.float32)))
        for basis in (bag, item, bag + item)
    ]
    mask = (iron > 0).astype(np.float32)
    inner = np.s_[19:29, 19:29]
    physical = project_color(pictures[0], pictures[1], mask, style="white")
    product = (pictures[0].astype(np.float32) * pictures[1] / 255).astype(np.uint8)
    off = [np.abs(p[inner].astype(float) - pictures[2][inner]).mean() for p in (physical, product)]
    assert off[0] < 0.6 * off[1]
    assert (physical[mask == 0] == pictures[0][mask == 0]).all()


def noisy(basis: np.ndarray, photons: float, seed: int) -> np.ndarray:
    detector = Detector(
        photons_low=photons, photons_high=photons, grain_share=0.3, electronic_sigma=4, scatter_fraction=0,
        row_gain_sigma=0, row_drift_sigma=0, band_gain_sigma=0,
    )  # fmt: skip
    clean = dual_energy_transmission(np.asarray(basis, np.float32))
    return np.stack(detect(*clean, detector, np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def steps() -> np.ndarray:
    thickness = np.repeat(np.linspace(10, 150, 8), 32)[None].repeat(192, 0)
    return basis_vector("water")[:, None, None] * thickness.astype(np.float32)


@pytest.mark.parametrize("photons", [2000.0, 8000.0])
def test_quanta_and_grain_are_read_off_a_scan(steps: np.ndarray, photons: float) -> None:
    noise = estimate_noise(noisy(steps, photons, 0)[0])
    assert noise.quanta == pytest.approx(photons, rel=0.15)
    assert noise.share == pytest.approx(0.3, abs=0.12)


def test_added_noise_makes_up_what_the_product_lacks(steps: np.ndarray) -> None:
    iron = basis_vector("fe")[:, None, None] * np.ones(steps.shape[1:], np.float32)
    bag, item = noisy(steps, 4000, 1)[0], noisy(iron, 4000, 2)
    clean = denoised(item, "dual")[0]
    made = bag * clean + lacking(bag, clean, estimate_noise(bag), np.random.default_rng(3))
    truth = noisy(steps + iron, 4000, 4)[0]
    thick, thin = np.s_[40:150, 200:216], np.s_[40:150, 8:24]
    # a bare product is too noisy over thin things and too smooth over thick ones; per unit of brightness
    relative = {
        name: [plane[at].std() / np.sqrt(plane[at].mean()) for at in (thin, thick)]
        for name, plane in (("product", bag * item[0]), ("made", made), ("truth", truth))
    }
    assert relative["product"][1] < 0.75 * relative["truth"][1]
    assert relative["made"] == pytest.approx(relative["truth"], rel=0.2)


def test_air_around_an_item_gets_no_noise() -> None:
    bag = np.full((32, 32), 0.4, np.float32)
    item = np.ones((32, 32), np.float32)
    item[8:24, 8:24] = 0.3
    extra = lacking(bag, item, estimate_noise(bag), np.random.default_rng(0))
    assert (extra[item == 1] == 0).all()
    assert extra[item < 1].std() > 0


def test_smoothing_keeps_a_picture_whose_noise_does_not_grow_with_brightness() -> None:
    rng = np.random.default_rng(0)
    flat = np.repeat(np.linspace(0.2, 0.8, 8), 24)[None].repeat(96, 0)
    clean = denoised((flat + 0.02 * rng.standard_normal(flat.shape))[None].astype(np.float32), "grey")[0]
    assert np.abs(clean - flat).mean() < 0.01
