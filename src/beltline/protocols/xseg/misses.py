"""What was missed after one click (IoU below 0.5): by class, size, occlusion and material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import AREA_EDGES, OCCLUSION_EDGES, wilson
from beltline.protocols.tables import Row
from beltline.protocols.xseg.data import ClickSet

MISSED_BELOW = 0.5
SMALL_AREAS = (0.0, 0.005, 0.01, *AREA_EDGES[1:])
METAL_EDGES = (0.0, 0.1, 0.9, 1.0)
#: Column of `beltline.protocols.xseg.data.INSTANCE`, title and edges.
PROPERTIES: Sequence[tuple[str, str, tuple[float, ...]]] = (
    ("area", "share of the scan", SMALL_AREAS),
    ("occlusion", "occlusion", OCCLUSION_EDGES),
    ("metal", "share of metal", METAL_EDGES),
)
Bins = dict[str, NDArray[np.bool_]]


def bins_of(data: ClickSet) -> dict[str, Bins]:
    """Which of the wanted instances lie in each bin, by property and title of the bin."""
    found = data.instances[data.rows()]
    classes = {name: found["label"] == number for number, name in enumerate(data.labels)}
    tables: dict[str, Bins] = {"class": {name: inside for name, inside in classes.items() if inside.any()}}
    for column, title, edges in PROPERTIES:
        values = found[column].astype(np.float64)
        if not np.isfinite(values).any():
            continue
        bins = {}
        for low, high in pairwise(edges):
            last = high == edges[-1]
            bins[f"{low:g} to {high:g}"] = (values >= low) & (values <= high if last else values < high)
        tables[title] = bins
    return tables


def misses_table(ious: Mapping[str, Sequence[NDArray[np.float64]]], data: ClickSet) -> list[Row]:
    """Share of instances missed in each bin in percent, mean over seeds, with Wilson's intervals.

    The intervals are of the instances: every seed answers the same ones, so that they do not count again.

    Args:
        ious: By method, (M,) of each seed.
        data: The test set.
    """
    rows = []
    for title, bins in bins_of(data).items():
        for name, inside in bins.items():
            total = int(inside.sum())
            row = {"property": title, "bin": name, "instances": str(total)}
            for method, seeds in ious.items():
                row[method] = _share([values[inside] for values in seeds], total)
            rows.append(row)
    return rows


def _share(seeds: Sequence[NDArray[np.float64]], total: int) -> str:
    if not total or not seeds:
        return ""
    missed = float(np.mean([(values < MISSED_BELOW).sum() for values in seeds]))
    rate = wilson(round(missed), total)
    return f"{100 * missed / total:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]"
