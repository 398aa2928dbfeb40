"""The reader: layouts as they arrive, boxes with their traps, what is on disk."""

import os
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.data.sixray import SixrayTraps, fake_sixray
from beltline.data.sixray.boxes import read_annotation, usable
from beltline.data.sixray.index import read_index, sortable, to_image_list

XML = """<annotation><filename>P1.jpg</filename>
<size><width>100</width><height>50</height><depth>3</depth></size>{}</annotation>"""
BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def annotation(tmp_path, *objects, template=XML):
    path = tmp_path / "P1.xml"
    path.write_text(template.format("".join(objects)))
    return read_annotation(path)


def item(name, *corners):
    return f"<object><name>{name}</name>{BOX.format(*corners)}</object>"


def test_empty_objects_and_case_do_not_matter(tmp_path):
    found = annotation(
        tmp_path, "<object/>", item("GUN", 1.5, 2, 30, 40), "<object> </object>", item("knife", 3, 4, 5, 6)
    )
    assert [item.label for item in found.objects] == ["gun", "knife"]
    assert [item.box for item in found.objects] == [(1.5, 2, 30, 40), (3, 4, 5, 6)]
    assert found.empty_objects == 2
    assert found.size == (50, 100)


def test_hammer_is_kept_on_demand(tmp_path):
    found = annotation(
        tmp_path, item("Hammer", 1, 2, 3, 4), item("Gun", 1, 2, 3, 4), item("Shoe", 1, 2, 3, 4)
    )
    assert usable(found).labels == ("gun",)
    assert usable(found, hammer=True).labels == ("hammer", "gun")


def test_boxes_are_put_in_order_clipped_and_empty_ones_dropped(tmp_path):
    found = annotation(
        tmp_path, item("Gun", -5, 10, 20, 60), item("Gun", 9, 9, 9, 20), item("Knife", 30, 9, 20, 20),
        item("Gun", 120, 0, 130, 10),
    )  # fmt: skip
    assert usable(found).boxes.tolist() == [[0, 10, 20, 50], [20, 9, 30, 20]]
    assert usable(found, (200, 200)).boxes.tolist() == [[0, 10, 20, 60], [20, 9, 30, 20], [120, 0, 130, 10]]


def test_without_a_size_nothing_is_clipped(tmp_path):
    found = annotation(tmp_path, item("Gun", 10, 10, 500, 60), template="<annotation>{}</annotation>")
    assert found.size is None
    assert usable(found).boxes.tolist() == [[10, 10, 500, 60]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty file"),
        ("<annotation><object>", "damaged XML"),
        ("\x00\x01", "damaged XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "entities"),
        (XML.format(item("Gun", 1, 2, "x", 4)), "could not convert"),
        (XML.format(item("Gun", 1, 2, "nan", 4)), "not finite"),
        (XML.format(item("Gun", 1, 2, "", 4)), "could not convert"),
        ("<a>" + " " * 1_000_001 + "</a>", "above the limit"),
    ],
)
def test_bad_annotations_name_the_file(tmp_path, text, words):
    path = tmp_path / "P1.xml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=words) as error:
        read_annotation(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "traps",
    [
        SixrayTraps(),
        SixrayTraps(lists="released"),
        SixrayTraps(header=False),
        SixrayTraps(nested=True),
        SixrayTraps(missing=0.5),
    ],
    ids=["published", "released", "no header", "nested", "half there"],
)
def test_variants_of_the_layout_index_alike(tmp_path, traps):
    reference = read_index(fake_sixray(tmp_path / "a", positives=6, negatives=8))
    index = read_index(fake_sixray(tmp_path / "b", positives=6, negatives=8, traps=traps))
    order, expected = np.argsort(index.names), np.argsort(reference.names)
    assert index.names[order].tolist() == reference.names[expected].tolist()
    assert (index.labels[order] == reference.labels[expected]).all()
    assert index.present.sum() == 14 - round(8 * traps.missing)
    assert index.annotated.sum() == index.positive.sum() == 6
    assert all((index.root / index.file(row)).is_file() for row in np.flatnonzero(index.present))
    assert all(index.file(row) is None for row in np.flatnonzero(~index.present))


def test_the_01_variant_has_the_same_labels_but_no_difficult(tmp_path):
    index = read_index(fake_sixray(tmp_path, positives=6, negatives=4, traps=SixrayTraps(values="0/1")))
    assert set(np.unique(index.labels)) == {-1, 1}
    assert (index.labels[~index.positive] == -1).all()


