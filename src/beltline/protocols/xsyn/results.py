"""Detectors of the Xsyn experiment that are done, matched with the test windows at ten overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.metrics.detections import Boxes, detection_ap, detection_ap_of_counts, match_detections
from beltline.metrics.paired import Counts, OfCounts
from beltline.protocols.cells import folder_of
from beltline.protocols.claims import Claim, compared
from beltline.protocols.xsyn.cell import read_cell
from beltline.protocols.xsyn.plan import XsynCell

IOUS = tuple(np.round(np.arange(0.5, 0.96, 0.05), 2))
Group = tuple[str, str, int]  # detector, arm, percent


@dataclass(frozen=True, eq=False)
class Tested:
    """A detector that is done.

    Attributes:
        cell: Which.
        found: Detections in the test windows.
        result: What `run_cell` wrote.
        truth: What lies in the test windows.
        classes: K names.
    """

    cell: XsynCell
    found: Boxes
    result: dict[str, Any]
    truth: Boxes
    classes: tuple[str, ...]

    @property
    def group(self) -> Group:
        """Cells that differ in the seed alone."""
        return self.cell.detector, self.cell.arm, self.cell.percent

    @cached_property
    def each(self) -> NDArray[np.float64]:
        """(10, K) average precision by IoU and class."""
        return np.array([detection_ap(m, self.truth, len(self.classes)) for m in self._matched])

    @cached_property
    def of_counts(self) -> OfCounts:
        """AP of resamples of the test windows."""
        parts = [detection_ap_of_counts(m, self.truth, len(self.classes)) for m in self._matched]

        def values(counts: Counts) -> NDArray[np.float64]:
            return np.asarray(np.mean([part(counts) for part in parts], axis=0))

        return values

    @cached_property
    def _matched(self) -> list[Any]:
        return [match_detections(self.found, self.truth, iou=float(iou)) for iou in IOUS]


@dataclass(frozen=True, eq=False)
class Results:
    """All detectors that are done, by group.

    Attributes:
        groups: The seeds of each, in order.
        holds: (N,) whether a test window holds an item.
    """

    groups: Mapping[Group, Sequence[Tested]]
    holds: NDArray[np.bool_]

    def difference(self, first: Group, second: Group) -> Claim | None:
        """Second minus first over the seeds that both have; None where there are none."""
        one, other = ({t.cell.seed: t for t in self.groups.get(g, ())} for g in (first, second))
        seeds = sorted(set(one) & set(other))
        if not seeds:
            return None
        return compared([one[s].of_counts for s in seeds], [other[s].of_counts for s in seeds], self.holds)


def read_results(
    out: Path, cells: Sequence[XsynCell], truth: Boxes, scans: int, classes: tuple[str, ...]
) -> Results:
    """The cells that are done."""
    groups: dict[Group, list[Tested]] = {}
    for cell in cells:
        result, found = read_cell(folder_of(out, cell))
        one = Tested(cell, found, result, truth, classes)
        groups.setdefault(one.group, []).append(one)
    ordered = {g: sorted(each, key=lambda t: t.cell.seed) for g, each in groups.items()}
    return Results(ordered, np.isin(np.arange(scans), truth.image))
