"""Statistics of boxes by hand, and charts that show them."""

import csv
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from beltline.core import BadInputError
from beltline.data.compare.charts import BarChart, nice_limit, write_charts
from beltline.data.sixray import SixrayTraps, fake_sixray, read_index
from beltline.data.sixray.stats import histogram, principal_angle, sixray_statistics, write_statistics

XML = """<annotation>{}<object><name>knife</name>
<bndbox><xmin>20</xmin><ymin>40</ymin><xmax>120</xmax><ymax>90</ymax></bndbox></object></annotation>"""


def bar(angle_deg, *, side=80):
    """A dark bar of 60 x 8 pixels, turned anticlockwise as seen."""
    pixels = np.full((side, side), 240, np.uint8)
    corners = cv2.boxPoints(((side / 2, side / 2), (60, 8), -angle_deg))
    cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], 40)
    return pixels.astype(float)


@pytest.mark.parametrize("angle", [15, 30, 45, 90, 120, 165])
def test_a_turned_bar_has_its_angle(angle):
    assert principal_angle(bar(angle)) == pytest.approx(angle, abs=1.0)


def test_what_is_as_long_as_wide_has_no_angle():
    disc = cv2.circle(np.full((60, 60), 240, np.uint8), (30, 30), 12, 40, -1)
    assert np.isnan(principal_angle(disc.astype(float)))
    assert np.isnan(principal_angle(np.full((9, 9), 100.0)))


@pytest.fixture
def one_box(tmp_path):
    """One image of 200 x 100 pixels, a standing bar in a box of 100 x 50 pixels."""
    root = tmp_path / "copy"
    (root / "JPEGImage").mkdir(parents=True)
    (root / "Annotation").mkdir()
    pixels = np.full((100, 200, 3), 250, np.uint8)
    pixels[45:85, 68:72] = 10
    cv2.imwrite(str(root / "JPEGImage" / "P1.jpg"), pixels)
    (root / "Annotation" / "P1.xml").write_text(XML.format(""))
    return root


def test_measures_of_one_box(one_box):
    found = sixray_statistics(read_index(one_box))
    assert found.names == ("P1",)
    assert found.labels == ("knife",)
    assert found.aspect.tolist() == [2.0]
    assert found.area_share.tolist() == [0.25]
    assert found.angle_deg[0] == pytest.approx(90, abs=1)
    assert found.images == {"gun": 0, "knife": 1, "wrench": 0, "pliers": 0, "scissors": 0}


def test_without_the_image_the_box_still_counts(one_box):
    (one_box / "ImageSet").mkdir()
    (one_box / "ImageSet" / "test.csv").write_text("P1,-1,1,-1,-1,-1\n")
    (one_box / "JPEGImage" / "P1.jpg").unlink()
    (one_box / "Annotation" / "P1.xml").write_text(
        XML.format("<size><width>200</width><height>100</height></size>")
    )
    found = sixray_statistics(read_index(one_box))
    assert np.isnan(found.angle_deg).all()
    assert found.area_share.tolist() == [0.25]
    assert found.images["knife"] == 0
    (one_box / "Annotation" / "P1.xml").write_text(XML.format(""))
    assert np.isnan(sixray_statistics(read_index(one_box)).area_share).all()


def test_a_damaged_image_is_named(one_box):
    (one_box / "JPEGImage" / "P1.jpg").write_bytes(b"no image")
    with pytest.raises(BadInputError, match=r"P1\.jpg: damaged image"):
        sixray_statistics(read_index(one_box))


def test_large_images_are_measured_at_reduced_size_alike(one_box):
    pixels = np.full((1000, 2000, 3), 250, np.uint8)
    pixels[450:850, 680:720] = 10
    cv2.imwrite(str(one_box / "JPEGImage" / "P1.jpg"), pixels)
    xml = XML
    for value in ("20", "40", "120", "90"):
        xml = xml.replace(f">{value}<", f">{value}0<")
    (one_box / "Annotation" / "P1.xml").write_text(xml.format(""))
    found = sixray_statistics(read_index(one_box))
    assert found.area_share.tolist() == [0.25]
    assert found.angle_deg[0] == pytest.approx(90, abs=1)


def test_histogram_counts_all_but_nan():
    counts = histogram(np.array([-1, 0, 0.5, 1, 3, 9, np.nan]), (0, 1, 2, 4))["counts"]
    assert counts == [3, 1, 2]


def test_files_hold_every_box(tmp_path):
    root = fake_sixray(tmp_path / "copy", positives=8, negatives=2, traps=SixrayTraps(oddities=False))
    found = sixray_statistics(read_index(root))
    write_statistics(tmp_path / "out", found)
    summary = json.loads((tmp_path / "out" / "stats.json").read_text())
    rows = list(csv.DictReader((tmp_path / "out" / "boxes.csv").read_text().splitlines()))
    assert summary["images"] == summary["boxes"] == found.images  # one box a class in the fake
    assert len(rows) == sum(summary["boxes"].values())
    assert sum(summary["aspect_width_over_height"]["counts"]) == len(rows)
    first = rows[0]
    width, height = (float(first[b]) - float(first[a]) for a, b in (("xmin", "xmax"), ("ymin", "ymax")))
    assert float(first["width_over_height"]) == pytest.approx(width / height, rel=0.01)
    assert float(first["area_share"]) == pytest.approx(width * height / (48 * 64), rel=0.01)
    with Image.open(tmp_path / "out" / "stats.png") as picture:
        assert picture.size == (960, 600)


def test_no_boxes_draw_empty_charts(tmp_path):
    root = fake_sixray(tmp_path / "copy", positives=0, negatives=5)
    write_statistics(tmp_path / "out", sixray_statistics(read_index(root)))
    assert json.loads((tmp_path / "out" / "stats.json").read_text())["images"]["gun"] == 0


def blue(path):
    """(H, W) where a bar is."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return (np.abs(pixels - [0x2F, 0x66, 0x90]) < 12).all(axis=2)


def test_bars_are_as_high_as_their_values(tmp_path):
    write_charts(tmp_path / "a.png", [BarChart("t", (1.0, 2.0, 4.0, 0.0), ("a", "b", "c", "d"))], columns=1)
    bars = blue(tmp_path / "a.png")
    columns = np.array_split(bars[:, 52:466], 4, axis=1)
    heights = [int(column.any(axis=1).sum()) for column in columns]
    assert heights[3] == 0
    assert heights[1] / heights[0] == pytest.approx(2, abs=0.1)
    assert heights[2] / heights[0] == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize(("bars", "ticks"), [((1.0,), ("a", "b", "c")), ((), ()), ((-1.0,), ("a",))])
def test_charts_refuse_what_they_cannot_draw(bars, ticks):
    with pytest.raises(ValueError, match="bars"):
        BarChart("t", bars, ticks)


@pytest.mark.parametrize(
    ("highest", "limit"), [(0, 1), (1, 1), (1.1, 2), (3961, 4000), (8001, 10_000), (0.13, 0.2), (1000, 1000)]
)
def test_limits_are_round(highest, limit):
    assert nice_limit(highest) == pytest.approx(limit)
