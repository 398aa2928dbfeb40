"""The cells that are done, with their figures: what every table and comparison starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beltline.metrics import known_mean
from beltline.protocols.sixray.cell import read_cell
from beltline.protocols.sixray.compare import Run
from beltline.protocols.sixray.measure import Measured, measure
from beltline.protocols.sixray.parts import SubsetData
from beltline.protocols.sixray.plan import METHODS, Cell, SixrayScale, epsilon_of
from beltline.protocols.tables import Row

PartOf = Callable[[Cell], SubsetData]


@dataclass(frozen=True, eq=False)
class Done:
    """A cell with its figures and what comparisons need of it.

    Attributes:
        cell: Which.
        ratio: Negatives a positive in training.
        positives: Training images with a class.
        passes: How often the training saw each positive, on average.
        classes: K names.
        figures: Measured on the test set.
        run: For `beltline.protocols.sixray.compare.compare`.
    """

    cell: Cell
    ratio: float
    positives: int
    passes: float
    classes: tuple[str, ...]
    figures: Measured
    run: Run


def load_done(out: Path, cell: Cell, scale: SixrayScale, parts: PartOf) -> Done:
    """A cell that is done, measured."""
    result, logits, points = read_cell(out / "cells" / cell.name)
    part = parts(cell)
    figures = measure(part, logits, points, epsilon=epsilon_of(METHODS[cell.method], scale))
    run = Run(part.test_labels, logits.mean(1), figures.hits, part.weights)
    seen = int(result["steps"]) * scale.batch_size * scale.accumulate
    positives = int((part.train_labels == 1).any(1).sum())
    balanced = METHODS[cell.method].sampling == "balanced"
    passes = positive_passes(seen, positives, len(part.train_labels), balanced=balanced)
    return Done(cell, float(result["ratio"]), positives, passes, part.classes, figures, run)


def positive_passes(seen: int, positives: int, images: int, *, balanced: bool) -> float:
    """How often a training sees each of its positives, on average.

    Args:
        seen: Images that it sees in all; balanced, half of them are positives.
        positives: Training images with a class.
        images: All training images.
        balanced: Whether positives and negatives are drawn in equal number.
    """
    return seen / 2 / max(positives, 1) if balanced else seen / images


def pick(found: Sequence[Done], net: str, method: str, subset: str) -> list[Done]:
    """The seeds of a row, in order."""
    mine = [d for d in found if (d.cell.net, d.cell.method, d.cell.subset) == (net, method, subset)]
    return sorted(mine, key=lambda d: d.cell.seed)


def per_seed(found: Sequence[Done]) -> list[Row]:
    """One row a cell, in percent: what any other interval can be computed from."""
    return [
        {
            "backbone": d.cell.net,
            "method": d.cell.method,
            "subset": d.cell.subset,
            "seed": str(d.cell.seed),
            "training positives": str(d.positives),
            "passes over them": f"{d.passes:.2f}",
            **{name: f"{100 * float(known_mean(values)):.3f}" for name, values in columns(d.figures).items()},
            **{
                f"AP {name}": f"{100 * value:.3f}"
                for name, value in zip(d.classes, d.figures.ap, strict=True)
            },
        }
        for d in found
    ]


def columns(figures: Measured) -> dict[str, np.ndarray]:
    """(K,) figures by the names that the tables give them."""
    return {
        "mAP": figures.ap,
        "mAP top head": figures.ap_top,
        "mAP cascade": figures.ap_cascade,
        "pointing": figures.pointing,
        "pointing 15 px": figures.pointing_margin,
    }
