"""Anomaly models beside what needs no training for it: darkness, the middle, memories of benign devices.

Each way gives every part of a device a number. What becomes of it (calibration, fusion, thresholds) is chosen
on the same validation devices for all, and measured on the same test devices, see
`beltline.systems.anomaly.figures`.

Run: python benchmarks/anomaly.py RUN... --train TRAIN --val VAL --test TEST [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.protocols.tables import markdown, write_csv
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.baselines import MEMORIES, RULES, judge_places, remembering
from beltline.systems.anomaly.judge import Judged, judge
from beltline.systems.anomaly.system import SYSTEM
from beltline.training import run as engine

Way = Callable[[DeviceShards], Judged]


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
    memories = {name: remembering(name, train) for name in MEMORIES}
    for name, places in {**memories, **RULES}.items():
        ways[name] = partial(judge_places, places=places)
    rows = [row_of(name, way, val, test) for name, way in ways.items()]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
