"""Write the page of a shipped classifier from measured figures; nothing in the tables is typed by hand.

NAME=starter-chr-3
beltline evaluate run --data val --calibrate
beltline evaluate run --data test --json > seen.json
beltline evaluate run --data unseen --json > unseen.json
python benchmarks/starters.py test --models BEFORE.onnx $NAME --json > before.json
python benchmarks/starters.py bags --json > bags.json
python benchmarks/real_scans.py REAL --model $NAME --markdown > real.md
python benchmarks/screening.py --model BEFORE.onnx --model $NAME --json > speed.json
python -m scripts.model_page FOLDER_OF_THESE --model $NAME --note scripts/chr_note.md > docs/models/$NAME.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from beltline.screening import ScreeningModel, list_weights, load_model

HEAD = """# {name}

CHR on {backbone}, {count} classes ({classes}),
trained on simulated bags alone: **no real scan and no real label was used**, neither to train nor to choose a
threshold. ONNX, {megabytes:.1f} MB, normalisation inside (SHA-256 `{sha}`).

```sh
beltline screen SCANS --model {name} --out report
beltline models show {name}
```

## Recipe

{note}

Beyond the paper: class maps are supervised by the simulator's exact masks, and the map is pooled by
log-mean-exp instead of the mean, because a weapon fills a small part of a bag.

"""

SIMULATED = """## Simulated test bags

Items, seeds and bags that training never saw. PD is the share of bags with the item that alarm for it, at the
threshold that let 5 % (10 %) of the validation bags without it alarm; 95 % Wilson intervals. Difficult on
purpose: full bags, objects on top of each other, any look.

"""

REAL = """## Real scans

