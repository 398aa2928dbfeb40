"""The fake copy has SIXray's shape, is the same for a seed, and holds the traps asked for."""

import csv
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from beltline.data.sixray.fake import SixrayTraps, fake_label_rows, fake_sixray


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_the_published_shape(tmp_path):
    files = contents(fake_sixray(tmp_path, positives=5, negatives=5))
    expected = {f"ImageSet/{s}/{side}.csv" for s in (10, 100, 1000) for side in ("train", "test")}
    expected |= {f"JPEGImage/{kind}{i:05d}.jpg" for kind in "PN" for i in range(1, 6)}
    expected |= {f"Annotation/P{i:05d}.xml" for i in range(1, 6)}
    assert set(files) == expected


def test_one_seed_one_tree(tmp_path):
    trees = [contents(fake_sixray(tmp_path / str(i), positives=3, negatives=3, seed=s))
             for i, s in enumerate((4, 4, 5))]  # fmt: skip
    assert trees[0] == trees[1]
    assert trees[0]["JPEGImage/P00001.jpg"] != trees[2]["JPEGImage/P00001.jpg"]


def test_pictures_have_the_size_and_boxes_lie_inside(tmp_path):
    root = fake_sixray(tmp_path, positives=6, negatives=1, size=(50, 90))
    for path in (root / "JPEGImage").iterdir():
        with Image.open(path) as picture:
            assert picture.size == (90, 50)
    for path in (root / "Annotation").iterdir():
        for box in ElementTree.parse(path).iter("bndbox"):
            x0, y0, x1, y1 = (float(corner.text) for corner in box)
            assert 0 <= x0 < x1 <= 90
            assert 0 <= y0 < y1 <= 50


@pytest.mark.parametrize("values", ["-1/1", "0/1"])
def test_lists_write_absence_as_asked(tmp_path, values):
    root = fake_sixray(tmp_path, positives=3, negatives=3, traps=SixrayTraps(values=values, oddities=False))
    rows = list(csv.reader((root / "ImageSet" / "10" / "train.csv").read_text().splitlines()))
    assert {value for row in rows[1:] for value in row[1:]} == set(values.split("/"))


def test_an_archive_part_stays_packed(tmp_path):
    files = contents(fake_sixray(tmp_path, positives=1, negatives=10, traps=SixrayTraps(missing=0.3)))
    assert "JPEGImage.tar.gz17" in files
    assert "JPEGImage/N00007.jpg" in files
    assert "JPEGImage/N00008.jpg" not in files


def test_label_rows_have_a_long_tail_and_no_empty_positive():
    names, labels = fake_label_rows(2000, 50)
    assert len(names) == len(set(names)) == len(labels) == 2050
    assert (labels[:2000] == 1).any(axis=1).all()
    assert (labels[2000:] == -1).all()
    counts = (labels == 1).sum(axis=0)
    assert counts.argmax() == 3  # pliers
    assert counts.argmin() == 4  # scissors
    assert np.isin(labels, (-1, 1)).all()
