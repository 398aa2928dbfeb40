"""Metrics at the size of SIXray1000's test set, each beside an outside implementation in the same run.

Average precision of 211,846 x 5 scores (the goal is under 0.5 s) beside scikit-learn's
``average_precision_score``, class by class; the paired bootstrap of a difference of mean average precision
(2,000 scans x 5 classes, 1,000 resamples) beside ``scipy.stats.bootstrap`` on scikit-learn's function, which
gets fewer resamples, because it takes minutes for as many; its time is scaled up. Both see the same numbers,
and the results are compared before the times. Repetitions alternate, so that a busy machine slows both.

Example:
    python benchmarks/metrics.py --repeats 5
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score

from beltline.metrics import mean_average_precision, paired_bootstrap

SCANS, CLASSES = 211_846, 5
DRAWN_SCANS, RESAMPLES, REFERENCE_RESAMPLES = 2_000, 1_000, 10

Floats = NDArray[np.float64]


def simulated_scores(
    rng: np.random.Generator, scans: int, share: float, *, gain: float = 2.0
) -> tuple[Floats, Floats]:
    """Labels (N, K), a share of them 1, and scores that rank them well but not perfectly."""
    labels = (rng.random((scans, CLASSES)) < share).astype(np.float64)
    return labels, gain * labels + rng.normal(size=labels.shape)


def reference_mean_ap(labels: Floats, scores: Floats) -> float:
    """Mean over the classes that have a positive."""
    present = [k for k in range(labels.shape[1]) if labels[:, k].any()]
    return float(np.mean([average_precision_score(labels[:, k], scores[:, k]) for k in present]))


def alternate(steps: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each step in each repetition, after one repetition that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repetition in range(repeats + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if repetition:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def report(title: str, seconds: dict[str, list[float]], *, factor: dict[str, float] | None = None) -> None:
    """One row a step: best and median time, and the paired ratio to the first step."""
    print(f"\n{title}\n")
    print("| implementation | best, s | median, s | times ours |\n|---|---|---|---|")
    scaled = {name: [t * (factor or {}).get(name, 1.0) for t in times] for name, times in seconds.items()}
    ours = next(iter(scaled.values()))
    for name, times in scaled.items():
        ratio = statistics.median(a / b for a, b in zip(times, ours, strict=True))
        print(f"| {name} | {min(times):.4f} | {statistics.median(times):.4f} | {ratio:.1f} |")


def time_average_precision(rng: np.random.Generator, repeats: int) -> None:
    """The whole test set."""
    labels, scores = simulated_scores(rng, SCANS, 0.001)
    found, _ = mean_average_precision(labels, scores)
    assert abs(found - reference_mean_ap(labels, scores)) < 1e-9
    steps: dict[str, Callable[[], object]] = {
        "beltline, all-point": lambda: mean_average_precision(labels, scores),
        "beltline, VOC 2010": lambda: mean_average_precision(labels, scores, interpolation="voc2010"),
        "beltline, 11 points": lambda: mean_average_precision(labels, scores, interpolation="11pt"),
        "scikit-learn": lambda: reference_mean_ap(labels, scores),
    }
    report(f"Average precision of {SCANS:,} x {CLASSES} scores", alternate(steps, repeats))


def time_paired_bootstrap(rng: np.random.Generator, repeats: int) -> None:
    """A difference of two models with its interval."""
    labels, first = simulated_scores(rng, DRAWN_SCANS, 0.03)
    second = first + 0.3 * labels
    rows = np.arange(DRAWN_SCANS)

    def difference(drawn: NDArray[np.int64]) -> float:
        return reference_mean_ap(labels[drawn], second[drawn]) - reference_mean_ap(
            labels[drawn], first[drawn]
        )

    def scipys() -> object:
        return bootstrap(
            (rows,),
            difference,
            vectorized=False,
            n_resamples=REFERENCE_RESAMPLES,
            method="percentile",
            rng=rng,
        )

    steps: dict[str, Callable[[], object]] = {
        "beltline": lambda: paired_bootstrap(labels, first, second, rng=rng, resamples=RESAMPLES),
        f"SciPy on scikit-learn, {RESAMPLES // REFERENCE_RESAMPLES} x {REFERENCE_RESAMPLES}": scipys,
    }
    seconds = alternate(steps, repeats)
    name = list(steps)[1]
    title = f"Paired bootstrap of mean AP, {DRAWN_SCANS:,} x {CLASSES} scores, {RESAMPLES:,} resamples"
    report(title, seconds, factor={name: RESAMPLES / REFERENCE_RESAMPLES})


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    time_average_precision(rng, args.repeats)
    time_paired_bootstrap(rng, args.repeats)


if __name__ == "__main__":
    main()
