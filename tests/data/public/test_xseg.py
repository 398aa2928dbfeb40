"""XSeg: objects out of label images, class names that the copy gives, or numbers; never guessed."""

import numpy as np
import pytest
from PIL import Image

from beltline.core import BadInputError
from beltline.data.annotations.label_images import (
    MOST_PIECES,
    SMALLEST_PIECE,
    label_objects,
    read_label_image,
)
from beltline.data.public import fake_public_set, import_public_set, verify_public_set
from beltline.data.public.xseg import CLASSES, NAMES, XSEG, read_xseg
from beltline.formats import encode_png, read_set


def kinds(verdict):
    return {finding.kind: finding.names for finding in verdict.findings}


def masks_of(items, size):
    from beltline.core import Masks

    return Masks.from_coco([item.outline for item in items], size).decode()


def test_each_piece_of_a_class_is_an_object_and_specks_join_the_nearest():
    labels = np.zeros((60, 80), np.uint8)
    labels[5:20, 5:20] = labels[5:20, 50:70] = 3
    labels[22:24, 60:62] = 3  # a speck below the right one
    labels[20, 20] = 3  # touches the left one by a corner: 8-connected
    labels[30:50, 10:40] = 9
    labels[0, :] = 255
    items = label_objects(labels, str)
    assert [item.label for item in items] == ["3", "3", "9"]
    left, right, other = masks_of(items, labels.shape)
    assert left.sum() == 15 * 15 + 1
    assert right[22:24, 60:62].all()
    assert right.sum() == 15 * 20 + 4
    assert (left | right | other == ((labels > 0) & (labels < 255))).all()


def test_a_class_of_specks_alone_is_one_object():
    labels = np.zeros((20, 20), np.uint8)
    labels[2, 2] = labels[15, 15] = 4
    (item,) = label_objects(labels, str)
    assert item.box == (2, 2, 16, 16)
    assert masks_of([item], labels.shape)[0].sum() == 2


@pytest.mark.parametrize("size", [SMALLEST_PIECE - 1, SMALLEST_PIECE])
def test_the_stated_number_of_pixels_makes_an_object(size):
    labels = np.zeros((70, 70), np.uint8)
    labels[10:40, 10:40] = 1
    labels[60, :size] = 1
    assert len(label_objects(labels, str)) == (1 if size < SMALLEST_PIECE else 2)


def test_an_empty_label_image_has_no_objects_and_noise_is_refused():
    assert label_objects(np.zeros((9, 9), np.uint8), str) == ()
    assert label_objects(np.full((9, 9), 255, np.uint8), str) == ()
    checks = np.kron(np.indices((50, 50)).sum(0) % 2, np.ones((6, 6))).astype(np.uint8)
    checks[::6] = checks[:, ::6] = 0  # no corners touch
    with pytest.raises(ValueError, match=f"more than {MOST_PIECES}"):
        label_objects(checks, str)


def palette_png(path, labels):
    image = Image.fromarray(labels, "L").convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette([v for n in range(256) for v in (n * 37 % 256, n * 91 % 256, n)])
    image.save(path)


def test_palette_and_grey_read_alike(tmp_path):
    labels = np.random.default_rng(0).integers(0, 32, (20, 30)).astype(np.uint8)
    palette_png(tmp_path / "palette.png", labels)
    (tmp_path / "grey.png").write_bytes(encode_png(labels))
    with Image.open(tmp_path / "palette.png") as image:
        assert image.mode == "P"
    for name in ("palette", "grey"):
        assert (read_label_image(tmp_path / f"{name}.png") == labels).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"\xff\xd8\xff\xe0 JPEG", "is no PNG"),
        (encode_png(np.zeros((9, 9), np.uint8))[:40], "damaged"),
        (encode_png(np.zeros((9, 9, 3), np.uint8)), "kind RGB"),
        (encode_png(np.zeros((9, 9), np.uint16)), "kind I;16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\10\0\0\0\0", "above the limit"),
    ],
)
def test_what_is_no_label_image_is_one_line(data, words, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=words):
        read_label_image(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "head", ["", "_background_\n", "# label:color_rgb:parts:actions\nbackground:0,0,0::\n"]
)
def test_names_come_from_a_list_of_the_copy(name, head, tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=2)
    before = [[item.label for item in picture.objects] for picture in read_xseg(root).pictures]
    (root / NAMES[0]).unlink()
    (root / name).write_text(head + "".join(f"{c}\n" for c in CLASSES))
    data = read_xseg(root)
    assert data.classes == CLASSES
    assert [[item.label for item in picture.objects] for picture in data.pictures] == before


