"""The picture of painted threats in docs/painting.md: what a painter of lone threats paints first, by class.

    python scripts/painted_threats.py windows/test docs/pictures/painted_threats.jpg [--model starter-xsyn-1]

The windows (`beltline data inpainting --alone`) give the boxes, and stand at the end of each row as what
threats of the class look like in the simulator. Nothing is chosen: rows are the first windows of each class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from beltline.formats.inpainting_shards import InpaintingWindows, open_inpainting_shards
from beltline.synthesis.diffusion.canvas import shown_window
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.systems.xsyn.painting import paint
from beltline.systems.xsyn.window_painting import TrainedPainter, load_painter

PAINTED, SIMULATED, TILE = 6, 2, 128
TEXT = 92  # pixels for a class's name
SETTINGS = SamplerSettings(25, 2.0)


def row_of(painter: TrainedPainter, data: InpaintingWindows, label: int) -> np.ndarray:
    """A class's row: painted threats, then simulated ones."""
    rows = np.flatnonzero(data.windows["label"] == label)[:PAINTED]
    side = data.shape[1]
    boxes = np.clip(data.windows["box"][rows] / side, 0, 1).astype(np.float32)
    air = np.zeros((len(rows), 2, side, side), np.float32)
    found = paint(
        painter.net, air, [label] * len(rows), boxes, seed=[int(r) for r in rows], settings=SETTINGS
    )
    seen = [shown_window(window, "white") for window in found.windows]
    seen += [shown_window(data.painted([row])[0] / np.float32(255), "white") for row in rows[:SIMULATED]]
    name = np.full((TILE, TEXT, 3), 255, np.uint8)
    for line, word in enumerate(data.classes[label].split("_")):
        place = (4, TILE // 2 + 14 * line)
        cv2.putText(name, word, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    bar = np.full((TILE, 6, 3), 200, np.uint8)
    return np.hstack(
        [name, *(fitted(one) for one in seen[:PAINTED]), bar, *(fitted(one) for one in seen[PAINTED:])]
    )


def fitted(picture: np.ndarray) -> np.ndarray:
    """Brought to a tile."""
    return cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("windows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="starter-xsyn-1")
    given = parser.parse_args()
    painter, data = load_painter(given.model), open_inpainting_shards(given.windows)
    assert isinstance(painter, TrainedPainter)
    picture = np.vstack([row_of(painter, data, label) for label in range(len(data.classes))])
    cv2.imwrite(str(given.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
