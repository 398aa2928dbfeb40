"""The cells that are done and what is compared of them: what every table starts from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.metrics.segmentation import miou_of_counts
from beltline.protocols.cells import folder_of
from beltline.protocols.claims import Claim, compared
from beltline.protocols.xseg.cell import read_cell
from beltline.protocols.xseg.data import ClickSet
from beltline.protocols.xseg.measure import Scores
from beltline.protocols.xseg.plan import DECIDING, METHODS, Cell


@dataclass(frozen=True, eq=False)
class Done:
    """A cell that is done: what was trained, and its scores by test set."""

    cell: Cell
    result: dict[str, Any]
    scores: dict[str, Scores]


def load_done(out: Path, cells: Iterable[Cell]) -> list[Done]:
    """Cells that are done."""
    return [Done(cell, *read_cell(folder_of(out, cell))) for cell in cells]


def pick(found: Sequence[Done], method: str) -> list[Done]:
    """The seeds of a row, in order."""
    return sorted((d for d in found if d.cell.method == method), key=lambda d: d.cell.seed)


def claim(found: Sequence[Done], first: str, second: str, name: str, data: ClickSet) -> Claim | None:
    """Second row minus first in mIoU after the click at the centre, None without a shared seed.

    A row that nothing trains answers every seed alike, so its one cell stands for all of them.

    Args:
        found: Cells that are done.
        first: Method.
        second: Method.
        name: Of the test set.
        data: The test set.
    """
    ones, others = (_by_seed(found, method, name) for method in (first, second))
    for row, method, seeds in ((ones, first, others), (others, second, ones)):
        if METHODS[method].trains == "nothing" and row:
            row.update(dict.fromkeys(seeds, next(iter(row.values()))))
    shared = sorted(set(ones) & set(others))
    if not shared:
        return None
    scan = scan_rows(data)
    firsts, seconds = ([miou_of_counts(row[seed], scan) for seed in shared] for row in (ones, others))
    return compared(firsts, seconds, np.ones(int(scan.max()) + 1, bool))


def _by_seed(found: Sequence[Done], method: str, test: str) -> dict[int, NDArray[np.float64]]:
    return {d.cell.seed: d.scores[test].ious for d in pick(found, method)}


def scan_rows(data: ClickSet) -> NDArray[np.int64]:
    """(M,) number of each wanted instance's picture among those that hold one."""
    images = data.instances["image"][data.rows()]
    return np.unique(images, return_inverse=True)[1].astype(np.int64)


def verdict(deciding: Claim | None) -> str:
    """The comparison that decides, in a plain sentence."""
    asked = f"{DECIDING.second} over {DECIDING.first}, one honest click an instance, equal size"
    if deciding is None:
        return f"**Not decided**: {asked}; no seed of both is trained yet."
    points = 100 * deciding.difference
    seeds = len(deciding.each)
    said = f"{asked}: {points:+.1f} points of mIoU over {seeds} seed{'s' if seeds > 1 else ''}"
    if seeds < DECIDING.seeds:
        return f"**Not decided**: {said}; {DECIDING.seeds} seeds are asked for."
    low, high = deciding.interval or (0.0, 0.0)
    interval = f"[{100 * low:+.1f}, {100 * high:+.1f}]"
    aim = f"the aim of {100 * DECIDING.aim:+.0f}"
    if low >= DECIDING.aim:
        return f"**Reached**: {said} {interval}, all of the interval above {aim}."
    if deciding.difference >= DECIDING.aim and deciding.clear:
        return f"**Reached on average**: {said} {interval}; the interval reaches below {aim}."
    if high < DECIDING.aim:
        better = "better, by less than was aimed at" if deciding.clear and points > 0 else "not shown better"
        worse = deciding.clear and points < 0
        return f"**Missed**: {said} {interval}, below {aim}; {'worse' if worse else better}."
    return f"**Open**: {said} {interval}; {aim} is neither shown nor excluded."
