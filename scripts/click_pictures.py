"""Pictures of clicks on simulated bags for the docs: a row an object, one click, two, three.

Of each class the first object in the bags from a seed on, whatever comes of it.

python scripts/click_pictures.py docs/pictures/clicks.jpg
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan
from beltline.metrics import centre_click, mask_iou, next_click
from beltline.screening import Clicker, load_clicker
from beltline.screening.outlines import draw_clicks
from beltline.simulate import BagRecipe, Scanner, simulate_bag

Rgb = NDArray[np.uint8]
CELL = (560, 400)
AROUND = 2.2  # shown of the bag: so many times the object's longer side
CLASSES = ("gun", "knife", "scissors")
RECIPE = BagRecipe(positives=1.0, split="test", classes=CLASSES)


def framed(picture: Rgb, title: str) -> Rgb:
    """A picture in a white cell over its title."""
    width, height = CELL
    scale = min((width - 10) / picture.shape[1], (height - 40) / picture.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)
    cell = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - 30 - small.shape[0]) // 2, (width - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    place = (12, height - 12)
    cv2.putText(cell, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (60, 60, 60), 1, cv2.LINE_AA)
    return cell


def first_of_each(seed: int, style: str) -> Iterator[tuple[str, Rgb, NDArray[np.bool_]]]:
    """Class, picture and mask."""
    wanted = list(CLASSES)
    while wanted:
        bag = simulate_bag(seed, recipe=RECIPE, scanner=Scanner(), style=style)
        for seen in bag.views[0].seen:
            if seen.label in wanted and seen.mask.any():
                wanted.remove(seen.label)
                yield seen.label, bag.photographs[0].rgb, seen.mask > 0
        seed += 1


def around(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the scan about the object, in the proportions of a cell."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    half = AROUND * max(np.ptp(rows) + 1, np.ptp(columns) + 1) / 2
    low, middle = (int(rows[0] + rows[-1]) // 2, int(columns[0] + columns[-1]) // 2)
    wide = half * CELL[0] / CELL[1]
    return (
        slice(max(low - round(half), 0), low + round(half)),
        slice(max(middle - round(wide), 0), middle + round(wide)),
    )


def steps(clicker: Clicker, picture: Rgb, truth: NDArray[np.bool_], label: str) -> Rgb:
    """One click, two and three on one object, side by side."""
    scan = Scan(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255, "color", ("r", "g", "b"))
    points, labels, mask, cells = [centre_click(truth)], [1], None, []
    for clicks in ("1 click", "2 clicks", "3 clicks"):
        mask = clicker.cut(scan, points, labels, mask=mask).mask
        drawn = draw_clicks(picture, mask, points, labels)[around(truth)]
        cells.append(framed(drawn, f"{label}, {clicks}: IoU {mask_iou(truth, mask):.2f}"))
        following = next_click(truth, mask, points)
        if following is not None:
            points.append((following.x, following.y))
            labels.append(int(following.positive))
    return np.concatenate(cells, axis=1)


def main() -> None:
    """Write one picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--seed", type=int, default=40, help="of the first bag")
    parser.add_argument("--style", default="white")
    args = parser.parse_args()
    clicker = load_clicker(args.model)
    objects = first_of_each(args.seed, args.style)
    rows = [steps(clicker, picture, truth, label) for label, picture, truth in objects]
    cv2.imwrite(str(args.out), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
