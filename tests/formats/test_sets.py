"""A set written, read by us, and read by pycocotools."""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from beltline.core import BadInputError, Instances, Masks, ShapeError
from beltline.formats import SetWriter, find_scans, read_set, verify_set, write_json

CLASSES = ("gun", "knife")


def objects(rng, height=24, width=32, labels=("knife", "shoes")):
    stack = np.zeros((len(labels), height, width), bool)
    for mask in stack:
        top, left = rng.integers(0, height - 8), rng.integers(0, width - 8)
        mask[top : top + 6, left : left + 7] = rng.random((6, 7)) > 0.3
        mask[top, left] = True
    masks = Masks.encode(stack)
    return Instances(masks.boxes(), labels, masks=masks)


def fill(writer, rng, names=("bag1", "bag0")):
    for name in names:
        image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        writer.add(
            name,
            image=image,
            raw=(rng.random((24, 32)), rng.random((24, 32))),
            instances=objects(rng),
            scene={"seed": 7, "items": [name]},
            pixel_mm=0.8,
            extra={"style": "white", "view": 1},
            instance_extras=[{"material": "fe", "occlusion": 0.25}, {"material": "leather"}],
        )


@pytest.fixture
def written(tmp_path, rng):
    writer = SetWriter(tmp_path / "set", classes=CLASSES)
    fill(writer, rng)
    writer.finish({"command": "beltline simulate", "seed": 7})
    return tmp_path / "set"


def test_the_layout_is_the_documented_one(written):
    names = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    visible = {name for name in names if not name.startswith(".")}
    assert visible == {
        "images/bag0.png", "images/bag1.png", "raw/bag0.tiff", "raw/bag1.tiff",
        "scenes/bag0.json", "scenes/bag1.json", "annotations.json", "labels.csv", "card.json",
    }  # fmt: skip


def test_pycocotools_reads_the_masks(written):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(written / "annotations.json"))
    ours = read_set(written)
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["gun", "knife", "shoes"]
    for index, image_id in enumerate(coco.getImgIds()):
        found = coco.loadAnns(coco.getAnnIds(imgIds=image_id))
        theirs = np.stack([coco.annToMask(item) for item in found]).astype(bool)
        masks = ours.instances(index).masks
        assert np.array_equal(theirs, masks.decode())
        assert [item["area"] for item in found] == masks.areas().tolist()


def test_labels_are_in_sixrays_manner(written):
    with (written / "labels.csv").open() as stream:
        assert list(csv.reader(stream)) == [
            ["name", "gun", "knife"],
            ["bag0", "-1", "1"],
            ["bag1", "-1", "1"],
        ]


def test_reading_gives_what_was_written(tmp_path):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    low, high, known = rng.random((24, 32)), rng.random((24, 32)), objects(rng)
    writer = SetWriter(tmp_path, classes=CLASSES, raw="npz")
    writer.add("a", image=image, raw=(low, high), instances=known, scene={"seed": 1}, pixel_mm=0.8)
    writer.finish()
    colour, energies = read_set(tmp_path), read_set(tmp_path, pixels="transmission")
    sample = colour[0]
    assert np.array_equal(np.rint(np.moveaxis(sample.scan.pixels, 0, 2) * 255), image)
    assert sample.scan.pixel_mm == 0.8
    assert sample.image_labels.tolist() == [0, 1]
    assert sample.instances.labels == known.labels
    assert np.array_equal(sample.instances.boxes, known.boxes)
    assert np.array_equal(sample.instances.masks.decode(), known.masks.decode())
    assert energies[0].scan.quantity == "transmission"
    assert np.abs(energies[0].scan.pixels - np.stack([low, high])).max() <= 0.5001 / 65535
    assert colour.scene(0) == {"seed": 1}
    assert len(list(colour)) == len(colour) == 1


def test_extra_fields_and_card_survive(written):
    known = read_set(written)
    assert known.records[0]["style"] == "white"
    assert known.annotations[1][0]["occlusion"] == 0.25
    assert known.card["seed"] == 7
    assert known.card["counts"] == {"images": 2, "annotations": 4, "positives": 2}


