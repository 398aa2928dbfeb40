"""Background occlusion (BOM): regions of the background laid over painted objects, in latent space.

NumPy only. What is occluded is drawn first (`draw_occlusions`) and then done (`occlude`), so that it can be
written down. Annotation comes before: boxes and masks are those of the object without its occlusion.

Source:
    Xsyn's DDIM sampler, latent redistribution (methods 5.3). The mask-shaped blend and a range of alpha are
    ours; the same in image space, by physics: `beltline.synthesis.diffusion.bom_transmission`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, as_boxes
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.diffusion.regions import Region

OcclusionShape = Literal["window", "mask"]
Floats = NDArray[np.float32]
Cells = tuple[int, int, int, int]  # x1, y1, x2, y2 of a grid of cells, right and bottom exclusive


@dataclass(frozen=True)
class BomSettings:
    """How objects are occluded; the defaults are the released code's.

    Attributes:
        alpha: Share of the background in the blend, drawn between the two, in [0, 1]; 0 changes nothing.
        shape: The whole ``window`` of a region, as released, or only its ``mask``.
        shared: One region of the background for all objects of a picture, as released, or one for each.
    """

    alpha: tuple[float, float] = (0.3, 0.3)
    shape: OcclusionShape = "window"
    shared: bool = True

    def __post_init__(self) -> None:
        low, high = self.alpha
        if not 0 <= low <= high <= 1:
            raise ValueError(f"alpha must be (least, most) with 0 <= least <= most <= 1, got {self.alpha}")
        if self.shape not in get_args(OcclusionShape):
            raise ValueError(f"shape must be one of {get_args(OcclusionShape)}, got {self.shape!r}")


@dataclass(frozen=True, eq=False)
class Occlusion:
    """One window of the background over one object, in cells of a grid: latents, or pixels.

    Attributes:
        source: Row and column of the window's first cell in the background.
        corner: Row and column of its first cell where it is laid.
        weight: (h, w) float32 in [0, 1]: alpha in the window, or in the region's shape alone.
    """

    source: tuple[int, int]
    corner: tuple[int, int]
    weight: Floats

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns that change."""
        return _window(self.corner, self.weight.shape)

    @property
    def source_window(self) -> tuple[slice, slice]:
        """Rows and columns of the background that are laid there."""
        return _window(self.source, self.weight.shape)


def draw_occlusions(
    boxes: Sequence[Box] | NDArray[Any],
    regions: Sequence[Region],
    grid: tuple[int, int],
    rng: np.random.Generator,
    settings: BomSettings | None = None,
    *,
    cell: int = 8,
) -> tuple[Occlusion, ...]:
    """An occlusion for each object: a region of the background, placed so that it overlaps the object.

    The window's first cell is drawn evenly from all at which it meets the object's box and starts inside the
    grid; what sticks out at the far sides is cut off.

    Args:
        boxes: (N, 4) xyxy of the objects, pixels.
        regions: Of the background, pixels (`beltline.synthesis.diffusion.regions`); none gives no occlusion.
        grid: (h, w), cells.
        rng: Source of chance.
        settings: How; as released if None.
        cell: Pixels a cell: 8 for the latents of Stable Diffusion, 1 for pixels.

    Raises:
        ValueError: If a box or a region lies outside the grid, or ``cell`` is smaller than 1.

    Source:
        The released code's first cells start a window's side before the box, where the window only touches
        it; ours start one later.
    """
    settings = settings or BomSettings()
    if cell < 1:
        raise ValueError(f"cell must be at least 1 pixel, got {cell}")
    if not len(regions):
        return ()
    shared = int(rng.integers(len(regions)))
    found = []
    for box in as_boxes(boxes):
        region = regions[shared if settings.shared else int(rng.integers(len(regions)))]
        alpha = float(rng.uniform(*settings.alpha))
        found.append(_placed(_cells(box, cell, grid), region, grid, rng, alpha, settings.shape, cell))
    return tuple(found)


