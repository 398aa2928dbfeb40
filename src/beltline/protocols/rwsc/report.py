"""Tables and report of the RWSC experiment, from the detectors that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_atomic
from beltline.metrics import PairedDifference
from beltline.metrics.detections import (
    Boxes,
    Matched,
    detection_ap,
    detection_ap_of_counts,
    froc,
    match_detections,
    recall_and_precision,
    scan_scores,
)
from beltline.metrics.operating_points import threshold_at_pfa
from beltline.metrics.paired import paired_bootstrap_of_counts
from beltline.protocols.rwsc.cell import read_cell
from beltline.protocols.rwsc.data import RwscData
from beltline.protocols.rwsc.figures import draw_gallery, draw_worth
from beltline.protocols.rwsc.plan import PRINTED, TRUTH, WITHOUT_EDGES, Cell, Scale, Setting
from beltline.protocols.rwsc.published import printed_detection, printed_edge_attention, printed_quality
from beltline.protocols.rwsc.quality import (
    AGAINST_TRUTH,
    ERRORS,
    WITHOUT_TRUTH,
    outside,
    paired_interval,
    quality,
)
from beltline.protocols.rwsc.synthesis import OnPairs
from beltline.protocols.tables import Row, interval, markdown, write_csv

Gains = dict[tuple[str, str], PairedDifference]
Group = tuple[Setting, str]
ORDER = ("R/2", "R", "S", "S+")
SETTINGS = """\
Training sets: R all real positives; R/2 half of them and benign bags; S the same half, and the benign bags
with a threat in each, class by class as many as in the other half; S+ all real ones and those. Threats are
articles of the first half alone.
"""
MEASURES = """\
Under the mask: MAE, PSNR, SSIM, luminance and saturation error against the bag with the item really in it. In
the item's box: QE, Qabf, EI, PSNR of sources and MEF-SSIM, which know no truth. LL and CSD are the losses
of RWSC-Fusion, less is better to it.
"""


@dataclass(frozen=True, eq=False)
class Done:
    """A detector that is done, matched with the test set."""

    cell: Cell
    found: Boxes
    matched: Matched
    objects: list[int]


@dataclass(frozen=True, eq=False)
class Truth:
    """What lies in the test windows."""

    boxes: Boxes
    scans: int
    classes: tuple[str, ...]

    @property
    def holds(self) -> NDArray[np.bool_]:
        """(scans,) whether a window holds an item."""
        return np.isin(np.arange(self.scans), self.boxes.image)


def write_report(
    folder: Path,
    scale: Scale,
    data: RwscData,
    fusions: Mapping[str, OnPairs],
    drawn: Mapping[str, OnPairs],
    cells: Sequence[Cell],
    planned: int,
) -> Path:
    """Write ``tables/*.csv``, ``figures/*.png`` and ``report.md``.

    Args:
        folder: Of the experiment.
        scale: What was planned.
        data: All sets.
        fusions: Trained and untrained fusions by name, for the quality table and the gallery.
        drawn: Networks whose bag is not pasted back, for the ablation of edge attention.
        cells: Detectors that are done.
        planned: How many are planned.

    Returns:
        Path of report.md.
    """
    truth = Truth(data.test.objects, len(data.test), data.classes)
    groups: dict[Group, list[Done]] = {}
    for cell in cells:
        result, found = read_cell(folder / "cells" / cell.name)
        done = Done(cell, found, match_detections(found, truth.boxes), result["objects"])
        groups.setdefault((cell.setting, cell.method), []).append(done)
    gains = _gains(groups, truth)
    groups = dict(sorted(groups.items(), key=lambda entry: ORDER.index(entry[0][0])))
    measured = {name: quality(fuse, data.quality) for name, fuse in fusions.items()}
    tables = {
        "detection": _detection(groups, truth),
        "differences": _differences(groups, truth),
        "by_class": _by_class(groups, truth),
        "quality": _quality(measured),
        "quality_differences": _quality_differences(measured),
        "outside": _outside(drawn, data),
    }
    for name, rows in tables.items():
        write_csv(folder / "tables" / f"{name}.csv", rows)
    draw_worth(folder / "figures" / "worth.png", gains)
    picked = np.linspace(0, len(data.quality) - 1, min(8, len(data.quality))).astype(int).tolist()
    shown = {name: fuse for name, fuse in fusions.items() if name != TRUTH}
    draw_gallery(folder / "figures" / "gallery.jpg", shown, data.quality, picked)
    write_atomic(folder / "report.md", _text(tables, scale, data, len(cells), planned).encode())
    return folder / "report.md"


def _gains(groups: Mapping[Group, Sequence[Done]], truth: Truth) -> Gains:
    bases: Mapping[str, Group] = {"S": ("R/2", "real"), "S+": ("R", "real")}
    found: Gains = {}
    for (setting, method), done in groups.items():
        if setting in bases and bases[setting] in groups:
            difference = _difference(groups[bases[setting]], done, truth)
            if difference is not None:
                found[setting, method] = difference
    return found


def _difference(first: Sequence[Done], second: Sequence[Done], truth: Truth) -> PairedDifference | None:
    seeds = sorted({d.cell.seed for d in first} & {d.cell.seed for d in second})
    if not seeds:
        return None

    def of_counts(done: Sequence[Done]) -> list[object]:
        by_seed = {d.cell.seed: d for d in done}
        return [detection_ap_of_counts(by_seed[s].matched, truth.boxes, len(truth.classes)) for s in seeds]

    return paired_bootstrap_of_counts(
        of_counts(first),  # type: ignore[arg-type]
        of_counts(second),  # type: ignore[arg-type]
        truth.holds,
        rng=np.random.default_rng(0),
        resamples=400,
    )


def _detection(groups: Mapping[Group, Sequence[Done]], truth: Truth) -> list[Row]:
    printed = printed_detection()
    rows = []
    for (setting, method), done in groups.items():
        points = [recall_and_precision(d.matched, truth.boxes, len(truth.classes), score=0.5) for d in done]
        alarms = np.array([froc(d.matched, truth.boxes, truth.scans, alarms=(0.1, 0.5)) for d in done])
        paper = printed.get((PRINTED[setting], "mean"))
        rows.append(
            {
                "training set": setting,
                "synthesis": method,
                "seeds": str(len(done)),
                "objects": str(sum(done[0].objects)),
                "AP 0.5": spread([detection_ap(d.matched, truth.boxes, len(truth.classes)) for d in done]),
                "recall": spread([r for r, _ in points]),
                "precision": spread([p for _, p in points]),
                "found at 0.1 alarms a scan": spread(list(alarms[:, :1])),
                "found at 0.5": spread(list(alarms[:, 1:])),
                "PD at 5 % PFA": spread([np.array([_pd(d, truth)]) for d in done]),
                "paper AP (YOLOv4)": f"{paper:.1f}"
                if paper is not None and method in ("real", "RWSC")
                else "",
            }
        )
    return rows


def _pd(done: Done, truth: Truth) -> float:
    best = scan_scores(done.found, truth.scans, len(truth.classes)).max(1)
    return float((best[truth.holds] >= threshold_at_pfa(truth.holds, best, 0.05)).mean())


def spread(each: Sequence[NDArray[np.float64]]) -> str:
    """Mean over classes in percent, then over seeds with their standard deviation."""
    values = [100 * float(np.nanmean(v)) for v in each if np.isfinite(v).any()]
    if not values:
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}"


def _differences(groups: Mapping[Group, Sequence[Done]], truth: Truth) -> list[Row]:
    rows = []
    for (setting, method), done in groups.items():
        rivals: list[Group] = []
        if setting in ("S", "S+"):
            rivals = [("R/2", "real"), ("R", "real"), (setting, "copy-paste"), (setting, "TIP")]
        elif setting == "R":
            rivals = [("R/2", "real")]
        for rival in rivals:
            if rival not in groups or rival == (setting, method) or (setting, rival[0]) == ("S+", "R/2"):
                continue
            found = _difference(groups[rival], done, truth)
            if found is not None:
                rows.append(
                    {
                        "training set": f"{setting} {method}",
                        "over": f"{rival[0]} {rival[1]}",
                        "seeds": str(found.seeds),
                        "points of AP 0.5": interval(found),
                        "clear": "yes" if found.clear else "",
                    }
                )
    return rows


def _by_class(groups: Mapping[Group, Sequence[Done]], truth: Truth) -> list[Row]:
    printed = printed_detection()
    rows = []
    for (setting, method), done in groups.items():
        each = np.array([detection_ap(d.matched, truth.boxes, len(truth.classes)) for d in done]).mean(0)
        row = {"training set": setting, "synthesis": method}
        for name, value in zip(truth.classes, each, strict=True):
            paper = printed.get((PRINTED[setting], name)) if method in ("real", "RWSC") else None
            row[name] = f"{100 * value:.1f}" + (f" ({paper:.1f})" if paper is not None else "")
        rows.append(row)
    return rows


def _quality(measured: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> list[Row]:
    printed = printed_quality()
    rows = []
    for method, values in measured.items():
        row = {"fusion": method}
        for name in (n for n in (*AGAINST_TRUTH, *WITHOUT_TRUTH) if n in values):
            paper = printed.get(method, {}).get(name)
            digits = 1 if abs(np.nanmean(values[name])) > 5 else 3
            row[name] = f"{np.nanmean(values[name]):.{digits}f}" + (
                f" ({paper:g})" if paper is not None else ""
            )
        rows.append(row)
    return rows


def _quality_differences(measured: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> list[Row]:
    if "TIP" not in measured or "MAE" not in measured["TIP"]:
        return []
    rows = []
    for method, values in measured.items():
        if method == "TIP":
            continue
        row = {"fusion": f"{method} - TIP"}
        for name in AGAINST_TRUTH:
            middle, low, high = paired_interval(measured["TIP"][name], values[name])
            better = high < 0 if name in ERRORS else low > 0
            worse = low > 0 if name in ERRORS else high < 0
            row[name] = f"{middle:+.3g} [{low:+.3g}, {high:+.3g}]" + (
                " better" if better else " worse" if worse else ""
            )
        rows.append(row)
    return rows


def _outside(drawn: Mapping[str, OnPairs], data: RwscData) -> list[Row]:
    printed = printed_edge_attention()
    measured = {name: outside(draw, data.quality) for name, draw in drawn.items()}
    rows: list[Row] = []
    for name, (errors, ratios) in measured.items():
        paper = printed["without EA" if name == WITHOUT_EDGES else "with EA"]
        rows.append(
            {
                "network": name,
                "MAE outside": f"{errors.mean():.3f} ({paper[0]})",
                "PSNR outside": f"{ratios.mean():.2f} ({paper[1]})",
            }
        )
    if len(measured) == 2:
        pairs = zip(measured[WITHOUT_EDGES], measured["RWSC"], strict=True)
        error, ratio = (paired_interval(without, with_edges) for without, with_edges in pairs)
        rows.append(
            {
                "network": f"RWSC - {WITHOUT_EDGES}",
                "MAE outside": "{:+.3f} [{:+.3f}, {:+.3f}]".format(*error),
                "PSNR outside": "{:+.2f} [{:+.2f}, {:+.2f}]".format(*ratio),
            }
        )
    return rows


def _text(tables: Mapping[str, list[Row]], scale: Scale, data: RwscData, done: int, planned: int) -> str:
    trained = (
        f"Detector {scale.detector}, {scale.detector_steps} steps. {done} of {planned} detectors trained."
    )
    if data.quality.truth is None:
        made = (
            f"Scans of a real set, fitted into {scale.size} pixels: {len(data.first)} and {len(data.second)}"
            f" positives in the two halves, {len(data.test)} test scans."
        )
    else:
        made = (
            f"**Simulated windows** of {scale.size} pixels at {scale.pixel_mm} mm, {scale.half} positives in"
            f" each half of the real set, one item each; {scale.test_positives} positive and"
            f" {scale.test_negatives} benign test windows of other items. Heights are not comparable with the"
            " printed ones."
        )
    edges = [
        "## Edge attention: the bag outside the mask as the network draws it (in brackets as printed)\n",
        "Whoever fuses pictures gets the bag itself there; this is the paper's measure of the encoder.\n",
        markdown(tables["outside"]),
    ]
    edges = edges if tables["outside"] else []
    return "\n".join(
        [
            "# Threat image projection and RWSC-Fusion: what a synthesis is worth\n",
            f"{made} {trained}\n",
            SETTINGS,
            "## Detectors\n",
            "Percent: mean over classes, then over seeds ± their standard deviation; recall and precision at"
            " score 0.5.\n",
            markdown(tables["detection"]),
            "![what each synthesis is worth](figures/worth.png)\n",
            "## Differences, paired, with 95 % intervals over seeds and test windows\n",
            markdown(tables["differences"]),
            "## Average precision by class, in brackets as printed\n",
            markdown(tables["by_class"]),
            "## Fusions against the true composite, and by the field's metrics (in brackets as printed)\n",
            MEASURES,
            markdown(tables["quality"]),
            "### Against TIP, paired, 95 % intervals over pairs\n",
            markdown(tables["quality_differences"]),
            "![gallery](figures/gallery.jpg)\n",
            *edges,
        ]
    )
