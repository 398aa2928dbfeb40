"""The contact sheet of painted items: each column shows what it says, by its pixels."""

import numpy as np
import pytest

from beltline.core import ShapeError
from beltline.protocols.xsyn.gallery import (
    GAP,
    HIDDEN,
    INK,
    LINE,
    GalleryItem,
    added_picture,
    caption,
    contact_sheet,
    heat_picture,
)
from beltline.screening.labels import JUDGED, MARK

SIDE = 64
LAYOUT, REFINED, TRUTH = (10, 10, 54, 54), (12, 14, 50, 48), (16, 20, 44, 42)


def window(value=200):
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def painted_item(**changed):
    bag, painted = window(), window()
    x1, y1, x2, y2 = TRUTH
    painted[y1:y2, x1:x2] = 60
    attention = np.zeros((8, 8), np.float32)
    attention[3:5, 3:5] = 1
    given = {"attention": attention, "refined": REFINED, "truth": TRUTH, **changed}
    return GalleryItem("gun", bag, painted, LAYOUT, **given)


def tiles(sheet, row=0, columns=6):
    """The tiles of a row; windows are drawn at their own size."""
    top = LINE + row * (SIDE + LINE)
    return [sheet[top : top + SIDE, GAP + n * (SIDE + GAP) :][:, :SIDE] for n in range(columns)]


def has(tile, color):
    return (tile == color).all(2)


def test_every_column_shows_what_it_says():
    bag, masked, painted, added, attention, boxes = tiles(contact_sheet([painted_item()], tile=SIDE))
    item = painted_item()
    assert (bag == item.bag).all()
    assert (painted == item.painted).all()
    hidden = has(masked, HIDDEN)
    assert hidden[10:54, 10:54].all()
    assert hidden.sum() == 44 * 44
    assert (added[:10] == 255).all()
    assert np.abs(added[30, 30].astype(int) - MARK).max() <= 1
    assert attention.reshape(-1, 3).sum(1).argmax() // SIDE in range(24, 40)
    assert has(boxes, MARK).any()
    assert has(boxes, JUDGED).any()


def test_layout_is_dashed_the_others_are_solid():
    boxes = tiles(contact_sheet([painted_item()], tile=SIDE))[-1]
    assert has(boxes, MARK)[14, 13:47].all()
    assert has(boxes, JUDGED)[20, 17:43].all()
    dashes = has(boxes, INK)[10, 10:54]
    assert 0.3 < dashes.mean() < 0.8
    assert dashes[0]


def test_what_became_brighter_is_green():
    brighter = added_picture(window(60), window(200))
    assert np.abs(brighter[0, 0].astype(int) - JUDGED).max() <= 1
    assert (added_picture(window(), window()) == 255).all()


def test_heat_is_brightest_at_its_peak_and_nothing_where_there_is_none():
    heat = heat_picture(np.eye(4, dtype=np.float32)[::-1] * [0, 0, 0, 1], window())
    assert heat[4, -4].astype(int).sum() > heat[-4, 4].astype(int).sum() + 100
    flat = heat_picture(np.zeros((4, 4), np.float32), window())
    assert (flat == flat[0, 0]).all()


def test_rows_tell_how_far_the_boxes_are_right():
    text = caption(painted_item())
    assert text == "gun: layout 0.32, refined 0.48 of the true extent"
    assert caption(painted_item(truth=None)) == "gun"
    assert caption(painted_item(refined=None)).startswith("gun: layout 0.32 of")


def test_a_composite_stands_last_and_only_where_it_is_known():
    sheet = contact_sheet([painted_item(composite=window(90)), painted_item(attention=None)], tile=SIDE)
    first, second = tiles(sheet, 0, 7), tiles(sheet, 1, 7)
    assert (first[-1] == 90).all()
    assert (second[-1] == 255).all()
    assert (second[4] == 255).all()  # nor is there any attention


def test_larger_tiles_make_a_larger_sheet_and_boxes_of_nan_are_not_drawn():
    sheet = contact_sheet([painted_item(truth=[np.nan] * 4)] * 3, tile=2 * SIDE)
    assert sheet.shape == (LINE + 3 * (2 * SIDE + LINE), 6 * (2 * SIDE + GAP) + GAP, 3)
    assert not has(sheet[:, -2 * SIDE :], JUDGED).any()


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="at least one item"):
        contact_sheet([])
    with pytest.raises(ShapeError, match="one shape"):
        GalleryItem("gun", window(), window()[:-1], LAYOUT)
    small = GalleryItem("gun", window()[:32], window()[:32], LAYOUT)
    with pytest.raises(ShapeError, match="windows differ"):
        contact_sheet([painted_item(), small])
