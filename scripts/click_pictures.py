"""Pictures of clicks on simulated bags for the docs.

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
from beltline.simulate import BagRecipe, Scanner, simulate_bag

Rgb = NDArray[np.uint8]
ON, OFF, OUTLINE = (20, 130, 20), (200, 30, 30), (210, 0, 120)


def drawn(picture: Rgb, mask: NDArray[np.bool_], clicks: list[tuple[int, int, int]], title: str) -> Rgb:
    """Outline and clicks over the picture, upright crosses on the object and diagonal ones beside it."""
    out = picture.copy()
    lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out, lines, -1, OUTLINE, 2, cv2.LINE_AA)
    for x, y, label in clicks:
        kind = cv2.MARKER_CROSS if label else cv2.MARKER_TILTED_CROSS
        cv2.drawMarker(out, (x, y), (255, 255, 255), kind, 22, 6, cv2.LINE_AA)
        cv2.drawMarker(out, (x, y), ON if label else OFF, kind, 18, 3, cv2.LINE_AA)
    cv2.putText(
        out, title, (8, out.shape[0] - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (60, 60, 60), 1, cv2.LINE_AA
    )
    return out


def steps(clicker: Clicker, picture: Rgb, truth: NDArray[np.bool_], label: str) -> list[Rgb]:
    """One click, two and three on one object."""
    scan = Scan(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255, "color", ("r", "g", "b"))
    x, y = centre_click(truth)
    clicks, mask, out = [(x, y, 1)], None, []
    for number in range(3):
        places, signs = [c[:2] for c in clicks], [c[2] for c in clicks]
        mask = clicker.cut(scan, places, signs, mask=mask).mask
        title = f"{label}, {number + 1} click{'s' * (number > 0)}: IoU {mask_iou(truth, mask):.2f}"
        out.append(drawn(picture, mask, clicks, title))
        following = next_click(truth, mask, clicks)
        if following is not None:
            clicks.append((following.x, following.y, int(following.positive)))
    return out


def main() -> None:
    """Write one picture: a row an object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--seeds", default="40,44,47", help="of the bags")
    parser.add_argument("--style", default="white")
    args = parser.parse_args()
    clicker = load_clicker(args.model, trust=True)
    rows = []
    for seed in map(int, args.seeds.split(",")):
        recipe = BagRecipe(positives=1.0, split="test", classes=("gun", "knife", "scissors"))
        bag = simulate_bag(seed, recipe=recipe, scanner=Scanner(), style=args.style)
        seen = next(one for one in bag.views[0].seen if one.threat and one.mask.any())
        pictures = steps(clicker, bag.photographs[0].rgb, seen.mask > 0, seen.label)
        rows.append(
            np.concatenate([cv2.resize(one, (520, 370), interpolation=cv2.INTER_AREA) for one in pictures], 1)
        )
    sheet = np.concatenate(rows)
    cv2.imwrite(str(args.out), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
