"""What an anomaly model is worth: for parts as the paper has it, and for the one decision of a scan.

All numbers of a table follow from one confusion matrix. A threshold of parts and one of devices are chosen on
validation data; that of devices by the rule of `beltline calibrate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats.device_shards import DeviceShards
from beltline.metrics import roc_auc, threshold_at_pfa
from beltline.metrics.calibration import fit_platt, sigmoid
from beltline.metrics.conformal import conformal_rank, fewest
from beltline.metrics.confusion import Confusion, implied
from beltline.metrics.gated_fusion import GATED, fusion_of
from beltline.metrics.part_fusion import FUSIONS, Fusion, compare_fusions
from beltline.systems.anomaly.finding import finding_table
from beltline.systems.anomaly.gate import cross_fitted, learn_gate
from beltline.systems.anomaly.judge import Judged
from beltline.training.tables import point, rate_text

Floats = NDArray[np.float64]
PFAS = (0.01, 0.02, 0.05, 0.1, 0.2)
CHOSEN_AT = 0.05  # false-alarm rate of scans at which the fusion is chosen
PART_FPR = 0.035  # the paper's false alarms of parts
SHARES = (0.0, 0.01, 0.03, 0.1, 1.0)  # of the device that the anomaly covers
DIFFICULTIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def calibrate(judged: Judged) -> dict[str, Any]:
    """Probabilities of parts, the fusion, and thresholds of parts and of devices, from validation data.

    Raises:
        ValueError: If there are too few benign devices, or none with an anomaly.
    """
    known = judged.labels >= 0
    fitted = fit_platt(judged.labels[known], judged.logits[known])
    probs = sigmoid(fitted.scale * judged.logits + fitted.offset)
    truth = judged.truth.astype(np.float64)
    learnt = _gated(judged, probs)
    compared = compare_fusions(
        probs, judged.areas, judged.device, truth, pfa=CHOSEN_AT, fusions={**FUSIONS, **learnt}
    )
    chosen = max(compared, key=lambda each: (each.point.pd.value, each.auc))
    # of gated attention the scores of devices that it was not learnt from
    scores = {**FUSIONS, **learnt}[chosen.name](probs, judged.areas, judged.device, len(truth))
    gate = learn_gate(probs, judged.areas, judged.device, judged.truth) if chosen.name == GATED else None
    benign = np.sort(scores[judged.truth == 0])
    return {
        "calibration": {"scale": [fitted.scale], "bias": [fitted.offset]},
        "fusion": chosen.name,
        **({} if gate is None else {"gate": asdict(gate)}),
        "fusions": {each.name: {"pd": asdict(each.point.pd), "auc": each.auc} for each in compared},
        "thresholds": {f"{pfa:g}": [conformal(benign, pfa)] for pfa in PFAS if len(benign) >= fewest(pfa)},
        "part_threshold": threshold_at_pfa(judged.labels[known], probs[known], PART_FPR),
        "scans": len(judged.truth),
    }


def _gated(judged: Judged, probs: Floats) -> dict[str, Fusion]:
    """Gated attention among the fusions, as cross-fitted scores; none where devices are one part each."""
    if len(probs) == len(judged.truth):
        return {}
    try:
        scores = cross_fitted(probs, judged.areas, judged.device, judged.truth, judged.pair)
    except ValueError:  # too few pairs to learn from
        return {}
    return {GATED: lambda probs, areas, device, devices: scores}


def conformal(benign: Floats, pfa: float) -> float:
    """The least score that alarms: above that of rank ``ceil((n + 1)(1 - pfa))`` of benign ones, sorted."""
    return float(np.nextafter(benign[conformal_rank(len(benign), pfa) - 1], np.inf))


def figures(judged: Judged, shards: DeviceShards, chosen: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything that ``beltline evaluate`` says of an anomaly model.

    Args:
        judged: Of test data.
        shards: Devices that were judged.
        chosen: From `calibrate`; without it there are areas under curves alone.
    """
    known = judged.labels >= 0
    found: dict[str, Any] = {
        "devices": len(judged.truth),
        "anomalous": int(judged.truth.sum()),
        "parts": int(known.sum()),
        "anomalous_parts": int((judged.labels == 1).sum()),
        "part_auc": roc_auc(judged.labels[known], judged.logits[known]),
    }
    if chosen is None:
        return found
    probs = probabilities(judged, chosen)
    scores = fusion_of(chosen)(probs, judged.areas, judged.device, len(judged.truth))
    found |= {
        "part_table": part_table(judged.labels[known] == 1, probs[known] >= chosen["part_threshold"]),
        "fusion": chosen["fusion"],
        "auc": roc_auc(judged.truth.astype(np.float64), scores),
        "at": {pfa: point(judged.truth, scores, at[0]) for pfa, at in chosen["thresholds"].items()},
    }
    if f"{CHOSEN_AT:g}" in chosen["thresholds"]:
        (threshold,) = chosen["thresholds"][f"{CHOSEN_AT:g}"]
        found["found"] = found_by(shards, judged, scores >= threshold)
    return found


