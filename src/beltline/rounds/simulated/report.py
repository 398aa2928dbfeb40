"""What the rounds were worth: one comparison that decides, the curves, and what trivial answers score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beltline.formats import write_atomic, write_json
from beltline.metrics.paired import seed_interval
from beltline.rounds.line_chart import Line, line_chart
from beltline.rounds.simulated.plan import SimulationPlan

REPORT, PAGE = "report.json", "report.md"
AIMS = {"by hand": 0.5, "untrained": 1.0, "random": 0.7}  # share of the other arm's presses, at most
RESAMPLES = 2000  # draws of the test scans
EQUAL = 0.02  # IoU by which final masks may differ and still count as equally good
Found = Mapping[str, Any]
MEASURES: Mapping[str, Callable[[Found], float | None]] = {
    "clicks per mask": lambda f: _ratio(f["presses"], f["masks"]),
    "vertices per mask": lambda f: _ratio(sum(of["vertex"] for of in f["effort"].values()), f["masks"]),
    "seconds per mask": lambda f: _ratio(f["seconds"], f["masks"]),
    "IoU of the first proposal": lambda f: _ratio(f["first_iou"], f["firsts"]),
    "final IoU": lambda f: _ratio(f["iou"], f["objects"]),
    "changed in review": lambda f: _ratio(f["changed"], f["compared"]),
    "mended with the pen": lambda f: _ratio(f["mended"], f["masks"]),
    "drawn by hand": lambda f: _ratio(f["by_hand"], f["masks"]),
    "masks per scan": lambda f: _ratio(f["masks"], f["scans"]),
    "kappa": lambda f: f["kappa"],
}
CURVES = ("clicks per mask", "seconds per mask", "IoU of the first proposal", "final IoU")


def write_report(
    out: Path, plan: SimulationPlan, results: Sequence[Found], trivial: Mapping[str, float]
) -> dict[str, Any]:
    """Write report.json, report.md and the figures.

    Args:
        out: Folder of the simulation.
        plan: Of it.
        results: Of the cells that are done.
        trivial: Mean IoU of masks by rules, by name.

    Returns:
        What report.json holds.
    """
    where = {"test": "on scans no arm has seen", "figures": "on the scans of the round"}
    curves = {key: _curves(plan, results, key) for key in where}
    found = {
        "schema_version": 1,
        "seeds": sorted({one["seed"] for one in results}),
        "cells": len(results),
        "objects": max((one["test"]["objects"] for one in results), default=0),
        "planned": len(plan.arms) * len(plan.seeds) * plan.rounds,
        "decides": {other: compared(plan, results, other, aim) for other, aim in AIMS.items()},
        "test": curves["test"],
        "rounds": curves["figures"],
        "gate": [
            {**{k: one[k] for k in ("arm", "seed", "round", "promoted")}, **one["verdict"]}
            for one in results
            if one.get("verdict")
        ],
        "trivial": dict(trivial),
        "seconds": {one["arm"]: _seconds(results, one["arm"]) for one in results},
    }
    numbers = list(range(1, plan.rounds + 1))
    for measure in CURVES:
        name = measure.replace(" ", "_").lower()
        lines = {
            arm: Line(_means(curves["test"][arm][measure])) for arm in plan.arms if arm in curves["test"]
        }
        chart = line_chart(measure, numbers, lines, unit=where["test"], from_zero="IoU" not in measure)
        write_atomic(out / "figures" / f"{name}.svg", str(chart))
    write_json(out / REPORT, found, indent=1)
    write_atomic(out / PAGE, _page(plan, found))
    return found


def _curves(
    plan: SimulationPlan, results: Sequence[Found], key: str
) -> dict[str, dict[str, list[list[float]]]]:
    """By arm and measure, for each round the value of every seed."""
    table: dict[str, dict[str, list[list[float]]]] = {}
    for arm in plan.arms:
        mine = [one for one in results if one["arm"] == arm]
        if mine:
            table[arm] = {
                name: [
                    [v for one in mine if one["round"] == number and (v := measure(one[key])) is not None]
                    for number in range(1, plan.rounds + 1)
                ]
                for name, measure in MEASURES.items()
            }
    return table


def compared(plan: SimulationPlan, results: Sequence[Found], other: str, aim: float) -> dict[str, Any] | None:
    """Clicks per mask of the picked arm beside another one's, after the last round, seed by seed.

    Args:
        plan: Its rounds and seeds.
        results: Of cells: ``arm``, ``seed``, ``round`` and ``test`` of each.
        other: Arm.
        aim: Most that the share is to be.

    Returns:
        ``share`` with its ``interval`` over seeds and ``over_scans``, whether the aim is ``reached``, and
        ``shown`` by the interval over seeds; None before both arms are done.
    """
    last = {(one["arm"], one["seed"]): one["test"] for one in results if one["round"] == plan.rounds}
    seeds = [seed for seed in plan.seeds if ("picked", seed) in last and (other, seed) in last]
    if not seeds:
        return None
    presses, iou = MEASURES["clicks per mask"], MEASURES["final IoU"]
    pairs = [(presses(last["picked", s]), presses(last[other, s])) for s in seeds]
    shares = [a / b for a, b in pairs if a is not None and b]
    ious = [[iou(last[arm, s]) or 0.0 for s in seeds] for arm in ("picked", other)]
    each = [[last[arm, s].get("each", ()) for s in seeds] for arm in ("picked", other)]
    away = _mean(ious[0]) - _mean(ious[1])
    interval = seed_interval(shares)[1:] if len(shares) > 1 else None
    return {
        "seeds": len(shares),
        "share": _mean(shares),
        "interval": interval,
        "over_scans": share_over_scans(*each),
        "aim": aim,
        "reached": bool(_mean(shares) <= aim),
        "shown": bool(interval and interval[1] <= aim),
        "final_iou": [_mean(each) for each in ious],
        "equal_iou": bool(abs(away) <= EQUAL),
    }


def share_over_scans(
    ours: Sequence[Sequence[Sequence[int]]], theirs: Sequence[Sequence[Sequence[int]]]
) -> tuple[float, float] | None:
    """Interval, 95 %, of the share of clicks per mask over test scans, people and trainings held fixed.

    Both arms and all seeds see the same draw of scans. None where too few scans hold a mask to tell,
    or an earlier version, which did not keep each scan, did the cells.

    Args:
        ours: Presses and masks of each scan, (S, N, 2): S seeds, N scans.
        theirs: Of the other arm, alike.

    Source:
        Efron and Tibshirani (1993), percentile method.

    Example:
        >>> alike = [[(4, 1), (8, 2), (2, 1)]]
        >>> share_over_scans(alike, [[(8, 1), (16, 2), (4, 1)]])
        (0.5, 0.5)
    """
    if not all((*ours, *theirs)):
        return None
    both = np.array([ours, theirs], np.float64)  # (2, S, N, 2)
    scans = both.shape[2]
    counts = np.random.default_rng(0).multinomial(scans, np.full(scans, 1 / scans), size=RESAMPLES)
    presses, masks = np.einsum("rn,asnk->kasr", counts, both)
    told = ((masks > 0) & (presses > 0)).all((0, 1))
    if told.mean() < 0.5:
        return None
    clicks = presses[..., told] / masks[..., told]
    low, high = np.quantile((clicks[0] / clicks[1]).mean(axis=0), [0.025, 0.975])
    return float(low), float(high)


def _page(plan: SimulationPlan, found: Mapping[str, Any]) -> str:
    lines = [
        "# Rounds of annotation, simulated", "",
        f"{found['cells']} of {found['planned']} cells are done, {len(found['seeds'])} seed(s). {plan.rounds}"
        f" rounds of {plan.per_round} scans from a pool of {plan.pool}, {plan.gate} scans for the gate,"
        f" {plan.test} test scans with {found['objects']} objects that no arm ever annotates."
        f" Scans are simulated (look {plan.style}, {', '.join(plan.classes)}); people are simulated too,"
        " and so are their seconds.", "",
        "A click is every press of the mouse, of label and review together: clicks, corners of a box,"
        " vertices of an outline, choices of a class, deletions, undoing. Intervals are 95 %: Student's over"
        " seeds (other people, other trainings, the same test scans), and a bootstrap over test scans (others"
        " of the kind, the same people and trainings).", "",
        "## What decides", "",
    ]  # fmt: skip
    lines += [_decided(name, found["decides"][name]) for name in AIMS]
    for key, title in (("test", "Test scans, after each round"), ("rounds", "The scans of each round")):
        lines += ["", f"## {title}", "", *_table(found[key], plan.rounds)]
    lines += ["", "## Trivial answers", "", "Mean IoU with the truth of masks made from a box by a rule:", ""]
    lines += [f"- {name}: {value:.3f}" for name, value in found["trivial"].items()]
    if found["gate"]:
        promoted = sum(one["promoted"] for one in found["gate"])
        lines += [
            "",
            "## The gate",
            "",
            f"{promoted} of {len(found['gate'])} trained models were promoted.",
            "",
        ]
        lines += [_verdict(one) for one in found["gate"]]
    names = [name.replace(" ", "_").lower() for name in CURVES]
    lines += ["", "## Curves", "", *(f"![{name}](figures/{name}.svg)" for name in names), ""]
    return "\n".join(lines)


def _decided(name: str, found: Mapping[str, Any] | None) -> str:
    goal = {
        "by hand": "labelling without a model",
        "untrained": "a model that does not learn",
        "random": "random picking",
    }[name]
    if found is None:
        return f"- Beside {goal}: not compared yet, both arms are needed."
    reach = "" if found["interval"] is None else " [{:.2f}, {:.2f}]".format(*found["interval"])
    if found["over_scans"] is not None:
        reach += ", over test scans [{:.2f}, {:.2f}],".format(*found["over_scans"])
    equal = "at equal final IoU" if found["equal_iou"] else "at another final IoU, so not comparable"
    said = "reached" if found["reached"] else "missed"
    ours, theirs = found["final_iou"]
    return (
        f"- Beside {goal}: {found['share']:.2f}{reach} of its clicks per mask (aim {found['aim']:g}: {said}),"
        f" {equal} ({ours:.3f} and {theirs:.3f}), {found['seeds']} seed(s)."
    )


def _verdict(one: Mapping[str, Any]) -> str:
    said = "promoted" if one["promoted"] else "kept out"
    reach = f"{one['difference']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]"
    return f"- {one['arm']}, seed {one['seed']}, round {one['round']}: {reach} IoU, {said}"


def _table(curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], rounds: int) -> list[str]:
    head = ["| arm | round | " + " | ".join(MEASURES) + " |", "|---" * (len(MEASURES) + 2) + "|"]
    rows = [
        f"| {arm} | {number + 1} | " + " | ".join(_cell(of[name][number]) for name in MEASURES) + " |"
        for arm, of in curves.items()
        for number in range(rounds)
        if of["clicks per mask"][number]
    ]
    return head + rows


def _cell(values: Sequence[float]) -> str:
    return f"{_mean(values):.3g}" if values else "-"


def _seconds(results: Sequence[Found], arm: str) -> dict[str, float]:
    mine = [one["seconds"] for one in results if one["arm"] == arm]
    return {name: round(sum(one[name] for one in mine), 1) for name in mine[0]}


def _means(rounds: Sequence[Sequence[float]]) -> list[float | None]:
    return [_mean(values) if values else None for values in rounds]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
