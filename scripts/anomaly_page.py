r"""Write the page of a shipped anomaly model from measured figures; nothing in the tables is typed by hand.

NAME=starter-anomaly-2
beltline simulate scans --scene electronics --twins --split test --bags 100 --seed 31 --style white \
    --kinds metal_plate,blade,screws,organic_block --hardest 0.6
python benchmarks/electronics.py scans --model $NAME --out docs/reports/anomaly/scans.csv
python benchmarks/electronics.py scans --model $NAME --latency --out docs/reports/anomaly/latency.csv
python benchmarks/real_electronics.py REAL/sixray_negative --model $NAME --pfa 0.1 \
    --out docs/reports/anomaly/real.csv
python benchmarks/anomaly_kinds.py RUN --test ALL --taught metal_plate,blade,screws,organic_block \
    --out docs/reports/anomaly/kinds.csv
python -m scripts.anomaly_page --model $NAME --note scripts/anomaly_note.md > docs/models/$NAME.md
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.model_page import megabytes

from beltline.protocols.tables import markdown
from beltline.screening import load_model
from beltline.training.tables import rate_text

REPORTS = Path(__file__).resolve().parents[1] / "docs/reports/anomaly"
HEAD = """# {name}

An anomaly model on EfficientNet-Lite0, trained on simulated electronics alone: **no real scan and no real
label was used**. ONNX, {megabytes:.1f} MB (SHA-256 `{sha}`).

```sh
beltline screen SCANS --model {name} --out report
beltline screen SCANS --model starter-detector-2 --model {name} --out report
beltline models show {name}
```

[Concealed in electronics](../anomaly.md) says how it works, and how to make it one of your own.

{note}

## Simulated test devices

Cut out by their true masks; devices, twins and items that training never saw.

{devices}

"""
KINDS = """
## Kinds that it was not taught

`python benchmarks/anomaly_kinds.py`: devices with any of the simulator's seven kinds, hidden as
well as it can hide them, each kind against the benign devices of the same set.

"""
SCANS = """
## Whole scans

`python benchmarks/electronics.py`: simulated trays and luggage, the same network with true masks and with
those that it found. What is not found cannot alarm.

"""
REAL = """
## Real scans

`python benchmarks/real_electronics.py` on benign passenger bags of SIXray (they may not be shipped; presumed
free of concealed things), before and after a threshold of their own.

"""
LATENCY = """
## Speed

`python benchmarks/electronics.py --latency`: simulated scans at 1000x700, two threads. Measured with
the model before this one (starter-anomaly-1) on a quiet machine: its graph is the same node for node. One
after the other on a busy machine the two took 281 and 277 ms to the report, median.

"""


def table(name: str) -> str:
    """A committed table."""
    return markdown(list(csv.DictReader((REPORTS / f"{name}.csv").read_text(encoding="utf-8").splitlines())))


def devices(found: Mapping[str, Any]) -> list[str]:
    """The figures of the card, a row each."""
    parts = found["part_table"]
    lines = ["| | |", "|---|---|", f"| devices, half of them with something concealed | {found['devices']} |"]
    lines.append(f"| parts, AUC | {found['part_auc']:.3f} |")
    lines.append(f"| parts, TP at the threshold for 3.5 % FP | {rate_text(parts['tp'])} |")
    lines.append(f"| parts, FP there | {rate_text(parts['fp'])} |")
    lines.append(f"| devices, AUC | {found['auc']:.3f} |")
    for pfa, rates in found["at"].items():
        told = f"PD {rate_text(rates['pd'])}, PFA {rate_text(rates['pfa'])}"
        lines.append(f"| devices, threshold for PFA {pfa} | {told} |")
    for group, rows in found["found"].items():
        for name, (hits, count) in rows.items():
            lines.append(f"| found at 0.05: {group} {name.replace('_', ' ')} | {hits} of {count} |")
    return lines


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--note", type=Path, required=True)
    given = parser.parse_args()
    model = load_model(given.model, warm=False)
    page = HEAD.format(
        name=given.model,
        megabytes=megabytes(given.model),
        sha=model.sha256,
        note=given.note.read_text(encoding="utf-8").strip(),
        devices="\n".join(devices(model.card.details["figures"])),
    )
    sections = {"kinds": KINDS, "scans": SCANS, "real": REAL, "latency": LATENCY}
    print(page.rstrip() + "\n" + "".join(text + table(name) for name, text in sections.items()))


if __name__ == "__main__":
    main()
