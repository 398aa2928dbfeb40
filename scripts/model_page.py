"""Write docs/models/starter-chr-2.md from measured figures; nothing in the tables is typed by hand.

beltline evaluate RUN --data VAL --calibrate
beltline evaluate RUN --data TEST --json > seen.json
beltline evaluate RUN --data TEST-UNSEEN --json > unseen.json
python benchmarks/real_scans.py REAL --markdown > real.md
python benchmarks/screening.py --json > speed.json
FIGURES="--seen seen.json --unseen unseen.json --real real.md --speed speed.json"
python scripts/model_page.py --note scripts/starter_note.md $FIGURES > docs/models/starter-chr-2.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from beltline.screening import load_model

HEAD = """# {name}

CHR on a narrow ResNet-18, {classes} classes, trained on simulated bags alone: **no real scan and no real
label was used**, neither to train nor to choose a threshold. Shipped as ONNX (SHA-256 `{sha}`).

```sh
beltline models show {name}
beltline screen SCANS --out report
```

Its weights ship for training too ([how](../training.md#starting-from-other-weights)): `--set init={name}`
starts `beltline train detector` from its backbone, and `beltline train chr` from all of them if the recipe
has the same backbone, `--recipe chr_starter --set backbone=resnet18 --set backbone_channels=[32,64,128,256]`.

## Recipe

```sh
CLASSES=gun,knife,wrench,pliers,scissors,hammer,handcuffs,baton
SHARDS="--threats-each 45 --classes $CLASSES"
NET="--recipe chr_starter --set backbone=resnet18 --set backbone_channels=[32,64,128,256] \\
    --set batch_size=16 --set crop_height=288 --set crop_width=288 --set steps=1000000"
beltline data shards data/train --split train --shards 43 --seed 311 $SHARDS
beltline data shards data/val --split val --shards 4 --seed 361 $SHARDS
beltline data shards data/test --split test --shards 4 --seed 371 $SHARDS
beltline data shards data/unseen --split test --shards 2 --seed 381 --classes $CLASSES \\
    --styles unseen:1 --library data/test-library
beltline train chr --data data/train --out first $NET --set max_minutes=72 --set lr=0.0015
beltline train chr --data data/train --out run $NET --set max_minutes=95 --set lr=0.001 \\
    --set init=first --set classes=$CLASSES
beltline evaluate run --data data/val --calibrate
beltline evaluate run --data data/test
beltline evaluate run --data data/unseen
beltline export run --out {name}.onnx --half
```

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
negatives, so pointing, boxes and class against class within one source say more than the first rows.
"""


def simulated_table(found: dict[str, Any]) -> list[str]:
    """Rows per class and the whole-scan lines."""
    lines = [
        "| class | bags with it | AP | AUC | PD at 5 % | PD at 10 % | pointing |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["classes"].items():
        points = row["operating_points"]
        cells = [_interval(points[pfa]["pd"]) for pfa in ("0.05", "0.1")]
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
            f"- Whole bag at {float(pfa):.0%}: some class alarms in {_interval(point['pd'])} of the bags "
            f"with an item and in {_interval(point['pfa'])} of those without."
        )
    return lines


def before_table(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The model before and this one on the same bags, over the classes that both know."""
    shared = [name for name in now["classes"] if name in before["classes"]]
    lines = [
        "The starter before this one on the same bags, over the classes that both know:",
        "",
        "| class | PD at 5 %, before | now | AUC, before | now |",
        "|---|---|---|---|---|",
    ]
    for name in shared:
        old, new = before["classes"][name], now["classes"][name]
        cells = [_interval(row["operating_points"]["0.05"]["pd"]) for row in (old, new)]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {old['auc']:.2f} | {new['auc']:.2f} |")
    return lines


def speed_text(found: dict[str, Any]) -> list[str]:
    """Median and p95 of the pipeline beside the plain one."""
    ours, plain = found["ms"]["beltline"], found["ms"]["plain"]
    steps = ", ".join(f"{step} {ours[step]['median']:.1f}" for step in ("prepare", "model", "localise"))
    return [
        "## Speed",
        "",
        f"`python benchmarks/screening.py`: {found['scans']} scans of 1000x700, two threads, from decoded "
        f"array to report entry: median {ours['total']['median']:.1f} ms, p95 {ours['total']['p95']:.1f} ms "
        f"({steps}). The plain PIL and ONNX Runtime pipeline in the same run, which finds no bag, whitens no "
        f"air and gives no box, takes {plain['total']['median']:.1f} ms.",
    ]


def _interval(values: list[float]) -> str:
    return f"{values[0]:.2f} [{values[1]:.2f}, {values[2]:.2f}]"


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("seen", "unseen", "real"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--before", type=Path, help="seen.json of the model before, on the same test bags")
    parser.add_argument("--speed", type=Path, help="screening.py --json")
    parser.add_argument("--note", type=Path, help="paragraph on how the shipped run went")
    a = parser.parse_args()
    model = load_model()
    seen, unseen = (json.loads(path.read_text()) for path in (a.seen, a.unseen))
    note = a.note.read_text().strip() if a.note else ""
    head = HEAD.format(
        name=model.card.name,
        classes=len(model.card.classes),
        sha=model.sha256,
        note=note,
    )
    lines = [
        head + SIMULATED + "In the looks used for training (random ones and the three named ones):",
        "",
        *simulated_table(seen),
    ]
    if a.before:
        lines += ["", *before_table(json.loads(a.before.read_text()), seen)]
    lines += ["", "In a look that training never saw (`unseen`):", "", *simulated_table(unseen)]
    lines += ["", REAL, a.real.read_text().strip()]
    if a.speed:
        lines += ["", *speed_text(json.loads(a.speed.read_text()))]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
