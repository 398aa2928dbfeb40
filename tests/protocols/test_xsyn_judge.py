"""Painted windows against truth: a generator that paints well, one that paints nothing, one that copies."""

import dataclasses

import numpy as np
import pytest

from beltline.core import Instances, ShapeError
from beltline.protocols.xsyn.judge import BAG, COMPOSITE, MADE, PaintedWindows, judge
from beltline.protocols.xsyn.judge_tables import blind, boxes_table, sets_table, table

COUNT, SIDE = 40, 48
COLORS = {"gun": (50, 60, 70), "knife": (60, 90, 170)}


def bags(rng, count=COUNT):
    coarse = rng.integers(150, 256, (count, SIDE // 8, SIDE // 8, 3)).astype(np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def with_items(windows, boxes, labels):
    full = windows.copy()
    for picture, (x1, y1, x2, y2), label in zip(full, boxes.astype(int), labels, strict=True):
        picture[y1:y2, x1:x2] = COLORS[label]
    return full


def real_windows(rng, count=COUNT):
    boxes, labels = layouts(rng, count)
    return with_items(bags(rng, count), boxes, labels)


def layouts(rng, count=COUNT):
    corner = rng.integers(2, 18, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(14, 26, (count, 2))], 1).astype(float)
    return boxes, tuple(np.array(list(COLORS))[np.arange(count) % 2])


def painted(rng, *, depth=1.0):
    """Items three pixels smaller on every side than their layout, CAR's box a pixel off."""
    before, (boxes, labels) = bags(rng), layouts(rng)
    inner = boxes + np.array([3, 3, -3, -3])
    made = with_items(before, inner, labels) if depth else before.copy()
    refined = {"CAR": inner + np.array([-1, 0, 0, 1])}
    return PaintedWindows(made, before, with_items(before, boxes, labels), boxes, labels, refined)


def detect(picture):
    """A detector by colour."""
    boxes, labels = [], []
    for name, color in COLORS.items():
        there = np.argwhere((picture == color).all(2))
        if len(there):
            boxes.append([*there.min(0)[::-1], *(there.max(0)[::-1] + 1)])
            labels.append(name)
    return Instances(np.array(boxes), tuple(labels), scores=np.full(len(labels), 0.9))


def features(pictures):
    """Means of cells, as features of so small pictures."""
    small = pictures.reshape(len(pictures), 6, 8, 6, 8, 3).mean((2, 4))
    return small.mean(3).reshape(len(pictures), -1) / 255


def judged(windows, rng, train=None):
    train = real_windows(rng, 60) if train is None else train
    return judge(windows, train, real_windows(rng), features=features, detect=detect, rng=rng)


def test_items_that_are_there_are_found_and_their_boxes_measured(rng):
    found = judged(painted(rng), rng)
    assert found.sets[COMPOSITE].found.value == 1
    assert found.sets[BAG].found.value == 0
    assert found.painted.value == 1
    assert found.extent_overlap > 0.97
    assert found.change_outside == 0
    assert found.boxes.items == COUNT
    assert found.boxes.iou["CAR"] > found.boxes.iou["layout"] + 0.2
    assert found.boxes.over_reference["CAR"].clear
    assert set(found.boxes_by_class) == set(COLORS)
    hits = sum(rate.hits for rate in found.sets[MADE].found_by_class.values())
    assert hits == found.sets[MADE].found.hits


def test_a_generator_that_paints_nothing_is_seen_through(rng):
    found = judged(painted(rng, depth=0), rng)
    assert found.painted.value == 0
    assert found.boxes.items == 0
    assert found.sets[MADE].found.value == 0
    assert found.sets[MADE].frechet == pytest.approx(found.sets[BAG].frechet)
    assert found.sets[MADE].frechet > 1.5 * found.sets[COMPOSITE].frechet
    assert "| all | 0 |" in "\n".join(table(found))


def test_a_generator_that_copies_is_told_from_one_that_does_not(rng):
    windows = painted(rng)
    train = np.concatenate([windows.made, real_windows(rng, 20)])
    copied, new = judged(windows, rng, train), judged(windows, rng)
    assert copied.sets[MADE].memorised == 1
    assert copied.sets[MADE].memorised_ratio < 0.1
    assert new.sets[MADE].memorised < 0.4
    assert new.sets[MADE].memorised_ratio > 0.7


def test_extents_are_measured_on_transmissions_where_they_are_known(rng):
    windows = painted(rng)
    before = np.full((COUNT, 2, SIDE, SIDE), 0.8, np.float16)
    after = before.copy()
    after[:, :, 10:30, 5:25] *= np.float16(0.5)
    dual = dataclasses.replace(windows, bags_dual=before, made_dual=after, composites_dual=after)
    found = judge(dual, windows.made, windows.composites, features=features, detect=detect, rng=rng)
    assert found.unit == "transmission"
    perfect = np.tile([5.0, 10.0, 25.0, 30.0], (COUNT, 1))
    exact = dataclasses.replace(dual, refined={"CAR": perfect})
    found = judge(exact, windows.made, windows.composites, features=features, detect=detect, rng=rng)
    assert found.boxes.iou["CAR"] == 1


def test_a_detection_of_another_class_or_elsewhere_does_not_count(rng):
    windows = painted(rng)

    def changed(change):
        def wrong(picture):
            return change(detect(picture))

        held = real_windows(rng)
        return judge(windows, held, held, features=features, detect=wrong, rng=rng).sets[COMPOSITE].found.hits

    swap = {"gun": "knife", "knife": "gun"}
    assert changed(lambda f: Instances(f.boxes, tuple(swap[n] for n in f.labels), f.scores)) == 0
    assert changed(lambda f: Instances(f.boxes + 30, f.labels, f.scores)) == 0
    assert changed(lambda f: f) == COUNT


def test_the_tables_say_what_the_figures_are(rng):
    found = judged(painted(rng), rng)
    assert [row["windows"] for row in sets_table(found)] == [MADE, COMPOSITE, BAG]
    assert [row["class"] for row in boxes_table(found)] == ["gun", "knife", "all"]
    assert boxes_table(found)[-1]["CAR - layout"].startswith("+0.")
    lines = table(found)
    text = "\n".join(lines)
    assert lines[0].startswith("| windows | item found, % | FD |")
    assert "EfficientNet-Lite0 features" in text
    assert "not FID" in text
    assert "0 grey levels" in text


def test_what_does_not_fit_is_refused(rng):
    windows = painted(rng)
    with pytest.raises(ShapeError, match="bags must be"):
        dataclasses.replace(windows, bags=windows.bags[1:])
    with pytest.raises(ShapeError, match="CAR boxes must be"):
        dataclasses.replace(windows, refined={"CAR": windows.layout[1:]})
    with pytest.raises(ShapeError, match="all three or of none"):
        dataclasses.replace(windows, made_dual=np.ones((COUNT, 2, SIDE, SIDE)))


def test_figures_that_cannot_tell_are_told(rng):
    assert blind(judged(painted(rng), rng)) == []
    windows, held = painted(rng), real_windows(rng)

    def sees_nothing(picture):
        return Instances(np.zeros((0, 4), np.float32), ())

    def same(pictures):
        return np.random.default_rng(len(pictures)).random((len(pictures), 8))

    numb = judge(windows, held, held, features=same, detect=sees_nothing, rng=rng)
    assert [sentence.split(" ")[1] for sentence in blind(numb)] == ["detector", "kernel"]
    assert "\n".join(table(numb)).count("**Cannot tell**") == 2
