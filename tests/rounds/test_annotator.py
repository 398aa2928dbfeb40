from dataclasses import replace

import numpy as np
import pytest

from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Annotator, Habits, Thing, matched

SHAPE = (100, 140)
NEVER = Habits().without_errors()


def rectangle(x1, y1, x2, y2):
    mask = np.zeros(SHAPE, bool)
    mask[y1:y2, x1:x2] = True
    return mask


GUN, KNIFE = Thing("gun", rectangle(10, 10, 60, 40)), Thing("knife", rectangle(80, 20, 130, 30))


def perfect(*things):
    """A click model that gives the object that is clicked or boxed, exactly; it notes what it was asked."""
    asked = []

    def cut(clicks, box, mask):
        asked.append((tuple(clicks), box, mask))
        x, y = (clicks[0].x, clicks[0].y) if clicks else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        hit = [thing.mask for thing in things if thing.mask[int(y), int(x)]]
        return hit[0] if hit else np.zeros(SHAPE, bool)

    return cut, asked


def useless(clicks, box, mask):
    return rectangle(0, 0, 3, 3)


def annotator(habits=NEVER, seed=0):
    return Annotator(np.random.default_rng(seed), ("gun", "knife", "wrench"), habits)


def test_without_a_model_every_object_is_drawn_and_named():
    work = annotator().annotate([GUN, KNIFE])
    assert [one.label for one in work.objects] == ["gun", "knife"]
    assert all(one.made_by == "outline" and one.iou >= 0.9 for one in work.objects)
    assert work.effort.label == 2
    assert work.effort.vertex >= 8
    assert work.effort.click == work.effort.corner == 0


def test_a_good_proposal_costs_a_look_and_no_press():
    cut, asked = perfect(GUN)
    work = annotator().annotate([GUN], [GUN], cut)
    assert work.effort.presses == 0
    assert work.effort.judge == 1
    assert not asked
    assert work.objects[0].made_by == "proposal"
    assert work.objects[0].mask is GUN.mask


def test_a_wrong_class_costs_one_choice():
    work = annotator().annotate([GUN], [Thing("wrench", GUN.mask)], perfect(GUN)[0])
    assert work.effort.presses == work.effort.label == 1
    assert work.objects[0].label == "gun"


def test_a_wrong_mask_is_clicked_where_it_is_wrong():
    half = rectangle(10, 10, 35, 40)
    cut, asked = perfect(GUN)
    work = annotator().annotate([GUN], [Thing("gun", half)], cut)
    (clicks, box, before), *rest = asked
    assert not rest
    assert box is None
    assert before is half
    assert clicks[0].positive
    assert (GUN.mask & ~half)[clicks[0].y, clicks[0].x]
    assert work.effort.presses == work.effort.click == 1
    assert work.objects[0].made_by == "clicks"
    assert work.objects[0].first == pytest.approx(0.5)


def test_too_much_gets_a_negative_click():
    cut, asked = perfect(GUN)
    annotator().annotate([GUN], [Thing("gun", rectangle(10, 10, 100, 40))], cut)
    assert not asked[0][0][0].positive


def test_a_missed_object_is_boxed_and_named():
    work = annotator().annotate([GUN], [], perfect(GUN)[0])
    assert (work.effort.corner, work.effort.label, work.effort.presses) == (2, 1, 3)


def test_patience_ends_and_the_outline_is_drawn_by_hand():
    work = annotator().annotate([GUN], [], useless)
    one = work.objects[0]
    assert one.made_by == "outline"
    assert work.effort.click == NEVER.patience
    assert work.effort.vertex >= 4
    assert mask_iou(one.mask, GUN.mask) >= 0.9


def test_a_mask_from_a_box_is_made_anew_with_that_box_at_each_click():
    cut, asked = perfect(GUN)
    box = (9.0, 9.0, 61.0, 41.0)
    annotator().annotate([GUN], [Thing("gun", rectangle(10, 10, 35, 40), box=box)], cut)
    assert [(given, mask) for _, given, mask in asked] == [(box, None)]


def test_a_click_that_makes_it_worse_is_undone_and_the_pen_mends_what_was_there():
    rows, columns = np.ogrid[:100, :140]
    disc = np.hypot(rows - 50, columns - 60) < 35
    bitten = disc & (columns < 78)
    work = annotator().annotate([Thing("gun", disc)], [Thing("gun", bitten)], useless)
    one = work.objects[0]
    assert (work.effort.click, work.effort.undo) == (1, 1)
    assert one.made_by == "mended"
    assert work.effort.vertex == 4
    assert mask_iou(one.mask, disc) >= 0.9
    assert one.mask[bitten].all()


def test_who_does_not_mend_draws_the_whole_outline():
    nearly = Thing("gun", rectangle(10, 10, 52, 40))
    habits = replace(NEVER, mends=False)
    assert annotator(habits).annotate([GUN], [nearly], useless).objects[0].made_by == "outline"


def test_the_pen_takes_the_way_of_fewer_vertices():
    comb = rectangle(10, 10, 60, 40)
    for x in range(14, 60, 8):
        comb[10:36, x : x + 4] = False  # six gaps, each an outline of its own
    work = annotator().annotate([GUN], [Thing("gun", comb)], useless)
    assert work.objects[0].made_by == "outline"


def test_a_proposal_of_nothing_is_deleted():
    work = annotator().annotate([], [KNIFE], perfect()[0])
    assert work.deleted == (0,)
    assert work.effort.delete == work.effort.presses == 1
    assert not work.objects


def test_errors_come_at_their_rates():
    sure = {"overlooks": 1.0}
    assert annotator(Habits(**sure)).annotate([GUN]).overlooked == (0,)
    kept = annotator(Habits(accepts_false=1.0)).annotate([], [KNIFE], useless)
    assert [one.label for one in kept.objects] == ["knife"]
    bad = annotator(Habits(accepts_bad=1.0)).annotate(
        [GUN], [Thing("gun", rectangle(10, 10, 40, 40))], useless
    )
    assert bad.objects[0].iou == pytest.approx(0.6)
    wrong = annotator(Habits(wrong_class=1.0, overlooks=0.0)).annotate([GUN])
    assert wrong.objects[0].label != "gun"


def test_two_objects_share_no_proposal():
    twin = Thing("gun", rectangle(12, 10, 62, 40))
    assert matched([GUN, twin], [GUN], 0.4) == {0: 0}
    assert matched([GUN], [KNIFE], 0.4) == {}


def test_the_same_seed_does_the_same():
    first, second = (annotator(Habits(), seed=4).annotate([GUN, KNIFE]) for _ in range(2))
    assert first.effort == second.effort
    assert all((a.mask == b.mask).all() for a, b in zip(first.objects, second.objects, strict=True))
