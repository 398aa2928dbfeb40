"""A list of images: selection keeps files, labels and boxes together; class folders become one-hot labels."""

from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, Instances, ShapeError
from beltline.data import ImageList, read_image_folder, repeat_positives


def boxes_of(row):
    return Instances(np.array([[row, 0, row + 1, 1]]), ("gun",)) if row else None


def made(boxes=boxes_of):
    return ImageList(
        Path("r"), ("a.jpg", "b.jpg", "c.jpg"), np.eye(3, dtype=np.float32), ("x", "y", "z"), boxes
    )


def test_taken_images_keep_their_labels_and_boxes():
    taken = made().take([2, 0]).take(np.array([1, 0]))
    assert taken.files == ("a.jpg", "c.jpg")
    assert taken.labels.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert taken.boxes(0) is None
    assert taken.boxes(1).boxes.tolist() == [[2, 0, 3, 1]]
    assert taken.path(1) == Path("r/c.jpg")


def test_without_boxes_there_are_none_after_taking_either():
    assert made(None).take([1]).boxes is None
    assert len(made(None).take([])) == 0


def test_labels_must_fit():
    with pytest.raises(ShapeError, match="2 files of 1 classes"):
        ImageList(Path(), ("a", "b"), np.zeros((1, 1), np.float32), ("x",))


def test_class_folders(tmp_path):
    for name in ("cat/1.JPG", "cat/deep/2.png", "dog/3.jpeg", "empty/readme.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    images = read_image_folder(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.files == ("cat/1.JPG", "cat/deep/2.png", "dog/3.jpeg")
    assert images.labels.tolist() == [[1, 0], [1, 0], [0, 1]]


def test_one_class_is_no_set(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.jpg").touch()
    with pytest.raises(BadInputError, match="found 1"):
        read_image_folder(tmp_path)
    with pytest.raises(BadInputError, match="found none"):
        read_image_folder(tmp_path / "gone")


def test_repeated_positives_match_the_negatives():
    labels = np.zeros((110, 2), np.float32)
    labels[:9, 0] = labels[9, 1] = 1
    images = ImageList(Path(), tuple(f"{i}.png" for i in range(110)), labels, ("gun", "knife"))
    found = repeat_positives(images)
    counts = found.labels.sum(0)
    assert counts[0] == pytest.approx(counts[1], abs=6)
    assert counts.sum() == pytest.approx(100, abs=6)
    assert (found.labels.sum(1) == 0).sum() == 100
