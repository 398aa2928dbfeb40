"""What is to be painted where: Xsyn-M paints the objects of a scan anew, Xsyn-A adds one.

Source:
    Xsyn's two generators (methods 5.1); the classes by their names in `beltline.core.taxonomy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, as_boxes
from beltline.synthesis.diffusion.promptable import Box, box_in_picture
from beltline.synthesis.diffusion.regions import Region


@dataclass(frozen=True)
class PaintTask:
    """One object to be painted.

    Attributes:
        label: Its class.
        box: Layout box, xyxy, pixels.
        keep: Boxes of the other objects, whose annotation stays as it is.
    """

    label: str
    box: Box
    keep: tuple[Box, ...] = ()


@dataclass(frozen=True)
class SizeGroups:
    """Which classes fit a region, by its area.

    Attributes:
        small: Classes of regions below the first bound.
        middle: Of those between.
        large: Of those from the second bound.
        bounds_px: Areas, pixels.
        picture_px: Pixels of the pictures for which they hold; they are scaled to others.
    """

    small: tuple[str, ...]
    middle: tuple[str, ...]
    large: tuple[str, ...]
    bounds_px: tuple[float, float]
    picture_px: float

    def __post_init__(self) -> None:
        low, high = self.bounds_px
        if not (0 < low <= high and self.picture_px > 0):
            raise ValueError(
                "bounds_px must be 0 < first <= second and picture_px above 0, got "
                f"{self.bounds_px} and {self.picture_px}"
            )

    def classes(self, area_px: float, shape: tuple[int, int]) -> tuple[str, ...]:
        """The classes of a region of a picture (H, W); may be empty.

        Example:
            >>> [PIDRAY_GROUPS.classes(area, (448, 480)) for area in (9_000, 30_000)]
            [('lighter', 'bullet'), ('hammer',)]
        """
        low, high = (bound * shape[0] * shape[1] / self.picture_px for bound in self.bounds_px)
        if area_px < low:
            return self.small
        return self.middle if area_px < high else self.large

    def only(self, classes: Iterable[str]) -> SizeGroups:
        """The groups without all other classes.

        Raises:
            ValueError: If none is left, or a class is in no group.
        """
        wanted = tuple(classes)
        groups = (self.small, self.middle, self.large)
        unknown = set(wanted) - {label for group in groups for label in group}
        if unknown or not wanted:
            raise ValueError(
                f"expected classes out of the size groups, got {', '.join(sorted(unknown)) or 'none'};"
                " give groups that hold them"
            )
        small, middle, large = (tuple(label for label in group if label in wanted) for group in groups)
        return replace(self, small=small, middle=middle, large=large)


#: Bounds and the small and large groups are the released code's; the size of the pictures is that of the
#: PIDray files we saw, about 480 x 448.
PIDRAY_GROUPS = SizeGroups(
    small=("lighter", "bullet"),
    middle=(
        "baton", "pliers", "battery", "scissors", "wrench", "gun", "pressure_vessel", "handcuffs", "knife",
    ),
    large=("hammer",),
    bounds_px=(10_000, 25_000),
    picture_px=448 * 480,
)  # fmt: skip


def repaint_tasks(labels: Sequence[str], boxes: Sequence[Box] | NDArray[Any]) -> tuple[PaintTask, ...]:
    """Xsyn-M: every object of a scan painted anew, of its class and in its box.

    Args:
        labels: N classes.
        boxes: (N, 4) xyxy, pixels.

    Raises:
        ShapeError: If labels and boxes differ in number.
        ValueError: If a box is empty.

    Example:
        >>> [task.keep for task in repaint_tasks(["gun", "knife"], [(0, 0, 4, 4), (5, 5, 9, 9)])]
        [((5.0, 5.0, 9.0, 9.0),), ((0.0, 0.0, 4.0, 4.0),)]
    """
    known = _boxes(boxes)
    if len(labels) != len(known):
        raise ShapeError(f"expected a label for each box, got {len(labels)} and {len(known)}")
    return tuple(
        PaintTask(label, box, (*known[:number], *known[number + 1 :]))
        for number, (label, box) in enumerate(zip(labels, known, strict=True))
    )


def add_task(
    regions: Sequence[Region],
    boxes: Sequence[Box] | NDArray[Any],
    shape: tuple[int, int],
    rng: np.random.Generator,
    groups: SizeGroups = PIDRAY_GROUPS,
) -> PaintTask | None:
    """Xsyn-A: one object more, in a region by chance, of a class by chance among those of its size.

    Args:
        regions: Where one may lie (`beltline.synthesis.diffusion.regions`).
        boxes: (N, 4) xyxy, pixels: the objects that are there, all kept.
        shape: (H, W) of the picture.
        rng: Source of chance.
        groups: Classes by size; regions whose group is empty are passed over.

    Returns:
        None where no region is left.

    Source:
        Size as the area of the region's mask: methods 5.1; read as the mask's, not the box's, by us.
    """
    usable = [region for region in regions if groups.classes(region.area_px, shape)]
    if not usable:
        return None
    region = usable[int(rng.integers(len(usable)))]
    classes = groups.classes(region.area_px, shape)
    label = classes[int(rng.integers(len(classes)))]
    return PaintTask(label, box_in_picture(region.box, shape), _boxes(boxes))


def _boxes(boxes: Sequence[Box] | NDArray[Any]) -> tuple[Box, ...]:
    known = as_boxes(boxes)
    if (known[:, 2:] <= known[:, :2]).any():
        raise ValueError("boxes of objects must not be empty; leave those out that lie outside the scan")
    return tuple((float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in known)
