"""Promptable segmenters for the refinement of boxes: our click model, or SAM where a user has its weights."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core import Scan
from beltline.models.sam import Sam
from beltline.screening import Clicker, load_clicker
from beltline.synthesis.diffusion.car import CarSettings
from beltline.synthesis.diffusion.promptable import Box, Mask, Pixels, Points, Segment, check_picture

CAR_WITH_CLICKS = CarSettings(heat="threshold", depth=2)
"""How boxes are refined with our click model. Shown a heat map, it follows the box it is given, and clicks
come to lie beside the object; and it believes every click. A threshold and three points ask less of it."""


def click_segment(clicker: Clicker | None = None) -> Segment:
    """Our click model as a promptable segmenter.

    The model takes boxes itself, as one of the maps of its guide: a box is given as it is, alone or with the
    clicks, and no click is made up for it; see `CAR_WITH_CLICKS`. Its masks come with the after-care of
    `Clicker.cut`: parts stay that hold a positive click or lie in the box for the most part. The same picture
    again (the same array, unchanged) is not prepared again.

    Args:
        clicker: Which one; the shipped model if None.

    Raises:
        MissingExtraError: If none is named and none is shipped.
    """
    looking = clicker or load_clicker()
    seen: list[tuple[Pixels, Scan]] = []  # the last picture

    def segment(picture: Pixels, box: Box | None, points: Points) -> Mask:
        if not seen or seen[0][0] is not picture:
            seen[:] = [(picture, _scan(picture))]
        return looking.cut(seen[0][1], points[:, :2], points[:, 2], box).mask

    return segment


def sam_segment(model: Sam) -> Segment:
    """SAM as a promptable segmenter: a box as the tokens of its two corners, as SAM was trained.

    The picture is brought to the model's side by its longer one, what is left over is white. The last
    picture's features are kept, because they are nearly all of the work.

    Args:
        model: With its weights loaded (`beltline.models.sam.load_sam_weights`).
    """
    seen: list[tuple[Pixels, Tensor]] = []  # the last picture

    @torch.inference_mode()
    def segment(picture: Pixels, box: Box | None, points: Points) -> Mask:
        height, width = check_picture(picture)
        scale = model.side / max(height, width)
        if not seen or seen[0][0] is not picture:
            seen[:] = [(picture, model.encode(_square(picture, model.side)))]
        places, labels = _prompts(box, points)
        logits = model.decode(seen[0][1], torch.from_numpy(places * scale)[None], labels[None])[0, 0]
        whole = cv2.resize(logits.float().numpy(), (model.side, model.side))
        used = whole[: max(round(height * scale), 1), : max(round(width * scale), 1)]
        return np.asarray(cv2.resize(used, (width, height)) > 0)

    return segment


def _scan(picture: Pixels) -> Scan:
    check_picture(picture)
    shares = np.asarray(np.moveaxis(picture, 2, 0) / 255, np.float32)
    return Scan(shares, "color", ("r", "g", "b"))


def _square(picture: Pixels, side: int) -> Tensor:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    shrinks = scale < 1
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    square = np.full((side, side, 3), 255, np.uint8)
    square[: size[1], : size[0]] = small
    return torch.from_numpy(np.moveaxis(square, 2, 0).astype(np.float32) / 255)[None]


def _prompts(box: Box | None, points: Points) -> tuple[NDArray[np.float32], Tensor]:
    """Places (N, 2) and labels (N,): the clicks, then a box's corners as SAM's kinds 2 and 3."""
    corners = np.reshape(np.array(box or (), np.float32), (-1, 2))
    labels = [*points[:, 2].astype(int).tolist(), *((2, 3) if box else ())]
    places = np.concatenate([points[:, :2].astype(np.float32), corners])
    return places, torch.tensor(labels, dtype=torch.int64)
