"""What was missed: by size and by occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import wilson
from beltline.protocols.sixray.measure import Measured
from beltline.protocols.sixray.parts import Part
from beltline.protocols.sixray.plan import Cell, Scale

SIZES = (0.0, 0.02, 0.05, 1.0)  # share of the image that the item covers
OCCLUSIONS = (0.0, 0.1, 0.3, 1.0)  # share of the optical depth along its rays that belongs to other things


def misses_table(found: Sequence[tuple[Cell, Part, Measured]], scale: Scale) -> list[dict[str, str]]:
    """Share of items found in each bin of size and occlusion, with Wilson intervals, pooled over seeds."""
    rows = []
    for method in ("plain", "CHR", "balanced"):
        for subset in scale.subsets:
            mine = [
                (p, m) for c, p, m in found if (c.net, c.method, c.subset) == (scale.ablation, method, subset)
            ]
            if not mine:
                continue
            row = {"method": method, "subset": subset}
            for title, column, edges in (("area", 6, SIZES), ("occlusion", 7, OCCLUSIONS)):
                for low, high in pairwise(edges):
                    hit, total = np.sum([_count(p, m, column, low, high) for p, m in mine], axis=0)
                    row[f"{title} {low:g} to {high:g}"] = _rate(int(hit), int(total))
            rows.append(row)
    return rows


def _count(part: Part, figures: Measured, column: int, low: float, high: float) -> NDArray[np.int64]:
    value = part.objects[:, column]
    mine = part.objects[(value >= low) & (value < high)][:, :2].astype(int)
    return np.array([int(figures.found[mine[:, 0], mine[:, 1]].sum()), len(mine)])


def _rate(hits: int, total: int) -> str:
    if total == 0:
        return "none"
    rate = wilson(hits, total)
    return f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}] of {total}"
