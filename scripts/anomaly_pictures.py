"""The second picture of docs/anomaly.md: what an anomaly model sees in devices and in their benign twins.

Of each device its picture with the truth outlined, the probability of every place that something is hidden
there, and its parts: magenta those that seem anomalous, green the others; below, what was decided. Devices
are the first of each kind that are large enough to see, whatever the model says of them.

Run: python -m scripts.anomaly_pictures MODEL DEVICES [--out docs/pictures/anomalies.jpg]
"""

import argparse
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from benchmarks.electronics import run
from scripts.device_pictures import CAPTION, GAP, SHOWN

from beltline.core.device_parts import CutDevice
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.screening import ScreeningModel, load_model
from beltline.screening.device_map import part_logits, place_logits
from beltline.screening.labels import JUDGED
from beltline.screening.outlines import draw_outline
from beltline.screening.tasks.anomaly import Judging, looking

TILE = (140, 170)  # height and width, pixels
PFA = 0.05


def views(model: ScreeningModel, shards: DeviceShards, row: int) -> tuple[list[np.ndarray], str]:
    """Picture, heat and parts of a device, and the decision."""
    device, card = shards.device(row), model.card
    places = place_logits(looking(partial(run, model)), device, (card.long_side, card.long_side))
    judging = Judging.of(card)
    probs = _probability(part_logits(device, places), card)
    (score,) = judging.fuse(probs, device.areas, np.zeros(len(probs), int), 1)
    alarm = score >= card.thresholds_at(PFA)[0]
    plain = _fitted(device.rgb)
    scale = np.array([plain.shape[1] / device.rgb.shape[1], plain.shape[0] / device.rgb.shape[0]])
    truth = plain.copy()
    if shards.devices[row]["positive"]:
        draw_outline(truth, shards.anomaly(row), scale)
    return [truth, _heat(device, places, card), _parts(plain, device, probs, judging, scale)], (
        f"{'ALARM' if alarm else 'clear'} {score:.2f}"
    )


def _probability(logits: np.ndarray, card) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(card.scale[0] * logits + card.bias[0], -60, 60)))


def _fitted(picture: np.ndarray) -> np.ndarray:
    scale = min(TILE[0] / picture.shape[0], TILE[1] / picture.shape[1])
    return np.ascontiguousarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _heat(device: CutDevice, places: np.ndarray, card) -> np.ndarray:
    """Darker where something is more likely hidden; a quarter of the picture shines through."""
    strength = np.where(device.mask, _probability(places, card), 0)
    levels = (255 * np.clip(strength, 0, 1)).astype(np.uint8)
    colors = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    mixed = np.where(device.mask[..., None], 0.75 * colors + 0.25 * device.rgb, 255)
    return _fitted(mixed.astype(np.uint8))


def _parts(plain: np.ndarray, device: CutDevice, probs, judging: Judging, scale) -> np.ndarray:
    canvas = plain.copy()
    seems = probs >= judging.part_threshold
    for number in np.flatnonzero(~seems):
        mask = cv2.resize((device.labels == number).astype(np.uint8), plain.shape[1::-1])
        rings, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, rings, -1, JUDGED, 1, cv2.LINE_AA)
    for number in np.flatnonzero(seems):
        draw_outline(canvas, device.labels == number, scale)
    return canvas


def tile(pictures: list[np.ndarray], caption: str) -> np.ndarray:
    """The views side by side over a caption."""
    canvas = np.full((TILE[0] + CAPTION, len(pictures) * (TILE[1] + GAP) + GAP, 3), 255, np.uint8)
    for n, picture in enumerate(pictures):
        top, left = (TILE[0] - picture.shape[0]) // 2, n * (TILE[1] + GAP) + (TILE[1] - picture.shape[1]) // 2
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    place = (2, TILE[0] + CAPTION - 7)
    cv2.putText(canvas, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    return canvas


def sheet(model: ScreeningModel, shards: DeviceShards, each: int) -> np.ndarray:
    """A row for each device: with what is concealed, and its twin."""
    area = shards.devices["height"].astype(float) * shards.devices["width"]
    rows = []
    for kind, name in enumerate(shards.kinds):
        large = (shards.devices["kind"] == kind) & (shards.devices["anomaly_px"] >= SHOWN * area)
        for hidden in np.flatnonzero(large)[:each]:
            family = shards.families[shards.devices[hidden]["family"]]
            both = []
            for row, what in ((hidden, f"{family}, {name}"), (hidden - 1, f"{family}, benign twin")):
                pictures, said = views(model, shards, int(row))
                both.append(tile(pictures, f"{what.replace('_', ' ')}: {said}"))
            rows.append(np.hstack(both))
    return np.vstack(rows)


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="name or ONNX file of an anomaly model")
    parser.add_argument("devices", type=Path, help="shards of `beltline data electronics`")
    parser.add_argument("--each", type=int, default=2, help="devices of each kind")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/anomalies.jpg"))
    given = parser.parse_args()
    picture = sheet(load_model(given.model, trust=True), open_device_shards(given.devices), given.each)
    cv2.imwrite(str(given.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main()
