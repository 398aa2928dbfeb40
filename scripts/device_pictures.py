"""The picture of docs/anomaly.md: devices beside their twins, a row for each kind of concealment.

Run: python -m scripts.device_pictures DEVICES [--out docs/pictures/devices.jpg]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.screening.outlines import draw_outline

PAIRS, TILE = 4, (150, 190)  # a row; height and width, pixels
CAPTION, GAP = 20, 8
SHOWN = 0.02  # smallest share of a device that is still seen at this size


def tile(shards: DeviceShards, row: int, caption: str) -> np.ndarray:
    """A device on white, the concealed thing outlined."""
    picture, size = shards.device(row).rgb, TILE
    scale = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if shards.devices[row]["positive"]:
        small = np.ascontiguousarray(small)
        draw_outline(small, shards.anomaly(row), np.array([scale, scale]))
    canvas = np.full((size[0] + CAPTION, size[1] + GAP, 3), 255, np.uint8)
    top, left = (size[0] - small.shape[0]) // 2, (size[1] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    place = (2, size[0] + CAPTION - 7)
    cv2.putText(canvas, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 60, 60), 1, cv2.LINE_AA)
    return canvas


def sheet(shards: DeviceShards) -> np.ndarray:
    """Rows of pairs, in the order of the shards' kinds."""
    area = shards.devices["height"].astype(float) * shards.devices["width"]
    rows = []
    for kind, name in enumerate(shards.kinds):
        large = (shards.devices["kind"] == kind) & (shards.devices["anomaly_px"] >= SHOWN * area)
        tiles = []
        for hidden in np.flatnonzero(large)[:PAIRS]:
            family = shards.families[shards.devices[hidden]["family"]].replace("_", " ")
            tiles += [tile(shards, hidden - 1, family), tile(shards, hidden, name.replace("_", " "))]
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("devices", type=Path, help="shards of `beltline data electronics`")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/devices.jpg"))
    given = parser.parse_args()
    picture = sheet(open_device_shards(given.devices))
    cv2.imwrite(str(given.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])


if __name__ == "__main__":
    main()
