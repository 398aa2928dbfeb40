"""What `beltline calibrate` is worth: thresholds of half the benign scans, tried on the rest and on threats.

Beside them the plain alternative: the shipped thresholds, all moved in log odds by as much as the same rule
asks for. Both are tried on the same 400 draws of halves; the draws share scans, so their spread says how much
the choice matters, not how sure the mean is.

Run: python benchmarks/own_thresholds.py --benign NEGATIVES --threats POSITIVES [--model NAME] [--pfa 0.05]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import conformal_rank, wilson
from beltline.screening import load_model
from beltline.screening.cards import ModelCard
from beltline.screening.own_thresholds import BenignScores, choose_own, score_benign

DRAWS = 400
Floats = NDArray[np.float64]


def centred(card: ModelCard, scores: Floats, pfa: float) -> Floats:
    names = tuple(str(n) for n in range(len(scores)))
    return choose_own(card, BenignScores(names, scores), pfa, name="own").card.thresholds[pfa]


def moved(card: ModelCard, scores: Floats, pfa: float) -> Floats:
    shipped = _log_odds(card.thresholds[card.usual_pfa])
    above = np.sort((_log_odds(scores) - shipped).max(axis=1))[conformal_rank(len(scores), pfa) - 1]
    return 1 / (1 + np.exp(-(shipped + above))) + 1e-9


def _log_odds(values: Floats) -> Floats:
    held = np.clip(values, 1e-4, 1 - 1e-6)
    return np.log(held) - np.log1p(-held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--benign", type=Path, required=True, action="append")
    parser.add_argument("--threats", type=Path, required=True, action="append")
    parser.add_argument("--model")
    parser.add_argument("--pfa", type=float, default=0.05)
    given = parser.parse_args()
    model = load_model(given.model)
    benign = score_benign(given.benign, model).scores
    threats = score_benign(given.threats, model).scores
    card = model.card
    shipped = card.thresholds[card.usual_pfa]
    print(f"{card.name}: {len(benign)} benign scans, {len(threats)} with threats")
    print(f"shipped thresholds, for {card.usual_pfa:g} on simulated bags: {_rates(shipped, benign, threats)}")
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(benign)) for _ in range(DRAWS)]
    half = len(benign) // 2
    for name, choose in (("centred on each class", centred), ("shipped, moved", moved)):
        found = []
        for order in orders:
            thresholds = choose(card, benign[order[:half]], given.pfa)
            rest = benign[order[half:]]
            found.append([(rest >= thresholds).any(1).mean(), (threats >= thresholds).any(1).mean()])
        pfa, pd = np.mean(found, axis=0)
        low, high = np.quantile(found, [0.05, 0.95], axis=0)[:, 1]
        print(f"{name}, {half} scans: PFA {pfa:.3f} on the others, PD {pd:.2f} ({low:.2f} to {high:.2f})")
    everything = centred(card, benign, given.pfa)
    print(f"centred on each class, all {len(benign)}: {_rates(everything, benign, threats)}")


def _rates(thresholds: Floats, benign: Floats, threats: Floats) -> str:
    parts = []
    for name, scores in (("false alarms", benign), ("found", threats)):
        share = wilson(int((scores >= thresholds).any(1).sum()), len(scores))
        parts.append(f"{name} {share.hits} of {share.trials} [{share.low:.2f}, {share.high:.2f}]")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
