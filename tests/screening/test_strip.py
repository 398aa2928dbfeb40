"""A strip of belt with several bags is cut into them, and what one holds is not lost in the others."""

from typing import Any

import numpy as np
import pytest

from beltline.core import ModelRef, Report, Scan
from beltline.screening import ScreeningModel, screen_scan
from beltline.screening.strip import bags_on

BAGS = ((150, 450), (2000, 2350), (4500, 4950))  # first and last pixel along the belt
DARK = ((2150, 2170), (4750, 4780))


def strip(*, stood: bool = False, gap: float = 1.0, dark: Any = DARK) -> Scan:
    """6,000 x 150 pixels: three light bags, dark blocks of 20 and 30 pixels in the second and third."""
    pixels = np.full((3, 150, 6_000), gap, np.float32)
    for first, last in BAGS:
        pixels[:, 30:120, first:last] = 0.85
    for first, last in dark:
        pixels[:, 65:85, first:last] = 0.02
    return Scan(pixels.transpose(0, 2, 1) if stood else pixels, "color", ("r", "g", "b"))


@pytest.mark.parametrize("stood", [False, True])
def test_bags_are_found_with_some_air_and_all_there_is(stood: bool) -> None:
    found = [(y, y + h) if stood else (x, x + w) for x, y, w, h in bags_on(strip(stood=stood))]
    assert len(found) == 3
    for (a, b), (first, last) in zip(found, BAGS, strict=True):
        assert first - 30 < a <= first
        assert last <= b < last + 30


@pytest.mark.parametrize("stood", [False, True])
@pytest.mark.parametrize("kind", ["model", "detector"])
def test_a_strip_alarms_where_a_bag_does(request: pytest.FixtureRequest, kind: str, stood: bool) -> None:
    one: ScreeningModel = request.getfixturevalue(kind)
    entry = screen_scan(strip(stood=stood), one, pfa=0.1, deadline_ms=60_000).report
    assert entry.decision == "alarm"
    assert len(entry.bags) == 3
    assert [f.label for f in entry.classes] == list(one.card.classes)
    for found in entry.instances:
        x1, y1, x2, y2 = found.box
        assert 0 <= x1 < x2 <= entry.width
        assert 0 <= y1 < y2 <= entry.height
    report = Report(ModelRef("m", "00"), {"pfa": 0.1}, (entry,))
    assert Report.from_json(report.to_json()) == report


def test_findings_lie_where_they_are_on_the_strip(model: ScreeningModel) -> None:
    entry = screen_scan(strip(), model, pfa=0.1, deadline_ms=60_000).report
    guns = sorted(found.box for found in entry.instances if found.label == "gun")
    assert len(guns) == 2
    for (x1, _, x2, _), (first, last) in zip(guns, DARK, strict=True):
        assert x1 - 30 <= first < last <= x2 + 30
        assert x2 - x1 < 100
    point = entry.classes[0].point
    assert point is not None
    assert any(first - 20 <= point[0] <= last + 20 for first, last in DARK)


def test_a_strip_of_harmless_bags_is_clear_and_so_is_an_empty_one(model: ScreeningModel) -> None:
    assert screen_scan(strip(dark=()), model, deadline_ms=60_000).report.decision == "clear"
    empty = Scan(np.full((3, 150, 6_000), 0.9, np.float32), "color", ("r", "g", "b"))
    entry = screen_scan(empty, model, deadline_ms=60_000).report
    assert (entry.decision, entry.bags) == ("clear", ())


def test_one_bag_on_a_long_belt_is_seen_in_its_own_size(model: ScreeningModel) -> None:
    pixels = strip().pixels.copy()
    pixels[:, :, :4000] = 1
    entry = screen_scan(Scan(pixels, "color", ("r", "g", "b")), model, pfa=0.1, deadline_ms=60_000).report
    assert entry.decision == "alarm"
    assert len(entry.bags) == 1


def test_a_strip_without_gaps_is_not_judged(model: ScreeningModel) -> None:
    pixels = strip().pixels.copy()
    pixels[:, 70:80] = 0.6
    entry = screen_scan(Scan(pixels, "color", ("r", "g", "b")), model, deadline_ms=60_000).report
    assert entry.decision == "no_machine_result"
    assert "bag 1 of 1: 6000 x 150 pixels without a gap of air" in (entry.reason or "")


def test_without_a_result_for_one_bag_there_is_none_for_the_strip(model: ScreeningModel) -> None:
    pixels = strip().pixels.copy()
    pixels[:, :, 4475:4975] = 0.01
    entry = screen_scan(Scan(pixels, "color", ("r", "g", "b")), model, deadline_ms=60_000).report
    assert entry.decision == "no_machine_result"
    assert (entry.reason or "").startswith("bag 3 of 3: ")


def test_scans_of_common_shape_are_screened_whole(model: ScreeningModel) -> None:
    scan = Scan(strip().pixels[:, :, 100:690], "color", ("r", "g", "b"))
    assert bags_on(scan) == []
    assert screen_scan(scan, model, deadline_ms=60_000).report.bags == ()


def packed(gap: int) -> Scan:
    """Six bags of 700 x 740 pixels, so many pixels apart, the fourth with a dark block in it."""
    pixels = np.full((3, 940, 6 * (700 + gap) + gap), 1.0, np.float32)
    for number in range(6):
        first = gap + number * (700 + gap)
        pixels[:, 100:840, first : first + 700] = 0.7
    pixels[:, 400:500, gap + 3 * (700 + gap) + 300 :][:, :, :100] = 0.02
    return Scan(pixels, "color", ("r", "g", "b"))


def test_bags_close_to_each_other_are_cut_and_those_that_touch_are_not_passed_as_one(
    model: ScreeningModel,
) -> None:
    """Real belts are full: a bag that alarms alone must not be lost among five that do not."""
    entry = screen_scan(packed(80), model, pfa=0.1, deadline_ms=60_000).report
    assert (entry.decision, len(entry.bags)) == ("alarm", 6)
    touching = screen_scan(packed(20), model, pfa=0.1, deadline_ms=60_000).report
    assert touching.decision == "no_machine_result"
    assert "cut the strip into bags" in (touching.reason or "")
