"""Drawn bags: things of random place, size and tone on white, every one another picture."""

import cv2
import numpy as np

from beltline.core import Instances
from beltline.formats import SetWriter, encode_png


def bag(seed, size=(240, 320), things=40):
    """RGB (H, W, 3)."""
    rng = np.random.default_rng(seed)
    height, width = size
    pixels = np.full((height, width, 3), 250, np.uint8)
    for _ in range(things):
        x, y = int(rng.integers(20, width - 20)), int(rng.integers(20, height - 20))
        axes = tuple(int(v) for v in rng.integers(4, 40, 2))
        color = tuple(int(v) for v in rng.integers(20, 220, 3))
        cv2.ellipse(pixels, (x, y), axes, float(rng.integers(180)), 0, 360, color, -1)
    return pixels


def write(path, pixels):
    """A PNG; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.ascontiguousarray(pixels)))


def write_bags(folder, count, first=0, **options):
    """``bag00.png`` and so on."""
    for number in range(first, first + count):
        write(folder / f"bag{number:02d}.png", bag(number, **options))


def write_set(root, pictures, raw=False):
    """A Beltline set of pictures by name, each with a label or None where nobody annotated."""
    writer = SetWriter(root, classes=("gun", "knife"))
    for name, (pixels, label) in pictures.items():
        found = None
        if label is not None:
            boxes = np.array([[8, 8, 40, 40]] if label else np.zeros((0, 4)), np.float32)
            found = Instances(boxes, (label,) if label else ())
        planes = (np.full(pixels.shape[:2], 0.5),) * 2 if raw else None
        writer.add(name, image=pixels, instances=found, raw=planes, scene={"seed": 1} if raw else None)
    writer.finish({"terms": "for tests"})
    return root
