"""What a training is worth by where it starts: runs of equal time on the same simulated bags.

The first run is the baseline; each other one is compared with it by the paired bootstrap over bags: mean AUC
over the classes, the same bags for both. One training each, so the interval is of the bags alone, and a
difference between two trainings is a hint.

Run: python benchmarks/starts.py RUN... --bags test --bags unseen [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import paired_bootstrap, roc_auc, threshold_at_pfa
from beltline.metrics.paired import metric_of_counts
from beltline.protocols.tables import markdown, write_csv
from beltline.systems.chr.figures import score
from beltline.systems.chr.system import SYSTEM
from beltline.training import run as engine

RESAMPLES = 400
PFA = 0.05
Floats = NDArray[np.float64]


def mean_auc(labels: Floats, scores: Floats) -> float:
    """Mean over the classes that have bags with and without."""
    return float(np.mean([roc_auc(labels[:, k], scores[:, k]) for k in usable(labels)]))


def usable(labels: Floats) -> list[int]:
    """Classes with and without."""
    return [k for k in range(labels.shape[1]) if 0 < (labels[:, k] == 1).sum() < len(labels)]


def mean_pd(labels: Floats, scores: Floats) -> float:
    """Mean share of bags with a class that alarm, each class at its own false-alarm rate of 5 % here."""
    found = []
    for k in usable(labels):
        threshold = threshold_at_pfa(labels[:, k], scores[:, k], PFA)
        found.append(float((scores[labels[:, k] == 1, k] >= threshold).mean()))
    return float(np.mean(found))


def scores_of(run: Path, bags: Path) -> tuple[Floats, Floats]:
    """Labels and logits (N, K) of a run on bags."""
    loaded = engine.load(SYSTEM, run)
    data, recipe = SYSTEM.open(bags, loaded.recipe)
    found = score(recipe, loaded.model, data, boxes=False)
    return found.labels.astype(np.float64), found.logits.astype(np.float64)


def table(runs: list[Path], bags: Path) -> list[dict[str, str]]:
    """One row for each run."""
    rows, first = [], None
    for run in runs:
        labels, scores = scores_of(run, bags)
        row = {
            "run": run.name,
            "steps": str(engine.load_recipe(SYSTEM, run).training.steps),
            "bags": bags.name,
            "scans": str(len(labels)),
            "mean AUC": f"{mean_auc(labels, scores):.3f}",
            "mean PD at 5 %": f"{mean_pd(labels, scores):.3f}",
            "AUC over the first": "",
        }
        if first is None:
            first = scores
        else:
            found = paired_bootstrap(
                labels, first, scores, rng=np.random.default_rng(0), resamples=RESAMPLES,
                statistic=metric_of_counts(mean_auc),
            )  # fmt: skip
            row["AUC over the first"] = f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--bags", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    rows = [row for bags in given.bags for row in table(given.runs, bags)]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
