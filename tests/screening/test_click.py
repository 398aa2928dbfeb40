"""What a click cuts out: where the looks go, what the second one is told, and what comes back."""

import numpy as np
import pytest

from beltline.core import ShapeError
from beltline.screening.click import ClickSettings, cut_out
from beltline.screening.click_windows import energy_channels

BAG = (50, 40, 550, 360)
KNIFE = (300, 200, 400, 220)  # xyxy


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    white = np.full((3, 400, 600), 255, np.uint8)
    for x1, y1, x2, y2 in boxes:
        white[:, y1:y2, x1:x2] = 40
    return white


class Network:
    """Takes whatever is dark; the part is surest, the group least sure; it remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[dict[str, np.ndarray]] = []

    def __call__(self, inputs):
        self.seen.append(inputs)
        size = inputs["image"].shape[2] // 4
        dark = 1 - inputs["image"].mean(axis=1).reshape(1, size, 4, size, 4).mean(axis=(2, 4))
        part, group = dark * (np.arange(size) < size // 2), np.maximum(dark, 0.6)
        logits = (np.stack([part, dark, group], axis=1) - 0.5) * 20
        return {"logits": logits.astype(np.float32), "quality": np.array([[0.9, 0.8, 0.3]], np.float32)}


def cut(network=None, boxes=(KNIFE,), points=((350, 210),), labels=None, settings=None, **more):
    scene = picture(*boxes)
    labels = [1] * len(points) if labels is None else labels
    return cut_out(
        network or Network(), scene, energy_channels(scene), BAG, points, labels, settings=settings, **more
    )


def iou(mask: np.ndarray, box: tuple[int, int, int, int]) -> float:
    truth = picture(box)[0] < 128
    return (mask & truth).sum() / (mask | truth).sum()


def test_the_second_look_is_closer_and_makes_the_mask_tighter():
    one, two = cut(settings=ClickSettings(zoom=False)), cut()
    assert one.window.side == 300  # 0.6 of the bag
    assert two.window.side == pytest.approx(1.4 * 100, abs=6)
    assert iou(two.mask, KNIFE) > 0.9
    assert iou(two.mask, KNIFE) > iou(one.mask, KNIFE)
    assert two.probs.shape == (3, 400, 600)
    assert two.probs.max() > 0.9
    assert two.probs[:, :100].max() == 0  # outside the window


def test_the_second_look_is_told_the_first_mask_and_two_points_on_it():
    network = Network()
    window = cut(network).window
    first, second = (seen["guide"][0] for seen in network.seen)
    assert first[2].max() == 0
    assert second[2].max() > 0.9
    ys, xs = np.nonzero(second[0] > 0.5)
    columns = window.left + (xs + 0.5) * 4 / window.scale
    assert columns.min() < 325
    assert columns.max() > 375  # toward both ends, the click stands in the middle
    assert (np.abs(window.top + (ys + 0.5) * 4 / window.scale - 210) < 15).all()


@pytest.mark.parametrize(("points", "count"), [("none", 1), ("random", 3), ("apg", 3)])
def test_points_of_the_second_look(points, count):
    network = Network()
    cut(network, settings=ClickSettings(points=points))
    single = network.seen[0]["guide"][0, 0].sum()
    assert 0.5 < network.seen[1]["guide"][0, 0].sum() / single <= count * 1.2
    assert (network.seen[1]["guide"][0, 0].sum() > 1.3 * single) == (count == 3)


def test_which_candidate_answers():
    whole, part = cut(), cut(settings=ClickSettings(which="part"))
    assert (whole.chosen, part.chosen, cut(settings=ClickSettings(which="surest")).chosen) == (1, 0, 0)
    assert part.mask.sum() < 0.7 * whole.mask.sum()
    assert whole.quality.tolist() == pytest.approx([0.9, 0.8, 0.3])


def test_a_box_takes_the_place_of_the_first_window_and_of_the_click():
    network = Network()
    found = cut(network, points=(), box=(290.0, 190.0, 410.0, 230.0))
    first, second = (seen["guide"][0] for seen in network.seen)
    assert first[3].sum() > 0
    assert first[0].max() == 0
    assert second[0].max() > 0.9  # the generator's points
    assert iou(found.mask, KNIFE) > 0.9


def test_a_mask_needs_one_look_that_holds_it_and_the_click():
    network = Network()
    previous = np.zeros((400, 600), bool)
    previous[200:220, 300:340] = True
    window = cut(network, points=((395, 210), (100, 60)), labels=[1, 0], previous=previous).window
    assert len(network.seen) == 1
    assert network.seen[0]["guide"][0, 2].max() > 0.9
    assert window.left < 300
    assert window.left + window.side > 395
    assert window.side < 200  # a click beside the object, far away, widens nothing


def test_an_object_that_leads_out_of_the_first_window_is_looked_at_from_farther_away():
    network = Network()
    long = (100, 200, 540, 230)
    found = cut(network, boxes=(long,), points=((120, 215),))
    assert len(network.seen) in (3, 4)
    assert iou(found.mask, long) > 0.8
    assert found.mask[215, 110:530].all()
    assert found.window.side == pytest.approx(1.4 * 440, abs=10)
    cut(frame := Network(), boxes=((0, 200, 100, 220),), points=((20, 210),))
    assert len(frame.seen) == 2  # it ends at the picture's frame, not at the window's


def test_clicks_far_apart_are_held_by_the_first_window():
    network = Network()
    long = (60, 200, 540, 215)
    found = cut(network, boxes=(long,), points=((70, 207), (530, 207)))
    assert network.seen[0]["guide"][0, 0].max() > 0.9
    assert iou(found.mask, long) > 0.7  # 10 pixels of the picture to one of the mask


def test_a_first_look_that_finds_nothing_at_the_click_is_the_last():
    network = Network()
    found = cut(network, points=((100, 100),))
    assert len(network.seen) == 1
    assert not found.mask[90:110, 90:110].any()


@pytest.mark.parametrize("click", [(0, 0), (599, 399)])
def test_a_click_in_the_corner_of_the_picture(click):
    box = (0, 0, 40, 30) if click == (0, 0) else (560, 370, 600, 400)
    assert iou(cut(boxes=(box,), points=(click,)).mask, box) > 0.9


def test_bad_input_in_one_line():
    with pytest.raises(ValueError, match="expected a click on the object, a box or a mask"):
        cut(points=((10, 10),), labels=[0])
    with pytest.raises(ValueError, match="expected a click on the object, a box or a mask"):
        cut(points=(), previous=np.zeros((400, 600), bool))
    with pytest.raises(ShapeError, match="a previous mask of"):
        cut(previous=np.zeros((40, 60), bool))
    with pytest.raises(ShapeError, match="a label for each point"):
        cut(labels=[1, 1])
    with pytest.raises(ValueError, match="which must be one of part, object, group or surest"):
        ClickSettings(which="whole")
    with pytest.raises(ValueError, match="points must be apg, random or none"):
        ClickSettings(points="two")  # type: ignore[arg-type]
