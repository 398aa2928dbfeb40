import numpy as np
import pytest

from beltline.rounds.annotator import Habits, Thing
from beltline.rounds.simulated.desk import accuracy, reviewed, reviewer_habits

SHAPE = (100, 140)


def rectangle(x1, y1, x2, y2):
    mask = np.zeros(SHAPE, bool)
    mask[y1:y2, x1:x2] = True
    return mask


GUN, KNIFE = Thing("gun", rectangle(10, 10, 60, 40)), Thing("knife", rectangle(80, 20, 130, 40))
CLASSES = ("gun", "knife")


def done(habits, proposals=(), cut=None, seed=0, truth=(GUN, KNIFE)):
    return reviewed(truth, proposals, cut, classes=CLASSES, habits=habits, rng=np.random.default_rng(seed))


def test_faultless_work_is_reviewed_without_a_change():
    found = done(Habits().without_errors())
    assert found.changed == 0
    assert found.total == 2
    assert found.classes == (("gun", "gun"), ("knife", "knife"))
    assert found.review.effort.presses == 0
    assert min(accuracy([GUN, KNIFE], found.objects)) >= 0.9


def test_a_reviewer_finds_most_of_what_an_annotator_overlooks():
    habits = Habits(overlooks=1.0, misjudged=0.0, accepts_bad=0.0, wrong_class=0.0)
    results = [done(habits, seed=seed) for seed in range(20)]
    assert all(not one.label.objects for one in results)
    found = sum(len(one.objects) for one in results) / 40
    assert found == pytest.approx(1 - reviewer_habits(habits).overlooks, abs=0.2)
    assert all(one.changed == one.total == len(one.objects) for one in results)


def test_a_wrong_class_is_put_right():
    habits = Habits(wrong_class=1.0, misjudged=0.0, overlooks=0.0, accepts_bad=0.0)
    found = done(habits)
    assert [one.label for one in found.label.objects] == ["knife", "gun"]
    assert found.changed == 2


def test_missed_objects_count_as_no_overlap():
    assert accuracy([GUN, KNIFE], [GUN]) == [1.0, 0.0]
    assert accuracy([], [GUN]) == []
