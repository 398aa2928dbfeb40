"""What is painted where, by chance that can be repeated."""

import numpy as np
import pytest

from beltline.core import STARTER_CLASSES, ShapeError
from beltline.synthesis.diffusion.generators import (
    PIDRAY_GROUPS,
    SizeGroups,
    add_task,
    repaint_tasks,
)
from beltline.synthesis.diffusion.regions import Region

SHAPE = (448, 480)
BOXES = [(10, 10, 60, 50), (200, 220, 300, 330)]


def block(side: int, x: int = 20) -> Region:
    return Region((x, 30, x + side, 30 + side), np.ones((side, side), bool))


def test_every_object_is_painted_anew_with_its_class_and_box() -> None:
    tasks = repaint_tasks(["gun", "hammer"], BOXES)
    assert [(task.label, task.box) for task in tasks] == list(zip(["gun", "hammer"], BOXES, strict=True))
    assert all(set(task.keep) == set(BOXES) - {task.box} for task in tasks)
    assert repaint_tasks([], []) == ()


@pytest.mark.parametrize(
    ("side", "classes"),
    [
        (99, PIDRAY_GROUPS.small),
        (100, PIDRAY_GROUPS.middle),
        (158, PIDRAY_GROUPS.middle),
        (159, PIDRAY_GROUPS.large),
    ],
)
def test_the_class_is_of_the_regions_size_and_all_of_a_group_come(side, classes) -> None:
    drawn = {add_task([block(side)], BOXES, SHAPE, np.random.default_rng(seed)).label for seed in range(120)}
    assert drawn == set(classes)


def test_the_bounds_grow_with_the_picture() -> None:
    assert PIDRAY_GROUPS.classes(12_000, SHAPE) == PIDRAY_GROUPS.middle
    assert PIDRAY_GROUPS.classes(12_000, (896, 960)) == PIDRAY_GROUPS.small


def test_one_object_is_added_in_a_region_and_the_others_are_kept() -> None:
    regions = [block(60, x) for x in (20, 120, 220)]
    first, second = (add_task(regions, BOXES, SHAPE, np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert first is not None
    assert first.keep == tuple(BOXES)
    places = {add_task(regions, [], SHAPE, np.random.default_rng(seed)).box for seed in range(40)}
    assert places == {region.box for region in regions}


def test_regions_without_a_class_are_passed_over() -> None:
    guns = PIDRAY_GROUPS.only(["gun"])
    assert add_task([block(60)], [], SHAPE, np.random.default_rng(0), guns) is None
    for seed in range(10):
        task = add_task([block(60), block(120)], [], SHAPE, np.random.default_rng(seed), guns)
        assert task is not None
        assert (task.label, task.box) == ("gun", block(120).box)


def test_the_groups_hold_pidrays_twelve_classes_by_our_names_once() -> None:
    labels = [*PIDRAY_GROUPS.small, *PIDRAY_GROUPS.middle, *PIDRAY_GROUPS.large]
    assert len(labels) == len(set(labels)) == 12
    assert set(labels) <= set(STARTER_CLASSES)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ShapeError, match="label for each box"):
        repaint_tasks(["gun"], BOXES)
    with pytest.raises(ValueError, match="empty"):
        repaint_tasks(["gun"], [(5, 5, 5, 9)])
    with pytest.raises(ValueError, match="laptop"):
        PIDRAY_GROUPS.only(["gun", "laptop"])
    with pytest.raises(ValueError, match="bounds_px"):
        SizeGroups((), ("gun",), (), (20, 10), 100)
