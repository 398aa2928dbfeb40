"""What each part of the click model is worth: trainings of equal time, on the same simulated objects.

The first run is the baseline; each other one is compared with it object by object, by a paired bootstrap over
scans. One training each, so the interval is of the objects alone, and a difference is a hint.

Run: python benchmarks/click_arms.py RUN... --clicks test --clicks unseen [--limit N] [--out FILE.csv]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from beltline.formats.click_shards import ClickShards, open_click_shards
from beltline.metrics.click_curves import miou_after
from beltline.metrics.segmentation import paired_miou
from beltline.protocols.tables import markdown, write_csv
from beltline.systems.click.figures import Floats, curves, one_each
from beltline.systems.click.system import SYSTEM, bench_of
from beltline.training import run as engine

AFTER = (1, 3, 5)


def curves_of(run: Path, shards: ClickShards, limit: int | None) -> Floats:
    """IoU (N, clicks) of a run on an object of each scan."""
    loaded = engine.load(SYSTEM, run)
    return curves(bench_of(loaded.recipe, loaded.model, shards), one_each(shards, limit), max(AFTER))


def over(first: Floats, second: Floats) -> str:
    """The second's mean IoU minus the first's, an object a scan."""
    scans = np.arange(len(first))
    found = paired_miou(first, second, scans, rng=np.random.default_rng(0), resamples=2000)
    return f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def table(runs: list[Path], folder: Path, limit: int | None) -> list[dict[str, str]]:
    """One row for each run."""
    rows: list[dict[str, str]] = []
    shards, first = open_click_shards(folder), None
    for run in runs:
        found = curves_of(run, shards, limit)
        row = {
            "run": run.name,
            "steps": str(json.loads((run / "result.json").read_text())["steps"]),
            "objects": f"{len(found)} of {folder.name}",
        }
        first = found if first is None else first
        for clicks, mean in zip(AFTER, miou_after(found, AFTER), strict=True):
            row[f"{clicks} click{'s' * (clicks > 1)}"] = f"{mean:.3f}"
        for clicks in AFTER[:2]:
            told = "" if found is first else over(first[:, clicks - 1], found[:, clicks - 1])
            row[f"over the first, {clicks}"] = told
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--clicks", type=Path, action="append", required=True, help="click shards")
    parser.add_argument("--limit", type=int, help="objects of each")
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    rows = [row for folder in given.clicks for row in table(given.runs, folder, given.limit)]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
