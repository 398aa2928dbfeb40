"""What `beltline calibrate` is worth: thresholds of half the benign scans, tried on the rest and on threats.

Beside them the plain alternative: the shipped thresholds, all moved in log odds by as much as the same rule
asks for. Both are tried on the same 400 draws of halves; the draws share scans, so their spread says how much
the choice matters, not how sure the mean is.

Run: python benchmarks/own_thresholds.py --benign NEGATIVES --threats POSITIVES [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import conformal_rank, wilson
from beltline.protocols.tables import markdown, write_csv
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


def measured(name: str, benign: list[Path], threats: list[Path], pfa: float) -> list[dict[str, str]]:
    """One row for each choice of thresholds."""
    model = load_model(name)
    card = model.card
    harmless, armed = (score_benign(paths, model).scores for paths in (benign, threats))
    shipped = card.thresholds[card.usual_pfa]
    rows = [_row(name, "shipped", *(_counted(shipped, scores) for scores in (harmless, armed)))]
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(harmless)) for _ in range(DRAWS)]
    half = len(harmless) // 2
    for title, choose in (("own, each class centred", centred), ("own, shipped ones moved alike", moved)):
        found = []
        for order in orders:
            thresholds = choose(card, harmless[order[:half]], pfa)
            found.append([_share(thresholds, scores) for scores in (harmless[order[half:]], armed)])
        rows.append(_row(name, title, *(_spread(column) for column in np.transpose(found))))
    return rows


def _row(model: str, thresholds: str, benign: str, threats: str) -> dict[str, str]:
    return {"model": model, "thresholds": thresholds, "benign alarm": benign, "threats alarm": threats}


def _share(thresholds: Floats, scores: Floats) -> float:
    return float((scores >= thresholds).any(1).mean())


def _counted(thresholds: Floats, scores: Floats) -> str:
    share = wilson(int((scores >= thresholds).any(1).sum()), len(scores))
    return f"{share.hits} of {share.trials} [{100 * share.low:.0f}, {100 * share.high:.0f}] %"


def _spread(shares: Floats) -> str:
    low, high = 100 * np.quantile(shares, [0.05, 0.95])
    return f"{100 * shares.mean():.1f} % ({low:.0f} to {high:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--benign", type=Path, required=True, action="append")
    parser.add_argument("--threats", type=Path, required=True, action="append")
    parser.add_argument("--models", default="starter-chr-3,starter-detector-2")
    parser.add_argument("--pfa", type=float, default=0.05)
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    rows = [
        row
        for name in given.models.split(",")
        for row in measured(name, given.benign, given.threats, given.pfa)
    ]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
