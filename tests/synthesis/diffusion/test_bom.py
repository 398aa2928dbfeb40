"""Occlusion changes its window and nothing else, in latents and in transmissions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.synthesis.diffusion.bom import BomSettings, Occlusion, draw_occlusions, occlude
from beltline.synthesis.diffusion.bom_transmission import occlude_transmission
from beltline.synthesis.diffusion.regions import Region, region_of

GRID = (20, 24)
CELL = 8


def disc(x: int, y: int, radius: int, shape: tuple[int, int] = (160, 192)) -> Region:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return region_of((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)


REGIONS = (disc(40, 40, 18), disc(150, 120, 30), disc(186, 20, 25))


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x, y = draw(st.floats(0, 170)), draw(st.floats(0, 140))
    return x, y, x + draw(st.floats(4, 60)), y + draw(st.floats(4, 60))


@given(
    found=st.lists(boxes(), min_size=1, max_size=4),
    seed=st.integers(0, 999),
    shape=st.sampled_from(["window", "mask"]),
    shared=st.booleans(),
)
def test_every_window_overlaps_its_object_and_only_windows_change(found, seed, shape, shared) -> None:
    rng = np.random.default_rng(seed)
    settings = BomSettings((0.2, 0.4), shape, shared)
    occlusions = draw_occlusions(found, REGIONS, GRID, rng, settings)
    assert len(occlusions) == len(found)
    latents, background = rng.normal(size=(2, 4, *GRID)).astype(np.float32)
    out = occlude(latents, background, occlusions)
    outside = np.ones(GRID, bool)
    for one, (x1, y1, x2, y2) in zip(occlusions, found, strict=True):
        rows, columns = one.window
        assert rows.start * CELL < y2
        assert y1 < rows.stop * CELL
        assert columns.start * CELL < x2
        assert x1 < columns.stop * CELL
        assert one.weight.max() <= 0.4 + 1e-6
        outside[one.window] = False
    assert (out[:, outside] == latents[:, outside]).all()


def test_as_released_one_region_lies_over_all_objects_with_one_alpha() -> None:
    found = [(10, 10, 60, 60), (80, 80, 140, 130), (20, 90, 60, 150)]
    for seed in range(6):
        occlusions = draw_occlusions(found, REGIONS, GRID, np.random.default_rng(seed))
        assert len({one.source for one in occlusions}) == 1
        assert all((one.weight == np.float32(0.3)).all() for one in occlusions)
    each = [
        len({one.source for one in draw_occlusions(
            found, REGIONS, GRID, np.random.default_rng(seed), BomSettings(shared=False))})
        for seed in range(6)
    ]  # fmt: skip
    assert max(each) > 1


def test_the_blend_interpolates_and_is_the_identity_at_zero(rng) -> None:
    latents, background = rng.normal(size=(2, 4, *GRID)).astype(np.float32)
    found = [(30, 30, 90, 90)]
    for alpha in (0.0, 0.3, 1.0):
        (one,) = draw_occlusions(
            found, REGIONS[:1], GRID, np.random.default_rng(3), BomSettings((alpha, alpha))
        )
        out = occlude(latents, background, [one])
        under, over = latents[(slice(None), *one.window)], background[(slice(None), *one.source_window)]
        np.testing.assert_allclose(
            out[(slice(None), *one.window)], alpha * over + (1 - alpha) * under, atol=1e-6
        )
        if alpha == 0:
            assert (out == latents).all()


def test_the_mask_shaped_blend_leaves_the_corners_of_its_window_alone() -> None:
    found = [(80, 40, 100, 60)]
    (window,), (shape,) = (
        draw_occlusions(found, REGIONS[1:2], GRID, np.random.default_rng(1), BomSettings(shape=name))
        for name in ("window", "mask")
    )
    assert window.corner == shape.corner
    assert window.weight.shape == shape.weight.shape
    assert shape.weight[0, 0] == 0
    assert shape.weight.max() == pytest.approx(0.3)
    # the cells' shares add up to the region's area
    assert shape.weight.sum() / 0.3 * CELL**2 == pytest.approx(REGIONS[1].area_px, rel=0.01)


def test_the_same_seed_draws_the_same_and_no_region_draws_none() -> None:
    first, second = (
        draw_occlusions([(30, 30, 90, 90)], REGIONS, GRID, np.random.default_rng(7)) for _ in range(2)
    )
    assert first[0].corner == second[0].corner
    assert draw_occlusions([(30, 30, 90, 90)], (), GRID, np.random.default_rng(7)) == ()


def test_by_physics_a_regions_own_transmission_multiplies() -> None:
    background = np.empty((2, 60, 80), np.float32)
    background[0], background[1] = 0.5, 0.6
    background[:, 10:22, 12:28] *= np.array([0.7, 0.8], np.float32)[:, None, None]  # the region on its bag
    mask = np.zeros((60, 80), bool)
    mask[10:22, 12:28] = True
    painted = background.copy()
    painted[:, 30:50, 40:70] *= 0.4
    (one,) = draw_occlusions(
        [(40, 30, 70, 50)], [region_of(mask)], (60, 80), np.random.default_rng(2),
        BomSettings((1, 1), "mask"), cell=1,
    )  # fmt: skip
    out = occlude_transmission(painted, background, [one])
    inside = (slice(None), *one.window)
    np.testing.assert_allclose(out[inside], painted[inside] * np.array([0.7, 0.8])[:, None, None], rtol=1e-4)
    outside = np.ones((60, 80), bool)
    outside[one.window] = False
    assert (out[:, outside] == painted[:, outside]).all()


@given(seed=st.integers(0, 999), alpha=st.floats(0, 1))
def test_by_physics_nothing_brightens_and_no_thickness_changes_nothing(seed, alpha) -> None:
    rng = np.random.default_rng(seed)
    painted, background = rng.uniform(0.05, 1, (2, 2, 40, 50)).astype(np.float32)
    region = disc(20, 18, 9, (40, 50))
    found = draw_occlusions(
        [(22, 10, 40, 30)], [region], (40, 50), rng, BomSettings((alpha, alpha), "mask"), cell=1
    )
    out = occlude_transmission(painted, background, found)
    assert (out <= painted).all()
    assert alpha > 0 or (out == painted).all()


def test_bad_input_is_refused() -> None:
    plane = np.zeros((4, *GRID), np.float32)
    with pytest.raises(ShapeError, match="one shape"):
        occlude(plane, plane[:, 1:], [])
    large = Occlusion((0, 0), (15, 0), np.ones((6, 6), np.float32))
    with pytest.raises(ShapeError, match="reaches"):
        occlude(plane, plane, [large])
    with pytest.raises(ValueError, match="holds nothing"):
        draw_occlusions([(500, 0, 510, 10)], REGIONS, GRID, np.random.default_rng(0))
    with pytest.raises(ValueError, match="cell"):
        draw_occlusions([(0, 0, 10, 10)], REGIONS, GRID, np.random.default_rng(0), cell=0)
    with pytest.raises(ValueError, match="alpha"):
        BomSettings((0.5, 0.2))
    with pytest.raises(ValueError, match="shape"):
        BomSettings(shape="disc")
    with pytest.raises(ValueError, match="exp"):
        occlude_transmission(plane[:2] - 1, plane[:2], [])
