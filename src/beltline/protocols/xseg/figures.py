"""Figures of the XSeg experiment: one click, further clicks, what was missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.protocols.figures import plain_axis, pyplot, save_figure

BLUE, ORANGE, GREY = "#4c72b0", "#dd8452", "#8c8c8c"
SHOWN = ("SAM tuned", "APSAM", "Click model")  # in the figure of the misses


def draw_methods(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """MIoU of every row after a click at the centre and at random, the printed ones as grey marks."""
    shown = [row for row in rows if row.get("mIoU", "-") != "-"][::-1]
    if not shown:
        return
    figure, axis = pyplot().subplots(figsize=(7.2, 0.42 * len(shown) + 1.4), layout="constrained")
    plain_axis(axis)
    for offset, column, color in ((0.18, "mIoU", BLUE), (-0.18, "mIoU, random click", ORANGE)):
        values = [_middle(row[column]) for row in shown]
        places = [k + offset for k in range(len(shown))]
        axis.barh(places, values, height=0.34, color=color, label=f"{column.replace('mIoU', 'one click')}")
    printed = [(float(row["printed mIoU"]), k) for k, row in enumerate(shown) if row.get("printed mIoU")]
    if printed:
        axis.plot(
            *zip(*printed, strict=True), "|", color=GREY, markersize=14, label="printed (oracle points)"
        )
    axis.set_yticks(range(len(shown)), [row["row"] for row in shown])
    axis.set_xlabel("mIoU, percent")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    save_figure(figure, path)


def draw_curves(path: Path, curves: Mapping[str, NDArray[np.float64]]) -> None:
    """MIoU over clicks of the rows that take further ones."""
    if not curves:
        return
    figure, axis = pyplot().subplots(figsize=(5.6, 3.6), layout="constrained")
    plain_axis(axis)
    for name, curve in curves.items():
        axis.plot(range(1, len(curve) + 1), 100 * curve, marker="o", label=name)
    longest = max(map(len, curves.values()))
    axis.set_xticks(range(1, longest + 1))
    axis.set_xlabel("clicks")
    axis.set_ylabel("mIoU, percent")
    axis.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def draw_misses(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Share missed by property, one panel each."""
    methods = [name for name in SHOWN if any(row.get(name) for row in rows)]
    titles = list(dict.fromkeys(row["property"] for row in rows))
    if not methods or not titles:
        return
    counts = [sum(row["property"] == title for row in rows) for title in titles]
    figure, axes = pyplot().subplots(
        len(titles),
        1,
        figsize=(6.4, 0.4 * sum(counts) + 1.6),
        squeeze=False,
        layout="constrained",
        height_ratios=counts,
        sharex=True,
    )
    for axis, title in zip(axes.flat, titles, strict=True):
        _panel(axis, title, [row for row in rows if row["property"] == title][::-1], methods)
    axes.flat[-1].set_xlabel("missed, percent")
    axes.flat[0].legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def _panel(axis: Any, title: str, rows: Sequence[Mapping[str, str]], methods: Sequence[str]) -> None:
    plain_axis(axis)
    height = 0.8 / len(methods)
    for number, name in enumerate(methods):
        values = [_middle(row[name]) if row.get(name) else 0.0 for row in rows]
        places = [k + 0.4 - height * (number + 0.5) for k in range(len(rows))]
        axis.barh(places, values, height=height, label=name)
    axis.set_yticks(range(len(rows)), [f"{row['bin']} ({row['instances']})" for row in rows])
    axis.set_title(title, loc="left", fontsize=10)


def _middle(text: str) -> float:
    return float(text.split(" ")[0])
