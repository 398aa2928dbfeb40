"""Click shards in small: knives of two materials, some touching their twin, on a white bag."""

from pathlib import Path

import numpy as np

from beltline.formats.click_shards import OBJECT, ClickBag, write_click_classes, write_click_shard

HEIGHT, WIDTH = 96, 128
FAMILIES, LABELS = ("knife", "bottle"), ("", "knife")


def write_click_shards(folder: Path, bags: int = 3) -> Path:
    """Bags with a knife of metal blade and plain handle, its twin beside it in every second, and a bottle."""
    folder.mkdir(parents=True, exist_ok=True)
    write_click_classes(folder, FAMILIES, LABELS)
    write_click_shard(folder, 0, [_bag(number) for number in range(bags)])
    return folder


def _bag(number: int) -> ClickBag:
    image = np.full((3, HEIGHT, WIDTH), 250, np.uint8)
    energies = np.full((2, HEIGHT, WIDTH), 240, np.uint8)
    x = 20 + 4 * number
    things = [(x, 20, x + 50, 32, 0, 1), (90, 50, 110, 84, 1, 0)]
    if number % 2 == 0:
        things.append((x, 32, x + 50, 44, 0, 1))
    objects, windows = np.zeros(len(things), OBJECT), []
    for row, (x1, y1, x2, y2, family, label) in enumerate(things):
        mask = np.ones((y2 - y1, x2 - x1), bool)
        metal = mask & (np.arange(x2 - x1) < 30) & bool(label)  # the blade
        window = np.stack([mask, metal])
        image[:, y1:y2, x1:x2] = np.where(metal, [[[60]], [[90]], [[200]]], [[[230]], [[150]], [[80]]])
        energies[:, y1:y2, x1:x2] = np.where(metal, 60, 150)
        one = objects[row]
        one["family"], one["label"], one["threat"] = family, label, bool(label)
        one["x1"], one["y1"], one["x2"], one["y2"] = x1, y1, x2, y2
        one["area_px"], one["metal_share"] = mask.sum(), metal.mean()
        one["twin"], one["group"] = -1, row
        windows.append(window)
    if number % 2 == 0:
        objects["twin"][[0, 2]] = 2, 0
        objects["group"][2] = 0
    return ClickBag(image, energies, (8.0, 8.0, 120.0, 90.0), 0, objects, windows)
