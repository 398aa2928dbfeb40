"""A single threat over air as an inpainting window, whatever it comes from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.core.square_window import window_around
from beltline.formats.inpainting_shards import InpaintingWindow, Pixels

LONE_SIDE = 128  # pixels of a window
LONE_SHARE = (0.75, 0.95)  # of its side that the longer side of the threat takes, from and to
Floats = NDArray[np.float32]


def lone_window(
    planes: Floats,
    covered: NDArray[np.bool_],
    label: int,
    *,
    share: float,
    size: int = LONE_SIDE,
    code: Callable[[Floats], Floats] = lambda planes: planes,
) -> InpaintingWindow:
    """The threat in the middle of a window, air around it and behind it.

    Args:
        planes: (C, h, w) transmissions or colours in [0, 1], 1 is air.
        covered: (h, w), the threat's pixels, at least one.
        label: Number of its class.
        share: Of the window's side that the threat's longer side takes, in (0, 1].
        size: Side of the window, pixels.
        code: What is stored of the planes, see `beltline.formats.inpainting_shards`.
    """
    rows, columns = mask_window(covered)
    box = (columns.start, rows.start, columns.stop, rows.stop)
    window = window_around(box, size, share=share, least=1)
    painted, air = (stored(code(part)) for part in (window.cut(planes, 1.0), np.ones_like(planes[:, :1, :1])))
    mask = window.cut(covered[None].astype(np.float32), 0.0)[0] >= 0.5
    facts = (label, tuple(window.box_inside(box).tolist()), window.scale, 0.0)
    return InpaintingWindow(painted, np.broadcast_to(air, painted.shape).copy(), mask, facts)


def stored(planes: Floats) -> Pixels:
    """Shares in [0, 1] as eight bits."""
    return np.asarray(np.rint(255 * np.clip(planes, 0, 1)), np.uint8)
