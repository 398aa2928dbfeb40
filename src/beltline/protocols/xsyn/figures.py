"""Figures of the Xsyn experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beltline.protocols.figures import plain_axis, pyplot, save_figure
from beltline.protocols.xsyn.arms import ARMS


def draw_fractions(path: Path, groups: Mapping[tuple[str, str, int], Sequence[Any]]) -> None:
    """AP by fraction of the real windows, a panel a detector, a line an arm; dots are seeds."""
    detectors = list(dict.fromkeys(detector for detector, _, _ in groups))
    if not detectors:
        return
    figure, axes = pyplot().subplots(
        1, len(detectors), figsize=(5.2 * len(detectors), 3.6), squeeze=False, layout="constrained"
    )
    for axis, detector in zip(axes[0], detectors, strict=True):
        for number, arm in enumerate(ARMS):
            mine = {p: each for (d, a, p), each in sorted(groups.items()) if (d, a) == (detector, arm)}
            if not mine:
                continue
            means = [100 * np.nanmean([t.each for t in each]) for each in mine.values()]
            axis.plot(list(mine), means, "o-", label=arm, color=f"C{number}", linewidth=1.2, markersize=4)
            for percent, each in mine.items():
                seeds = [100 * np.nanmean(t.each) for t in each]
                axis.plot([percent] * len(seeds), seeds, ".", color=f"C{number}", alpha=0.4)
        axis.set(title=detector, xlabel="real windows, %", ylabel="AP")
        axis.legend(fontsize=7)
        plain_axis(axis)
    save_figure(figure, path)
