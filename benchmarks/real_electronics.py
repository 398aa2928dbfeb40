"""An anomaly model on real scans presumed benign: how many show it a device, and how many alarm.

Before, at the shipped threshold for 5 %; and after, at a threshold of one's own, chosen by the rule of
``beltline calibrate`` on half of the scans in which a device was found and tried on the others, over 400
draws of halves. The scans may be of anything: what is taken for a device that is none counts as well, as it
does at a belt.

Run: python benchmarks/real_electronics.py SCANS... --model MODEL [--pfa 0.2] [--out FILE.csv]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from own_thresholds import DRAWS, centred

from beltline.metrics import wilson
from beltline.protocols.tables import markdown, write_csv
from beltline.screening import load_model
from beltline.screening.own_thresholds import score_benign


def measured(paths: list[Path], name: str, pfa: float) -> dict[str, str]:
    """The row of one model."""
    model = load_model(name, trust=True)
    benign = score_benign(paths, model)
    scores = benign.scores
    total = len(scores) + len(benign.not_judged)
    before = wilson(int((scores >= model.card.thresholds_at(pfa)).any(axis=1).sum()), max(len(scores), 1))
    rng, after = np.random.default_rng(0), []
    half = len(scores) // 2
    for _ in range(DRAWS):
        order = rng.permutation(len(scores))
        thresholds = centred(model.card, scores[order[:half]], pfa)
        after.append(float((scores[order[half:]] >= thresholds).any(axis=1).mean()))
    low, high = np.percentile(after, [2.5, 97.5])
    return {
        "model": model.card.name,
        "scans": str(total),
        "with a device found": str(len(scores)),
        f"of these alarm at {pfa:g} as shipped": f"{before.value:.2f} [{before.low:.2f}, {before.high:.2f}]",
        "with own thresholds": f"{np.mean(after):.2f} [{low:.2f}, {high:.2f}]",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+", help="files and folders of benign scans")
    parser.add_argument("--model", required=True, action="append", help="name or ONNX file; more than once")
    parser.add_argument("--pfa", type=float, default=0.05)
    parser.add_argument("--out", type=Path, help="CSV file of the table")
    given = parser.parse_args()
    rows = [measured(given.scans, name, given.pfa) for name in given.model]
    print(markdown(rows))
    if given.out:
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
