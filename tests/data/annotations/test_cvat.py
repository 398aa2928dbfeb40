"""CVAT for images 1.1: what CVAT writes is read, what cannot be read is named, and no file does harm."""

import io

import numpy as np
import pytest

from beltline.core import BadInputError, Masks
from beltline.data.annotations.annotation_xml import parse_xml
from beltline.data.annotations.conversion import read_annotated
from beltline.data.annotations.cvat import read_cvat

SIZE = (48, 64)
LABELS = "<labels><label><name>gun</name></label><label><name>折り畳みナイフ</name></label></labels>"
WINDOW = {"rle": "1, 2, 3", "left": "60", "top": "40", "width": "3", "height": "2"}


def mask(label="gun", **fields):
    """A mask with other fields than `WINDOW`, without those that are None."""
    place = " ".join(f'{key}="{value}"' for key, value in (WINDOW | fields).items() if value is not None)
    return f'<mask label="{label}" source="manual" occluded="1" {place} z_order="0"/>'


def box(**fields):
    corners = {"xtl": "1", "ytl": "1", "xbr": "9", "ybr": "9"} | fields
    return f'<box label="gun" {" ".join(f"{k}={v!r}" for k, v in corners.items() if v is not None)}/>'


def xml(shapes, *, meta=LABELS, image='id="0" name="a.png" width="64" height="48"'):
    head = f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta>{meta}</meta>'
    return f"{head}<image {image}>{shapes}</image></annotations>"


def read(tmp_path, shapes, **fields):
    (tmp_path / "annotations.xml").write_text(xml(shapes, **fields), "utf-8")
    return read_annotated(tmp_path / "annotations.xml")


def only(data):
    (picture,) = data.pictures
    return picture.objects


def mask_of(item):
    return Masks.from_coco([item.outline], SIZE)[0]


def test_a_mask_is_a_window_row_by_row(tmp_path):
    data = read(tmp_path, mask())
    (item,) = only(data)
    expected = np.zeros(SIZE, bool)
    expected[40, 61:63] = True
    np.testing.assert_array_equal(mask_of(item), expected)
    assert (item.label, item.box, item.occluded) == ("gun", (60, 40, 63, 42), True)
    assert data.classes == ("gun", "折り畳みナイフ")
    assert data.pictures[0].size == SIZE


def test_boxes_polygons_and_turned_boxes(tmp_path):
    shapes = (
        '<box label="gun" occluded="0" xtl="1.25" ytl="2.50" xbr="9.00" ybr="9.40" z_order="0"/>'
        '<polygon label="gun" occluded="0" points="10.00,10.00;30.00,10.00;10.00,30.00"/>'
        '<box label="gun" occluded="0" xtl="10" ytl="20" xbr="20" ybr="24" rotation="90.00"/>'
    )
    plain, polygon, turned = only(read(tmp_path, shapes))
    assert (plain.box, plain.outline) == ((1.25, 2.5, 9.0, 9.4), None)
    assert polygon.outline == [[10, 10, 30, 10, 10, 30]]
    assert polygon.box == (10, 10, 30, 30)
    assert turned.box == (13, 17, 17, 27)
    assert len(turned.outline[0]) == 8


def test_attributes_are_facts_of_the_object_and_others_text(tmp_path):
    rows = {"object_id": "7f", "made_by": "model:m@5b", "score": "0.91", "occlusion": "0.25",
            "difficult": "true", "truncated": "false", "material": "steel", "object_id2": ""}  # fmt: skip
    inside = "".join(f'<attribute name="{key}">{text}</attribute>' for key, text in rows.items())
    (item,) = only(read(tmp_path, box()[:-2] + f">{inside}</box>"))
    assert item.extra == {
        "object_id": "7f", "made_by": "model:m@5b", "score": 0.91, "occlusion": 0.25, "material": "steel",
    }  # fmt: skip
    assert (item.difficult, item.truncated, item.crowd) == (True, False, False)


@pytest.mark.parametrize(("key", "text"), [("score", "high"), ("occlusion", "nan"), ("difficult", "yes")])
def test_a_fact_that_somebody_wrote_over_is_named_and_left_out(tmp_path, key, text):
    data = read(tmp_path, f'{box()[:-2]}><attribute name="{key}">{text}</attribute></box>')
    assert only(data)[0].extra == {}
    (line,) = data.problems["odd_attribute"]
    assert line.startswith(f"a.png: box 1: {key}: expected")


@pytest.mark.parametrize(
    "shape",
    [
        '<ellipse label="gun" cx="1" cy="1" rx="2" ry="2"/>', '<points label="gun" points="1,1"/>',
        '<polyline label="gun" points="1,1;2,2"/>', '<tag label="gun"/>',
        '<skeleton label="gun"><points label="1" points="1,1"/><box label="gun"/></skeleton>',
    ],
)  # fmt: skip
def test_other_shapes_are_named(tmp_path, shape):
    data = read(tmp_path, shape + mask())
    assert len(only(data)) == 1
    (line,) = data.problems["unread_shape"]
    assert line == f"a.png: {shape[1:].split()[0]} 1"


