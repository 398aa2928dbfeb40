"""Tables of a report: rows of text, as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_atomic

Row = dict[str, str]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with the first one's columns, atomically; an empty file where there is none.

    A row may leave columns out.
    """
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue().encode())


def printed_rows(experiment: str, name: str) -> list[Row]:
    """A table as printed in the paper: ``printed/NAME.csv`` beside the experiment's code."""
    folder = files("beltline.protocols").joinpath(experiment, "printed")
    return list(csv.DictReader(folder.joinpath(f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def spread(each: Iterable[NDArray[Any]]) -> str:
    """Mean over classes in percent, then over seeds with their standard deviation.

    Args:
        each: (K,) of each seed; NaN is not counted, nor is a seed of nothing else.
    """
    values = [100 * float(np.nanmean(v)) for v in each if np.isfinite(v).any()]
    if not values:
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}"


def beside(value: str, paper: float | None) -> str:
    """A figure with the printed one in brackets, where there is one."""
    return value if paper is None else f"{value} ({paper:.1f})"


def markdown(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    if not rows:
        return "Nothing trained yet.\n"
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row.get(name, "") for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"
