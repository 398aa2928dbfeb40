"""Write the page of a shipped click model from measured figures; nothing in the tables is typed by hand.

NAME=starter-click-1
beltline evaluate run --data clicks/val --calibrate
beltline evaluate run --data clicks/test --json > seen.json
beltline evaluate run --data clicks/unseen --json > unseen.json
python benchmarks/real_masks.py REAL --single REAL.txt --out docs/reports/real_masks/figures.csv
python benchmarks/click.py --json > speed.json
python -m scripts.click_page FOLDER_OF_THESE --model $NAME --note scripts/click_note.md > docs/models/$NAME.md
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from scripts.model_page import megabytes

from beltline.protocols.tables import markdown
from beltline.screening import load_clicker

REAL = Path(__file__).resolve().parents[1] / "docs/reports/real_masks/figures.csv"
HEAD = """# {name}

A click model on {backbone}, trained on simulated bags alone: **no real scan and no real label was
used**. ONNX, {megabytes:.1f} MB (SHA-256 `{sha}`).

```sh
beltline click bag.png --at 412,230 --out knife.png
beltline screen SCANS --masks --out report
beltline models show {name}
```

[Clicks](../click.md) says what you can ask for and how it works.

## Recipe

{note}

"""
SIMULATED = """## Simulated test bags

Items, seeds and bags that training never saw, one object of each bag, families, sizes and occlusions evenly:
the hardest mixture there is, most objects lie under or over others. IoU against the exact mask, hidden pixels
too.

"""
REAL_HEAD = """## Real scans

`python benchmarks/real_masks.py REAL` on SIXray scans with masks of guns and knives (they may not be
shipped). Flood fill and GrabCut are given their best setting on these very scans, the click model nothing. A
region is a connected part of a class, so that touching knives are one; `one object` are those in which one
thing lies whole.

"""


def simulated(sets: dict[str, dict[str, Any]]) -> list[str]:
    """A row a figure, a column a set."""
    rows = {
        "mean IoU, one click": lambda d: f"{d['miou']['1']:.3f}",
        "three clicks": lambda d: f"{d['miou']['3']:.3f}",
        "five clicks": lambda d: f"{d['miou']['5']:.3f}",
        "one click, the best of its three answers": lambda d: f"{d['first']['best_of_three']:.3f}",
        "one click anywhere inside": lambda d: f"{d['random']['mean']:.3f}",
        "clicks to 0.85, of at most 20": lambda d: f"{d['noc']['0.85']['mean']:.1f}",
        "never there": lambda d: f"{d['noc']['0.85']['failures']:.0%}",
    }
    lines = ["| | " + " | ".join(f"{name}, {d['objects']} objects" for name, d in sets.items()) + " |"]
    lines.append("|---" * (len(sets) + 1) + "|")
    lines += [f"| {name} | " + " | ".join(of(d) for d in sets.values()) + " |" for name, of in rows.items()]
    return lines


def missed(found: dict[str, Any]) -> list[str]:
    """Objects below IoU 0.5 after one click, by what they are."""
    parts = found["misses"]
    lines = ["Objects missed (IoU below 0.5 after one click), test bags:", "", "| | missed |", "|---|---|"]
    for what, unit in (("size", "of the scan"), ("occlusion", "hidden")):
        table = parts[what]
        edges = zip(table["edges"], table["edges"][1:], strict=False)
        for (low, high), some, all_ in zip(edges, table["missed"], table["objects"], strict=True):
            lines.append(f"| {low:.1%} to {high:.1%} {unit} | {some} of {all_} |")
    for name, row in parts["material"].items():
        lines.append(f"| {name} | {row['missed']} of {row['objects']} |")
    return lines


def real() -> str:
    """The committed table of real masks."""
    return markdown(list(csv.DictReader(REAL.read_text(encoding="utf-8").splitlines())))


def speed(found: dict[str, Any]) -> list[str]:
    """A row a way of clicking."""
    width, height = found["size"]
    lines = [
        "## Speed",
        "",
        f"`python benchmarks/click.py`: scans of {width}x{height}, two threads, from decoded scan to",
    ]
    lines += ["mask; SAM and TinyViT with random weights, their encoders once a scan.", "", "| | p50 | p95 |"]
    lines += ["|---|---|---|"]
    return lines + [
        f"| {name} | {row['p50']:.0f} ms | {row['p95']:.0f} ms |" for name, row in found["ms"].items()
    ]


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--note", type=Path, required=True)
    a = parser.parse_args()
    model = load_clicker(a.model, warm=False).model
    found = {
        name: json.loads((a.figures / f"{name}.json").read_text()) for name in ("seen", "unseen", "speed")
    }
    head = HEAD.format(
        name=a.model,
        backbone=model.card.details["recipe"]["backbone"],
        megabytes=megabytes(a.model),
        sha=model.sha256,
        note=a.note.read_text(encoding="utf-8").strip(),
    )
    sets = {"test": found["seen"], "unseen look": found["unseen"]}
    print(head + SIMULATED + "\n".join([*simulated(sets), "", *missed(found["seen"])]))
    print("\n" + REAL_HEAD + real() + "\n")
    print("\n".join(speed(found["speed"])))


if __name__ == "__main__":
    main()
