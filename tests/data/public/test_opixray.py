"""OPIXray: the levels of occlusion, lists, odd annotation files, import under both kinds of names."""

import json

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.data.public import fake_public_set, import_public_set, verify_public_set
from beltline.data.public.opixray import OPIXRAY
from beltline.formats import read_set, verify_set


@pytest.fixture
def copy(tmp_path):
    return fake_public_set("opixray", tmp_path / "copy", each=6)


def kinds(verdict):
    return {finding.kind: finding.names for finding in verdict.findings}


def test_levels_divide_the_test_split(copy):
    data = OPIXRAY.read(copy)
    assert [*dict.fromkeys(p.split for p in data.pictures)] == ["train", "test"]
    levels = [picture.subsets for picture in data.pictures if picture.split == "test"]
    assert levels == [("OL1",), ("OL2",), ("OL3",)] * 2
    assert all(not picture.subsets for picture in data.pictures if picture.split == "train")


def test_a_line_is_read_as_written(copy):
    path = copy / "test/test_annotation/100001.txt"
    path.write_text("100001.jpg Multi-tool_Knife 3 4 30 41\r\n\r\n100001.jpg Scissor 0 0 8 9\n")
    picture = next(p for p in OPIXRAY.read(copy).pictures if p.stem == "100001")
    assert [(item.label, item.box) for item in picture.objects] == [
        ("Multi-tool_Knife", (3, 4, 30, 41)), ("Scissor", (0, 0, 8, 9)),
    ]  # fmt: skip


def test_a_whole_fake_has_no_fault_and_is_partial(copy):
    verdict = verify_public_set(OPIXRAY, copy, deep=True)
    assert verdict.faults == ()
    assert verdict.state == "partial"
    assert verdict.on_disk == {"all": 12, "train": 6, "test": 6, "OL1": 2, "OL2": 2, "OL3": 2}
    assert set(kinds(verdict)) == {"counts_differ"}
    assert "7,109" in "\n".join(verdict.lines())
    assert sum(verdict.objects.values()) == 18  # one and two objects in turn


def test_published_levels_add_up_to_the_published_test_split():
    counts = OPIXRAY.releases[0].counts
    assert counts["OL1"] + counts["OL2"] + counts["OL3"] == counts["test"]
    assert counts["train"] + counts["test"] == 8885


def test_faults_are_named(copy):
    (copy / "train/train_image/000001.jpg").write_bytes(b"")
    (copy / "train/train_annotation/000002.txt").write_text("000002.jpg Scissor 1 2 3\n")
    (copy / "train/train_image/000003.jpg").unlink()
    twin = (copy / "train/train_image/000004.jpg").read_bytes()
    (copy / "test/test_image/100004.jpg").write_bytes(twin)
    (copy / "train/train_annotation/000005.txt").write_text("7.jpg Scissor 9 2 3 70\n7.jpg Gun 1 1 1 5\n")
    (copy / "test/test_image/extra.jpg").write_bytes(twin)
    with (copy / "test/test_knife-1.txt").open("a") as stream:
        stream.write("100002\n100002\n000001\n")
    with (copy / "test/test_knife.txt").open("a") as stream:
        stream.write("000004\n")
    found = kinds(verify_public_set(OPIXRAY, copy, deep=True))
    assert found["zero_byte"] == ("train/train_image/000001.jpg: empty file (0 bytes)",)
    assert found["damaged_annotation"][0].startswith("train/train_annotation/000002.txt: line 1: expected")
    assert found["missing_images"] == ("test/test_image/000004.jpg", "train/train_image/000003.jpg")
    assert found["content_in_two_splits"] == ("train/train_image/000004.jpg = test/test_image/100004.jpg",)
    assert found["split_overlap"] == ("train, test: 000004",)
    assert found["repeated_rows"] == ("test/test_knife-1.txt: 100002",)
    assert found["subset_overlap"] == ("test: 100002",)
    assert found["subset_stranger"] == ("test: 000001",)
    assert found["in_no_subset"] == ("test: 000004",)
    assert found["unlisted_images"] == ("test/test_image/extra.jpg",)
    assert found["other_name"] == ("train/train_annotation/000005.txt names 7",)
    assert found["unknown_class"] == ("train/train_image/000005.jpg: Gun",)
    assert found["swapped_corners"] == found["box_outside"] == ("train/train_image/000005.jpg",)


def test_import_reads_back_in_the_taxonomy(copy, tmp_path):
    card = import_public_set(OPIXRAY, copy, tmp_path / "set")
    opened = read_set(tmp_path / "set")
    assert verify_set(tmp_path / "set") == []
    assert opened.classes == ("knife", "scissors")
    assert card["counts"]["images"] == len(opened) == 12
    for number, picture in enumerate(OPIXRAY.read(copy).pictures):
        sample = opened[number]
        np.testing.assert_array_equal(sample.instances.boxes, [item.box for item in picture.objects])
        assert opened.records[number]["parts"] == list(picture.subsets)
        present = {opened.classes[k] for k in np.flatnonzero(opened.labels[number] == 1)}
        assert present == set(sample.instances.labels)
        assert [a["name"] for a in opened.annotations[number]] == [item.label for item in picture.objects]


def test_import_of_one_level_under_published_names(copy, tmp_path):
    import_public_set(OPIXRAY, copy, tmp_path / "set", part="OL3", names="published")
    opened = read_set(tmp_path / "set")
    assert opened.names == ("100003", "100006")
    assert opened.classes == OPIXRAY.classes


def test_import_orders_clips_and_drops_boxes(copy, tmp_path):
    path = copy / "train/train_annotation/000001.txt"
    path.write_text("000001.jpg Scissor 30 4 3 900\n000001.jpg Scissor 5 5 5 9\n")
    card = import_public_set(OPIXRAY, copy, tmp_path / "set", part="train")
    opened = read_set(tmp_path / "set")
    np.testing.assert_array_equal(opened.instances(0).boxes, [[3, 4, 30, 48]])
    assert card["dropped_boxes"] == {"train/train_image/000001.jpg": 1}


def test_without_lists_the_folder_counts(copy):
    for path in copy.rglob("*_knife*.txt"):
        path.unlink()
    data = OPIXRAY.read(copy)
    assert len(data) == 12
    assert "test/test_knife-3.txt" in data.problems["missing_lists"]


def test_an_empty_annotation_is_an_image_without_objects(copy):
    (copy / "train/train_annotation/000001.txt").write_bytes(b"")
    assert OPIXRAY.read(copy).pictures[0].objects == ()


def test_another_folder_names_the_way_out(tmp_path):
    with pytest.raises(BadInputError, match="train/train_image"):
        OPIXRAY.read(tmp_path)


def test_the_verdict_is_json(copy):
    answer = json.loads(json.dumps(verify_public_set(OPIXRAY, copy).to_json()))
    assert answer["ok"] is True
    assert answer["published"]["OL2"] == 548
