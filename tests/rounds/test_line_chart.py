from xml.etree import ElementTree

import pytest

from beltline.rounds.line_chart import Line, line_chart


@pytest.mark.parametrize(
    "values",
    [
        [3.0],
        [1.0, 2.0, 5.5],
        [0.0, 0.0],
        [0.81, 0.815, 0.82],
        [None, 0.2, None],
        [None, None],
        [-0.02, 0.01],
        [],
    ],
)
def test_any_curve_is_sound_xml_inside_its_frame(values):
    chart = line_chart("a & b <c>", list(range(1, len(values) + 1)), {"<picked>": Line(values)}, unit='"%"')
    root = ElementTree.fromstring(str(chart))
    for mark in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(mark.get("cx")) <= 420
        assert 0 <= float(mark.get("cy")) <= 240


def test_a_gap_breaks_the_curve_and_intervals_are_drawn():
    line = Line([1.0, 2.0, None, 3.0], [0.5, None, None, 2.5], [1.5, None, None, 3.5])
    chart = str(line_chart("x", [1, 2, 3, 4], {"a": line}))
    assert chart.count("<polyline") == 2
    assert chart.count('stroke-opacity=".55"') == 2


def test_lower_values_lie_lower():
    chart = str(line_chart("x", [1, 2], {"a": Line([1.0, 4.0])}))
    root = ElementTree.fromstring(chart)
    first, second = [float(m.get("cy")) for m in root.iter("{http://www.w3.org/2000/svg}circle")][:2]
    assert first > second
