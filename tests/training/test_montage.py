"""Montages: every bag whole and apart, planes and boxes where the pixels are, training as before without."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import Instances, Sample
from beltline.models.detector import Target
from beltline.systems.detector.data import SourceBatches
from beltline.training.augment import NO_AUGMENTATION, AugmentationRange
from beltline.training.montage import MOST, draw_montage, draw_others
from beltline.training.shards import UNKNOWN, Stored, montaged
from beltline.training.sources import as_scan


def scan(box, grey, size=(64, 96)):
    """A white scan with a grey box, its coverage plane, and the box."""
    pixels = np.full((*size, 3), 255, np.uint8)
    plane = np.zeros((size[0] // 8, size[1] // 8), np.uint8)
    x1, y1, x2, y2 = box
    pixels[y1:y2, x1:x2] = grey
    plane[y1 // 8 : y2 // 8, x1 // 8 : x2 // 8] = 255
    return pixels, plane


corners = st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 6), st.integers(1, 3)).map(
    lambda n: (8 * n[0], 8 * n[1], 8 * (n[0] + n[2]), 8 * (n[1] + n[3]))
)


@given(boxes=st.lists(corners, min_size=1, max_size=MOST), seed=st.integers(0, 2**31))
def test_each_bag_lies_whole_in_its_place(boxes, seed):
    scans = [scan(box, 20 * n) for n, box in enumerate(boxes)]
    montage = draw_montage(np.random.default_rng(seed), [pixels for pixels, _ in scans])
    out = montage.pixels([pixels for pixels, _ in scans])
    planes = montage.planes([plane[None] for _, plane in scans])
    moved = montage.boxes([np.array([box], np.float32) for box in boxes])
    for n, (x1, y1, x2, y2) in enumerate(moved.astype(int)):
        seen = out == 20 * n
        assert seen[y1:y2, x1:x2].all()
        assert seen.sum() == 3 * (y2 - y1) * (x2 - x1)  # nowhere else: nothing is cut, nothing lies over
        assert (planes[0, y1 // 8 : y2 // 8, x1 // 8 : x2 // 8] == 255).all()
    assert (planes > 0).sum() * 64 * 3 == (out < 255).sum()
    assert out.shape[0] % 8 == out.shape[1] % 8 == 0


def test_a_scan_of_air_is_taken_whole(rng):
    air = np.full((16, 24, 3), 255, np.uint8)
    assert draw_montage(rng, [air]).size[0] >= 16


def test_no_number_is_drawn_without_montages():
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    assert len(draw_others(rng, 0.0, 10)) == 0
    assert rng.random() == same.random()


def test_as_many_others_as_promised(rng):
    counts = [len(draw_others(rng, 0.5, 10)) for _ in range(2000)]
    assert np.mean(np.array(counts) > 0) == pytest.approx(0.5, abs=0.04)
    assert set(counts) == set(range(MOST))


def test_a_class_is_there_if_any_bag_has_it(rng):
    pixels, plane = scan((8, 8, 32, 32), 50)
    planes = np.stack([plane] * 4)
    labels = [[1, 0, 1, UNKNOWN], [0, 0, UNKNOWN, 0]]
    seen = montaged(rng, [Stored(pixels, planes, np.array(one, np.uint8)) for one in labels])
    assert seen.labels.tolist() == [1, 0, 1, UNKNOWN]
    assert seen.labels.dtype == np.uint8


class Two:
    """Two scans with one box each."""

    classes = ("gun", "knife")
    boxes = ((8, 8, 32, 24), (40, 16, 64, 56))

    def __len__(self):
        return 2

    def __getitem__(self, index):
        box = np.array([self.boxes[index]], np.float32)
        return Sample(
            as_scan(scan(self.boxes[index], 0)[0]), instances=Instances(box, (self.classes[index],))
        )


def batches(**ranges):
    quiet = {**vars(NO_AUGMENTATION), **ranges}
    return SourceBatches(Two(), 8, 96, (64, 96), AugmentationRange(**quiet), seed=2)


def test_a_detector_sees_the_boxes_of_all_bags():
    batch = batches(montage=1.0).build(0)
    counts = [len(target.boxes) for target in batch.targets]
    assert min(counts) >= 2
    for image, target in zip(batch.image, batch.targets, strict=True):
        assert isinstance(target, Target)
        for x1, y1, x2, y2 in target.boxes.numpy().round().astype(int):
            inside = image[:, y1:y2, x1:x2].mean()
            assert inside < 0.35  # the black boxes, blurred at their edges by the smaller size
    single = batches().build(0)
    assert [len(target.boxes) for target in single.targets] == [1] * 8
