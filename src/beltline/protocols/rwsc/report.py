"""Tables and report of the RWSC experiment, from the detectors that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_atomic
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
from beltline.metrics.paired import OfCounts
from beltline.protocols.claims import Claim, compared, over_scans, over_seeds
from beltline.protocols.rwsc.cell import read_cell
from beltline.protocols.rwsc.data import RwscData
from beltline.protocols.rwsc.figures import draw_gallery, draw_worth
from beltline.protocols.rwsc.fusion_tables import difference_table, outside_table, quality_table
from beltline.protocols.rwsc.plan import PRINTED, TRUTH, DetectorCell, RwscScale, Setting, shown
from beltline.protocols.rwsc.published import printed_detection
from beltline.protocols.rwsc.quality import quality
from beltline.protocols.rwsc.synthesis import OnPairs
from beltline.protocols.tables import Row, beside, markdown, spread, write_csv

Gains = dict[tuple[str, str], Claim]
Group = tuple[Setting, str]
ORDER = ("R/2", "R", "S", "S+")
RIVALS: Mapping[Setting, Sequence[Group]] = {
    "R": (("R/2", "real"),),
    "S": (("R/2", "real"), ("R", "real"), ("S", "copy-paste"), ("S", "TIP")),
    "S+": (("R", "real"), ("S+", "copy-paste"), ("S+", "TIP")),
}
SETTINGS = """\
Training sets: R all real positives; R/2 half of them and benign bags; S the same half, and the benign bags
with a threat in each, class by class as many as in the other half; S+ all real ones and those. Threats are
articles of the first half alone.
"""
MEASURES = """\
Under the mask: MAE, PSNR, SSIM, luminance and saturation error against the bag with the item really in it. In
the item's box: QE, Qabf, EI, PSNR of sources and MEF-SSIM, which know no truth; beside them the first four of
the whole picture, as papers print them. LL and CSD are losses that RWSC-Fusion is
trained to lower.
"""
RESIDUAL = """\
"RWSC (residual)" is ours: its style control corrects the features of the product. "RWSC literal" replaces
them, as the poster reads; the printed figures of RWSC-Fusion can be ascribed to neither with certainty.
"""
CLAIMS = """\
Paired. The interval beside each difference is Student's over the seeds (would another training agree), 95 %;
the one under "test windows" is a bootstrap over these, the trainings held fixed (would another test set
agree). Clear is what leaves out 0 by both, from three seeds on.
"""


@dataclass(frozen=True, eq=False)
class TestedDetector:
    """A detector that is done, matched with the test set."""

    cell: DetectorCell
    found: Boxes
    matched: Matched
    objects: list[int]

    def ap(self, truth: Truth) -> NDArray[np.float64]:
        """(K,) average precision."""
        return detection_ap(self.matched, truth.boxes, len(truth.classes))


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
    scale: RwscScale,
    data: RwscData,
    fusions: Mapping[str, OnPairs],
    drawn: Mapping[str, OnPairs],
    cells: Sequence[DetectorCell],
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
    groups: dict[Group, list[TestedDetector]] = {}
    for cell in cells:
        result, found = read_cell(folder / "cells" / cell.name)
        done = TestedDetector(cell, found, match_detections(found, truth.boxes), result["objects"])
        groups.setdefault((cell.setting, cell.method), []).append(done)
    gains = _gains(groups, truth)
    groups = dict(sorted(groups.items(), key=lambda entry: ORDER.index(entry[0][0])))
    measured = {name: quality(fuse, data.quality) for name, fuse in fusions.items()}
    tables = {
        "detection": _detection(groups, truth),
        "differences": _differences(groups, truth),
        "by_class": _by_class(groups, truth),
        "quality": quality_table(measured),
        "quality_differences": difference_table(measured),
        "outside": outside_table(drawn, data.quality),
        "per_seed": _per_seed(groups, truth),
    }
    for name, rows in tables.items():
        write_csv(folder / "tables" / f"{name}.csv", rows)
    draw_worth(folder / "figures" / "worth.png", gains)
    picked = np.linspace(0, len(data.quality) - 1, min(8, len(data.quality))).astype(int).tolist()
    shown = {name: fuse for name, fuse in fusions.items() if name != TRUTH}
    draw_gallery(folder / "figures" / "gallery.jpg", shown, data.quality, picked)
    write_atomic(folder / "report.md", _text(tables, scale, data, len(cells), planned).encode())
    return folder / "report.md"


def _gains(groups: Mapping[Group, Sequence[TestedDetector]], truth: Truth) -> Gains:
    bases: Mapping[str, Group] = {"S": ("R/2", "real"), "S+": ("R", "real")}
    found: Gains = {}
    for (setting, method), done in groups.items():
        difference = _difference(groups.get(bases[setting], ()), done, truth) if setting in bases else None
        if difference is not None:
            found[setting, method] = difference
    return found


def _difference(
    first: Sequence[TestedDetector], second: Sequence[TestedDetector], truth: Truth
) -> Claim | None:
    seeds = sorted({d.cell.seed for d in first} & {d.cell.seed for d in second})
    if not seeds:
        return None

    def of_counts(done: Sequence[TestedDetector]) -> list[OfCounts]:
        by_seed = {d.cell.seed: d for d in done}
        return [detection_ap_of_counts(by_seed[s].matched, truth.boxes, len(truth.classes)) for s in seeds]

    return compared(of_counts(first), of_counts(second), truth.holds)


def _per_seed(groups: Mapping[Group, Sequence[TestedDetector]], truth: Truth) -> list[Row]:
    """One row a detector, AP in percent: what any other interval can be computed from."""
    rows = []
    for (setting, method), done in groups.items():
        for one in sorted(done, key=lambda d: d.cell.seed):
            each = 100 * one.ap(truth)
            values = zip(("AP 0.5", *truth.classes), (np.nanmean(each), *each), strict=True)
            row = {"training set": setting, "synthesis": shown(method), "seed": str(one.cell.seed)}
            rows.append({**row, **{name: f"{value:.3f}" for name, value in values}})
    return rows


def _detection(groups: Mapping[Group, Sequence[TestedDetector]], truth: Truth) -> list[Row]:
    printed = printed_detection()
    rows = []
    for (setting, method), done in groups.items():
        points = [recall_and_precision(d.matched, truth.boxes, len(truth.classes), score=0.5) for d in done]
        alarms = np.array([froc(d.matched, truth.boxes, truth.scans, alarms=(0.1, 0.5)) for d in done])
        paper = printed.get((PRINTED[setting], "mean")) if method in ("real", "RWSC") else None
        rows.append(
            {
                "training set": setting,
                "synthesis": shown(method),
                "seeds": str(len(done)),
                "objects": str(sum(done[0].objects)),
                "AP 0.5": spread([d.ap(truth) for d in done]),
                "recall": spread([r for r, _ in points]),
                "precision": spread([p for _, p in points]),
                "found at 0.1 alarms a scan": spread(list(alarms[:, :1])),
                "found at 0.5": spread(list(alarms[:, 1:])),
                "PD at 5 % PFA": spread([np.array([_pd(d, truth)]) for d in done]),
                "paper AP (YOLOv4)": "" if paper is None else f"{paper:.1f}",
            }
        )
    return rows


def _pd(done: TestedDetector, truth: Truth) -> float:
    best = scan_scores(done.found, truth.scans, len(truth.classes)).max(1)
    return float((best[truth.holds] >= threshold_at_pfa(truth.holds, best, 0.05)).mean())


def _differences(groups: Mapping[Group, Sequence[TestedDetector]], truth: Truth) -> list[Row]:
    rows = []
    for (setting, method), done in groups.items():
        for rival in RIVALS.get(setting, ()):
            if rival == (setting, method):
                continue
            found = _difference(groups.get(rival, ()), done, truth)
            if found is not None:
                rows.append(
                    {
                        "training set": f"{setting} {shown(method)}",
                        "over": f"{rival[0]} {shown(rival[1])}",
                        "seeds": str(len(found.each)),
                        "points of AP 0.5": over_seeds(found),
                        "test windows": over_scans(found),
                        "clear": "yes" if found.clear else "",
                    }
                )
    return rows


def _by_class(groups: Mapping[Group, Sequence[TestedDetector]], truth: Truth) -> list[Row]:
    printed = printed_detection()
    rows = []
    for (setting, method), done in groups.items():
        each = np.array([d.ap(truth) for d in done]).mean(0)
        row = {"training set": setting, "synthesis": shown(method)}
        for name, value in zip(truth.classes, each, strict=True):
            paper = printed.get((PRINTED[setting], name)) if method in ("real", "RWSC") else None
            row[name] = beside(f"{100 * value:.1f}", paper)
        rows.append(row)
    return rows


def _text(tables: Mapping[str, list[Row]], scale: RwscScale, data: RwscData, done: int, planned: int) -> str:
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
        "A fused picture shows the bag itself there; this is the paper's measure of the encoder.\n",
        markdown(tables["outside"]),
    ]
    edges = edges if tables["outside"] else []
    return "\n".join(
        [
            "# Threat image projection and RWSC-Fusion: what a synthesis is worth\n",
            f"{made} {trained}\n",
            SETTINGS,
            RESIDUAL,
            "## Detectors\n",
            "Percent: mean over classes, then over seeds ± their standard deviation; recall and precision at"
            " score 0.5.\n",
            markdown(tables["detection"]),
            "![what each synthesis is worth](figures/worth.png)\n",
            "## Differences\n",
            CLAIMS,
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
