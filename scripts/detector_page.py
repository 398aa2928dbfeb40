"""Write the page of a shipped detector from measured figures; nothing in the tables is typed by hand.

NAME=starter-detector-2
beltline evaluate run --data val --calibrate
beltline evaluate run --data test --json > seen.json
beltline evaluate run --data unseen --json > unseen.json
beltline evaluate run --data bags --json > occluded.json
python benchmarks/starters.py test --json > starters.json
python benchmarks/starters.py test --models BEFORE.onnx $NAME --json > before.json
python benchmarks/real_scans.py REAL --model $NAME --markdown > real.md
python benchmarks/screening.py --model CLASSIFIER_BEFORE.onnx --model $NAME --json > speed.json
PAGE=docs/models/$NAME.md
python -m scripts.detector_page FOLDER_OF_THESE --model $NAME --note scripts/detector_note.md > $PAGE
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scripts.model_page import megabytes, rate, speed_text

from beltline.screening import load_model

HEAD = """# {name}

A one-stage detector on {backbone}, {count} classes ({classes}),
trained on simulated bags alone: **no real scan and no real label was used**. ONNX, {megabytes:.1f} MB,
normalisation and suppression inside (SHA-256 `{sha}`).

```sh
beltline screen SCANS --model {name} --out report     # a box for every object that alarms
beltline models show {name}
```

