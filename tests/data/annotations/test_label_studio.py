"""Label Studio: what it exports is read, what we write says who looked at it, and no file does harm."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from beltline.core import BadInputError, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.brush_rle import encode_brush
from beltline.data.annotations.conversion import convert, guess_format, read_annotated
from beltline.data.annotations.fake import write_picture
from beltline.data.annotations.label_studio import read_label_studio

SIZE = (48, 64)
DISC = np.zeros(SIZE, bool)
DISC[10:20, 30:40] = True


def region(kind="brushlabels", label="gun", ident="Dx_aB91ISN", **fields):
    values = {
        "brushlabels": {"format": "rle", "rle": encode_brush(DISC)},
        "rectanglelabels": {"x": 25, "y": 50, "width": 12.5, "height": 25, "rotation": 0},
        "polygonlabels": {"points": [[0, 0], [50, 0], [0, 50]], "closed": True},
    }
    value = values.get(kind, {}) | {kind: [label]} | fields.pop("value", {})
    value = {key: found for key, found in value.items() if found != [None]}
    return {
        "id": ident, "type": kind, "from_name": "x", "to_name": "image", "original_width": 64,
        "original_height": 48, "image_rotation": 0, "value": value,
    } | fields  # fmt: skip


def task(*regions, **fields):
    return {"id": 7, "data": {"image": "/data/local-files/?d=set/images/a.png"}} | (
        {"annotations": [{"result": list(regions)}]} | fields
    )


def read(tmp_path, *tasks):
    (tmp_path / "export.json").write_text(json.dumps(list(tasks)), "utf-8")
    return read_annotated(tmp_path / "export.json")


def only(data):
    (picture,) = data.pictures
    assert picture.fault is None
    return picture.objects


def test_brushes_rectangles_and_polygons(tmp_path):
    brush, box, polygon = only(
        read(tmp_path, task(*map(region, ("brushlabels", "rectanglelabels", "polygonlabels"))))
    )
    np.testing.assert_array_equal(Masks.from_coco([brush.outline], SIZE)[0], DISC)
    assert brush.box == (30, 10, 40, 20)
    assert (box.box, box.outline) == ((16, 24, 24, 36), None)
    assert polygon.outline == [[0, 0, 32, 0, 0, 24]]


def test_a_turned_rectangle_turns_about_its_corner(tmp_path):
    (item,) = only(read(tmp_path, task(region("rectanglelabels", value={"rotation": 90}))))
    assert item.box == (4, 24, 16, 32)
    assert len(item.outline[0]) == 8


def test_shapes_whose_label_stands_in_a_second_result(tmp_path):
    bare = region("rectangle", None, value={"x": 0, "y": 0, "width": 50, "height": 50}, ident="one")
    named = region(
        "labels", value={"x": 0, "y": 0, "width": 50, "height": 50, "labels": ["knife"]}, ident="one"
    )
    alone = region(
        "labels", value={"x": 0, "y": 0, "width": 25, "height": 50, "labels": ["gun"]}, ident="two"
    )
    found = only(read(tmp_path, task(bare, named, alone)))
    assert [(item.label, item.box[2]) for item in found] == [("knife", 32), ("gun", 16)]


def test_the_newest_annotation_counts_and_a_skipped_one_never(tmp_path):
    rows = [
        {"updated_at": "2026-03-09T22:00:00Z", "result": [region(label="new")]},
        {"updated_at": "2026-03-09T21:00:00Z", "result": [region(label="old")]},
        {"updated_at": "2026-03-09T23:00:00Z", "result": [], "was_cancelled": True},
    ]
    data = read(tmp_path, task(annotations=rows, predictions=[{"result": [region(label="model")]}]))
    assert [item.label for item in only(data)] == ["new"]
    assert data.problems["several_annotations"] == ("images/a.png: 2 annotations; the newest was read",)


def test_predictions_are_marked_and_their_model_is_known(tmp_path):
    row = {"model_version": "starter-click-1", "score": 0.5, "result": [region(score=0.25)]}
    (picture,) = read(tmp_path, task(annotations=[], predictions=[row])).pictures
    assert picture.extra == {"predicted": True}
    assert picture.objects[0].extra == {
        "object_id": "Dx_aB91ISN", "score": 0.25, "made_by": "model:starter-click-1",
    }  # fmt: skip


def test_nobody_annotated_is_not_empty(tmp_path):
    none, skipped, empty = (
        task(annotations=rows) for rows in ([], [{"result": [], "was_cancelled": True}], [{"result": []}])
    )
    assert [p.objects for p in read(tmp_path, none, skipped, empty).pictures] == [None, None, ()]


@pytest.mark.parametrize(
    ("data", "file", "present"),
    [
        ({"image": "/data/local-files/?d=set/images/a.png"}, "images/a.png", True),
        ({"image": "/data/local-files/?d=deep%2Fimages%2Fb%20%23%261.png"}, "images/b #&1.png", True),
        ({"image": "images/a.png"}, "images/a.png", True),
        ({"image": "b #&1.png"}, "images/b #&1.png", True),
        ({"photo": "/data/upload/3/1a2b3c4d-a.png", "note": "seen"}, "images/a.png", True),
        ({"image": "https://example.org/x/a.png?token=1"}, "images/a.png", True),
        ({"image": "s3://bucket/c.png"}, "images/c.png", False),
        ({"image": "/data/local-files/?d=../../../etc/c.png"}, "images/../../../etc/c.png", False),
    ],
)
def test_where_pictures_lie(tmp_path, data, file, present):
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b #&1.png"):
        (tmp_path / "images" / name).write_bytes(b"x")
    (picture,) = read(tmp_path, {"data": data, "annotations": []}).pictures
    assert (picture.file, picture.present) == (file, present)


DAMAGED = [
    region(value={"rle": encode_brush(DISC)[:-9]}), region(value={"rle": "AAAA"}),
    region(value={"rle": [300]}),
    region(value={"rle": 10**12}), region(value={"rle": encode_brush(DISC[:9])}), region(label=""),
    region(value={"rle": encode_brush(np.zeros(SIZE, bool))}), region(label=["gun"]), region(label=None),
    region(original_width=63), region(original_width=10**9, original_height=10**9), region(image_rotation=90),
    region(original_height=-48), region("rectanglelabels", value={"x": None}),
    region("rectanglelabels", value={"width": float("nan")}), region("rectanglelabels", value={"y": 1e300}),
    region("rectanglelabels", value={"rotation": "x"}), region("polygonlabels", value={"points": [[1, 2]]}),
    region("polygonlabels", value={"points": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}),
    region("polygonlabels", value={"points": 5}), region(meta="x"), region(meta={"beltline": 5}),
    region(value={"brushlabels": []}),
]  # fmt: skip


@pytest.mark.parametrize("odd", DAMAGED)
def test_a_damaged_region_is_named_and_the_others_stay(tmp_path, odd):
    data = read(tmp_path, task(odd, region()) | {"data": {"image": "a.png", "width": 64, "height": 48}})
    assert len(only(data)) == 1
    (line,) = data.problems["damaged_annotation"]
    assert line.startswith("images/a.png: region 1: ")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("kind", ["keypointlabels", "choices", "ellipselabels", "relation", None])
def test_other_regions_are_named(tmp_path, kind):
    data = read(tmp_path, task(region(kind, value={"x": 1, "y": 1, "width": 2}), region() | {"value": 5}))
    assert only(data) == ()
    assert len(data.problems["unread_shape"]) == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"annotations": 5}, {"annotations": [1, 2]}, {"annotations": [{"result": 5}]},
        {"annotations": [{"result": [5]}]}, {"data": {"image": "a.png", "split": "../up"}},
        {"data": {"image": "a.png", "parts": 5}}, {"data": {"image": "a.png", "fields": 5}},
        {"data": {"image": "a.png", "width": 10**9, "height": 10**9}},
        {"annotations": [{"result": [region("labels", ident=[1])]}]},
    ],
)  # fmt: skip
def test_a_damaged_task_is_the_fault_of_its_picture(tmp_path, odd):
    first, second = read(tmp_path, task() | odd, task()).pictures
    assert first.fault
    assert first.objects is None
    assert second.objects == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "damaged JSON"), ('[{"data": {"image": "a.png"', "damaged JSON"),
        ("[" * 100_000, "nested too deep"), ("[]", "name an image"), ("[1, null]", "name an image"),
        ('[{"image": "a.png", "label": []}]', "JSON-MIN"),
        ('[{"data": {"text": "hello"}}]', "names no image"), ('[{"data": {"image": "http://["}}]', "Invalid"),
        ('[{"data": {"image": "a\\u0000.png"}}]', "printable"), ('[{"data": []}]', "damaged"),
        ('[{"data": {"file": "\\n"}}]', "printable"),
    ],
)  # fmt: skip
def test_damaged_files_are_one_clear_line(tmp_path, text, reason):
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(BadInputError, match=reason) as caught:
        read_annotated(tmp_path / "export.json", "labelstudio")
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{tmp_path}/export.json: ")


def test_a_coco_file_is_no_list_of_tasks(tmp_path):
    (tmp_path / "a.json").write_text('{"images": []}')
    with pytest.raises(BadInputError, match="expected a list of tasks, got dict"):
        read_label_studio(tmp_path / "a.json")


def sent(tmp_path, *pictures):
    for picture in pictures:
        write_picture(tmp_path / "set", picture, rng=np.random.default_rng(0))
    return Annotated(tmp_path / "set", ("gun", 'a "b" <c>'), pictures)


def made_by(maker, **extra):
    return AnnotatedObject("gun", (1, 2, 30, 40), extra={"made_by": maker, **extra})


def test_what_a_model_drew_goes_out_as_prediction(tmp_path):
    data = sent(
        tmp_path,
        Picture("a.png", (made_by("model:m@1", score=0.9), made_by("model:m@1", score=0.4)), "", SIZE),
        Picture("b.png", (made_by("model:m@1"), made_by("person:ann")), "", SIZE),
        Picture("c.png", (made_by("model:m@1"),), "", SIZE, extra={"predicted": False}),
        Picture("d.png", (), "", SIZE, extra={"predicted": True}),
        Picture("e.png", None, "", SIZE),
    )
    convert(data, tmp_path / "out", "labelstudio")
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    kinds = [set(row) - {"data"} for row in tasks]
    assert kinds == [{"predictions"}, {"annotations"}, {"annotations"}, {"predictions"}, set()]
    assert tasks[0]["predictions"][0]["model_version"] == "model:m@1"
    assert tasks[0]["predictions"][0]["score"] == 0.4
    assert tasks[0]["predictions"][0]["result"][0]["score"] == 0.9
    again = {p.stem: p for p in read_annotated(tmp_path / "out").pictures}
    assert {stem: p.extra.get("predicted") for stem, p in again.items()} == {
        "a": True, "b": None, "c": False, "d": True, "e": None,
    }  # fmt: skip


def test_the_configuration_names_every_class(tmp_path):
    data = sent(tmp_path, Picture("a.png", (), "", SIZE))
    convert(data, tmp_path / "out", "labelstudio")
    root = ElementTree.parse(tmp_path / "out" / "labeling_config.xml").getroot()
    assert [child.tag for child in root] == ["Image", "BrushLabels", "RectangleLabels", "PolygonLabels"]
    assert [row.get("value") for row in root[1]] == ["gun", 'a "b" <c>']
    assert guess_format(tmp_path / "out") == "labelstudio"
    assert read_annotated(tmp_path / "out").classes == data.classes


def test_labels_that_the_configuration_does_not_list_are_named(tmp_path):
    convert(sent(tmp_path, Picture("a.png", (), "", SIZE)), tmp_path / "out", "labelstudio")
    data = read(tmp_path / "out", task(region(label="gnu")))
    assert data.classes[-1] == "gnu"
    assert data.problems["unlisted_label"] == ("gnu",)
