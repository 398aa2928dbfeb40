"""Tables of a report: rows of text, as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from beltline.formats import write_atomic
from beltline.metrics import PairedDifference

Row = dict[str, str]


def interval(found: PairedDifference) -> str:
    """``+1.2 [-0.3, 2.9]`` in points."""
    return f"{100 * found.difference:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with the first one's columns, atomically; an empty file where there is none."""
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue().encode())


def markdown(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    if not rows:
        return "Nothing trained yet.\n"
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row.get(name, "") for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"
