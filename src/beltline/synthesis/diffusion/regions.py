"""Regions of a scan where an object may lie: masks of any source, filtered as the released code does.

Source:
    Xsyn-A's choice of regions and BOM's (methods 5.1 and 5.3): SAM's automatic masks, sorted by area, the two
    largest dropped, little overlap with the known boxes, an area within bounds of the data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, as_boxes, box_iou, mask_window
from beltline.synthesis.diffusion.promptable import Box, Mask, Pixels, check_picture

MaskSource: TypeAlias = Callable[[Pixels], Iterable[Mask]]
"""Everything that can be told apart in a picture (H, W, 3), masks (H, W), in any order; those of the
background and of the bag among them."""


@dataclass(frozen=True, eq=False)
class Region:
    """A region of a picture.

    Attributes:
        box: Its rectangle, xyxy, whole pixels.
        mask: (h, w) bool, its shape in the rectangle.
    """

    box: tuple[int, int, int, int]
    mask: Mask

    @property
    def area_px(self) -> int:
        """Pixels of the mask."""
        return int(self.mask.sum())

    def whole(self, shape: tuple[int, int]) -> Mask:
        """The mask in a picture (H, W)."""
        x1, y1, x2, y2 = self.box
        found = np.zeros(shape, np.bool_)
        found[y1:y2, x1:x2] = self.mask
        return found


def region_of(mask: NDArray[Any]) -> Region:
    """The region of a mask (H, W) that is not empty."""
    inside = np.asarray(mask) > 0
    rows, columns = mask_window(inside)
    return Region((columns.start, rows.start, columns.stop, rows.stop), inside[rows, columns])


@dataclass(frozen=True)
class RegionRule:
    """Which regions may hold an object.

    Attributes:
        least_px: Smallest area, pixels.
        most_px: Largest area, pixels.
        picture_px: Pixels of the pictures for which the areas hold; they are scaled to others.
        most_iou: Largest IoU with a known box; what reaches it is left out.
        dropped: So many of the largest masks are left out: background and bag.
    """

    least_px: float
    most_px: float
    picture_px: float
    most_iou: float = 0.2
    dropped: int = 2

    def __post_init__(self) -> None:
        if not (0 < self.least_px < self.most_px and self.picture_px > 0):
            raise ValueError(
                "areas must be 0 < least_px < most_px and picture_px above 0, got "
                f"{self.least_px}, {self.most_px} and {self.picture_px}"
            )
        if not 0 < self.most_iou <= 1 or self.dropped < 0:
            raise ValueError(
                f"most_iou must be in (0, 1] and dropped at least 0, got {self.most_iou} and {self.dropped}"
            )

    def areas(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Smallest and largest area in a picture (H, W), pixels."""
        share = shape[0] * shape[1] / self.picture_px
        return self.least_px * share, self.most_px * share


#: The areas are the released code's. The sizes of the pictures are ours: 448 pixels high and about 480 wide
#: in the PIDray files we saw, 1225 x 954 in OPIXray, 1200 x 900 on average by HiXray's paper.
RULES: Mapping[str, RegionRule] = MappingProxyType(
    {
        "pidray": RegionRule(500, 30_000, 448 * 480),
        "opixray": RegionRule(1_050, 60_000, 1225 * 954),
        "hixray": RegionRule(1_400, 290_000, 1200 * 900),
    }
)


def free_regions(
    masks: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    boxes: Sequence[Box] | NDArray[Any] = (),
    rule: RegionRule = RULES["pidray"],
) -> tuple[Region, ...]:
    """The regions in which an object may be painted, or which may cover one.

    Args:
        masks: Of (H, W), in any order; empty ones are passed over.
        shape: (H, W).
        boxes: (N, 4) xyxy, pixels: known objects.
        rule: Which ones.

    Returns:
        The largest first.

    Raises:
        ShapeError: If a mask has another size, or the boxes are not (N, 4).

    Example:
        >>> masks = [np.ones((100, 100), bool), np.ones((100, 100), bool), np.zeros((100, 100), bool)]
        >>> masks[2][10:30, 20:50] = True
        >>> [region.box for region in free_regions(masks, (100, 100))]
        [(20, 10, 50, 30)]
    """
    least, most = rule.areas(shape)
    known = as_boxes(boxes)
    found = []
    for mask in masks:
        if mask.shape != shape:
            raise ShapeError(f"expected masks {shape}, as the picture, got {mask.shape}")
        if mask.any():
            found.append(region_of(mask))
    found.sort(key=lambda region: region.area_px, reverse=True)
    return tuple(
        region
        for region in found[rule.dropped :]
        if least <= region.area_px <= most and (box_iou([region.box], known) < rule.most_iou).all()
    )


def propose(
    picture: Pixels,
    source: MaskSource,
    boxes: Sequence[Box] | NDArray[Any] = (),
    rule: RegionRule = RULES["pidray"],
) -> tuple[Region, ...]:
    """`free_regions` of a picture (H, W, 3)."""
    return free_regions(source(picture), check_picture(picture), boxes, rule)