def probabilities(judged: Judged, chosen: Mapping[str, Any]) -> Floats:
    """Calibrated probabilities (P,) of the parts."""
    fitted = chosen["calibration"]
    return sigmoid(fitted["scale"][0] * judged.logits + fitted["bias"][0])


def part_table(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> dict[str, Any]:
    """The columns of the paper's tables, from one confusion matrix, and as they would be on balanced data."""
    counts = Confusion(
        int((truth & alarm).sum()), int((~truth & alarm).sum()),
        int((~truth & ~alarm).sum()), int((truth & ~alarm).sum()),
    )  # fmt: skip
    balanced = implied(counts.recall.value, counts.false_positive_rate.value)
    return {
        "tp": asdict(counts.recall),
        "fp": asdict(counts.false_positive_rate),
        "balanced": {"accuracy": balanced.accuracy, "precision": balanced.precision, "f1": balanced.f1},
    }


def found_by(shards: DeviceShards, judged: Judged, alarm: NDArray[np.bool_]) -> dict[str, Any]:
    """Anomalies found, by what they are and where: ``{group: {name: [found, of]}}``."""
    table = shards.devices[judged.devices]
    hidden = judged.truth == 1
    rows, hits = table[hidden], alarm[hidden]
    area = np.bincount(shards.parts["device"], shards.parts["area_px"])[judged.devices][hidden]
    groups: dict[str, dict[str, NDArray[np.bool_]]] = {
        "kind": {name: rows["kind"] == k for k, name in enumerate(shards.kinds)},
        "device": {name: rows["family"] == k for k, name in enumerate(shards.families)},
        "place": {"tray": ~rows["in_bag"], "bag": rows["in_bag"]},
        "share of the device": _bins(rows["anomaly_px"] / area, SHARES, percent=True),
        "difficulty": _bins(rows["difficulty"], DIFFICULTIES),
    }
    return {
        group: {name: [int(hits[mine].sum()), int(mine.sum())] for name, mine in parts.items() if mine.any()}
        for group, parts in groups.items()
    }


def _bins(
    values: NDArray[Any], edges: Sequence[float], *, percent: bool = False
) -> dict[str, NDArray[np.bool_]]:
    last = edges[-1]
    return {
        (f"{low:.0%} to {high:.0%}" if percent else f"{low:g} to {high:g}"): (values >= low)
        & ((values < high) | (values == last) & (high == last))
        for low, high in pairwise(edges)
    }


def table(found: Mapping[str, Any]) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    finding = finding_table(found["finding"]) if "finding" in found else []
    return [*(judged_table(found) if "devices" in found else []), *finding]


def judged_table(found: Mapping[str, Any]) -> list[str]:
    """What is said of devices, of `figures`."""
    lines = [
        f"{found['devices']} devices, {found['anomalous']} with something concealed;"
        f" {found['parts']} parts, {found['anomalous_parts']} of them anomalous",
        f"parts: AUC {found['part_auc']:.3f}",
    ]
    if "part_table" not in found:
        return lines
    parts, balanced = found["part_table"], found["part_table"]["balanced"]
    lines += [
        f"parts: TP {rate_text(parts['tp'])}, FP {rate_text(parts['fp'])}; on balanced data accuracy"
        f" {balanced['accuracy']:.3f}, precision {balanced['precision']:.3f}, F1 {balanced['f1']:.3f}",
        f"devices: AUC {found['auc']:.3f}, fused by {found['fusion']}",
    ]
    for pfa, rates in found["at"].items():
        lines.append(f"devices, wanted PFA {pfa}: PD {rate_text(rates['pd'])}, PFA {rate_text(rates['pfa'])}")
    for group, rows in found.get("found", {}).items():
        each = "; ".join(f"{name}: {hits} of {count}" for name, (hits, count) in rows.items())
        lines.append(f"found at {CHOSEN_AT:.0%} by {group}: {each}")
    return lines
