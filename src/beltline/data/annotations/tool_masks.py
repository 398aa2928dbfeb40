"""Masks on the way into an annotation tool, which holds a mask or a box an object, and what that loses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Masks
from beltline.data.annotations.annotated import AnnotatedObject, Picture
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.polygons import run_length

_NEAR_PX = 1e-3  # COCO's boxes have four digits


def tool_mask(item: AnnotatedObject, picture: Picture, losses: Losses) -> NDArray[np.bool_] | None:
    """The mask (H, W) of an object to be written; None where only its box is.

    Args:
        item: The object; run lengths must be of the size of the picture.
        picture: Its picture, with the size.
        losses: Takes what a mask cannot tell: the points of polygons, a box of its own.

    Raises:
        BadInputError: If the size is not known.
    """
    if picture.size is None:
        raise BadInputError(f"{picture.file}: a mask needs the size of the image, which is not known")
    if not item.outline:
        return None
    masks = Masks.from_coco([run_length(item.outline, picture.size)], picture.size)
    if not masks.areas()[0]:
        losses.add("empty_mask", picture.file)
        return None
    if not isinstance(item.outline, Mapping):
        losses.add("polygon", picture.file)
    elif np.abs(masks.boxes()[0] - np.asarray(item.box)).max() > _NEAR_PX:
        losses.add("mask_box", picture.file)
    return masks[0]
