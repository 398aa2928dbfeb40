"""COCO, VOC and YOLO among each other: what fits comes back as it was, what does not is counted and named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.cli.app import main
from beltline.core import BadInputError, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.coco import read_coco
from beltline.data.annotations.conversion import convert, guess_format, read_annotated
from beltline.data.annotations.fake import write_picture
from beltline.data.annotations.image_finder import ImageFinder
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.polygons import one_polygon, run_length
from beltline.data.annotations.voc import read_voc_xml, whole_pixels
from beltline.data.annotations.yolo import read_yolo_labels
from beltline.formats import read_scan, read_set

SIZE = (48, 64)


def make(root, items_by_file, classes=("gun", "knife"), **fields):
    rng = np.random.default_rng(0)
    pictures = [Picture(file, items, "train", SIZE) for file, items in items_by_file.items()]
    for picture in pictures:
        write_picture(root, picture, rng=rng)
    return Annotated(root, classes, tuple(replace(p, **fields) for p in pictures))


@pytest.fixture
def plain(tmp_path):
    return make(
        tmp_path / "plain",
        {
            "a.png": (AnnotatedObject("gun", (3, 4, 30, 41)), AnnotatedObject("knife", (0, 0, 64, 48))),
            "b.jpg": (),
            "c.png": (AnnotatedObject("knife", (10, 11, 12, 13)),),
        },
    )


def essence(data):
    return [
        (
            p.stem,
            p.split,
            p.objects and [(i.label, tuple(np.round(i.box, 4)), i.difficult) for i in p.objects],
        )
        for p in sorted(data.pictures, key=lambda p: p.stem)
    ]


@pytest.mark.parametrize("target", ["coco", "voc", "yolo"])
def test_whole_boxes_fit_every_format(plain, tmp_path, target):
    losses = convert(plain, tmp_path / "out", target)
    assert losses.lossless
    assert losses.lines() == []
    again = read_annotated(tmp_path / "out")
    assert guess_format(tmp_path / "out") == target
    assert essence(again) == essence(plain)
    assert all(p.present and p.size in (SIZE, None) for p in again.pictures)
    assert set(again.classes) == {"gun", "knife"}


def test_round_trip_through_all_three(plain, tmp_path):
    data = plain
    for number, target in enumerate(("voc", "yolo", "coco", "yolo", "voc")):
        convert(data, tmp_path / str(number), target)
        data = read_annotated(tmp_path / str(number))
    assert essence(data) == essence(plain)


def rich(tmp_path):
    triangle = [[10.0, 10.0, 30.0, 10.0, 10.0, 30.0]]
    item = AnnotatedObject("gun", (10, 10, 30, 30), triangle, True, True, True, True, {"material": "steel"})
    data = make(
        tmp_path / "rich",
        {
            "a.png": (item,),
            "b.png": (AnnotatedObject("gun", (1.25, 2.5, 9.0, 9.4)),),
            "c.png": None,
            "d.png": (),
        },
        subsets=("easy",),
        extra={"pixel_mm": 1.3},
    )
    off = AnnotatedObject("gun", (50, 40, 90, 47)), AnnotatedObject("gun", (5, 5, 5, 9))
    gone = Picture("gone.png", (), "train", SIZE, present=False)
    return replace(data, pictures=(*data.pictures, replace(data.pictures[3], objects=off), gone))


def test_what_voc_cannot_hold(tmp_path):
    losses = convert(rich(tmp_path), tmp_path / "out", "voc")
    assert dict(losses.counts) == {
        "missing_image": 1, "clipped": 1, "no_area": 1, "renamed": 1, "mask": 1, "crowd": 1, "extra_field": 1,
        "sub_pixel": 1, "part": 5, "image_field": 5, "unlisted": 1,
    }  # fmt: skip
    assert losses.largest_shift_px == pytest.approx(0.5)
    again = {p.stem: p for p in read_annotated(tmp_path / "out").pictures}
    assert again["a"].objects[0] == AnnotatedObject("gun", (10, 10, 30, 30), None, True, True, True)
    assert again["c"].objects is None
    assert again["d"].objects == ()
    assert [item.box for item in again["d-2"].objects] == [(50, 40, 64, 47)]


def test_what_yolo_cannot_hold(tmp_path):
    losses = convert(rich(tmp_path), tmp_path / "out", "yolo")
    assert dict(losses.counts) == {
        "missing_image": 1, "not_annotated": 1, "clipped": 1, "no_area": 1, "renamed": 1, "mask": 1,
        "crowd": 1, "difficult": 1, "truncated": 1, "occluded": 1, "extra_field": 1, "part": 4,
        "image_field": 4,
    }  # fmt: skip
    again = {p.stem: p for p in read_annotated(tmp_path / "out").pictures}
    np.testing.assert_allclose(again["b"].objects[0].box, (1.25, 2.5, 9.0, 9.4), atol=1e-5)
    report = json.loads((tmp_path / "out" / "losses.json").read_text())
    assert report["kinds"]["mask"]["examples"] == ["a.png"]
    assert report["lossless"] is False


def test_coco_keeps_flags_in_fields_of_our_own(tmp_path):
    source = rich(tmp_path)
    losses = convert(source, tmp_path / "out", "coco")
    assert dict(losses.counts) == {
        "missing_image": 1,
        "clipped": 1,
        "no_area": 1,
        "renamed": 1,
        "own_field": 2,
    }
    again = {p.stem: p for p in read_coco(tmp_path / "out").pictures}
    assert again["a"].objects == source.pictures[0].objects
    assert again["c"].objects is None
    assert again["a"].subsets == ("easy",)
    assert again["a"].extra == {"pixel_mm": 1.3}


def test_coco_agrees_with_pycocotools(tmp_path):
    from pycocotools.coco import COCO

    convert(rich(tmp_path), tmp_path / "out", "coco")
    coco = COCO(str(tmp_path / "out" / "annotations" / "instances_train.json"))
    first = coco.loadAnns([1])[0]
    assert first["bbox"] == [10, 10, 20, 20]
    assert coco.annToMask(first).sum() == pytest.approx(200, rel=0.1)


def test_one_split_in_coco_is_a_set_of_ours_too(plain, tmp_path):
    convert(plain, tmp_path / "out", "coco")
    ours = read_set(tmp_path / "out")
    assert (ours.names, ours.classes) == (("a", "b", "c"), ("gun", "knife"))
    assert [ours.path(i).is_file() for i in range(3)] == [True] * 3
    alone = read_coco(tmp_path / "out" / "annotations" / "instances_train.json")
    assert essence(alone) == essence(plain)
    assert all(p.present for p in alone.pictures)


def two_splits(plain):
    first, *others = plain.pictures
    return replace(plain, pictures=(replace(first, split="easy_one"), *others))


@pytest.mark.parametrize("target", ["coco", "voc", "yolo"])
def test_splits_come_back(plain, tmp_path, target):
    convert(two_splits(plain), tmp_path / "out", target)
    again = read_annotated(tmp_path / "out")
    assert {p.stem: p.split.replace("-", "_") for p in again.pictures} == {
        "a": "easy_one", "b": "train", "c": "train",
    }  # fmt: skip
    assert all(p.present for p in again.pictures)


@pytest.mark.parametrize("target", ["coco", "voc"])
def test_no_split_comes_back_as_none(plain, tmp_path, target):
    loose = replace(plain, pictures=tuple(replace(p, split="") for p in plain.pictures))
    convert(loose, tmp_path / "out", target)
    (tmp_path / "out" / "annotations.json").unlink(missing_ok=True)
    assert {p.split for p in read_annotated(tmp_path / "out").pictures} == {""}


def test_exports_of_earlier_versions_are_read(plain, tmp_path):
    """``annotations/SPLIT.json`` with file names below the root; VOC without labelmap.txt and list."""
    convert(two_splits(plain), tmp_path / "old", "coco")
    for path in (tmp_path / "old" / "annotations").iterdir():
        coco = json.loads(path.read_text())
        for record in coco["images"]:
            record["file_name"] = f"images/{record['file_name']}"
        path.with_name(path.name.removeprefix("instances_")).write_text(json.dumps(coco))
        path.unlink()
    old = read_coco(tmp_path / "old")
    assert essence(old) == essence(two_splits(plain))
    assert all(p.present for p in old.pictures)
    convert(plain, tmp_path / "voc", "voc")
    (tmp_path / "voc" / "labelmap.txt").unlink()
    assert essence(read_annotated(tmp_path / "voc")) == essence(plain)


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("x.jpg", "images", "images/x.jpg"),
        ("images/x.jpg", "images", "images/x.jpg"),
        ("images/lane/x.jpg", "images", "images/lane/x.jpg"),
        ("./images/x.jpg", "images", "images/x.jpg"),
        ("lane/x.jpg", "images", "images/lane/x.jpg"),
        ("train/x.jpg", "images/train", "images/train/x.jpg"),
        ("images/val/x.jpg", "images/train", "images/val/x.jpg"),
        ("images/x.jpg", "", "images/x.jpg"),
    ],
)
def test_a_missing_picture_is_named_as_it_should_lie(tmp_path, name, folder, expected):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert ImageFinder(tmp_path, folder).find(name) == (expected, False, False)
    (tmp_path / "annotations.json").write_text(
        json.dumps({"images": [{"id": 1, "file_name": name}], "categories": []})
    )
    if folder in ("", "images"):
        assert [picture.file for picture in read_coco(tmp_path).pictures] == [expected]
    (tmp_path / expected).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / expected).write_bytes(b"")
    assert ImageFinder(tmp_path, folder).find(name) == (expected, True, False)


def test_classes_of_voc_keep_order_and_the_unused(plain, tmp_path):
    odd = replace(plain, classes=("scissors", "knife", "gun", "a:b"))
    losses = convert(odd, tmp_path / "out", "voc")
    assert dict(losses.counts) == {"class_name": 1}
    assert read_annotated(tmp_path / "out").classes == ("scissors", "knife", "gun")


def test_png_as_jpeg_is_counted_and_close(plain, tmp_path):
    losses = convert(plain, tmp_path / "out", "voc", jpeg=True)
    assert dict(losses.counts) == {"recoded": 2}
    again = read_annotated(tmp_path / "out")
    assert {p.file for p in again.pictures} == {f"JPEGImages/{name}.jpg" for name in "abc"}
    before, after = (
        read_scan(root).pixels for root in (plain.root / "a.png", again.root / "JPEGImages/a.jpg")
    )
    assert np.abs(before - after).mean() < 3 / 255


@pytest.mark.parametrize("split", ["../../away", "/tmp/away", "a/b", ".."])
@pytest.mark.parametrize("target", ["coco", "voc", "yolo"])
def test_a_split_is_no_way_out_of_the_folder(plain, tmp_path, target, split):
    bad = replace(plain, pictures=tuple(replace(p, split=split) for p in plain.pictures))
    with pytest.raises(BadInputError, match="name of a file or folder"):
        convert(bad, tmp_path / "out", target)
    assert not (tmp_path / "out").exists()


def test_yolo_seg_writes_polygons_and_says_what_they_lose(tmp_path):
    square = np.zeros(SIZE, bool)
    square[10:30, 20:50] = True
    ring = square.copy()
    ring[15:20, 25:30] = False
    two = square.copy()
    two[35:40, 2:8] = True
    data = make(
        tmp_path / "masks",
        {
            f"{n}.png": (AnnotatedObject("gun", (20, 10, 50, 30), Masks.encode(mask[None]).to_coco()[0]),)
            for n, mask in enumerate((square, ring, two))
        }
        | {"3.png": (AnnotatedObject("knife", (1, 2, 3, 4)),)},
    )
    losses = convert(data, tmp_path / "out", "yolo-seg")
    assert dict(losses.counts) == {
        "mask_holes": 1, "mask_parts": 1, "mask_overlap": 2, "box_for_polygon": 1,
    }  # fmt: skip
    items = [p.objects[0] for p in read_annotated(tmp_path / "out").pictures]
    np.testing.assert_allclose(items[0].box, (20, 10, 50, 30), atol=1e-5)
    back = Masks.from_coco([run_length(items[0].outline, SIZE)], SIZE)[0]
    assert (back == square).all()


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
def test_a_traced_rectangle_is_the_rectangle(left, top, width, height):
    mask = np.zeros(SIZE, bool)
    mask[top : top + height, left : left + width] = True
    points, lost = one_polygon(Masks.encode(mask[None]).to_coco()[0], SIZE)
    assert lost == ()
    assert (min(points[0::2]), min(points[1::2])) == (left, top)
    assert (max(points[0::2]), max(points[1::2])) == (left + width, top + height)


@given(st.tuples(*[st.floats(0, 47, allow_nan=False)] * 2), st.floats(0.1, 30), st.floats(0.1, 30))
def test_whole_pixels_are_near_and_never_empty(corner, width, height):
    left, top = corner
    box = (left, top, min(left + width, 64), min(top + height, 48))
    x0, y0, x1, y1 = whole_pixels(box, SIZE)
    assert 1 <= x0 <= x1 <= 64
    assert 1 <= y0 <= y1 <= 48
    # a box thinner than a pixel keeps one whole pixel
    assert abs(x0 - 1 - box[0]) <= 1
    assert abs(y1 - box[3]) <= max(1, 1.5 - height)


def test_voc_counts_from_1_and_fractions_from_0(tmp_path):
    path = tmp_path / "a.xml"
    corners = "<bndbox><xmin>{}</xmin><ymin>1</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>"
    row = f"<object><name>gun</name>{corners}</object>"
    path.write_text(f"<annotation>{row.format(1)}</annotation>")
    assert read_voc_xml(path)[0][0].box == (0, 0, 8, 9)
    path.write_text(f"<annotation>{row.format(1.5)}</annotation>")
    assert read_voc_xml(path)[0][0].box == (1.5, 1, 8, 9)


@pytest.mark.parametrize("text", [
    "<annotation>", "<!DOCTYPE a><annotation/>",
    "<annotation><object><name>gun</name><bndbox><xmin>x</xmin></bndbox></object></annotation>",
    "<annotation><object><name>gun</name><bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax>"
    "</bndbox></object></annotation>",
])  # fmt: skip
def test_damaged_xml_is_bad_input(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(BadInputError, match=r"a\.xml"):
        read_voc_xml(tmp_path / "a.xml")


@pytest.mark.parametrize(
    "row", ["0 0.1 0.2", "2 0.5 0.5 0.1 0.1", "0 a 0.5 0.1 0.1", "0 inf 0.5 0.1 0.1", "-1 0 0 1 1"]
)
def test_damaged_yolo_rows_are_bad_input(tmp_path, row):
    (tmp_path / "a.txt").write_text(row)
    with pytest.raises(BadInputError, match="line 1"):
        read_yolo_labels(tmp_path / "a.txt", SIZE, ("gun", "knife"))


@pytest.mark.parametrize("names", [
    'names: ["gun", knife]', "names: [gun, 'knife']\nnc: 2", "names:\n- gun\n- knife\nnc: 2",
    "names:\n  - gun  # first\n  - knife", "nc: 2\nnames:\n  0: gun\n  1: 'knife'\ntrain: images",
    "names: [\n  gun,\n  knife,\n]",
])  # fmt: skip
def test_names_of_a_data_yaml(plain, tmp_path, names):
    convert(plain, tmp_path / "out", "yolo")
    (tmp_path / "out" / "data.yaml").write_text(names + "\n")
    assert read_annotated(tmp_path / "out").classes == ("gun", "knife")


def test_yolo_with_splits_above_images(plain, tmp_path):
    convert(plain, tmp_path / "out", "yolo")
    for kind in ("images", "labels"):
        (tmp_path / "other" / "valid").mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / kind / "train").rename(tmp_path / "other" / "valid" / kind)
    (tmp_path / "other" / "classes.txt").write_text("gun\nknife\n")
    data = read_annotated(tmp_path / "other")
    assert {p.split for p in data.pictures} == {"val"}
    assert [p.objects for p in data.pictures] == [p.objects for p in as_floats(plain)]


def as_floats(data):
    items = [tuple(replace(i, box=tuple(map(float, i.box))) for i in p.objects) for p in data.pictures]
    return [replace(p, objects=found) for p, found in zip(data.pictures, items, strict=True)]


def test_two_pictures_of_one_name_stay_two(tmp_path):
    data = make(tmp_path / "two", {"x/a.png": (AnnotatedObject("gun", (1, 1, 5, 5)),), "y/a.png": ()})
    losses = convert(data, tmp_path / "out", "yolo")
    assert losses.counts["renamed"] == 1
    assert [p.stem for p in read_annotated(tmp_path / "out").pictures] == ["a", "y_a"]


def test_out_must_be_new_and_source_known(plain, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    with pytest.raises(BadInputError, match="holds something"):
        convert(plain, tmp_path / "full", "coco")
    with pytest.raises(BadInputError, match="VOC"):
        guess_format(tmp_path / "full")
    with pytest.raises(ValueError, match="loss must be"):
        Losses().add("luck", "a")


def test_the_verb_converts_an_imported_set(tmp_path, capsys):
    assert main(["data", "fake", "pidray", str(tmp_path / "copy"), "--each", "3"]) == 0
    assert main(["data", "verify", "pidray", str(tmp_path / "copy"), "--deep"]) == 0
    assert main(["data", "import", "pidray", str(tmp_path / "copy"), "--out", str(tmp_path / "set")]) == 0
    capsys.readouterr()
    assert main(["data", "convert", str(tmp_path / "set"), str(tmp_path / "yolo"), "--to", "yolo"]) == 0
    assert "masks dropped" in capsys.readouterr().out
    again = ["data", "convert", str(tmp_path / "set"), str(tmp_path / "voc"), "--to", "voc", "--lossless"]
    assert main(again) == 7
    assert main(["data", "convert", str(tmp_path / "set"), str(tmp_path / "no"), "--to", "tfrecord"]) == 2
    data = read_annotated(tmp_path / "yolo")
    assert [*dict.fromkeys(p.split for p in data.pictures)] == ["test", "train"]
    assert len(data) == 12
    again = ["data", "convert", str(tmp_path / "set"), str(tmp_path / "jpeg"), "--to", "voc", "--jpeg"]
    assert main(again) == 0
    assert {path.suffix for path in (tmp_path / "jpeg" / "JPEGImages").iterdir()} == {".jpg"}