DAMAGED = [
    mask(width="-3"), mask(left="62"), mask(left="-1"), mask(height="x"), mask(top=None), mask(top="1e400"),
    mask(top="0.5"), mask(width="0"), mask(label=""), box(xtl="nan"), box(ybr=None), box(xbr="999999999999"),
    box(rotation="inf"), box(xtl="x"), box(label2="a").replace('label="gun" ', ""),
    *(f'<polygon label="gun" points="{p}"/>' for p in ("1,1;2,2", "1,1;2,2;3", "1,1;2,2;1e12,4", "")),
    '<polygon label="gun"/>',
]  # fmt: skip


@pytest.mark.parametrize("shape", DAMAGED)
def test_a_damaged_shape_is_named_and_the_others_stay(tmp_path, shape):
    data = read(tmp_path, shape + mask())
    assert len(only(data)) == 1
    (line,) = data.problems["damaged_annotation"]
    assert line.startswith(f"a.png: {shape[1:].split()[0]} 1: ")


@pytest.mark.parametrize(
    "rle", ["", "5", "1,2,3,4", "-1,7", "1, x, 3", "6,0,0,0,0,0,0,0", "9" * 5000, "1;2;3"]
)
def test_run_lengths_that_do_not_fill_leave_the_box(tmp_path, rle):
    data = read(tmp_path, mask(rle=rle))
    (item,) = only(data)
    assert (item.box, item.outline) == ((60, 40, 63, 42), None)
    assert len(data.problems["odd_outline"]) == 1


@pytest.mark.parametrize(
    "size",
    [
        'width="-64" height="48"', 'width="64"', 'width="0" height="0"', 'width="9999999" height="9999999"',
        'width="x" height="48"', 'width="1e400" height="48"', 'width="nan" height="48"',
        'width="3" height="48"',
    ],
)  # fmt: skip
def test_a_size_that_no_scan_has_is_the_fault_of_its_image(tmp_path, size):
    data = read(tmp_path, mask(), image=f'id="0" name="a.png" {size}')
    (picture,) = data.pictures
    assert picture.objects is None
    assert picture.fault


def test_labels_that_the_task_does_not_list_are_kept_and_named(tmp_path):
    data = read(tmp_path, mask("gnu"))
    assert data.classes == ("gun", "折り畳みナイフ", "gnu")
    assert data.problems["unlisted_label"] == ("gnu",)


BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_any_encoding(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>{BOMB}<annotations>&c;</annotations>'
    (tmp_path / "annotations.xml").write_bytes(text.encode(encoding))
    with pytest.raises(BadInputError, match="declares a document type") as caught:
        read_cvat(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (xml(mask())[:-9], "damaged XML"), (xml(mask()[:-2]), "damaged XML"), ("", "damaged XML"),
        ("<annotations/>", "CVAT for images 1.1"), ("<annotation><object/></annotation>", "<annotations>"),
        ('<annotations><track id="0"><box frame="0"/></track></annotations>', "CVAT for images 1.1"),
        ('<?xml version="1.0" encoding="no-such"?><annotations/>', "damaged XML"),
        ("<annotations>" + "<a>" * 50_000, "damaged XML"),
        (xml("", image='id="0" name="a.png" width="64" height="48" subset="../up"'), "split"),
        (xml("", meta="<labels><label><name>a\nb</name></label></labels>"), "class name"),
    ],
)  # fmt: skip
def test_damaged_files_are_one_clear_line(tmp_path, text, reason):
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(BadInputError, match=reason) as caught:
        read_cvat(tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{tmp_path}/annotations.xml: ")


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        read_cvat(tmp_path / "gone.xml")
    with pytest.raises(BadInputError, match="cannot be unpacked"):
        read_cvat(tmp_path / "gone.zip")


@pytest.mark.parametrize("name", ["../../../etc/a.png", "/etc/passwd", "..", "sub/../../a.png"])
def test_a_name_of_an_image_leads_nowhere_else(tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "a.png").write_bytes(b"outside")
    data = read(tmp_path / "out", mask(), image=f'id="0" name="{name}" width="64" height="48"')
    assert [picture.present for picture in data.pictures] == [False]


class Count:
    """Counts elements."""

    number = 0

    def start(self, tag, attributes):
        self.number += 1

    def end(self, tag): ...

    def data(self, text): ...


def test_a_stream_is_read_piece_by_piece():
    count = Count()
    parse_xml("x", io.BytesIO(b"<a>" + b"<b/>" * 500_000 + b"</a>"), count)
    assert count.number == 500_001


def test_a_tag_without_end_is_refused_before_it_takes_hours():
    endless = io.BytesIO(b'<a b="' + b"1," * 20_000_000)
    with pytest.raises(BadInputError, match="a tag above the limit"):
        parse_xml("x", endless, Count())
