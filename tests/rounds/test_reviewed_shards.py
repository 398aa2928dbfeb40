import numpy as np
import pytest

from beltline.core import BadInputError, Scan
from beltline.formats.click_shards import open_click_shards
from beltline.rounds.reviewed_shards import reviewed_bag, write_reviewed

CLASSES = ("gun", "knife")


def scan(height=80, width=120, seed=0):
    pixels = np.ones((3, height, width), np.float32)
    pixels[:, 10:70, 10:110] = 0.9
    pixels[:, 20:40, 20:60] = np.array([0.1, 0.2, 0.6], np.float32)[:, None, None]
    pixels += np.random.default_rng(seed).normal(0, 0.005, pixels.shape).astype(np.float32)
    return Scan(pixels.clip(0, 1), "color", ("r", "g", "b"))


def mask(rows, columns, shape=(80, 120)):
    found = np.zeros(shape, bool)
    found[slice(*rows), slice(*columns)] = True
    return found


def test_masks_come_back_bit_for_bit_with_their_names(tmp_path):
    gun, knife = mask((20, 40), (20, 60)), mask((35, 60), (50, 90))
    bag = reviewed_bag(scan(), ["gun", "knife"], [gun, knife], CLASSES)
    assert write_reviewed(tmp_path, [bag], CLASSES) == 1
    shards = open_click_shards(tmp_path)
    assert [shards.families[k] for k in shards.objects["family"]] == ["gun", "knife"]
    assert [shards.labels[k] for k in shards.objects["label"]] == ["gun", "knife"]
    assert (shards.mask(0) == gun).all()
    assert (shards.mask(1) == knife).all()
    part, whole, group = shards.nested(0, (30, 30))
    assert (part == gun).all()
    assert (whole == gun).all()
    assert (group == gun).all()


def test_two_of_a_kind_that_touch_are_a_group(tmp_path):
    first, second = mask((20, 40), (20, 40)), mask((20, 40), (40, 60))
    write_reviewed(tmp_path, [reviewed_bag(scan(), ["gun", "gun"], [first, second], CLASSES)], CLASSES)
    group = open_click_shards(tmp_path).nested(0, (25, 25))[2]
    assert (group == (first | second)).all()


def test_scans_of_any_size_and_later_ones_add_to_earlier_ones(tmp_path):
    bags = [
        reviewed_bag(scan(), ["gun"], [mask((20, 40), (20, 60))], CLASSES),
        reviewed_bag(scan(96, 64), ["knife"], [mask((5, 30), (5, 30), (96, 64))], CLASSES),
        reviewed_bag(scan(), [], [], CLASSES),
    ]
    assert write_reviewed(tmp_path, bags[:1], CLASSES) == 1
    assert write_reviewed(tmp_path, bags[1:], CLASSES, first=1) == 2  # the empty one teaches nothing
    shards = open_click_shards(tmp_path)
    assert len(shards) == 2
    assert [shards.mask(k).shape for k in range(2)] == [(80, 120), (96, 64)]


def test_energies_are_those_of_the_colours_where_there_are_no_others():
    bag = reviewed_bag(scan(), [], [], CLASSES)
    assert (bag.energies[0] == bag.image.max(axis=0)).all()
    assert (bag.energies[1] == bag.image.min(axis=0)).all()


def test_an_empty_mask_is_left_out_and_an_unknown_label_refused():
    nothing = np.zeros((80, 120), bool)
    assert not len(reviewed_bag(scan(), ["gun"], [nothing], CLASSES).objects)
    with pytest.raises((BadInputError, ValueError)):
        reviewed_bag(scan(), ["axe"], [mask((20, 40), (20, 60))], CLASSES)
