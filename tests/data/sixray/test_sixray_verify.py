"""The verifier: every kind of damage is found by name, a half copy is no fault."""

import json
import shutil

import cv2
import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.data import verdict as common
from beltline.data.annotations import check_image
from beltline.data.sixray import SixrayTraps, fake_sixray
from beltline.data.sixray.verification import FAULTS, NOTES, TABLE_1, verify


@pytest.fixture
def copy(tmp_path):
    traps = SixrayTraps(oddities=False)
    return fake_sixray(tmp_path / "copy", positives=10, negatives=10, traps=traps)


def found(root, **options):
    """Names by kind."""
    return {finding.kind: finding.names for finding in verify(root, **options).findings}


def image(copy, name):
    return copy / "JPEGImage" / f"{name}.jpg"


def xml(copy, name):
    return copy / "Annotation" / f"{name}.xml"


def test_table_1_adds_up():
    assert TABLE_1["positive"] + TABLE_1["negative"] == TABLE_1["total"] == 1_059_231
    assert sum(TABLE_1[name] for name in ("gun", "knife", "wrench", "pliers", "scissors")) == 12_217


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_copy_has_nothing_to_remark(copy, deep):
    verdict = verify(copy, deep=deep)
    assert verdict.findings == ()
    assert verdict.state == "partial"  # 20 images are not the published million
    assert verdict.images == 20
    assert verdict.annotations == 10
    assert verdict.listed == verdict.on_disk
    assert verdict.listed["positive"] == verdict.listed["negative"] == 10
    assert verdict.lists["10/train"] == 16
    assert verdict.lines()[-1] == "nothing to remark"


def test_half_a_copy_is_a_note(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=20, traps=SixrayTraps(missing=0.5))
    verdict = verify(root)
    assert verdict.faults == ()
    assert verdict.state == "partial"
    assert (verdict.listed["total"], verdict.on_disk["total"]) == (25, 15)
    names = {finding.kind: finding.names for finding in verdict.findings}
    assert names["missing_images"] == tuple(f"N{i:05d}" for i in range(11, 21))
    assert names["packed"] == ("JPEGImage.tar.gz17",)


def test_oddities_of_the_published_set_are_notes(tmp_path):
    verdict = verify(fake_sixray(tmp_path, positives=6, negatives=2))
    assert verdict.faults == ()
    names = {finding.kind: finding.names for finding in verdict.findings}
    assert names == {"empty_objects": ("P00003", "P00006"), "hammer": ("P00002", "P00006")}
    assert verdict.listed["hammer"] == 2


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def spoil_table(path):
    """An impossible Huffman table: header and end marker stay."""
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\xc4") + 5
    data[start : start + 16] = b"\xff" * 16
    path.write_bytes(bytes(data))


def append(path, text):
    path.write_text(path.read_text() + text)


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def box(x0, y0, x1, y1, name="Gun"):
    corners = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    return f"<object><name>{name}</name><bndbox>{corners}</bndbox></object></annotation>"


LISTS = "ImageSet/{}/{}.csv"
DAMAGES = [
    ("zero_byte", lambda c: image(c, "N00001").write_bytes(b""), "JPEGImage/N00001.jpg: empty file"),
    ("unreadable", lambda c: cut(image(c, "N00001")), "JPEGImage/N00001.jpg: truncated"),
    ("unreadable", lambda c: image(c, "P00001").write_bytes(b"GIF89a"), "P00001.jpg: neither JPEG nor PNG"),
    ("unreadable", lambda c: image(c, "P00001").write_bytes(b"\xff\xd8\xff\xd9"), "JPEG header damaged"),
    ("damaged_xml", lambda c: xml(c, "P00001").write_text("<annotation>"), "P00001.xml: damaged XML"),
    ("damaged_list", lambda c: append(c / "ImageSet/10/test.csv", "x,y\n"), "test.csv: line 6: expected 5"),
    ("split_overlap", lambda c: append(c / "ImageSet/10/test.csv", "N00001,-1,-1,-1,-1,-1\n"), "10: N00001"),
    ("repeated_rows", lambda c: append(c / "ImageSet/10/train.csv", "N00001,-1,-1,-1,-1,-1\n"),
     "10/train: N00001"),
    ("conflicting_labels", lambda c: replace(c / "ImageSet/100/train.csv", "N00001,-1", "N00001,1"),
     "N00001"),
    ("missing_images", lambda c: image(c, "N00003").unlink(), "N00003"),
    ("unlisted_images", lambda c: shutil.copy(image(c, "N00003"), image(c, "N77777")), "N77777"),
    ("two_files", lambda c: shutil.copytree(c / "JPEGImage", c / "JPEGImage" / "train"), "train/N00001.jpg"),
    ("wrong_type", lambda c: cv2.imwrite(str(c / "x.png"), np.zeros((48, 64, 3), np.uint8))
     and (c / "x.png").replace(image(c, "N00001")), "JPEGImage/N00001.jpg"),
    ("xml_without_image", lambda c: image(c, "P00002").unlink(), "P00002"),
    ("positive_without_xml", lambda c: xml(c, "P00002").unlink(), "P00002"),
    ("label_without_box", lambda c: xml(c, "P00002").write_text("<annotation></annotation>"), "P00002"),
    ("box_without_label", lambda c: shutil.copy(xml(c, "P00001"), xml(c, "N00001")), "N00001"),
    ("empty_box", lambda c: replace(xml(c, "P00001"), "</annotation>", box(5, 5, 5, 9)), "P00001"),
    ("box_outside", lambda c: replace(xml(c, "P00001"), "</annotation>", box(5, 5, 70, 9)), "P00001"),
    ("wrong_size", lambda c: replace(xml(c, "P00001"), "<width>64", "<width>65"), "P00001"),
    ("unknown_class", lambda c: replace(xml(c, "P00001"), "</annotation>", box(5, 5, 7, 9, "Spoon")),
     "P00001"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "damage", "words"), DAMAGES, ids=[row[0] for row in DAMAGES])