The default of `beltline screen` is the classifier [{classifier}]({classifier}.md); the two are compared
[below](#beside-the-classifier-on-the-same-bags).

## Recipe

{note}

"""
SIMULATED = """## Simulated test bags

Items, seeds and bags that training never saw. Difficult on purpose: full bags, objects on top of each other,
any look. AP at IoU 0.5; AUC and PD judge a bag by the class's best box, PD at the threshold that let 5 % of
the validation bags without the class alarm. 95 % Wilson intervals. Raw scores are low (quality focal loss):
use the thresholds in the file, no fixed score.

"""
WHOLE = """Bags of `beltline simulate`: every object traced in its bag, two energies, finer pixels. They
differ from the bags it was trained and calibrated on:

"""
BOTH = """## Beside the classifier, on the same bags

`python benchmarks/starters.py`: both models go through the steps of `beltline screen`, each at its operating
point of 5 % false alarms a bag. Points: in bags with the class, the point lies in a box of it (the densest
spot of the bag: {trivial:.2f}). Boxes: the best box overlaps one of the class by half.

"""
BEFORE = """## Beside the detector before this one, on the same bags

The same, over the classes that both know:

"""
REAL = """## Real scans

`python benchmarks/real_scans.py DIR` on public research scans (SIXray and PIDray; they may not be shipped).
Small sets, wide intervals, a few staged bags scanned many times. The shipped thresholds, 5 % on simulated
bags, do not hold there (last rows): before you rely on a model, choose thresholds on your own benign scans.

"""


def simulated(found: dict[str, Any]) -> list[str]:
    """Rows a class, then what does not belong to one."""
    lines = [
        "| class | objects | AP | AUC | PD at 5 % |",
        "|---|---|---|---|---|",
    ]
    for name, row in found["classes"].items():
        scan = row["scan"]
        pd = rate(scan["operating_points"]["0.05"]["pd"])
        lines.append(f"| {name} | {row['objects']} | {row['ap']:.2f} | {scan['auc']:.2f} | {pd} |")
    mean = f"{found['mean']['ap']:.2f}"
    auc = sum(row["scan"]["auc"] for row in found["classes"].values()) / len(found["classes"])
    lines += [f"| **mean** | {found['objects']} in {found['scans']} bags | {mean} | {auc:.2f} | |", ""]
    coco = found["coco"]
    lines.append(f"- COCO AP {coco['ap']:.3f}, at 0.75 {coco['ap_75']:.3f}.")
    share = ", ".join(f"{value:.2f} at {at}" for at, value in found["froc"].items())
    lines.append(f"- Found by false alarms a bag: {share}.")
    for pfa in ("0.05", "0.1", "0.2"):
        point = found["whole_scan"][pfa]
        lines.append(
            f"- Whole bag at {float(pfa):.0%}: alarms in {rate(point['pd'])} of the bags with an item and in"
            f" {rate(point['pfa'])} of those without."
        )
    lines.append(f"- Missed at 5 %, by the share of the scan that the box covers: {misses(found, 'size')}.")
    return lines


def misses(found: dict[str, Any], by: str) -> str:
    """``0 to 0.1: 3 of 9, ...`` for the bins of one attribute."""
    table = found["misses"][by]
    parts = zip(table["edges"], table["edges"][1:], table["missed"], table["objects"], strict=False)
    return ", ".join(f"{low:g} to {high:g}: {missed} of {n}" for low, high, missed, n in parts if n)


def whole_physics(found: dict[str, Any]) -> list[str]:
    """What other bags than shards show, and the misses by occlusion that shards do not know."""
    point = found["whole_scan"]["0.05"]
    return [
        f"- {found['scans']} bags, {found['objects']} objects: AP {found['mean']['ap']:.2f}.",
        f"- Whole bag at 5%: alarms in {rate(point['pd'])} of the bags with an item and in"
        f" {rate(point['pfa'])} of those without.",
        f"- Missed at 5 %, by the share of the optical depth there that belongs to other things: "
        f"{misses(found, 'occlusion')}.",
    ]


def both(found: dict[str, Any]) -> list[str]:
    """The two models side by side and their paired difference."""
    names = list(found["models"])
    lines = ["| class | " + " | ".join(f"{n}: AUC | points | boxes | PD" for n in names) + " |"]
    lines.append("|---|" + "---|" * (4 * len(names)))
    for label in found["models"][names[0]]["classes"]:
        rows = [found["models"][name]["classes"][label] for name in names]
        cells = [f"{r['auc']:.2f} | {r['pointing']:.2f} | {r['box']:.2f} | {rate(r['pd'])}" for r in rows]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    means = [found["models"][name]["mean"] for name in names]
    cells = [f"{m['auc']:.2f} | {m['pointing']:.2f} | {m['box']:.2f} | " for m in means]
    lines.append("| **mean** | " + " | ".join(cells) + "|")
    lines.append("")
    for name in names:
        bag = found["models"][name]
        full, empty = rate(bag["bag_pd"]), rate(bag["bag_pfa"])
        lines.append(f"- {name}: alarms in {full} of the bags with an item and in {empty} of those without.")
    words = {"auc": "AUC", "pointing": "points", "box": "boxes"}
    gains = ", ".join(
        "{} {:+.3f} [{:+.3f}, {:+.3f}]".format(words[key], *values)
        for key, values in found["difference"].items()
    )
    return [*lines, f"- {names[1]} over {names[0]}, paired over bags: {gains}."]


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--note", type=Path, required=True, help="recipe and how the shipped run went")
    a = parser.parse_args()
    model = load_model(a.model, warm=False)
    names = ("seen", "unseen", "occluded", "starters", "before", "speed")
    found = {name: json.loads((a.figures / f"{name}.json").read_text()) for name in names}
    head = HEAD.format(
        name=a.model,
        classifier=next(name for name in found["starters"]["models"] if name != a.model),
        backbone=model.card.details["recipe"]["backbone"],
        count=len(model.card.classes),
        classes=", ".join(model.card.classes),
        sha=model.sha256,
        megabytes=megabytes(a.model),
        note=a.note.read_text().strip(),
    )
    lines = [head + SIMULATED + "In the looks used for training (random ones and the named ones):", ""]
    lines += [*simulated(found["seen"]), "", "In a look that training never saw (`unseen`):", ""]
    lines += [*simulated(found["unseen"]), "", WHOLE + "\n".join(whole_physics(found["occluded"])), ""]
    lines += [BOTH.format(trivial=found["starters"]["trivial_pointing"]) + "\n".join(both(found["starters"]))]
    lines += ["", BEFORE + "\n".join(both(found["before"]))]
    lines += ["", REAL + (a.figures / "real.md").read_text().strip(), ""]
    print("\n".join([*lines, *speed_text(found["speed"], a.model)]))


if __name__ == "__main__":
    main()
