"""Tables and report of the Xsyn experiment, from the detectors that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beltline.formats import write_atomic, write_json
from beltline.protocols.claims import Claim, over_scans, over_seeds
from beltline.protocols.tables import Row, beside, markdown, spread, write_csv
from beltline.protocols.xsyn.arms import OWN_ITEMS, REAL, TIP, TRUTH, XSYN_A
from beltline.protocols.xsyn.figures import draw_fractions
from beltline.protocols.xsyn.plan import AIMS, DECIDING, Deciding, XsynScale
from beltline.protocols.xsyn.published import printed_fractions, printed_over_projection
from beltline.protocols.xsyn.results import Results
from beltline.protocols.xsyn.tasks import SHIFT_SPREAD, SIDE_BIAS, SIDE_SPREAD

MEASURES = """\
AP is the mean over IoU 0.50 to 0.95 and over classes, in percent, then over seeds ± their standard deviation;
AP 50 is that at IoU 0.5. Every detector takes as many steps, and looks at as many real and as many made
windows: where nothing is made, at the benign bags as they are.
"""
SEEN = f"""\
The painter and the library of projected items saw all real windows, whatever the fraction: a gain at a small
one is in part what the others taught them. "{OWN_ITEMS}" projects those of the fraction alone; "{TRUTH}" is
the bags with an item really in each, which only a simulator has.
"""
JITTER = f"""\
Layouts are the boxes of the items really there, jittered, as somebody draws them: each side longer by a
factor of exp({SIDE_BIAS} + {SIDE_SPREAD} n), the centre beside by {SHIFT_SPREAD} n of it, n normal."""
CLAIMS = """\
Paired, points of AP. The first interval is Student's over the seeds, 95 % (would another training agree);
"test windows" is a bootstrap over these, the trainings held fixed. Clear is what leaves out 0 by both, from
three seeds on.
"""


@dataclass(frozen=True)
class Told:
    """What a report says that the cells do not.

    Attributes:
        data: Of the sets, sentences.
        painter: What the painter was trained on.
        planned: Cells.
        judged: What `judge_painter` found; None without truth.
    """

    data: str
    painter: str
    planned: int
    judged: Mapping[str, Any] | None


def write_report(out: Path, scale: XsynScale, results: Results, told: Told) -> Path:
    """Write ``tables/*.csv``, ``figures/*.png``, ``report.json`` and ``report.md``.

    Returns:
        Path of report.md.
    """
    tables = {
        "fractions": fractions_table(results),
        "differences": differences_table(results),
        "by_class": by_class_table(results),
        "per_seed": per_seed_table(results),
    }
    judged = told.judged
    if judged is not None:
        tables |= {"boxes": judged["cars"], "occlusions": judged["boms"]}
    for name, rows in tables.items():
        write_csv(out / "tables" / f"{name}.csv", rows)
    draw_fractions(out / "figures" / "fractions.png", results.groups)
    said = verdicts(results, scale)
    done = sum(len(each) for each in results.groups.values())
    facts = {
        "verdicts": said,
        "cells": {"done": done, "planned": told.planned},
        "tables": tables,
        "judged": None if judged is None else dict(judged),
    }
    write_json(out / "report.json", facts)
    write_atomic(out / "report.md", _text(scale, tables, said, told, done).encode())
    return out / "report.md"


def fractions_table(results: Results) -> list[Row]:
    """A row an arm and percentage, with the printed figure behind."""
    printed, rows = printed_fractions(), []
    for (detector, arm, percent), each in sorted(results.groups.items(), key=lambda e: (e[0][0], e[0][2])):
        looks = each[0].result["looks"]
        rows.append(
            {
                "detector": detector,
                "real, %": str(percent),
                "arm": arm,
                "seeds": str(len(each)),
                "AP (printed)": beside(spread([t.each.mean(0) for t in each]), printed.get((arm, percent))),
                "AP 50": spread([t.each[0] for t in each]),
                "real windows": str(each[0].result["real"]),
                "made windows": str(each[0].result["made"]),
                "looks, real + made": f"{looks['real']} + {looks['made']}",
            }
        )
    return rows


def differences_table(results: Results) -> list[Row]:
    """Each arm against real windows alone and against TIP; an ablation against Xsyn-A too."""
    rows = []
    for detector, arm, percent in results.groups:
        rivals = [REAL, TIP, *([XSYN_A] if arm.startswith(f"{XSYN_A},") else [])]
        for rival in rivals:
            claim = (
                None
                if rival == arm
                else results.difference((detector, rival, percent), (detector, arm, percent))
            )
            if claim is None or (arm == REAL and rival == TIP):
                continue
            rows.append(
                {
                    "detector": detector,
                    "real, %": str(percent),
                    "arm": arm,
                    "over": rival,
                    "seeds": str(len(claim.each)),
                    "points of AP (printed)": beside(over_seeds(claim), _printed(arm, rival, percent)),
                    "test windows": over_scans(claim),
                    "clear": "yes" if claim.clear else "",
                }
            )
    return rows


def _printed(arm: str, rival: str, percent: int) -> float | None:
    printed = printed_fractions()
    if (arm, percent) not in printed or (rival, percent) not in printed:
        return None
    return printed[arm, percent] - printed[rival, percent]


def by_class_table(results: Results) -> list[Row]:
    """AP of each class."""
    rows = []
    for (detector, arm, percent), each in results.groups.items():
        row: Row = {"detector": detector, "real, %": str(percent), "arm": arm}
        mean = np.mean([t.each.mean(0) for t in each], axis=0)
        rows.append(row | {k: f"{100 * v:.1f}" for k, v in zip(each[0].classes, mean, strict=True)})
    return rows


def per_seed_table(results: Results) -> list[Row]:
    """A row a detector: what any other interval can be computed from."""
    return [
        {
            "detector": one.cell.detector,
            "real, %": str(one.cell.percent),
            "arm": one.cell.arm,
            "seed": str(one.cell.seed),
            "AP": f"{100 * np.nanmean(one.each):.3f}",
            "AP 50": f"{100 * np.nanmean(one.each[0]):.3f}",
            "seconds": f"{one.result['seconds']:.0f}",
        }
        for each in results.groups.values()
        for one in each
    ]


def verdicts(results: Results, scale: XsynScale) -> list[str]:
    """What decides in plain sentences, a detector each, then whether the aim was reached."""
    found = []
    for detector in scale.detectors:
        groups = ((detector, arm, DECIDING.percent) for arm in (DECIDING.first, DECIDING.second))
        found.append(verdict(DECIDING, detector, results.difference(*groups)))
    return [*found, aim_sentence(results, scale.detectors[0])]


def verdict(one: Deciding, detector: str, claim: Claim | None) -> str:
    """A comparison that decides, in a plain sentence."""
    asks = f"{one.second} over {one.first} at {one.percent} % of the real windows, {detector}"
    if claim is None:
        return f"**Not decided**: {asks}; no seed of both is trained yet."
    seeds = len(claim.each)
    said = f"{asks}: {over_seeds(claim)} points of AP over {seeds} seed{'s' if seeds > 1 else ''}"
    if one.percent in (printed := printed_over_projection(one.second)):
        said += f" (printed {printed[one.percent]:+.1f})"
    if seeds < one.seeds:
        return f"**Not decided**: {said}; {one.seeds} seeds are asked for."
    if not claim.clear:
        return f"**Not shown**: {said}."
    return f"**{'Better' if claim.difference > 0 else 'Worse'}**: {said}."


def aim_sentence(results: Results, detector: str) -> str:
    """Whether Xsyn-A is ahead of TIP by as much as was wished, and what to use if not."""
    reached, known = [], []
    for percent in AIMS.percents:
        claim = results.difference((detector, TIP, percent), (detector, XSYN_A, percent))
        if claim is not None:
            known.append(percent)
            reached += [percent] if 100 * claim.difference >= AIMS.points else []
    wanted = f"{AIMS.points:+.1f} points over TIP at {', '.join(map(str, AIMS.percents))} % real"
    if not known:
        return f"Aim ({wanted}): nothing to say yet."
    if len(reached) == len(AIMS.percents):
        return f"Aim ({wanted}): the means reach it at every percentage."
    at = f"at {', '.join(map(str, reached))} %" if reached else "nowhere"
    return f"Aim ({wanted}): of {', '.join(map(str, known))} % measured, the means reach it {at}."


def _text(
    scale: XsynScale, tables: Mapping[str, list[Row]], said: Sequence[str], told: Told, done: int
) -> str:
    judged = told.judged
    painter = [
        "## The painter against truth\n",
        f"The painter was {told.painter}.\n",
    ]
    if judged is not None:
        painter += [
            f"{judged['car']} Of all boxes, {judged['best']} fits best.\n",
            f"{judged['items']} items painted into bags of test articles. {JITTER}\n",
            *judged["table"],
            "",
            "### Boxes: what CAR gains\n",
            markdown(tables["boxes"]),
            "### Occlusion (BOM): is the item still found\n",
            markdown(tables["occlusions"]),
            "![painted items](figures/painted.jpg)\n",
        ]
    return "\n".join(
        [
            "# Xsyn: what painted threats are worth beside projected ones\n",
            *(f"{line}\n" for line in said),
            f"{told.data} {scale.detector_steps} steps of {scale.detector_batch} pictures a detector;"
            f" {done} of {told.planned} detectors trained.\n",
            "## Detectors by fraction of the real windows\n",
            MEASURES,
            SEEN,
            markdown(tables["fractions"]),
            "![AP by fraction](figures/fractions.png)\n",
            "## Differences\n",
            CLAIMS,
            markdown(tables["differences"]),
            "## By class\n",
            markdown(tables["by_class"]),
            *painter,
        ]
    )
