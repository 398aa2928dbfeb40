"""An anomaly model on each kind of concealed thing, those that nothing was taught apart from those that were.

Against the benign devices of the same set: how well the kind is told from them, and how much of it alarms at
the run's own threshold for 5 %. The taught kinds of the same set stand beside, so that what is hidden better
there counts for both.

Run: python benchmarks/anomaly_kinds.py RUN --test TEST --taught metal_plate,blade [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.metrics import roc_auc, wilson
from beltline.metrics.gated_fusion import fusion_of
from beltline.protocols.tables import markdown, write_csv
from beltline.systems.anomaly.figures import CHOSEN_AT, probabilities
from beltline.systems.anomaly.judge import judge
from beltline.systems.anomaly.system import SYSTEM
from beltline.training import run as engine
from beltline.training.run_folder import read_calibration

DRAWS = 2000
ALARM = f"alarm at the threshold for {100 * CHOSEN_AT:g} %"
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


def scored(run: Path, shards: DeviceShards) -> tuple[Floats, float]:
    """The score (D,) of every device, and the threshold for 5 %."""
    loaded = engine.load(SYSTEM, run)
    chosen = read_calibration(run, loaded.digest)
    judged = judge(loaded.recipe, loaded.model, shards, np.arange(len(shards)))
    probs = probabilities(judged, chosen)
    scores = fusion_of(chosen)(probs, judged.areas, judged.device, len(judged.truth))
    return scores, float(chosen["thresholds"][f"{CHOSEN_AT:g}"][0])


def groups(shards: DeviceShards, taught: tuple[str, ...]) -> Iterator[tuple[str, Rows]]:
    """Rows of the devices of every kind, of the taught ones together, of the others together."""
    kinds, hidden = shards.devices["kind"], shards.devices["positive"] == 1
    known = [k for k, name in enumerate(shards.kinds) if name in taught]
    for k in [*known, *(k for k in range(len(shards.kinds)) if k not in known)]:
        yield shards.kinds[k].replace("_", " "), np.flatnonzero(hidden & (kinds == k))
    yield "**taught**", np.flatnonzero(hidden & np.isin(kinds, known))
    yield "**not taught**", np.flatnonzero(hidden & ~np.isin(kinds, known))


def row_of(name: str, told: str, scores: Floats, benign: Floats, threshold: float) -> dict[str, str]:
    """One row; the interval of the AUC is a bootstrap over the devices of both sides."""
    rng = np.random.default_rng(0)
    drawn = [auc(rng.choice(scores, len(scores)), rng.choice(benign, len(benign))) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "concealed": name,
        "taught": told,
        "devices": str(len(scores)),
        "AUC": f"{auc(scores, benign):.2f} [{low:.2f}, {high:.2f}]",
        ALARM: rate_of(scores, threshold),
    }


def table(
    shards: DeviceShards, taught: tuple[str, ...], scores: Floats, threshold: float
) -> list[dict[str, str]]:
    """A row for each kind that is there, the two sums, and the benign devices."""
    benign = scores[shards.devices["positive"] == 0]
    rows = []
    for name, devices in groups(shards, taught):
        told = "" if name.startswith("*") else "yes" if name.replace(" ", "_") in taught else "no"
        if len(devices):
            rows.append(row_of(name, told, scores[devices], benign, threshold))
    last = {"concealed": "nothing", "taught": "", "devices": str(len(benign)), "AUC": ""}
    return [*rows, {**last, ALARM: rate_of(benign, threshold)}]


def rate_of(scores: Floats, threshold: float) -> str:
    """How many alarm."""
    rate = wilson(int((scores >= threshold).sum()), len(scores))
    return f"{rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]"


def auc(scores: Floats, benign: Floats) -> float:
    """Of scores of devices with something in them over those of benign ones."""
    truth = np.repeat([1.0, 0.0], [len(scores), len(benign)])
    return roc_auc(truth, np.concatenate([scores, benign]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="of beltline train anomaly, calibrated")
    parser.add_argument("--test", type=Path, required=True, help="device shards of all kinds")
    parser.add_argument("--taught", required=True, help="kinds that the run was taught, comma separated")
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    shards, taught = open_device_shards(given.test), tuple(given.taught.split(","))
    if unknown := sorted(set(taught) - set(shards.kinds)):
        raise BadInputError(f"--taught: {unknown[0]} is none of {', '.join(shards.kinds)}")
    rows = table(shards, taught, *scored(given.run, shards))
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
