"""Painting into whole scans: what changes, what does not, what is thrown away, in every domain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.synthesis.diffusion.hand_painter import SHARE, HandPainter, bag

from beltline.core import BadInputError, Scan, box_iou
from beltline.core.square_window import SquareWindow
from beltline.physics import colorize
from beltline.physics.attenuation_code import attenuation_code
from beltline.synthesis.diffusion.annotating import PaintedWindow, Refiner, annotate
from beltline.synthesis.diffusion.canvas import Canvas, canvas_of
from beltline.synthesis.diffusion.generators import PaintTask
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.scan_occlusion import OcclusionRule, occluded
from beltline.synthesis.diffusion.scan_painting import PaintedScan, Projected, Wanted, paint_scan
from beltline.synthesis.diffusion.scan_windows import apart, cells_of, painted_box, window_of

BOX = (60.0, 50.0, 110.0, 84.0)


def canvas(kind: str, channels: int) -> Canvas:
    planes = bag()
    if kind == "dual":
        return canvas_of(Scan(planes, "transmission", ("low", "high")), channels)
    picture = np.moveaxis(colorize(planes[0], planes[1]), 2, 0).astype(np.float32) / np.float32(255)
    return canvas_of(Scan(picture, "color", ("r", "g", "b")), channels)


def painted(
    ground: Canvas, painter: HandPainter, *boxes: tuple[float, ...], **options: object
) -> PaintedScan:
    wanted = [Wanted(PaintTask("gun", box)) for box in boxes or (BOX,)]
    rng = np.random.default_rng(0)
    return paint_scan(ground, wanted, painter, SamplerSettings(), rng, **options)


def middle(box: tuple[float, ...]) -> list[float]:
    x1, y1, x2, y2 = box
    dx, dy = (1 - SHARE) / 2 * (x2 - x1), (1 - SHARE) / 2 * (y2 - y1)
    return [x1 + dx, y1 + dy, x2 - dx, y2 - dy]


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize(("kind", "channels"), [("dual", 2), ("color", 2), ("color", 3), ("dual", 3)])
@pytest.mark.parametrize("box", [BOX, (0.0, 100.0, 40.0, 160.0), (70.0, 20.0, 90.0, 30.0)])
def test_only_the_latents_of_the_box_change(
    kind: str, channels: int, adds: bool, box: tuple[float, ...]
) -> None:
    ground, painter = canvas(kind, channels), HandPainter(channels, adds=adds)
    made = painted(ground, painter, box)
    changed = (made.canvas.pixels != ground.pixels).any(0)
    x1, y1, x2, y2 = painted_box(window_of(ground.shape, box, painter), box, painter.cell)
    inside = np.zeros(ground.shape, bool)
    inside[max(int(y1), 0) : int(np.ceil(y2)), max(int(x1), 0) : int(np.ceil(x2))] = True
    assert changed[inside].any()
    assert not changed[~inside].any()
    assert made.canvas.domain == ("dual" if (kind, channels) == ("dual", 2) else "color")
    (item,) = made.items
    assert item.refined
    assert item.mask is not None
    # a painter that paints anew is told by what its autoencoder, here a coarse one, gets wrong as well
    assert float(box_iou([item.box], [middle(box)])[0, 0]) > (0.6 if adds else 0.3)
    if kind == "dual" and adds:  # nothing became brighter but for rounding
        assert (made.canvas.pixels <= ground.pixels + 2e-2).all()


def test_what_is_added_keeps_the_grain_of_the_bag() -> None:
    # the window is smaller than its part of the scan, so that its own pixels are averages
    ground, box = canvas("dual", 2), (20.0, 20.0, 180.0, 140.0)
    sharp, blurred = (painted(ground, HandPainter(adds=adds), box).canvas.pixels for adds in (True, False))
    part = np.s_[0, 60:100, 60:140]
    before = attenuation_code(ground.pixels)[part]
    added = [attenuation_code(pixels)[part] - before for pixels in (sharp, blurred)]
    assert added[0].std() < 0.1 * added[1].std()


def test_what_is_not_there_is_painted_again() -> None:
    made = painted(canvas("dual", 2), HandPainter(misses=2))
    assert made.thrown_away == 2
    assert [item.tries for item in made.items] == [3]
    none = painted(canvas("dual", 2), HandPainter(misses=3))
    assert (none.items, none.thrown_away) == ((), 3)
    assert (none.canvas.pixels == canvas("dual", 2).pixels).all()
    refused = painted(
        canvas("dual", 2), HandPainter(), accept=lambda before, after, item: item.tries > 1, tries=2
    )
    assert refused.thrown_away == 2


def test_items_apart_are_painted_at_once_and_those_that_meet_in_turns() -> None:
    near, far = (100.0, 60.0, 140.0, 90.0), (140.0, 110.0, 180.0, 140.0)
    painter = HandPainter()
    made = painted(canvas("dual", 2), painter, BOX, near, far)
    assert [len(batch) for batch in painter.batches] == [2, 1]
    assert [item.wanted.task.box for item in made.items] == [BOX, near, far]
    assert len({item.seed for item in made.items}) == 3
    windows = [(window_of((160, 200), box, painter), box) for box in (BOX, near, far)]
    assert apart(windows, 8) == [[0, 2], [1]]
    assert apart([], 8) == []


def test_projections_keep_their_exact_annotation() -> None:
    ground = canvas("dual", 2)
    mask = np.zeros(ground.shape, bool)
    mask[50:84, 60:110] = True
    start = Projected(np.where(mask, 0.8 * ground.pixels, ground.pixels), mask)
    wanted = [Wanted(PaintTask("gun", BOX), start)]
    settings = SamplerSettings(strength=0.4)
    made = paint_scan(ground, wanted, HandPainter(), settings, np.random.default_rng(0))
    (item,) = made.items
    assert item.box == BOX
    assert item.mask is mask
    with pytest.raises(ValueError, match="starts from a projection"):
        paint_scan(ground, [Wanted(PaintTask("gun", BOX))], HandPainter(), settings, np.random.default_rng(0))


def test_boxes_are_refined_by_clicks_or_kept() -> None:
    seen = []

    def segment(picture, box, points):
        seen.append(len(points))
        found = np.zeros(picture.shape[:2], bool)
        found[40:80, 48:100] = True
        return found

    ground = canvas("dual", 2)
    (by_clicks,) = painted(ground, HandPainter(), refiner=Refiner("clicks", segment)).items
    window = window_of(ground.shape, BOX, HandPainter())
    assert np.allclose(by_clicks.box, window.box_outside([48, 40, 100, 80]), atol=1.5)
    assert seen[-1] > 3
    (off,) = painted(ground, HandPainter(), refiner=Refiner("off")).items
    assert (off.box, off.refined) == (BOX, False)
    assert off.mask is not None
    with pytest.raises(ValueError, match="need a segmenter"):
        Refiner("clicks")
    with pytest.raises(ValueError, match="one of"):
        Refiner("both")  # type: ignore[arg-type]


def test_what_is_painted_over_an_item_is_not_told_by_change() -> None:
    window = PaintedWindow(bag()[:, :128, :128], None, np.ones((16, 16), np.float32), BOX, True, "white")
    with pytest.raises(ValueError, match="cannot be told by change"):
        annotate(window, Refiner("change"))
    kept = annotate(window, Refiner("off"))
    assert kept is not None
    assert kept.mask is None


@pytest.mark.parametrize(("kind", "channels"), [("dual", 2), ("color", 3), ("color", 2)])
def test_occlusion_comes_after_annotation_and_only_darkens_by_physics(kind: str, channels: int) -> None:
    ground, painter = canvas(kind, channels), HandPainter(channels)
    made = painted(ground, painter)
    boxes = [item.box for item in made.items]
    rng = np.random.default_rng(3)
    off = occluded(ground, made.canvas, boxes, painter, rng, OcclusionRule("off"))
    assert (off.canvas.pixels == made.canvas.pixels).all()
    assert off.covered == (False,)
    hidden = occluded(ground, made.canvas, boxes, painter, rng, OcclusionRule("physical", 1.0))
    assert hidden.covered == (True,)
    assert (hidden.canvas.pixels != made.canvas.pixels).any()
    if kind == "dual":
        assert (hidden.canvas.pixels <= made.canvas.pixels).all()
    blended = occluded(ground, made.canvas, boxes, painter, rng, OcclusionRule("latent", 0.3))
    assert blended.covered == (True,)
    changed = (blended.canvas.pixels != made.canvas.pixels).any(0)
    assert 0 < changed.sum() < changed.size / 2
    none = occluded(ground, ground, [], painter, rng)
    assert none.covered == ()


def test_rules_that_make_no_sense_are_refused() -> None:
    for wrong in ({"alpha": 0.0}, {"alpha": 1.5}, {"kind": "some"}):
        with pytest.raises(ValueError, match="must be"):
            OcclusionRule(**wrong)  # type: ignore[arg-type]
    grey = Scan(bag()[:1], "transmission", ("gray",))
    with pytest.raises(BadInputError, match="synthesize tip"):
        canvas_of(grey, 2)


def test_a_painter_of_whole_scans_sees_them_in_a_square() -> None:
    window = window_of((160, 200), BOX, HandPainter(whole=True))
    assert window == SquareWindow(-20, 0, 200, 128)
    assert cells_of(window, BOX, 8).sum() % 64 == 0
    made = painted(canvas("color", 3), HandPainter(3, whole=True, adds=False))
    assert len(made.items) == 1


def test_each_row_has_its_own_noise() -> None:
    from diffusers import DDIMScheduler

    from beltline.synthesis.diffusion.sampling import inpaint

    known = torch.zeros(2, 4, 4, 4)
    mask = torch.ones(2, 1, 4, 4)

    def sampled(*seeds: int) -> torch.Tensor:
        chance = [torch.Generator().manual_seed(seed) for seed in seeds]
        rows = len(seeds)
        return inpaint(
            lambda x, t, c: 0.1 * x, DDIMScheduler(), known[:rows], mask[:rows], SamplerSettings(3),
            generator=chance,
        )  # fmt: skip

    both = sampled(1, 2)
    torch.testing.assert_close(both[:1], sampled(1))
    torch.testing.assert_close(both[1:], sampled(2))
    assert not torch.equal(both[0], both[1])