def test_without_names_classes_are_numbers_and_a_short_list_names_what_it_can(tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=9)
    (root / NAMES[0]).unlink()
    data = read_xseg(root)
    assert data.classes[0] == "class_01"
    assert len(data.classes) == len(CLASSES)
    assert "unnamed_classes" in kinds(verify_public_set(XSEG, root))
    (root / NAMES[1]).write_text("Gun\nTank\n")
    assert read_xseg(root).classes[:4] == ("Gun", "Tank", "class_03", "class_04")
    card = import_public_set(XSEG, root, tmp_path / "set")
    assert card["classes"][:3] == ["gun", "tank", "class_03"]
    assert "unknown_class" not in kinds(verify_public_set(XSEG, root))


def test_one_class_of_the_taxonomy_holds_several_published_ones(tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=9)
    ours = import_public_set(XSEG, root, tmp_path / "ours")
    assert ours["classes"] == ["knife", "scissors", "liquid", "battery", "gun", "handcuffs"]
    theirs = import_public_set(XSEG, root, tmp_path / "theirs", names="published", part="val")
    assert theirs["classes"] == list(CLASSES)
    opened = read_set(tmp_path / "theirs")
    assert {record["split"] for record in opened.records} == {"val"}
    for number in range(len(opened)):
        areas = opened.instances(number).masks.areas()
        assert (areas > 0).all()


@pytest.mark.parametrize("text", ["Gun\nGun\n", "x" * 300, "Gun\n\x07\n"])
def test_a_list_of_names_that_is_none_is_refused(text, tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=1)
    (root / NAMES[0]).write_text(text)
    with pytest.raises(BadInputError, match=NAMES[0]):
        read_xseg(root)


def test_a_damaged_copy(tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=4)
    (root / "SegmentationClass/train_00001.png").write_bytes(b"")
    (root / "SegmentationClass/train_00002.png").unlink()
    (root / "JPEGImages/val_00001.jpg").unlink()
    (root / "SegmentationClass/test_00001.png").write_bytes(encode_png(np.ones((9, 9), np.uint8)))
    lists = root / "ImageSets/Segmentation"
    (lists / "val.txt").write_text("val_00001\nval_00002\nval_00002\ntest_00003\n")
    found = kinds(verify_public_set(XSEG, root))
    assert "train_00001.png: empty file" in found["damaged_annotation"][0]
    assert found["not_annotated"] == ("JPEGImages/train_00002.jpg",)
    assert found["missing_images"] == ("JPEGImages/val_00001.jpg",)
    assert found["annotation_without_image"] == ("SegmentationClass/val_00001.png",)
    assert found["outline_other_size"] == ("JPEGImages/test_00001.jpg",)
    assert found["repeated_rows"] == ("ImageSets/Segmentation/val.txt: val_00002",)
    assert found["split_overlap"] == ("val, test: test_00003",)
    assert found["unlisted_images"] == ("JPEGImages/val_00003.jpg", "JPEGImages/val_00004.jpg")
    (lists / "train.txt").unlink()
    assert kinds(verify_public_set(XSEG, root))["missing_lists"] == ("ImageSets/Segmentation/train.txt",)


def test_without_lists_all_pictures_count(tmp_path):
    root = fake_public_set("xseg", tmp_path / "copy", each=2)
    for path in (root / "ImageSets/Segmentation").iterdir():
        path.unlink()
    data = read_xseg(root)
    assert {picture.split for picture in data.pictures} == {""}
    assert len(data) == 6
