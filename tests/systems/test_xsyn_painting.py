"""A painter at work: what it may change, what it is laid over, and that chance is its seed's alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from beltline.core import ShapeError
from beltline.models.painter import Painter
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.systems.xsyn.painting import laid_over, paint

QUICK = SamplerSettings(steps=2)
BOXES = np.array([[0.25, 0.25, 0.75, 0.5], [0.0, 0.0, 0.3, 0.3]], np.float32)


@pytest.fixture(scope="module", params=[False, True], ids=["invents", "sees"])
def painter(request: pytest.FixtureRequest) -> Painter:
    torch.manual_seed(0)
    # 32 latents a side, so that attention of 16 x 16 can be read
    return Painter(3, latent_widths=(8, 8, 8, 8), widths=(8, 16, 16), seen=request.param).eval()


@pytest.fixture(scope="module")
def bags() -> np.ndarray:
    return np.random.default_rng(1).random((2, 2, 256, 256), dtype=np.float32) * 0.8


def test_nothing_outside_of_the_box_changes(painter: Painter, bags: np.ndarray) -> None:
    found = paint(painter, bags, [0, 2], BOXES, seed=4, settings=QUICK)
    changed = (found.windows != bags).any(1)
    for one, (x1, y1, x2, y2) in zip(changed, 32 * BOXES, strict=True):
        cells = np.zeros((32, 32), bool)
        cells[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = True
        assert not one[~cells.repeat(8, 0).repeat(8, 1)].any()
    assert changed.any()
    assert 0 <= found.windows.min() <= found.windows.max() <= 1
    assert found.attention.shape == (2, 16, 16)
    assert ((found.attention >= 0) & (found.attention <= 1)).all()
    if painter.seen:
        assert (found.windows >= bags - 1e-5).all(), "a threat only takes light away"


def test_chance_is_the_seeds(painter: Painter, bags: np.ndarray) -> None:
    one, same, other = (paint(painter, bags, [0, 2], BOXES, seed=s, settings=QUICK) for s in (4, 4, 5))
    assert np.array_equal(one.windows, same.windows)
    assert not np.array_equal(one.windows, other.windows)
    begun = SamplerSettings(steps=4, strength=0.25)
    near = paint(painter, bags, [0, 2], BOXES, seed=4, settings=begun, starts=bags)
    assert near.windows.shape == bags.shape
    with pytest.raises(ValueError, match="needs a start"):
        paint(painter, bags, [0, 2], BOXES, seed=4, settings=begun)


def test_labels_boxes_and_bags_are_as_many(painter: Painter, bags: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="one label and box a window, got 1 and 2 for 2 windows"):
        paint(painter, bags, [0], BOXES, seed=0)


def test_a_threat_is_laid_over_as_a_projection_is() -> None:
    bag, known, after = (attenuation_code(np.full((1, 2, 4, 4), t)) for t in (0.6, 0.5, 0.25))
    np.testing.assert_allclose(
        coded_transmission(laid_over(bag, after, known)), 0.6 * 0.5 * np.exp(0.02), rtol=1e-4
    )
    np.testing.assert_array_equal(coded_transmission(laid_over(bag, known, after)), coded_transmission(bag))
    colours = np.full((1, 3, 2, 2), 0.8, np.float32)
    laid = laid_over(colours, colours * 0.5, colours)
    np.testing.assert_allclose(laid, 0.4 * np.exp(0.02), rtol=1e-5)
