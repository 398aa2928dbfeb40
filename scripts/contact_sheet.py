"""Contact sheets of simulated scans for the docs, and of any folder for your own eyes.

python scripts/contact_sheet.py bags docs/pictures/bags_white.jpg --style white --seed 40
python scripts/contact_sheet.py items docs/pictures/items_prohibited.jpg --threats
python scripts/contact_sheet.py folder sheet.jpg --path FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import STYLES, Detector, colorize, detect, transmit_supersampled
from beltline.simulate import BagRecipe, Scanner, families, make_item, simulate_bag
from beltline.simulate.projection import IDENTITY, item_window, material_thickness
from beltline.simulate.raster import Beam, Window
from beltline.simulate.scanner import add_to_canvas

Rgb = NDArray[np.uint8]


def sheet(pictures: Iterable[Rgb], columns: int, width: int, height: int, paper: int = 255) -> Rgb:
    """Pictures fitted into equal cells, row by row."""
    cells = []
    for picture in pictures:
        scale = min((width - 8) / picture.shape[1], (height - 8) / picture.shape[0])
        size = (max(int(picture.shape[1] * scale), 1), max(int(picture.shape[0] * scale), 1))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        cell = np.full((height, width, 3), paper, np.uint8)
        top, left = (height - size[1]) // 2, (width - size[0]) // 2
        cell[top : top + size[1], left : left + size[0]] = small
        cells.append(cell)
    while len(cells) % columns:
        cells.append(np.full((height, width, 3), paper, np.uint8))
    rows = [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows)


def bag_pictures(style: str, seed: int, count: int, *, positives: float) -> Iterable[Rgb]:
    """Fresh bags of the test split."""
    recipe = BagRecipe(positives=positives, split="test")
    for i in range(count):
        yield simulate_bag(seed + i, recipe=recipe, scanner=Scanner(), style=style).photographs[0].rgb


def item_picture(family: str, seed: int, *, title: str) -> Rgb:
    """One item lying flat in the white style, with its name."""
    item = make_item(family, seed)
    beam = Beam(0.4, 620.0)
    found = item_window(item.parts, IDENTITY, beam)
    window = Window(found.col - 12, found.row - 12, (found.width + 25) // 2 * 2, (found.height + 25) // 2 * 2)
    canvas = np.zeros((6, window.height, window.width), np.float32)
    add_to_canvas(canvas, material_thickness(item.parts, IDENTITY, beam, window), window, window)
    low, high = transmit_supersampled(canvas, factor=2)
    low, high = detect(low, high, Detector(), np.random.default_rng(seed))
    rgb = colorize(low, high, STYLES["white"])
    scale = min(200 / rgb.shape[1], 150 / rgb.shape[0])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    card = np.full((176, 208, 3), 255, np.uint8)
    top, left = (152 - small.shape[0]) // 2, (208 - small.shape[1]) // 2
    card[top : top + small.shape[0], left : left + small.shape[1]] = small
    cv2.putText(card, title, (4, 170), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (60, 60, 60), 1, cv2.LINE_AA)
    return card


def item_pictures(*, threats: bool) -> Iterable[Rgb]:
    """One item of each prohibited (or everyday) family."""
    for name in sorted(families()):
        item = make_item(name, 3)
        if item.threat == threats:
            yield item_picture(name, 3, title=f"{name} ({item.label})" if threats else name)


def main() -> None:
    """Write one sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("bags", "items", "folder"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--style", default="white")
    parser.add_argument("--seed", type=int, default=40)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--columns", type=int)
    parser.add_argument("--positives", type=float, default=0.7)
    parser.add_argument("--threats", action="store_true")
    parser.add_argument("--path", type=Path)
    a = parser.parse_args()
    if a.what == "bags":
        picture = sheet(
            bag_pictures(a.style, a.seed, a.count, positives=a.positives), a.columns or 4, 420, 330
        )
    elif a.what == "items":
        picture = sheet(item_pictures(threats=a.threats), a.columns or 7, 212, 180)
    else:
        names = sorted(p for p in a.path.iterdir() if p.suffix.lower() in {".png", ".jpg", ".jpeg"})
        chosen = [names[int(i)] for i in np.linspace(0, len(names) - 1, min(a.count, len(names)))]
        loaded = (cv2.cvtColor(cv2.imread(str(p)), cv2.COLOR_BGR2RGB) for p in chosen)
        picture = sheet((np.asarray(image, np.uint8) for image in loaded), a.columns or 4, 420, 330)
    cv2.imwrite(str(a.out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 86])


if __name__ == "__main__":
    main()
