import itertools

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.core import ClassFinding, InstanceFinding
from beltline.screening.labels import MARK, draw_labels, place_labels
from beltline.screening.pictures import draw_findings

BOX = st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(5, 90), st.integers(5, 90))
SIZE = st.tuples(st.integers(20, 120), st.integers(15, 22))


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


@settings(max_examples=60)
@given(labels=st.lists(st.tuples(SIZE, BOX), max_size=30))
def test_no_label_lies_over_another_or_outside(labels: list[tuple[tuple[int, int], tuple[int, ...]]]) -> None:
    boxes = [(x, y, x + w, y + h) for _, (x, y, w, h) in labels]
    placed = place_labels((320, 240), [size for size, _ in labels], boxes)
    there = [place for place in placed if place is not None]
    assert not any(overlap(a, b) for a, b in itertools.combinations(there, 2))
    assert all(x1 >= 0 and y1 >= 0 and x2 <= 320 and y2 <= 240 for x1, y1, x2, y2 in there)
    if placed:
        assert placed[0] is not None, "an empty picture has room for the most important one"


def test_alarms_at_one_spot_all_show_their_labels() -> None:
    """Eight classes with nearly the same box at the bottom edge: labels once ran out of the picture."""
    air = np.full((220, 300, 3), 255, np.uint8)
    findings = [
        ClassFinding(f"class_{i}", 0.9 - i / 100, True, (150.0, 205.0), (100.0 + i, 190.0, 200.0, 219.0))
        for i in range(8)
    ]
    drawn = draw_findings(air, findings, scan_size=(300, 220))
    assert all(shows(drawn, f"class {i} {90 - i}%") for i in range(8))
    assert not shows(drawn, "class 9 81%")
    assert (air == 255).all(), "the picture given is left as it is"


def shows(picture: np.ndarray, text: str) -> bool:
    """Whether the whole text stands somewhere, white on the mark's colour, nothing over it."""
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    wanted = np.full((height + base, width, 3), MARK, np.uint8)
    cv2.putText(wanted, text, (0, height), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return bool(cv2.matchTemplate(picture, wanted, cv2.TM_SQDIFF_NORMED).min() < 0.003)


def test_a_picture_too_full_grows_for_the_rest() -> None:
    canvas = np.full((60, 120, 3), 255, np.uint8)
    longer = draw_labels(canvas, [f"folding knife {i}%" for i in range(9)], [(10, 10, 100, 50)] * 9)
    assert longer.shape[0] > 60
    assert longer.shape[1] == 120


def test_a_picture_narrower_than_its_label() -> None:
    found = InstanceFinding("folding_knife", 0.93, (2.0, 2.0, 20.0, 20.0))
    drawn = draw_findings(np.full((30, 40, 3), 255, np.uint8), [], scan_size=(40, 30), instances=[found])
    assert drawn.shape[1] == 40
