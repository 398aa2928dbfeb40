"""Anomaly models beside what needs no training for it: darkness, and PatchCore on benign devices alone.

Each way gives every part of a device a number. What becomes of it (calibration, fusion, thresholds) is chosen
on the same validation devices for all, and measured on the same test devices, see
`beltline.systems.anomaly.figures`.

Run: python benchmarks/anomaly.py RUN... --train TRAIN --val VAL --test TEST [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core.device_parts import CutDevice, frame_in
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.models.patchcore import PatchCore
from beltline.protocols.tables import markdown, write_csv
from beltline.screening.device_map import image_of, part_logits
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.judge import Judged, judge
from beltline.systems.anomaly.system import SYSTEM
from beltline.training import run as engine

SIDE = (224, 224)
REMEMBERED = 150  # benign devices that PatchCore is fitted on
Way = Callable[[DeviceShards], Judged]


def by_places(shards: DeviceShards, places: Callable[[CutDevice], NDArray[np.floating]]) -> Judged:
    """What a way says of each pixel of a device, as numbers of its parts."""
    rows = np.arange(len(shards))
    cut = [shards.device(int(row)) for row in rows]
    logits = np.concatenate([part_logits(one, places(one)) for one in cut])
    truth = shards.devices["positive"].astype(np.int64)
    device = np.repeat(rows, shards.devices["parts"])
    labels = shards.parts["label"].astype(np.int64)
    return Judged(rows, logits, shards.parts["area_px"].astype(np.float64), device, labels, truth)


def darkness(device: CutDevice) -> NDArray[np.float64]:
    """How dark each pixel is: what attenuates more is more suspicious."""
    return 255.0 - device.rgb.min(axis=2)


def patchcore(train: DeviceShards) -> Way:
    """PatchCore fitted on benign training devices."""
    model = PatchCore()
    benign = np.flatnonzero(~train.devices["positive"])
    model.fit(_pictures(train, benign[:: max(len(benign) // REMEMBERED, 1)]))

    def places(device: CutDevice) -> NDArray[np.floating]:
        image, mask = _picture(device)
        found = model(image, mask)[0][0].numpy()
        rows, columns = frame_in(device.mask.shape, found.shape)
        inner = found[rows, columns]
        steps = [np.arange(n) * m // n for n, m in zip(device.mask.shape, inner.shape, strict=True)]
        return np.asarray(inner[np.ix_(*steps)])

    return lambda shards: by_places(shards, places)


def _pictures(shards: DeviceShards, rows: NDArray[np.int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return (_picture(shards.device(int(row))) for row in rows)


def _picture(device: CutDevice) -> tuple[torch.Tensor, torch.Tensor]:
    solid = np.where(device.mask[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    mask = torch.from_numpy(1 - image_of(solid, SIDE)[:, :1])
    return torch.from_numpy(image_of(device.rgb, SIDE)), mask


def trained(run: Path) -> Way:
    """A run of ``beltline train anomaly``."""
    loaded = engine.load(SYSTEM, run)
    return lambda shards: judge(loaded.recipe, loaded.model, shards, np.arange(len(shards)))


def row_of(name: str, way: Way, val: DeviceShards, test: DeviceShards) -> dict[str, str]:
    """One row of the table."""
    chosen = figures.calibrate(way(val))
    found = figures.figures(way(test), test, chosen)
    parts, at = found["part_table"], found["at"]["0.05"]
    return {
        "way": name,
        "parts: AUC": f"{found['part_auc']:.3f}",
        "parts: TP": f"{parts['tp']['value']:.3f}",
        "parts: FP": f"{parts['fp']['value']:.3f}",
        "fused by": found["fusion"],
        "devices: AUC": f"{found['auc']:.3f}",
        "devices: PD at 5 %": f"{at['pd']['value']:.2f} [{at['pd']['low']:.2f}, {at['pd']['high']:.2f}]",
        "devices: PFA": f"{at['pfa']['value']:.2f} [{at['pfa']['low']:.2f}, {at['pfa']['high']:.2f}]",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*")
    for name in ("train", "val", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="device shards")
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    train, val, test = (open_device_shards(folder) for folder in (given.train, given.val, given.test))
    ways: dict[str, Way] = {run.name: trained(run) for run in given.runs}
    ways |= {"PatchCore": patchcore(train), "darkness": lambda shards: by_places(shards, darkness)}
    rows = [row_of(name, way, val, test) for name, way in ways.items()]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
