"""Projection in the domains: exact where physics is exact, measured where it is approximate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.physics import STYLES, colorize, dual_energy_transmission, exact_transmission
from beltline.synthesis.fuser import product
from beltline.synthesis.threat import CHANNELS, Threat
from beltline.synthesis.tip import box_of, project
from beltline.synthesis.tip_color import low_and_high, project_color


def threat(domain, value=0.5, shape=(4, 6)):
    return Threat(
        np.full((CHANNELS[domain], *shape), value, np.float32), np.ones(shape, np.float32), domain, "gun", "a"
    )


@pytest.mark.parametrize("domain", ["dual", "grey", "color"])
def test_a_white_item_is_nothing_and_the_order_does_not_matter(domain):
    rng = np.random.default_rng(0)
    bag = rng.uniform(0.2, 1, (CHANNELS[domain], 10, 12)).astype(np.float32)
    np.testing.assert_array_equal(project(bag, threat(domain, 1.0), (2, 3)).pixels, bag)
    first = project(project(bag, threat(domain, 0.5), (1, 1)).pixels, threat(domain, 0.7), (2, 2)).pixels
    second = project(project(bag, threat(domain, 0.7), (2, 2)).pixels, threat(domain, 0.5), (1, 1)).pixels
    np.testing.assert_allclose(first, second, rtol=1e-6)


@given(row=st.integers(-3, 9), column=st.integers(-5, 11))
def test_what_reaches_over_the_border_is_cut(row, column):
    bag = np.ones((2, 10, 12), np.float32)
    found = project(bag, threat("dual"), (row, column))
    there = np.zeros((10, 12), bool)
    there[max(row, 0) : max(row + 4, 0), max(column, 0) : max(column + 6, 0)] = True
    assert (found.pixels[0][there] == 0.5).all()
    assert (found.pixels[0][~there] == 1).all()
    x1, y1, x2, y2 = found.box
    assert there[y1:y2, x1:x2].all()
    assert there.sum() == (x2 - x1) * (y2 - y1)


def test_strength_is_thickness():
    bag = np.ones((2, 10, 12), np.float32)
    assert project(bag, threat("dual"), (0, 0), strength=2).pixels[0, 0, 0] == pytest.approx(0.25)
    basis = project(np.zeros((6, 10, 12), np.float32), threat("basis", 3.0), (0, 0), strength=2).pixels
    assert basis[0, 0, 0] == 6.0


def test_adding_basis_maps_is_exact_and_multiplying_transmissions_is_nearly():
    # 30 mm of polyethylene over 4 mm of iron, by the sum of energies
    true = exact_transmission({"pe": 30.0, "fe": 4.0})
    each = [exact_transmission(layer) for layer in ({"pe": 30.0}, {"fe": 4.0})]
    multiplied = [a * b for a, b in zip(*each, strict=True)]
    for real, guess in zip(true, multiplied, strict=True):
        assert guess < real  # the bag has hardened the beam: more gets through
        assert guess == pytest.approx(real, rel=0.12)


def test_refusals_name_the_way_out():
    with pytest.raises(ShapeError, match=r"\(2, H, W\)"):
        project(np.ones((1, 5, 5), np.float32), threat("dual"), (0, 0))
    with pytest.raises(ValueError, match="outside"):
        project(np.ones((2, 5, 5), np.float32), threat("dual"), (9, 0))
    with pytest.raises(ValueError, match="positive"):
        project(np.ones((2, 5, 5), np.float32), threat("dual"), (0, 0), strength=0)
    with pytest.raises(ValueError, match="no box"):
        box_of(np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="domain"):
        Threat(np.ones((1, 2, 2)), np.ones((2, 2)), "sound", "gun", "a")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="mask"):
        Threat(np.ones((1, 2, 3)), np.ones((2, 2)), "grey", "gun", "a")


def wedge(material: int, steps: int = 48):
    """(6, steps, steps) basis maps: a wedge of one of the six basis terms."""
    basis = np.zeros((6, steps, steps), np.float32)
    basis[material] = np.linspace(0, 1, steps, dtype=np.float32)[None, :]
    return basis


@pytest.mark.parametrize("style", sorted(STYLES))
def test_the_way_back_through_the_colours_closes(style):
    rng = np.random.default_rng(1)
    low = np.repeat(rng.uniform(0.15, 0.95, (8, 8)), 6, 0).repeat(6, 1).astype(np.float32)
    high = np.clip(low ** np.float32(0.7), 0, 1)
    colours = colorize(low, high, style)
    back = low_and_high(colours, style)
    inner = colorize(back[0], back[1], style).astype(int)
    assert np.median(np.abs(inner - colours)) <= 8


def test_projection_in_colour_is_nearer_to_physics_than_the_product_of_colours_for_metal_over_cloth():
    rows = np.linspace(0.25, 1.0, 64, dtype=np.float32)
    bag = np.stack([np.tile(rows, (64, 1)), np.tile(rows**0.8, (64, 1))])
    item = np.ones((2, 64, 64), np.float32)
    mask = np.zeros((64, 64), np.float32)
    mask[16:48, 8:56] = 1
    item[:, mask > 0] = np.array([[0.55], [0.75]], np.float32)
    look = STYLES["tray"]
    b, i, truth = (colorize(x[0], x[1], look) for x in (bag, item, bag * item))
    inside = mask > 0
    ours, plain = (
        np.abs(fuse(b, i, mask).astype(float) - truth)[inside].mean()
        for fuse in (lambda *a: project_color(*a, style=look), product)
    )
    assert ours < plain


def test_outside_the_mask_nothing_changes_and_dual_energy_is_what_it_says():
    low, high = dual_energy_transmission(wedge(0))
    bag = colorize(low, high, "white")
    item = np.full_like(bag, 255)
    mask = np.zeros(bag.shape[:2], np.float32)
    np.testing.assert_array_equal(project_color(bag, item, mask), bag)