`python benchmarks/real_scans.py DIR` on public research scans (SIXray and PIDray; they may not be shipped).
Beside each figure stands the trivial one: brightness, the share of dark pixels, the densest spot. Small sets,
wide intervals: the positives are a few staged bags scanned many times, smaller and brighter than the
negatives, so pointing, boxes and class against class within one source say more than the first rows. The
shipped thresholds, 5 % on simulated bags, do not hold there (last rows): before you rely on a model, choose
thresholds on your own benign scans.
"""


def simulated_table(found: dict[str, Any]) -> list[str]:
    """Rows per class and the whole-scan lines."""
    lines = [
        "| class | bags with it | AP | AUC | PD at 5 % | PD at 10 % | pointing |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["classes"].items():
        points = row["operating_points"]
        cells = [rate(points[pfa]["pd"]) for pfa in ("0.05", "0.1")]
        ranks = f"{row['ap']:.2f} | {row['auc']:.2f}"
        lines.append(
            f"| {name} | {row['positives']} | {ranks} | {cells[0]} | {cells[1]} | {row['pointing']:.2f} |"
        )
    mean = found["mean"]
    lines.append(
        f"| **mean** | {found['scans']} bags | {mean['ap']:.2f} | {mean['auc']:.2f} "
        f"| {mean['pd_at_pfa_0.05']:.2f} | {mean['pd_at_pfa_0.1']:.2f} | {mean['pointing']:.2f} |"
    )
    lines.append("")
    for pfa in ("0.05", "0.1", "0.2"):
        point = found["whole_scan"][pfa]
        lines.append(
            f"- Whole bag at {float(pfa):.0%}: some class alarms in {rate(point['pd'])} of the bags "
            f"with an item and in {rate(point['pfa'])} of those without."
        )
    return lines


def before_table(found: dict[str, Any]) -> list[str]:
    """The model before and this one on the same bags, over the classes that both know."""
    (old_name, old), (new_name, new) = found["models"].items()
    lines = [
        f"Beside {old_name}, the starter before this one, on the same {found['bags']} bags, through the steps"
        " of `beltline screen`, each at its own operating point of 5 %, over the classes that both know:",
        "",
        f"| class | PD, {old_name} | {new_name} | AUC, {old_name} | {new_name} |",
        "|---|---|---|---|---|",
    ]
    for label, now in new["classes"].items():
        before = old["classes"][label]
        cells = [rate(row["pd"]) for row in (before, now)]
        lines.append(f"| {label} | {cells[0]} | {cells[1]} | {before['auc']:.2f} | {now['auc']:.2f} |")
    means = [model["mean"]["auc"] for model in (old, new)]
    lines += [f"| **mean** | | | {means[0]:.2f} | {means[1]:.2f} |", ""]
    false = ", ".join(f"{name} in {rate(model['bag_pfa'])}" for name, model in found["models"].items())
    gain = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*found["difference"]["auc"])
    return [*lines, f"Mean AUC {gain}, paired over bags. Bags without an item that alarm: {false}."]


def whole_physics(found: dict[str, Any], name: str) -> str:
    """How often bags of `beltline simulate` alarm, which differ from those of training and calibration."""
    bags = found["models"][name]
    return (
        f"On {found['bags']} bags of `beltline simulate`, every object traced in its bag, it alarms at 5 % in"
        f" {rate(bags['bag_pd'])} of the bags with an item and in {rate(bags['bag_pfa'])} of those without;"
        f" mean AUC {bags['mean']['auc']:.2f}."
    )


def speed_text(found: dict[str, Any], name: str) -> list[str]:
    """Median and p95 of the pipeline beside the plain one and the model before."""
    row, (first, *_) = found["ms"][name], found["ms"]
    ours, plain = row["beltline"], row["plain"]
    steps = ", ".join(f"{step} {ours[step]['median']:.1f}" for step in ("prepare", "model", "localise"))
    return [
        "## Speed",
        "",
        f"`python benchmarks/screening.py`: {found['scans']} scans of 1000x700, two threads, from decoded "
        f"array to report entry: median {ours['total']['median']:.1f} ms, p95 {ours['total']['p95']:.1f} ms "
        f"({steps}); {row['ratio']:.2f} times {first} in the same run. The plain PIL and ONNX Runtime "
        "pipeline, which finds no bag, whitens no air and gives no box, takes "
        f"{plain['total']['median']:.1f} ms.",
    ]


def rate(values: Any) -> str:
    """``0.50 [0.40, 0.60]`` of a rate of `beltline evaluate` or of three numbers of a benchmark."""
    three = [values[key] for key in ("value", "low", "high")] if isinstance(values, dict) else values
    return "{:.2f} [{:.2f}, {:.2f}]".format(*three)


def heading(model: ScreeningModel, note: str) -> str:
    """What the model is, how to use it, and how it was made."""
    card = model.card
    return HEAD.format(
        name=card.name,
        backbone=card.details["recipe"]["backbone"],
        count=len(card.classes),
        classes=", ".join(card.classes),
        megabytes=megabytes(card.name),
        sha=model.sha256,
        note=note.strip(),
    )


def megabytes(name: str) -> float:
    """Size of a shipped ONNX file."""
    (entry,) = (entry for entry in list_weights() if entry.name == name)
    return entry.path.stat().st_size / 1e6


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--note", type=Path, required=True, help="recipe and how the shipped run went")
    a = parser.parse_args()
    names = ("seen", "unseen", "before", "bags", "speed")
    found = {name: json.loads((a.figures / f"{name}.json").read_text()) for name in names}
    lines = [
        heading(load_model(a.model, warm=False), a.note.read_text()) + SIMULATED,
        "In the looks used for training (random ones and the named ones):",
        "",
        *simulated_table(found["seen"]),
        "",
        "In a look that training never saw (`unseen`):",
        "",
        *simulated_table(found["unseen"]),
        "",
        *before_table(found["before"]),
        "",
        whole_physics(found["bags"], a.model),
        "",
        REAL,
        (a.figures / "real.md").read_text().strip(),
        "",
        *speed_text(found["speed"], a.model),
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
