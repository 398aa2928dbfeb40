"""Print what README and docs/models say of real scans, from the committed figures.

python benchmarks/real_scans.py DIR --model ... --out docs/reports/real_scans/figures.csv
python -m scripts.real_table starter-chr-3 starter-detector-2
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from beltline.protocols.tables import markdown

FIGURES = Path(__file__).resolve().parents[1] / "docs/reports/real_scans/figures.csv"
OWN = "PD at 5%, thresholds from half of the benign scans"
AS_SHIPPED = "at the shipped thresholds"
#: What a row is called, and its figure, class and source in the CSV.
ROWS: Mapping[str, tuple[str, str, str]] = {
    "gun against benign bags, AUC": ("AUC against benign scans", "gun", "sixray_positive"),
    "knife against benign bags, AUC": ("AUC against benign scans", "knife", "sixray_positive"),
    "gun among bags of one source, AUC": ("AUC among other classes", "gun", "sixray_positive"),
    "classes of PIDray told apart, mean AUC": ("AUC among other classes", "mean", "pidray_boxes"),
    "OPIXray, blades against none, AUC": ("AUC against benign scans", "any", "opixray_posneg"),
    "pointing at guns and knives": ("pointing", "any", "sixray_boxes"),
    "boxes that overlap by half": ("boxes that overlap by half", "any", "sixray_boxes"),
    "gun, PD at 5 % false alarms, own thresholds": (OWN, "gun", "sixray_positive"),
    "knife, PD at 5 % false alarms, own thresholds": (OWN, "knife", "sixray_positive"),
    "gun scans that alarm as shipped": (f"scans with it that alarm {AS_SHIPPED}", "gun", "sixray"),
    "knife scans that alarm as shipped": (f"scans with it that alarm {AS_SHIPPED}", "knife", "sixray"),
    "benign scans that alarm as shipped": (f"benign scans that alarm {AS_SHIPPED}", "any", "sixray_negative"),
}


def real_table(models: Sequence[str], figures: Path = FIGURES) -> str:
    """A Markdown table, a row of `ROWS` each, with the range of every value and the best trivial answer."""
    with figures.open(encoding="utf-8") as stream:
        found = {
            (row["model"], row["figure"], row["class"], row["source"]): row for row in csv.DictReader(stream)
        }
    table = []
    for title, key in ROWS.items():
        of = {model: found[model, *key] for model in models}
        first = next(iter(of.values()))
        table.append(
            {"on real scans": title, "n": first["n"]}
            | {model: cell(row) for model, row in of.items()}
            | {"trivial": f"{float(first['trivial']):.2f}" if first["trivial"] else ""}
        )
    return markdown(table)


def cell(row: Mapping[str, str]) -> str:
    """``0.93 [0.87, 0.97]``, or the value alone where there are too few scans for a range."""
    value = f"{float(row['value']):.2f}"
    return f"{value} [{float(row['low']):.2f}, {float(row['high']):.2f}]" if row["low"] else value


if __name__ == "__main__":
    print(real_table(sys.argv[1:]))
