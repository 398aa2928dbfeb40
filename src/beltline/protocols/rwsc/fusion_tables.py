"""Tables of the fusions alone: by the field's metrics, against the true composite, outside the mask."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from beltline.protocols.rwsc.plan import WITHOUT_EDGES, shown
from beltline.protocols.rwsc.published import printed_edge_attention, printed_quality
from beltline.protocols.rwsc.quality import (
    AGAINST_TRUTH,
    ERRORS,
    WHOLE,
    WITHOUT_TRUTH,
    outside,
    paired_interval,
)
from beltline.protocols.rwsc.synthesis import OnPairs
from beltline.protocols.tables import Row
from beltline.simulate.fusion_pairs import FusionPairs

OfMethods = Mapping[str, Mapping[str, NDArray[np.float64]]]  # (N,) of each pair, by fusion and measure


def quality_table(measured: OfMethods) -> list[Row]:
    """Every measure of every fusion, as printed in brackets beside that of the whole picture."""
    printed = printed_quality()
    rows = []
    for method, values in measured.items():
        row = {"fusion": shown(method)}
        for name in (n for n in (*AGAINST_TRUTH, *WITHOUT_TRUTH, *WHOLE) if n in values):
            paper = printed.get(method, {}).get(name)
            digits = 1 if abs(np.nanmean(values[name])) > 5 else 3
            row[name] = f"{np.nanmean(values[name]):.{digits}f}" + (
                f" ({paper:g})" if paper is not None else ""
            )
        rows.append(row)
    return rows


def difference_table(measured: OfMethods) -> list[Row]:
    """What is measured against the true composite, every fusion against TIP, paired."""
    if "TIP" not in measured or "MAE" not in measured["TIP"]:
        return []
    rows = []
    for method, values in measured.items():
        if method == "TIP":
            continue
        row = {"fusion": f"{shown(method)} - TIP"}
        for name in AGAINST_TRUTH:
            middle, low, high = paired_interval(measured["TIP"][name], values[name])
            better = high < 0 if name in ERRORS else low > 0
            worse = low > 0 if name in ERRORS else high < 0
            row[name] = f"{middle:+.3g} [{low:+.3g}, {high:+.3g}]" + (
                " better" if better else " worse" if worse else ""
            )
        rows.append(row)
    return rows


def outside_table(drawn: Mapping[str, OnPairs], pairs: FusionPairs) -> list[Row]:
    """The paper's ablation of edge attention: the bag outside the mask as the network draws it."""
    printed = printed_edge_attention()
    measured = {name: outside(draw, pairs) for name, draw in drawn.items()}
    rows: list[Row] = []
    for name, (errors, ratios) in measured.items():
        paper = printed["without EA" if name == WITHOUT_EDGES else "with EA"]
        rows.append(
            {
                "network": shown(name),
                "MAE outside": f"{errors.mean():.3f} ({paper[0]})",
                "PSNR outside": f"{ratios.mean():.2f} ({paper[1]})",
            }
        )
    if len(measured) == 2:
        both = zip(measured[WITHOUT_EDGES], measured["RWSC"], strict=True)
        error, ratio = (paired_interval(without, with_edges) for without, with_edges in both)
        rows.append(
            {
                "network": f"{shown('RWSC')} - {shown(WITHOUT_EDGES)}",
                "MAE outside": "{:+.3f} [{:+.3f}, {:+.3f}]".format(*error),
                "PSNR outside": "{:+.2f} [{:+.2f}, {:+.2f}]".format(*ratio),
            }
        )
    return rows
