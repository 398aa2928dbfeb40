"""What was missed: by size and by occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import AREA_EDGES, OCCLUSION_EDGES, miss_table, wilson
from beltline.protocols.sixray.measure import Measured
from beltline.protocols.sixray.parts import SubsetData
from beltline.protocols.sixray.plan import Cell, SixrayScale

PROPERTIES = (("area", 6, AREA_EDGES), ("occlusion", 7, OCCLUSION_EDGES))


def misses_table(
    found: Sequence[tuple[Cell, SubsetData, Measured]], scale: SixrayScale
) -> list[dict[str, str]]:
    """Share of items found in each bin of size and occlusion, mean over seeds, with Wilson intervals.

    The intervals are of the items: every seed answers the same ones, so that they do not count again.
    """
    rows = []
    for method in ("plain", "CHR", "balanced"):
        for subset in scale.subsets:
            mine = [
                (p, m) for c, p, m in found if (c.net, c.method, c.subset) == (scale.ablation, method, subset)
            ]
            if mine:
                rows.append({"method": method, "subset": subset, **_bins(mine)})
    return rows


def _bins(found: Sequence[tuple[SubsetData, Measured]]) -> dict[str, str]:
    columns = {}
    labels = np.concatenate([part.test_labels for part, _ in found])
    alarms = np.concatenate([figures.found for _, figures in found]).astype(np.float64)
    for title, column, edges in PROPERTIES:
        attribute = np.concatenate([item_property(part, column) for part, _ in found])
        half = np.full(labels.shape[1], 0.5)
        table = miss_table(labels, alarms, half, attribute=attribute, edges=edges).pooled()
        for b, (low, high) in enumerate(pairwise(edges)):
            total = round(int(table.total[0, b]) / len(found))
            rate = wilson(round(table.rate(0, b).hits / len(found)), total)
            text = f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}] of {total}"
            columns[f"{title} {low:g} to {high:g}"] = text if total else "none"
    return columns


def item_property(part: SubsetData, column: int) -> NDArray[np.float64]:
    """(M, K) property of the largest item of each class in each test image, NaN where absent."""
    values = np.full(part.test_labels.shape, np.nan)
    for one in part.objects[np.argsort(part.objects[:, 6], kind="stable")]:  # the largest comes last
        values[int(one[0]), int(one[1])] = one[column]
    return values
