"""A copy becomes a Beltline set that the ordinary reader opens."""

import os

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.data.sixray import SixrayTraps, fake_sixray, import_sixray, read_index
from beltline.formats import read_set, verify_set


@pytest.fixture
def copy(tmp_path):
    return fake_sixray(tmp_path / "copy", positives=6, negatives=8, traps=SixrayTraps(nested=True))


def test_the_set_reads_back_with_labels_and_boxes(copy, tmp_path):
    index = read_index(copy)
    card = import_sixray(index, tmp_path / "set")
    opened = read_set(tmp_path / "set")
    assert verify_set(tmp_path / "set") == []
    assert (card["counts"]["images"], card["counts"]["listed"]) == (14, 14)
    assert card["classes"] == ["gun", "knife", "wrench", "pliers", "scissors", "hammer"]
    assert opened.classes == ("gun", "knife", "wrench", "pliers", "scissors")
    rows = {name: row for row, name in enumerate(index.names.tolist())}
    for number, name in enumerate(opened.names):
        expected = np.where(index.labels[rows[name]] == 0, np.nan, index.labels[rows[name]] == 1)
        np.testing.assert_array_equal(opened.labels[number], expected)
        sample = opened[number]
        assert (sample.scan.height, sample.scan.width) == (48, 64)
        there = set(sample.instances.labels) - {"hammer"}
        assert there == {opened.classes[k] for k in np.flatnonzero(index.labels[rows[name]] >= 0)}
    hammers = [n for n, name in enumerate(opened.names) if "hammer" in opened.instances(n).labels]
    assert [opened.names[n] for n in sorted(hammers, key=opened.names.__getitem__)] == ["P00002", "P00006"]


def test_images_are_links_or_copies(copy, tmp_path):
    index = read_index(copy)
    import_sixray(index, tmp_path / "links")
    import_sixray(index, tmp_path / "copies", copy=True)
    source = copy / "JPEGImage" / "train" / "P00001.jpg"
    assert os.path.samefile(source, tmp_path / "links" / "images" / "P00001.jpg")
    copied = tmp_path / "copies" / "images" / "P00001.jpg"
    assert not os.path.samefile(source, copied)
    assert copied.read_bytes() == source.read_bytes()


def test_again_changes_nothing(copy, tmp_path):
    index = read_index(copy)
    assert import_sixray(index, tmp_path / "set") == import_sixray(index, tmp_path / "set")


def test_a_damaged_image_is_left_out_and_named(copy, tmp_path):
    (copy / "JPEGImage" / "train" / "N00001.jpg").write_bytes(b"")
    card = import_sixray(read_index(copy), tmp_path / "set")
    assert card["skipped"] == {"JPEGImage/train/N00001.jpg": "empty file (0 bytes)"}
    assert "N00001" not in read_set(tmp_path / "set").names
    assert len(read_set(tmp_path / "set")) == 13


def test_a_damaged_annotation_leaves_its_image_out(copy, tmp_path):
    (copy / "Annotation" / "P00001.xml").write_text("<annotation>")
    card = import_sixray(read_index(copy), tmp_path / "set")
    (file, reason), *others = card["skipped"].items()
    assert (file, others) == ("JPEGImage/train/P00001.jpg", [])
    assert reason.startswith("Annotation/P00001.xml: damaged XML")
    assert "P00001" not in read_set(tmp_path / "set").names


def test_only_positives(copy, tmp_path):
    import_sixray(read_index(copy), tmp_path / "set", only_positive=True)
    assert all(name.startswith("P") for name in read_set(tmp_path / "set").names)


def test_a_positive_without_xml_is_not_annotated(copy, tmp_path):
    (copy / "Annotation" / "P00001.xml").unlink()
    import_sixray(read_index(copy), tmp_path / "set")
    opened = read_set(tmp_path / "set")
    assert opened.instances(opened.names.index("P00001")) is None
    assert len(opened.instances(opened.names.index("N00001"))) == 0


def test_another_disk_names_the_way_out(copy, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(BadInputError, match="--copy"):
        import_sixray(read_index(copy), tmp_path / "set")


def test_nothing_on_disk(tmp_path):
    root = fake_sixray(tmp_path / "copy", positives=0, negatives=5, traps=SixrayTraps(missing=1.0))
    with pytest.raises(BadInputError, match="none of 5 listed images"):
        import_sixray(read_index(root), tmp_path / "set")
