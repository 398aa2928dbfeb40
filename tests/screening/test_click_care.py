"""After-care: parts without a click, holes, crumbs, and masks that people gave."""

import numpy as np

from beltline.screening.click_care import merged, tidied


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    drawn = np.zeros((100, 140), bool)
    for x1, y1, x2, y2 in boxes:
        drawn[y1:y2, x1:x2] = True
    return drawn


KNIFE, PHONE = (10, 20, 70, 30), (90, 50, 130, 90)


def test_only_what_was_clicked_stays():
    both = mask(KNIFE, PHONE)
    assert np.array_equal(tidied(both, [(20, 25)], [1]), mask(KNIFE))
    assert np.array_equal(tidied(both, [(20, 25), (100, 60)], [1, 1]), both)
    assert np.array_equal(tidied(both, [(20, 32)], [1]), mask(KNIFE))  # just missed
    assert not tidied(both, [(80, 10)], [1]).any()
    assert not tidied(mask(), [(80, 10)], [1]).any()


def test_what_holds_a_click_beside_the_object_goes():
    both = mask(KNIFE, PHONE)
    found = tidied(both, [(20, 25), (100, 60)], [1, 0], previous=both)
    assert np.array_equal(found, mask(KNIFE))
    assert np.array_equal(tidied(mask(KNIFE), [(20, 25), (60, 25)], [1, 0]), mask(KNIFE))


def test_clicks_beside_the_object_alone_mend_it_and_do_not_throw_it_away():
    crumb = (100, 60, 106, 70)
    found = tidied(mask(PHONE), [(92, 52)], [0], box=PHONE)  # the network left in what was clicked away
    assert np.array_equal(found, mask(PHONE))
    assert np.array_equal(tidied(mask(PHONE), [(92, 52)], [0], previous=mask(PHONE)), mask(PHONE))
    both = mask(KNIFE, crumb)
    assert np.array_equal(tidied(both, [(102, 65)], [0], previous=both), mask(KNIFE))
    two = mask(KNIFE, PHONE)  # the neighbour was taken for the object as well
    assert np.array_equal(tidied(two, [(100, 60)], [0], previous=two), mask(KNIFE))


def test_the_mask_so_far_and_a_box_hold_parts_as_well():
    both = mask(KNIFE, PHONE)
    assert np.array_equal(tidied(both, [], [], previous=mask((60, 22, 75, 26))), mask(KNIFE))
    assert np.array_equal(tidied(both, [], [], box=(80, 40, 135, 95)), mask(PHONE))
    assert not tidied(both, [], [], box=(110, 40, 135, 60)).any()  # holds a small corner of it
    assert np.array_equal(tidied(both, [], [], box=(-20, -20, 400, 400)), both)


def test_small_holes_are_filled_and_large_ones_stay():
    phone = mask(PHONE)
    phone[60:63, 100:103] = False
    ring = phone.copy()
    ring[70:85, 110:125] = False
    found = tidied(ring, [(92, 52)], [1])
    assert found[61, 101]
    assert not found[75, 115]
    assert not tidied(ring, [(92, 52), (101, 61)], [1, 0])[61, 101]  # somebody says it is a hole


def test_crumbs_are_dropped_unless_clicked():
    crumbs = mask(PHONE, (5, 5, 7, 7))
    everything = mask((0, 0, 140, 100))
    assert not tidied(crumbs, [(100, 60)], [1], previous=everything)[5, 5]
    assert tidied(crumbs, [(100, 60), (5, 5)], [1, 1])[5, 5]


def test_a_given_mask_changes_around_the_new_click_alone():
    given = mask((10, 20, 50, 30), PHONE)
    found = mask(KNIFE, (92, 50, 130, 90))  # a longer knife, and a slimmer phone nobody asked about
    grown = merged(given, found, [(60, 25)], [1])
    assert np.array_equal(grown, mask(KNIFE, PHONE))
    cut = merged(mask(KNIFE, PHONE), mask((10, 20, 50, 30)), [(20, 25), (60, 25)], [1, 0])
    assert np.array_equal(cut, mask((10, 20, 50, 30), PHONE))


def test_outlines_that_differ_a_little_all_around_do_not_tie_regions_together():
    given, found = mask((10, 20, 60, 60)), mask((9, 19, 61, 61), (60, 30, 90, 50))
    grown = merged(given, found, [(80, 40)], [1])
    assert grown[40, 80]
    assert not grown[19, 9:50].any()


def test_a_click_that_agrees_mends_the_nearest_difference():
    given = mask((10, 20, 60, 60))
    found = mask((10, 20, 80, 60), (10, 10, 20, 20))
    grown = merged(given, found, [(55, 40)], [1])
    assert np.array_equal(grown, mask((10, 20, 80, 60)))
    assert np.array_equal(merged(given, given, [(55, 40)], [1]), given)


def test_a_difference_as_thin_as_a_wire_can_be_clicked():
    given = mask(KNIFE)
    wire = mask(KNIFE, (70, 24, 110, 26))
    assert np.array_equal(merged(given, wire, [(100, 25)], [1]), wire)
