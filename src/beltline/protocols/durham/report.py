"""Tables and report of the Durham experiment, from the cells that are done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_atomic, write_json
from beltline.formats.device_shards import DeviceShards
from beltline.metrics.part_fusion import expected_false_alarms
from beltline.protocols.cells import folder_of
from beltline.protocols.claims import Claim, compared, over_scans, over_seeds
from beltline.protocols.durham.cell import Done, read_cell
from beltline.protocols.durham.data import DurhamData
from beltline.protocols.durham.plan import DECIDING, METHODS, TEST, Cell, Deciding, DurhamScale
from beltline.protocols.durham.published import printed_tables
from beltline.protocols.tables import Row, markdown, spread, write_csv

AT = "0.05"
PARTS = """\
Of parts, at the threshold that lets 3.5 % of benign validation parts alarm, the paper's false-alarm rate; of
whole devices the same of devices. Accuracy, precision and F1 follow from TP and FP as on balanced data, all
of a row from one confusion matrix. Printed numbers stand behind; "implied" is the accuracy that the printed
TP and FP imply: where it differs, the printed row contradicts itself. Scores of parts and of devices are of
different questions: **compare rows in the next table**, which asks both the same.
"""
DEVICES = """\
One decision a device: parts are fused by the rule that found most at 5 % false alarms of validation devices,
the threshold is set on the benign ones (split conformal). A device and its benign twin are in the same set.
"""
CLAIMS = """\
AUC of devices of the test set, in points. The first interval is Student's over the seeds, 95 %; "test
devices" is a bootstrap over pairs of twins, the trainings held fixed. Clear is what leaves out 0 by both,
from three seeds on.
"""
FINDING = """\
Everything above is of devices cut out by their true masks. Here is how well they are found: devices of which
half was covered (IoU 0.5), the mean IoU of the best mask of each, what was taken for a device a scan, and
the share of scans without a device in which none was found. The scans are framed to 320 pixels.
"""
START = """\
Trunks start from ImageNet weights where a package has them (EfficientNet-Lite0) and from random ones
elsewhere: so do all published sizes here, which the paper started from ImageNet's. All rows see the same
devices and get the same number of steps.
"""


def write_report(
    out: Path, scale: DurhamScale, data: DurhamData, cells: Sequence[Cell], *, planned: int
) -> Path:
    """Write ``tables/*.csv``, ``report.json`` and ``report.md``.

    Args:
        out: Folder of the experiment.
        scale: What was planned.
        data: All sets.
        cells: Cells that are done.
        planned: How many are planned.

    Returns:
        Path of report.md.
    """
    found = [read_cell(folder_of(out, cell), cell) for cell in cells]
    tables = {
        "parts": parts_table(found),
        "devices": devices_table(found),
        "differences": differences_table(found, data.tests[TEST]),
        "unseen": unseen_table(found),
        "found": found_table(found),
        "finding": finding_table(found),
    }
    for name, rows in tables.items():
        write_csv(out / "tables" / f"{name}.csv", rows)
    said = [verdict(one, claim_of(found, one, data.tests[TEST])) for one in DECIDING]
    facts = {"verdicts": said, "cells": {"done": len(found), "planned": planned}, "tables": tables}
    write_json(out / "report.json", facts)
    counts = ", ".join(f"{name} {len(shards)}" for name, shards in data.tests.items())
    rate = expected_false_alarms(0.035, 20)
    text = [
        "# Durham: anomalies in electronics\n",
        f"{data.told}: {len(data.train)} scans to train on,"
        f" {len(data.val)} to choose on; test sets {counts}. {len(found)} of {planned} cells trained, size"
        f" {scale.size}.\n",
        *(f"{line}\n" for line in said),
        "## Tables I and II\n",
        PARTS,
        markdown(tables["parts"]),
        "## The decision for the device\n",
        f"At 3.5 % false alarms a part, 20 independent parts alarm in {rate:.0%} of benign devices.\n",
        DEVICES,
        markdown(tables["devices"]),
        "## Is a row better?\n",
        CLAIMS,
        markdown(tables["differences"]),
        "## Kinds and devices that nothing was trained on\n",
        markdown(tables["unseen"]),
        "## Found at 5 %, percent\n",
        markdown(tables["found"]),
        "## Finding devices in whole scans\n",
        FINDING,
        markdown(tables["finding"]),
        "## What is compared\n",
        START,
    ]
    write_atomic(out / "report.md", "\n".join(text).encode())
    return out / "report.md"


def pick(found: Sequence[Done], method: str) -> list[Done]:
    """The seeds of a row, in order."""
    return sorted((d for d in found if d.cell.method == method), key=lambda d: d.cell.seed)


def _rows(found: Sequence[Done], has: str = "tests") -> dict[str, list[Done]]:
    """The cells of each row that say something of this kind."""
    told = [done for done in found if done.result.get(has)]
    return {name: mine for name in METHODS if (mine := pick(told, name))}


def parts_table(found: Sequence[Done]) -> list[Row]:
    """The paper's columns, beside the printed ones."""
    printed, rows = printed_tables(), []
    for name, mine in _rows(found).items():
        tables = [d.result["tests"][TEST]["part_table"] for d in mine]
        paper = printed.get((METHODS[name].level, METHODS[name].classifier))
        row: Row = {
            "row": name,
            "seeds": str(len(mine)),
            "TP": _mean([t["tp"]["value"] for t in tables]),
            "FP": _mean([t["fp"]["value"] for t in tables]),
        }
        for key in ("accuracy", "precision", "f1"):
            row[key] = _mean([t["balanced"][key] for t in tables])
        for key in ("tp", "fp", "accuracy", "precision", "f1"):
            row[f"printed {key}"] = f"{getattr(paper, key):.2f}" if paper else ""
        row["implied accuracy"] = f"{paper.implied_accuracy:.2f}" if paper else ""
        rows.append(row)
    return rows


def devices_table(found: Sequence[Done]) -> list[Row]:
    """The decision for devices of the test set."""
    return [
        {
            "row": name,
            "seeds": str(len(mine)),
            "AUC": _mean([d.result["tests"][TEST]["auc"] for d in mine]),
            "PD at 5 %": _rate(mine, TEST, "pd"),
            "PFA": _rate(mine, TEST, "pfa"),
            "fused by": ", ".join(dict.fromkeys(d.result["chosen"]["fusion"] for d in mine)),
            "parameters, millions": f"{mine[0].result['parameters'] / 1e6:.2f}",
            "ms a device": f"{np.median([d.result['tests'][TEST]['ms_a_device'] for d in mine]):.0f}",
        }
        for name, mine in _rows(found).items()
    ]


def _rate(mine: Sequence[Done], test: str, which: str) -> str:
    each = [d.result["tests"][test]["at"] for d in mine]
    return _mean([at[AT][which]["value"] for at in each if AT in at])


def _mean(each: Sequence[float | None]) -> str:
    """Percent; None is no number, as JSON has it."""
    return spread([np.array([np.nan if value is None else value]) for value in each])


def finding_table(found: Sequence[Done]) -> list[Row]:
    """How well devices are found in whole scans of the test set."""
    rows = []
    for name, mine in _rows(found, "finding").items():
        each = [one for done in mine if (one := done.result["finding"].get(TEST))]
        if each:
            rows.append(
                {
                    "row": name,
                    "seeds": str(len(each)),
                    "found": _mean([one["found"] and one["found"]["value"] for one in each]),
                    "IoU": _mean([one["iou"] for one in each]),
                    "false a scan": f"{np.mean([one['false'] for one in each]):.2f}",
                    "none where none is": _mean([one["empty"] and one["empty"]["value"] for one in each]),
                }
            )
    return rows


def unseen_table(found: Sequence[Done]) -> list[Row]:
    """PD and PFA at the thresholds of known kinds and families."""
    rows = []
    for name, mine in _rows(found).items():
        row: Row = {"row": name, "seeds": str(len(mine))}
        for test in mine[0].result["tests"]:
            row[f"{test}: AUC"] = _mean([d.result["tests"][test]["auc"] for d in mine])
            row[f"{test}: PD"] = _rate(mine, test, "pd")
            row[f"{test}: PFA"] = _rate(mine, test, "pfa")
        rows.append(row)
    return rows


def found_table(found: Sequence[Done]) -> list[Row]:
    """Share of anomalies found, all seeds together, by what they are and where."""
    every = _rows(found)
    groups: dict[tuple[str, str], Row] = {}
    for name, mine in every.items():
        for (group, value), (hits, count) in _pooled(mine).items():
            row = groups.setdefault((group, value), {"by": group, "value": value, "devices": ""})
            row["devices"] = str(count // len(mine))
            row[name] = f"{100 * hits / count:.0f}"
    columns = ["by", "value", "devices", *every]
    return [{column: row.get(column, "") for column in columns} for row in groups.values()]


def _pooled(mine: Sequence[Done]) -> dict[tuple[str, str], tuple[int, int]]:
    total: dict[tuple[str, str], tuple[int, int]] = {}
    for done in mine:
        for group, values in done.result["tests"][TEST].get("found", {}).items():
            for value, (hits, count) in values.items():
                before = total.get((group, value), (0, 0))
                total[group, value] = (before[0] + hits, before[1] + count)
    return total


def differences_table(found: Sequence[Done], shards: DeviceShards) -> list[Row]:
    """What decides, and the dense model over parts."""
    more = Deciding("EfficientNet-Lite0, parts", "dense", "one pass over all places instead of parts alone")
    rows = []
    for one in (*DECIDING, more):
        claim = claim_of(found, one, shards)
        if claim is not None:
            rows.append(
                {
                    "difference": f"{one.second} - {one.first}",
                    "asks": one.asks,
                    "seeds": str(len(claim.each)),
                    "AUC points": over_seeds(claim),
                    "test devices": over_scans(claim),
                    "clear": "yes" if claim.clear else "",
                    "decides": "yes" if one in DECIDING else "",
                }
            )
    return rows


def claim_of(found: Sequence[Done], one: Deciding, shards: DeviceShards) -> Claim | None:
    """Second row minus first in AUC of test devices, None without a shared seed."""
    firsts, seconds = (
        {d.cell.seed: d.scores[TEST] for d in pick(found, name)} for name in (one.first, one.second)
    )
    shared = sorted(set(firsts) & set(seconds))
    if not shared:
        return None
    truth = shards.devices["positive"].astype(bool)
    _, pair = np.unique(shards.devices["pair"], return_inverse=True)
    one_by_one, other = (
        [auc_of_counts(truth, row[seed], pair) for seed in shared] for row in (firsts, seconds)
    )
    return compared(one_by_one, other, np.ones(int(pair.max()) + 1, bool))


def auc_of_counts(truth: NDArray[np.bool_], scores: NDArray[np.float64], group: NDArray[Any]) -> Any:
    """AUC as a function of how often each group was drawn: (R, G) counts to (R,).

    Example:
        >>> auc = auc_of_counts(np.array([False, True]), np.array([0.1, 0.9]), np.array([0, 0]))
        >>> auc(np.ones((1, 1), int)).tolist()
        [1.0]
    """
    ahead = np.sign(scores[truth][:, None] - scores[~truth][None]) / 2 + 0.5

    def auc(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        positive, negative = (counts[:, group[mine]].astype(np.float64) for mine in (truth, ~truth))
        total = positive.sum(1) * negative.sum(1)
        return np.asarray(np.einsum("rp,pn,rn->r", positive, ahead, negative) / total)

    return auc


def verdict(one: Deciding, claim: Claim | None) -> str:
    """A comparison that decides, in a plain sentence."""
    if claim is None:
        return f"**Not decided**: {one.asks}; no seed of both is trained yet."
    seeds = len(claim.each)
    said = f"{one.asks}: {over_seeds(claim)} points of AUC over {seeds} seed{'s' if seeds > 1 else ''}"
    if seeds < one.seeds:
        return f"**Not decided**: {said}; {one.seeds} seeds are asked for."
    if not claim.clear:
        return f"**Not shown**: {said}."
    return f"**{'Better' if claim.difference > 0 else 'Worse'}**: {said}."
