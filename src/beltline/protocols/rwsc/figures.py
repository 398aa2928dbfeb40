"""Figures of the RWSC experiment: the gallery, and what each synthesis is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from beltline.protocols.claims import Claim
from beltline.protocols.figures import plain_axis, points_with_reach, pyplot, save_figure
from beltline.protocols.rwsc.plan import shown
from beltline.protocols.rwsc.synthesis import OnPairs
from beltline.simulate.fusion_pairs import FusionPairs


def draw_gallery(path: Path, fusions: Mapping[str, OnPairs], pairs: FusionPairs, rows: Sequence[int]) -> None:
    """Bag, item, every method and the true composite side by side, one pair a row."""
    names = ["bag", "item", *fusions, *([] if pairs.truth is None else ["true composite"])]
    figure, axes = pyplot().subplots(
        len(rows), len(names), figsize=(1.25 * len(names), 1.3 * len(rows) + 0.3), squeeze=False
    )
    for line, row in zip(axes, rows, strict=True):
        pictures = [pairs.bag[row], pairs.item[row], *(fuse(pairs, row) for fuse in fusions.values())]
        pictures += [] if pairs.truth is None else [pairs.truth[row]]
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(np.asarray(picture), interpolation="lanczos")
            axis.set_axis_off()
    for axis, name in zip(axes[0], map(shown, names), strict=True):
        axis.set_title(name.replace(" ", "\n", 1) if len(name) > 11 else name, fontsize=7)
    figure.subplots_adjust(0.003, 0.003, 0.997, 1 - 0.38 / (1.3 * len(rows) + 0.3), 0.03, 0.03)
    save_figure(figure, path, dpi=150)


def draw_worth(path: Path, gains: Mapping[tuple[str, str], Claim]) -> None:
    """Points of mAP over R/2 (S in place of half the real set) and over R (S+), with intervals.

    Args:
        path: PNG.
        gains: By setting ("S" or "S+") and method.
    """
    panels = [setting for setting in ("S", "S+") if any(s == setting for s, _ in gains)]
    if not panels:
        return
    height = 0.32 * max(sum(s == p for s, _ in gains) for p in panels) + 1.2
    figure, axes = pyplot().subplots(
        1, len(panels), figsize=(5.0 * len(panels), height), squeeze=False, layout="constrained"
    )
    titles = {"S": "half real + synthetic, over half real", "S+": "all real + synthetic, over all real"}
    for axis, panel in zip(axes[0], panels, strict=True):
        mine = [(method, gain) for (setting, method), gain in gains.items() if setting == panel][::-1]
        middle, reach = points_with_reach(gain for _, gain in mine)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.errorbar(middle, range(len(mine)), xerr=reach, fmt="o", capsize=3, color="#4c72b0")
        axis.set_yticks(range(len(mine)), [shown(method) for method, _ in mine])
        axis.set_xlabel("points of mAP at IoU 0.5, 95 % interval over seeds")
        axis.set_title(titles[panel], fontsize=10)
        plain_axis(axis)
    save_figure(figure, path)