def test_damage_is_found_and_named(copy, kind, damage, words):
    damage(copy)
    verdict = verify(copy)
    findings = {finding.kind: finding for finding in verdict.findings}
    assert words in findings[kind].names[0]
    assert bool(verdict.faults) == (kind in {**FAULTS, **common.FAULTS})
    assert any(findings[kind].meaning in line for line in verdict.lines())


def test_a_box_a_rounding_outside_is_nothing(copy):
    replace(xml(copy, "P00001"), "</annotation>", box(5, 5, 64.4, 9))
    assert "box_outside" not in found(copy)


def test_only_decoding_sees_damage_between_header_and_end(copy):
    spoil_table(image(copy, "N00002"))
    assert found(copy) == {}
    assert found(copy, deep=True)["unreadable"][0].startswith("JPEGImage/N00002.jpg: damaged")


def test_the_same_picture_under_two_names(copy):
    shutil.copy(image(copy, "N00001"), image(copy, "N00002"))  # both train
    shutil.copy(image(copy, "N00003"), image(copy, "N00005"))  # train and test
    assert found(copy) == {}
    names = found(copy, deep=True)
    assert names["same_content"] == ("N00001 = N00002",)
    assert names["content_in_both_splits"] in {("N00003 = N00005",), ("N00005 = N00003",)}


def test_one_image_in_two_folders_is_not_two_pictures(copy):
    shutil.copytree(copy / "JPEGImage", copy / "JPEGImage" / "again")
    assert set(found(copy, deep=True)) == {"two_files"}


def test_a_picture_that_no_list_names_may_be_one_that_a_list_does(copy):
    shutil.copy(image(copy, "N00003"), image(copy, "N77777"))
    assert found(copy, deep=True)["same_content"] == ("N00003 = N77777",)


def test_the_end_of_an_incomplete_archive(tmp_path):
    root = fake_sixray(tmp_path, positives=2, negatives=10, traps=SixrayTraps(missing=0.5, truncated=True))
    assert [fault.kind for fault in verify(root).faults] == ["unreadable"]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.jpg"
    cv2.imwrite(str(path), np.zeros((16, 16, 3), np.uint8))
    data = bytearray(path.read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    assert "above the limit" in check_image(path, deep=True).fault


def test_trailing_bytes_and_long_metadata_are_fine(tmp_path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8))
    data = path.read_bytes()
    comment = b"\xff\xfe" + (60_002).to_bytes(2, "big") + b"x" * 60_000
    path.write_bytes(data[:2] + comment + data[2:] + b"\0" * 100)
    assert check_image(path).fault is None
    assert check_image(path).size == (20, 30)


def test_a_file_that_is_gone_is_a_fault_not_a_crash(tmp_path):
    assert "cannot be read" in check_image(tmp_path / "gone.jpg").fault


def test_json_holds_everything(copy):
    image(copy, "N00001").write_bytes(b"")
    answer = json.loads(json.dumps(verify(copy).to_json()))
    assert answer["ok"] is False
    assert answer["published"]["total"] == 1_059_231
    assert answer["findings"][0]["kind"] == "zero_byte"
    assert answer["findings"][0]["severity"] == "fault"


def test_kinds_are_faults_or_notes():
    kinds = [*FAULTS, *NOTES, *common.FAULTS, *common.NOTES]
    assert len(kinds) == len(set(kinds))


def test_no_copy_at_all(tmp_path):
    with pytest.raises(BadInputError, match="found neither"):
        verify(tmp_path)
