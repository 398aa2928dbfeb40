"""Pictures of clicks on simulated bags for the docs: a row an object, one click, two, three.

python scripts/click_pictures.py docs/pictures/clicks.jpg
"""

from __future__ import annotations

import argparse
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
RECIPE = BagRecipe(positives=1.0, split="test", classes=("gun", "knife", "scissors"))


def framed(picture: Rgb, title: str) -> Rgb:
    """A picture in a white cell over its title."""
    width, height = CELL
    scale = min((width - 10) / picture.shape[1], (height - 40) / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - 30 - small.shape[0]) // 2, (width - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    place = (12, height - 12)
    cv2.putText(cell, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (60, 60, 60), 1, cv2.LINE_AA)
    return cell


def steps(clicker: Clicker, picture: Rgb, truth: NDArray[np.bool_], label: str) -> Rgb:
    """One click, two and three on one object, side by side."""
    scan = Scan(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255, "color", ("r", "g", "b"))
    points, labels, mask, cells = [centre_click(truth)], [1], None, []
    for clicks in ("1 click", "2 clicks", "3 clicks"):
        mask = clicker.cut(scan, points, labels, mask=mask).mask
        drawn = draw_clicks(picture, mask, points, labels)
        cells.append(framed(drawn, f"{label}, {clicks}: IoU {mask_iou(truth, mask):.2f}"))
        following = next_click(truth, mask, points)
        if following is not None:
            points.append((following.x, following.y))
            labels.append(int(following.positive))
    return np.concatenate(cells, axis=1)


def main() -> None:
    """Write one picture: the first prohibited object of every bag."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--seeds", default="44,47,52", help="of the bags")
    parser.add_argument("--style", default="white")
    args = parser.parse_args()
    clicker = load_clicker(args.model)
    rows = []
    for seed in map(int, args.seeds.split(",")):
        bag = simulate_bag(seed, recipe=RECIPE, scanner=Scanner(), style=args.style)
        seen = next(one for one in bag.views[0].seen if one.threat and one.mask.any())
        rows.append(steps(clicker, bag.photographs[0].rgb, seen.mask > 0, seen.label))
    cv2.imwrite(str(args.out), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
