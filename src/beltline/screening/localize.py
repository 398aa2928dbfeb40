"""From a class map, or a detector's boxes, to points and boxes on the scan."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.screening.prepare import Letterbox

_CELL = 4  # class maps are brought to one cell per 4 network pixels before the box is cut


def fine_map(cam: NDArray[np.float32], letterbox: Letterbox) -> NDArray[np.float32]:
    """One class map on the content of the network's image, air padding cut away.

    Args:
        cam: (h, w) class-map logits over the whole network image.
        letterbox: Where the scan lies in that image.

    Returns:
        (h', w') float32, one cell per 4 network pixels, at least 1 by 1, covering the scan's region exactly.
    """
    width, height = letterbox.content
    size = (max(round(width / _CELL), 1), max(round(height / _CELL), 1))
    # centre of fine cell i in cells of the map: ((i + 0.5) * width / size + pad) * cells per pixel - 0.5
    sx, sy = cam.shape[1] / letterbox.size[0], cam.shape[0] / letterbox.size[1]
    step_x, step_y = width / size[0], height / size[1]
    source = np.array(
        [
            [step_x * sx, 0.0, (0.5 * step_x + letterbox.pad[0]) * sx - 0.5],
            [0.0, step_y * sy, (0.5 * step_y + letterbox.pad[1]) * sy - 0.5],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(cam, source, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine, dtype=np.float32)


def activation(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """A class map in 0..1: 0 at its median (the bag's background) and below, 1 at its maximum.

    Class-map logits have no natural zero, so the median takes that place. A flat map gives zeros.
    """
    base, top = float(np.median(fine)), float(fine.max())
    if not top > base:
        return np.zeros_like(fine)
    return np.asarray(np.clip((fine - base) / (top - base), 0.0, 1.0), dtype=np.float32)


def boxes_on_scan(boxes: NDArray[np.floating[Any]], letterbox: Letterbox) -> NDArray[np.float64]:
    """Boxes (M, 4) xyxy of the network's image in pixels of the scan, cut to the scan."""
    corners = letterbox.to_scan(boxes.astype(np.float64).reshape(-1, 2)).reshape(-1, 4)
    return np.clip(corners, 0.0, np.tile(letterbox.scan_size, 2))


def point_and_box(
    cam: NDArray[np.float32], letterbox: Letterbox, *, box_threshold: float
) -> tuple[tuple[float, float], tuple[float, float, float, float]]:
    """Where a class was seen, in pixels of the scan.

    The point is the map's maximum; the box holds the connected cells around it whose activation
    (`activation`) reaches ``box_threshold``.

    Args:
        cam: (h, w) class-map logits.
        letterbox: Where the scan lies in the network's image.
        box_threshold: In (0, 1).

    Returns:
        Point (x, y) and box (x1, y1, x2, y2), right and bottom exclusive, inside the scan.

    Source:
        Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016, section 3.2.
    """
    fine = fine_map(cam, letterbox)
    row, column = np.unravel_index(int(np.argmax(fine)), fine.shape)
    mask = (activation(fine) >= box_threshold).astype(np.uint8)
    mask[row, column] = 1
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height = (int(v) for v in stats[labels[row, column]][:4])
    cell_x = letterbox.content[0] / fine.shape[1]
    cell_y = letterbox.content[1] / fine.shape[0]
    corners = np.array(
        [
            ((column + 0.5) * cell_x, (row + 0.5) * cell_y),
            (left * cell_x, top * cell_y),
            ((left + width) * cell_x, (top + height) * cell_y),
        ]
    )
    (px, py), (x1, y1), (x2, y2) = letterbox.to_scan(corners + np.array(letterbox.pad))
    return (float(px), float(py)), (float(x1), float(y1), float(x2), float(y2))