def test_the_result_does_not_depend_on_the_order_of_writing(tmp_path):
    tables = []
    for names in (("x", "y"), ("y", "x")):
        writer = SetWriter(tmp_path / names[0], classes=CLASSES)
        for name in names:
            fill(writer, np.random.default_rng(ord(name)), (name,))
        writer.finish()
        root = tmp_path / names[0]
        tables.append(
            [(root / table).read_bytes() for table in ("annotations.json", "labels.csv", "card.json")]
        )
    assert tables[0] == tables[1]


def test_nothing_annotated_is_not_nothing_there(tmp_path):
    writer = SetWriter(tmp_path, classes=CLASSES)
    blank = np.full((16, 16, 3), 255, np.uint8)
    writer.add("clean", image=blank, instances=Instances(np.zeros((0, 4)), ()))
    writer.add("unknown", image=blank)
    writer.add("partly", image=blank, image_labels=[1, np.nan])
    writer.finish()
    known = read_set(tmp_path)
    by_name = dict(zip(known.names, range(3), strict=True))
    assert len(known.instances(by_name["clean"])) == 0
    assert known.labels[by_name["clean"]].tolist() == [0, 0]
    assert known.instances(by_name["unknown"]) is None
    assert np.isnan(known.labels[by_name["unknown"]]).all()
    assert known.labels[by_name["partly"]][0] == 1
    assert np.isnan(known.labels[by_name["partly"]][1])


def test_boxes_without_masks(tmp_path):
    writer = SetWriter(tmp_path, classes=CLASSES)
    known = Instances(np.array([[1, 2, 5, 9]]), ("gun",))
    writer.add("a", image=np.zeros((16, 16), np.uint8), instances=known)
    writer.finish()
    again = read_set(tmp_path).instances(0)
    assert again.masks is None
    assert again.boxes.tolist() == [[1, 2, 5, 9]]


def test_damage_is_found(written):
    assert verify_set(written) == []
    (written / "images" / "bag0.png").write_bytes(b"changed")
    (written / "scenes" / "bag1.json").unlink()
    assert verify_set(written) == [
        "images/bag0.png: changed since the set was finished",
        "scenes/bag1.json: missing",
    ]


def test_find_scans_takes_the_pictures_of_a_set(written):
    assert [path.name for path in find_scans(written)] == ["bag0.png", "bag1.png"]


def test_bad_items_are_refused_and_leave_nothing(tmp_path):
    writer = SetWriter(tmp_path, classes=CLASSES)
    image = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="item name"):
        writer.add("../evil", image=image)
    with pytest.raises(ShapeError, match="raw planes"):
        writer.add("a", image=image, raw=(np.ones((8, 8)), np.ones((8, 8))))
    with pytest.raises(ShapeError, match="image_labels"):
        writer.add("a", image=image, image_labels=[1])
    with pytest.raises(ValueError, match="0, 1 or NaN"):
        writer.add("a", image=image, image_labels=[1, -1])
    with pytest.raises(ShapeError, match="instance_extras"):
        writer.add("a", image=image, instance_extras=[{}])
    assert writer.names() == ()
    assert list((tmp_path / "images").iterdir()) == []


def test_a_folder_begun_with_other_classes_is_refused(tmp_path):
    SetWriter(tmp_path, classes=CLASSES).add("a", image=np.zeros((16, 16), np.uint8))
    with pytest.raises(BadInputError, match="other classes"):
        SetWriter(tmp_path, classes=("gun",)).finish()


def test_bad_sets_are_one_line(written, tmp_path):
    with pytest.raises(BadInputError, match="no such folder"):
        read_set(tmp_path / "gone")
    with pytest.raises(BadInputError, match="Beltline set"):
        read_set(tmp_path)
    (written / "labels.csv").write_text("name,gun\nbag0,2\n")
    with pytest.raises(BadInputError, match=r"labels\.csv"):
        read_set(written)
    (written / "annotations.json").write_text('{"images": []')
    with pytest.raises(BadInputError, match="damaged"):
        read_set(written)


def test_paths_cannot_leave_the_set(written):
    table = json.loads((written / "annotations.json").read_text())
    table["images"][0]["file_name"] = "../bag0.png"
    write_json(written / "annotations.json", table)
    with pytest.raises(BadInputError, match="outside"):
        read_set(written).scan(0)
