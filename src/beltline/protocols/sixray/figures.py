"""Figures of the SIXray experiment: gain by imbalance (the paper's figure 5) and all methods side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beltline.protocols.claims import Claim
from beltline.protocols.figures import plain_axis, points_with_reach, pyplot, save_figure
from beltline.protocols.sixray.plan import SUBSETS, SixrayScale
from beltline.protocols.sixray.published import Printed

COLORS = {
    "CHR": "#c44e52",
    "CHR epsilon 0.001": "#e39a9c",
    "balanced": "#4c72b0",
    "CHR balanced": "#9b6fb3",
}
PAPER = "#8c8c8c"
Pair = tuple[Claim, Claim]  # of mean average precision, of pointing accuracy
Gains = Mapping[tuple[str, str, str, str], Pair]  # by backbone, method, baseline, subset


def draw_gains(
    path: Path, gains: Gains, ratios: Mapping[str, float], scale: SixrayScale, printed: Printed
) -> None:
    """Gain over the plain backbone against imbalance, for CHR and the rivals, the paper's curve in grey.

    Bars are Student's intervals over the seeds.
    """
    figure, axes = _canvas(1, 2)
    for panel, (axis, title) in enumerate(
        zip(axes, ("mean average precision", "pointing accuracy"), strict=True)
    ):
        axis.axhline(0, color="black", linewidth=0.8)
        for shift, (method, color) in enumerate(COLORS.items()):
            subsets = [s for s in scale.subsets if (scale.ablation, method, "plain", s) in gains]
            if not subsets:
                continue
            x = [ratios[s] * 1.05 ** (shift - 1.5) for s in subsets]  # side by side, not one over the other
            y, reach = points_with_reach(gains[scale.ablation, method, "plain", s][panel] for s in subsets)
            axis.errorbar(x, y, yerr=reach, marker="o", capsize=3, color=color, label=method)
        table = printed.ablation
        paper = [table["ResNet34+CHR", s][panel] - table["ResNet34", s][panel] for s in SUBSETS]
        axis.plot(list(SUBSETS.values()), paper, "--s", color=PAPER, label="CHR, printed (ResNet34)")
        axis.set_xscale("log")
        axis.set_xlabel("negatives per positive image")
        axis.set_ylabel("points over the plain backbone")
        axis.set_title(title)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    save_figure(figure, path)


def draw_methods(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Mean average precision and pointing accuracy of every trained method, one panel a subset."""
    rows = [row for row in rows if row.get("mAP")]
    subsets = list(dict.fromkeys(row["subset"] for row in rows))
    if not subsets:
        return
    counts = [sum(row["subset"] == subset for row in rows) for subset in subsets]
    figure, axes = _canvas(len(subsets), 1, height=0.34 * sum(counts) + 1.2, heights=counts)
    for axis, subset in zip(axes, subsets, strict=True):
        mine = [row for row in rows if row["subset"] == subset][::-1]
        for offset, column, color in ((0.18, "mAP", "#4c72b0"), (-0.18, "pointing", "#dd8452")):
            values = [float(row[column].split(" ± ")[0]) for row in mine]
            errors = [float(row[column].split(" ± ")[1]) if "±" in row[column] else 0.0 for row in mine]
            places = [i + offset for i in range(len(mine))]
            axis.barh(places, values, height=0.34, xerr=errors, color=color, label=column, error_kw={"lw": 1})
        axis.set_yticks(range(len(mine)), [row["method"] for row in mine])
        axis.set_title(subset, loc="left", fontsize=10)
    axes[-1].set_xlabel("percent")
    axes[0].legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0.8, 1.0))
    save_figure(figure, path)


def _canvas(
    rows: int, columns: int, *, height: float = 4.0, heights: Sequence[float] | None = None
) -> tuple[Any, Any]:
    figure, axes = pyplot().subplots(
        rows,
        columns,
        figsize=(4.6 * columns if heights is None else 7.0, height),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
        sharex="col" if heights else False,
    )
    for axis in axes.flat:
        plain_axis(axis)
    return figure, list(axes.flat)
