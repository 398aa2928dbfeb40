"""What a look into a copy of a data set found: faults and notes, as objects, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_NAMES = 1000


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found.

    Attributes:
        kind: Its key.
        count: How many.
        names: The first ``MOST_NAMES`` of them, sorted.
        meaning: In words.
        is_fault: Whether it spoils training or figures.
    """

    kind: str
    count: int
    names: tuple[str, ...]
    meaning: str
    is_fault: bool


def findings_of(
    found: Mapping[str, Collection[str]], faults: Mapping[str, str], notes: Mapping[str, str]
) -> tuple[Finding, ...]:
    """What there is of the kinds of two tables, faults first.

    Args:
        found: Names by kind.
        faults: Meaning by kind of fault.
        notes: Meaning by kind of note.
    """
    return tuple(
        Finding(kind, len(found[kind]), tuple(sorted(found[kind])[:MOST_NAMES]), meaning, kind in faults)
        for kind, meaning in {**faults, **notes}.items()
        if found[kind]
    )


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding, for people."""
    rows = []
    for found in findings:
        first = ", ".join(found.names[:3]) + (", ..." if found.count > 3 else "")
        rows.append(f"{'FAULT' if found.is_fault else 'note ':5s} {found.count:9,d} {found.meaning}: {first}")
    return rows or ["nothing to remark"]


def findings_to_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """JSON objects."""
    return [
        {
            "kind": found.kind, "count": found.count, "names": found.names,
            "severity": "fault" if found.is_fault else "note", "meaning": found.meaning,
        }
        for found in findings
    ]  # fmt: skip