def occlude(latents: Floats, background: Floats, occlusions: Iterable[Occlusion]) -> Floats:
    """Latents with the background blended over them: z' = a z_bg[B] + (1 - a) z in each window.

    Args:
        latents: (C, h, w), of the painted picture, after the last step or within the loop.
        background: (C, h, w), of the picture before, with the noise that ``latents`` still have.
        occlusions: One after another; drawn for this grid.

    Returns:
        (C, h, w) float32; outside the windows as it was, bit by bit.

    Raises:
        ShapeError: If the two differ in shape, or an occlusion was drawn for a larger grid.

    Example:
        >>> half = Occlusion((0, 0), (1, 1), np.full((1, 1), 0.5, np.float32))
        >>> occlude(np.zeros((1, 2, 2), np.float32), np.full((1, 2, 2), 4.0, np.float32), [half])[0]
        array([[0., 0.],
               [0., 2.]], dtype=float32)
    """
    if latents.ndim != 3 or latents.shape != background.shape:
        raise ShapeError(
            f"expected latents and background (C, h, w) of one shape, got {latents.shape} and"
            f" {background.shape}"
        )
    out = np.array(latents, np.float32)
    for one in occlusions:
        check_fits(one, latents.shape[1:], background.shape[1:])
        under = out[(slice(None), *one.window)]
        over = np.asarray(background[(slice(None), *one.source_window)], np.float32)
        # z + a (z_bg - z): exactly z where a = 0
        out[(slice(None), *one.window)] = under + one.weight * (over - under)
    return out


def check_fits(one: Occlusion, grid: tuple[int, ...], background: tuple[int, ...]) -> None:
    """Raise a ShapeError if an occlusion reaches out of a grid (h, w) or of its background."""
    for window, size in ((one.window, grid), (one.source_window, background)):
        if any(part.stop > side for part, side in zip(window, size, strict=True)):
            raise ShapeError(
                f"an occlusion reaches rows {window[0].stop} and columns {window[1].stop} of {tuple(size)};"
                " draw it for this grid"
            )


def _placed(
    box: Cells,
    region: Region,
    grid: tuple[int, int],
    rng: np.random.Generator,
    alpha: float,
    shape: OcclusionShape,
    cell: int,
) -> Occlusion:
    source = _cells(region.box, cell, grid)
    height, width = source[3] - source[1], source[2] - source[0]
    column = int(rng.integers(max(box[0] - width + 1, 0), box[2]))
    row = int(rng.integers(max(box[1] - height + 1, 0), box[3]))
    weight = np.ones((height, width), np.float32) if shape == "window" else _shape_of(region, source, cell)
    cut = weight[: grid[0] - row, : grid[1] - column]
    return Occlusion((source[1], source[0]), (row, column), np.float32(alpha) * cut)


def _cells(box: Sequence[float] | NDArray[Any], cell: int, grid: tuple[int, int]) -> Cells:
    """The cells that a box of pixels touches."""
    x1, y1 = (max(int(np.floor(value / cell)), 0) for value in box[:2])
    x2, y2 = (min(int(np.ceil(value / cell)), side) for value, side in zip(box[2:], grid[::-1], strict=True))
    if x1 >= x2 or y1 >= y2:
        raise ValueError(
            f"box {tuple(float(value) for value in box)} holds nothing of {grid[1]} x {grid[0]} cells of"
            f" {cell} pixels"
        )
    return x1, y1, x2, y2


def _shape_of(region: Region, source: Cells, cell: int) -> Floats:
    """Share of each cell that the region's mask covers."""
    width, height = source[2] - source[0], source[3] - source[1]
    canvas = np.zeros((height * cell, width * cell), np.float32)
    x, y = region.box[0] - source[0] * cell, region.box[1] - source[1] * cell
    part = region.mask[: height * cell - y, : width * cell - x]  # cells cut off at the grid's far sides
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _window(corner: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    row, column = corner
    return slice(row, row + shape[0]), slice(column, column + shape[1])
