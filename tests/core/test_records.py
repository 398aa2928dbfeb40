import numpy as np
import pytest

from beltline.core import Instances, Masks, Sample, Scan, ShapeError


def color(height=6, width=8):
    return Scan(np.ones((3, height, width), np.float32), "color", ("r", "g", "b"))


def test_pixels_become_float32_and_channels_have_names():
    scan = Scan(np.full((2, 5, 7), 0.5), "transmission", ["low", "high"], pixel_mm=0.8)
    assert scan.pixels.dtype == np.float32
    assert (scan.height, scan.width) == (5, 7)
    assert scan.channel("high") is not None
    with pytest.raises(ValueError, match="'middle'"):
        scan.channel("middle")


@pytest.mark.parametrize(
    ("pixels", "quantity", "channels", "error", "message"),
    [
        (np.ones((4, 5)), "color", ("gray",), ShapeError, r"\(C, H, W\)"),
        (np.ones((1, 0, 5)), "color", ("gray",), ShapeError, "non-empty"),
        (np.ones((3, 4, 5)), "color", ("low", "high"), ShapeError, "channels"),
        (np.ones((1, 4, 5)), "hounsfield", ("gray",), ValueError, "quantity"),
        (np.full((1, 4, 5), np.nan), "color", ("gray",), ValueError, "finite"),
        (np.full((1, 4, 5), np.inf), "attenuation", ("gray",), ValueError, "finite"),
        (np.full((1, 4, 5), 255.0), "color", ("gray",), ValueError, "divide 8-bit by 255"),
        (np.full((1, 4, 5), -0.1), "transmission", ("gray",), ValueError, "negative"),
    ],
)
def test_bad_scans_are_refused(pixels, quantity, channels, error, message):
    with pytest.raises(error, match=message):
        Scan(pixels, quantity, channels)


def test_pixel_size_must_be_positive():
    with pytest.raises(ValueError, match="pixel_mm"):
        Scan(np.ones((1, 4, 5)), "color", ("gray",), pixel_mm=0.0)


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        color().quantity = "attenuation"


def test_no_objects_is_a_valid_answer():
    none = Instances(np.zeros((0, 4)), ())
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("gun",)}, "labels"),
        ({"scores": np.array([0.5])}, "scores"),
        ({"scores": np.array([0.5, 1.5])}, "sigmoid"),
        ({"scores": np.array([0.5, np.nan])}, "sigmoid"),
        ({"masks": Masks.encode(np.ones((1, 6, 8), bool))}, "masks"),
    ],
)
def test_bad_instances_are_refused(changes, message):
    fields = {"boxes": np.array([[0, 0, 2, 2], [1, 1, 4, 5]]), "labels": ("gun", "knife")} | changes
    with pytest.raises(ValueError, match=message):
        Instances(**fields)


def test_sample_checks_labels_and_mask_size():
    boxes, masks = np.array([[0, 0, 2, 2]]), Masks.encode(np.ones((1, 6, 8), bool))
    sample = Sample(color(), np.array([0, 1, np.nan]), Instances(boxes, ("gun",), masks=masks))
    assert sample.image_labels is not None
    with pytest.raises(ValueError, match="-1 means 0"):
        Sample(color(), np.array([-1, 1]))
    with pytest.raises(ShapeError, match="masks of size"):
        Sample(color(4, 4), instances=sample.instances)
    with pytest.raises(ShapeError, match="image_labels"):
        Sample(color(), np.zeros((2, 2)))
