"""Our click model and SAM as promptable segmenters."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from beltline.models.sam import sam_small
from beltline.screening import list_weights, load_clicker
from beltline.screening.clicker import DEFAULT_CLICKER
from beltline.synthesis.diffusion.car import refine_box
from beltline.synthesis.diffusion.promptable import NO_POINTS
from beltline.systems.xsyn.segment import CAR_WITH_CLICKS, click_segment, sam_segment

PICTURE = np.full((90, 120, 3), 255, np.uint8)
BOX = (20.0, 30.0, 60.0, 70.0)
POINTS = np.array([[30, 40, 1], [50, 60, 1], [25, 65, 0]], np.float32)


@dataclass
class Answer:
    mask: np.ndarray


@dataclass
class RecordingClicker:
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def cut(self, scan, points, labels, box):
        self.calls.append((scan, points, labels, box))
        return Answer(np.zeros((scan.height, scan.width), bool))


def test_box_and_clicks_reach_the_click_model_as_they_are_and_a_picture_is_prepared_once() -> None:
    clicker = RecordingClicker()
    segment = click_segment(clicker)
    assert segment(PICTURE, BOX, POINTS).shape == (90, 120)
    segment(PICTURE, None, POINTS[:1])
    segment(PICTURE.copy(), BOX, NO_POINTS)
    (first, points, labels, box), (second, *_), (third, *_) = clicker.calls
    assert (points == POINTS[:, :2]).all()
    assert labels.tolist() == [1, 1, 0]
    assert box == BOX
    assert second is first
    assert third is not first
    assert first.quantity == "color"
    assert (first.pixels == 1).all()


def test_sam_gets_clicks_and_the_boxs_corners_in_its_own_pixels() -> None:
    torch.manual_seed(0)
    model = sam_small(64)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    encoded: list[torch.Tensor] = []
    decode, encode = model.decode, model.encode
    model.decode = lambda embedding, points, labels: (  # type: ignore[method-assign]
        seen.append((points, labels)) or decode(embedding, points, labels)
    )
    model.encode = lambda image: encoded.append(image) or encode(image)  # type: ignore[method-assign]
    segment = sam_segment(model)
    assert segment(PICTURE, BOX, POINTS).shape == (90, 120)
    assert segment(PICTURE, BOX, NO_POINTS).dtype == bool
    assert len(encoded) == 1
    (points, labels), (corners, kinds) = seen
    assert labels.tolist() == [[1, 1, 0, 2, 3]]
    assert kinds.tolist() == [[2, 3]]
    scale = 64 / 120
    np.testing.assert_allclose(
        points[0], np.array([[30, 40], [50, 60], [25, 65], [20, 30], [60, 70]]) * scale, rtol=1e-6
    )
    assert corners.shape == (1, 2, 2)


@pytest.mark.skipif(
    all(entry.name != DEFAULT_CLICKER for entry in list_weights()), reason="the click model is not shipped"
)
@pytest.mark.parametrize("layout", [(70, 85, 200, 180), (80, 95, 190, 165), (80, 60, 175, 160)])
def test_the_shipped_click_model_refines_a_box(layout) -> None:
    picture = np.full((256, 256, 3), 255, np.uint8)
    picture[20:240, 10:250] = (250, 215, 170)
    cv2.rectangle(picture, (90, 110), (169, 149), (40, 60, 140), -1)
    item = (picture[..., 0] == 40).astype(np.float32)
    attention = cv2.resize(item, (16, 16), interpolation=cv2.INTER_AREA)
    found = refine_box(
        cv2.GaussianBlur(attention, (0, 0), 0.8),
        picture,
        layout,
        click_segment(load_clicker(warm=False)),
        CAR_WITH_CLICKS,
    )
    assert not found.kept
    np.testing.assert_allclose(found.box, (90, 110, 170, 150), atol=8)
