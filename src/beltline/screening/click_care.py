"""After-care of a cut-out mask: what the clicks mean stays, holes and crumbs go, a given mask is respected.

Pure NumPy and OpenCV. A click is a whole pixel (x, y); label 1 is on the object, 0 beside it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.screening.click_windows import Box

Mask = NDArray[np.bool_]

REACH = 3  # pixels: a click so near to a part holds it
SMALL = 0.01  # of the mask: a part that no click holds and a hole below that are noise
NEARLY_ALL = 0.8  # of the mask: what clicks beside the object alone do not throw away
_MOST = 0.5  # of a part must lie in the box, if nothing else holds it


def tidied(
    mask: Mask,
    points: ArrayLike,
    labels: ArrayLike,
    *,
    box: Box | None = None,
    previous: Mask | None = None,
) -> Mask:
    """The parts of a mask that are meant, without holes and crumbs.

    Parts stay that hold a click on the object, overlap the previous mask or, where there is a box, lie in it
    for the most part. A part that holds a click beside the object goes, unless one on it holds it as well.
    Where no click is on the object, a part that is nearly all of the mask is what those beside it mend: it
    stays, though the network did not cut out what they mean.

    Args:
        mask: (H, W).
        points: (N, 2) xy.
        labels: (N,).
        box: xyxy around the object.
        previous: (H, W), the mask so far.

    Returns:
        (H, W); empty where nothing is meant.
    """
    window = _window(mask)
    if window is None:
        return mask.copy()
    inside = mask[window]
    clicks = np.asarray(points, np.float64).reshape(-1, 2) - [window[1].start, window[0].start]
    signs = np.asarray(labels).reshape(-1)
    count, parts, stats = _parts(inside, connectivity=8)
    held, refused = (_parts_at(parts, clicks[signs == sign], count) for sign in (1, 0))
    meant = held.copy()
    if previous is not None:
        meant |= np.bincount(parts[previous[window]], minlength=count) > 0
    if box is not None:
        meant |= _mostly_in(parts, stats, box, window)
    areas = stats[:, cv2.CC_STAT_AREA]
    meant[0] = False
    if not (signs == 1).any():
        held |= meant & (areas >= NEARLY_ALL * areas[meant].sum())
    meant &= ~refused | held
    meant &= held | (areas >= SMALL * areas[meant].sum())
    result = np.zeros(mask.shape, bool)
    result[window] = _filled(meant[parts], clicks[signs == 0])
    return result


def merged(given: Mask, found: Mask, points: ArrayLike, labels: ArrayLike) -> Mask:
    """A given mask, changed only around the clicks that speak against it.

    Of the regions where both masks differ, those change that hold a click on the object outside the given
    mask, or one beside it inside. Where every click agrees with the mask, the region nearest to the last
    click does.

    Args:
        given: (H, W), to be mended.
        found: (H, W), what the network makes of it.
        points: (N, 2) xy, in the order of the clicks.
        labels: (N,).

    Source:
        Chen et al., FocalClick (CVPR 2022), progressive merge.
    """
    window = _window(given != found)
    clicks, signs = np.asarray(points, np.intp).reshape(-1, 2), np.asarray(labels).reshape(-1)
    mended = given.copy()
    if window is None or not len(clicks):
        return mended
    against = given[clicks[:, 1], clicks[:, 0]] != (signs == 1)
    clicks = clicks - [window[1].start, window[0].start]
    differs = given[window] != found[window]
    # outlines that differ by a pixel all around would tie far regions together
    solid = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    changed = _regions(solid > 0, differs, clicks, against)
    if not changed.any():
        changed = _regions(differs, differs, clicks, against)
    mended[window] = np.where(changed, found[window], given[window])
    return mended


def _regions(solid: Mask, differs: Mask, clicks: NDArray[np.intp], against: Mask) -> Mask:
    """Of the regions of ``solid`` those of the clicks, with the rim that opening took."""
    count, parts, _ = _parts(solid, connectivity=8)
    if against.any():
        chosen = _parts_at(parts, clicks[against].astype(np.float64), count)
    else:
        chosen = np.asarray(np.arange(count) == _nearest(parts, clicks[-1]), np.bool_)
    chosen[0] = False
    grown = cv2.dilate(chosen[parts].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(grown & differs)


def _nearest(parts: NDArray[np.int32], click: NDArray[np.intp]) -> int:
    places = np.argwhere(parts > 0)
    if not len(places):
        return 0
    y, x = places[np.square(places - click[::-1]).sum(axis=1).argmin()]
    return int(parts[y, x])


def _parts_at(parts: NDArray[np.int32], clicks: NDArray[np.float64], count: int) -> Mask:
    """Which parts (count,) lie within `REACH` of a click; the one it hits, or else the nearest."""
    found = np.zeros(count, bool)
    for x, y in clicks.astype(int):
        left, top = max(x - REACH, 0), max(y - REACH, 0)
        near = parts[top : max(y + REACH + 1, 0), left : max(x + REACH + 1, 0)]
        rows, columns = np.nonzero(near)
        away = np.hypot(rows + top - y, columns + left - x)
        if len(away) and away.min() <= REACH:
            found[near[rows[away.argmin()], columns[away.argmin()]]] = True
    return found


def _mostly_in(
    parts: NDArray[np.int32], stats: NDArray[np.int32], box: Box, window: tuple[slice, slice]
) -> Mask:
    x1, y1, x2, y2 = (round(value) for value in box)
    rows = slice(max(y1 - window[0].start, 0), max(y2 - window[0].start, 0))
    columns = slice(max(x1 - window[1].start, 0), max(x2 - window[1].start, 0))
    within = np.bincount(parts[rows, columns].ravel(), minlength=len(stats))
    return np.asarray(within > _MOST * stats[:, cv2.CC_STAT_AREA])


def _filled(mask: Mask, beside: NDArray[np.float64]) -> Mask:
    """Small holes closed, but none that holds a click beside the object."""
    ground = np.pad(~mask, 1, constant_values=True)
    count, holes, stats = _parts(ground, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < SMALL * mask.sum()
    small[[0, holes[0, 0]]] = False  # the object, the outside
    small &= ~_parts_at(holes, beside + 1, count)
    return np.asarray(mask | small[holes[1:-1, 1:-1]])


def _parts(mask: Mask, *, connectivity: int) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """Number of connected parts, ground included, their map and OpenCV's statistics of each."""
    found = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return int(found[0]), np.asarray(found[1], np.int32), np.asarray(found[2], np.int32)


def _window(mask: Mask) -> tuple[slice, slice] | None:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return (slice(y, y + h), slice(x, x + w)) if w else None