def test_without_lists_the_xml_and_the_names_give_labels(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=4, traps=SixrayTraps(lists="none", oddities=False))
    plain = SixrayTraps(oddities=False)
    reference = read_index(fake_sixray(tmp_path / "b", positives=5, negatives=4, traps=plain))
    (root / "Annotation" / "P00002.xml").unlink()  # a positive of which nobody knows the class
    index = read_index(root)
    assert index.names.tolist() == [
        "N00001",
        "N00002",
        "N00003",
        "N00004",
        "P00001",
        "P00003",
        "P00004",
        "P00005",
    ]
    wanted = {
        name: labels for name, labels in zip(reference.names.tolist(), reference.labels >= 0, strict=True)
    }
    assert all(((index.labels[i] >= 0) == wanted[name]).all() for i, name in enumerate(index.names))


def test_difficult_is_nan_for_figures_and_present_for_training(tmp_path):
    index = read_index(fake_sixray(tmp_path, positives=5, negatives=2))
    hard = np.argwhere(index.labels == 0)
    assert len(hard) == 1
    row, k = hard[0]
    assert np.isnan(to_image_list(index).labels[row, k])
    assert to_image_list(index, difficult="present").labels[row, k] == 1
    assert np.isnan(to_image_list(index).labels).sum() == 1


def test_the_image_list_holds_what_is_on_disk_and_reads_boxes(tmp_path):
    index = read_index(fake_sixray(tmp_path, positives=4, negatives=6, traps=SixrayTraps(missing=0.5)))
    rows = np.flatnonzero(index.names == "P00002").tolist() + np.flatnonzero(index.names == "N00006").tolist()
    images = to_image_list(index, np.array(rows))
    assert images.files == ("JPEGImage/P00002.jpg",)
    assert images.path(0).is_file()
    written = read_annotation(index.root / "Annotation" / "P00002.xml")
    assert "hammer" in written.labels
    assert images.boxes(0).labels == tuple(o.label for o in written.objects if o.label != "hammer")
    assert "hammer" in to_image_list(index, np.array(rows), hammer=True).boxes(0).labels
    everything = to_image_list(index)
    assert len(everything) == 7
    assert everything.boxes(everything.files.index("JPEGImage/N00001.jpg")) is None


def test_linked_folders_are_followed_and_loops_are_not(tmp_path):
    root = fake_sixray(tmp_path / "copy", positives=5, negatives=5)
    (root / "JPEGImage").rename(tmp_path / "disk2")
    (root / "JPEGImage").mkdir()
    (root / "JPEGImage" / "part").symlink_to(tmp_path / "disk2")
    (tmp_path / "disk2" / "again").symlink_to(root / "JPEGImage")
    index = read_index(root)
    assert index.present.all()
    assert index.image_places == (("JPEGImage/part", ".jpg"),)


def test_lists_keep_their_rows(tmp_path):
    index = read_index(fake_sixray(tmp_path, positives=5, negatives=5))
    assert index.names[index.lists["10/test"]].tolist() == ["P00005", "N00005"]
    assert set(index.lists) == {f"{s}/{side}" for s in ("10", "100", "1000") for side in ("train", "test")}


def test_conflicting_lists_are_kept_as_such(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=5)
    path = root / "ImageSet" / "100" / "train.csv"
    path.write_text(path.read_text().replace("N00001,-1", "N00001,1"))
    assert read_index(root).conflicts == ("N00001",)


@pytest.mark.parametrize("what", ["gone", "empty", "unknown labels"])
def test_what_is_no_copy_says_so(tmp_path, what):
    root = tmp_path / "copy"
    if what != "gone":
        root.mkdir()
    if what == "unknown labels":
        (root / "JPEGImage").mkdir()
        (root / "JPEGImage" / "P00001.jpg").write_bytes(b"x")
    words = {"gone": "found none", "empty": "JPEGImage/ with images", "unknown labels": "no label lists"}
    with pytest.raises(BadInputError, match=words[what]):
        read_index(root)


def test_lists_of_different_classes_do_not_mix(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=5)
    (root / "ImageSet" / "six.csv").write_text("P00001,1,-1,-1,-1,-1,1\n")
    with pytest.raises(BadInputError, match="hammer"):
        read_index(root)


@pytest.mark.parametrize(
    "names", [["b", "a", "ab", "a1", ""], ["verylongname2", "verylongname1"], ["é", "a"], []]
)
def test_sortable_keeps_the_order(names):
    array = np.array(names, np.str_)
    assert np.argsort(sortable(array)).tolist() == np.argsort(array).tolist()


@pytest.mark.skipif("BELTLINE_REAL_DATA" not in os.environ, reason="BELTLINE_REAL_DATA names no real scans")
def test_official_annotations():
    root = Path(os.environ["BELTLINE_REAL_DATA"]) / "sixray_boxes"
    if not root.is_dir():
        pytest.skip("no sixray_boxes there")
    index = read_index(root)
    images = to_image_list(index)
    assert len(images) == index.annotated.sum() > 0
    for row in range(len(images)):
        found = images.boxes(row)
        assert {images.classes[k] for k in np.flatnonzero(images.labels[row] == 1)} == set(found.labels)
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
