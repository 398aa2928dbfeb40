"""How a project of rounds stands: what a terminal and a page show, gathered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beltline.rounds.gate import may_stop
from beltline.rounds.project import Project
from beltline.rounds.records import Counts, Lease, RoundRecord
from beltline.rounds.round_figures import change_rate, current_figures, per_mask
from beltline.rounds.store import Store

CLICKS_NOTE = "clicks stored with masks; what a tool does not tell is not counted"


@dataclass(frozen=True)
class RoundLine:
    """One round as a row.

    Attributes:
        number: Of the round.
        picked: Items of the pool and of the gate.
        figures: See `beltline.rounds.round_figures.figures_of`.
        clicks: For each mask that stands, or None.
        seconds: For each mask that stands, or None.
        changed: Share of objects that reviewers changed, or None.
        verdict: Of the gate, or None.
        models: SHA-256 by name, those that made its proposals.
        why: Items by what they were picked for.
    """

    number: int
    picked: int
    figures: Mapping[str, Any]
    clicks: float | None
    seconds: float | None
    changed: float | None
    verdict: Mapping[str, Any] | None
    models: Mapping[str, str]
    why: Mapping[str, int]


@dataclass(frozen=True)
class Status:
    """A project as it stands.

    Attributes:
        project: Which.
        counts: Items and edits.
        rounds: The first first; the figures of the last one are of this moment.
        leases: In force.
        conflicts: Items with more than one head.
        classes: Masks that stand, by label, of all rounds.
        stop: Whether further rounds seem to bring nothing.
    """

    project: Project
    counts: Counts
    rounds: tuple[RoundLine, ...]
    leases: tuple[Lease, ...]
    conflicts: tuple[int, ...]
    classes: Mapping[str, int]
    stop: bool

    @property
    def total(self) -> int:
        """Items of all states."""
        return sum(self.counts.states.values())

    @property
    def next_step(self) -> str:
        """What somebody should do now, in a sentence."""
        if not self.rounds:
            return "Pick the first scans: beltline rounds pick"
        last = self.rounds[-1]
        left = last.picked - last.figures.get("labelled", 0)
        waiting = last.figures.get("labelled", 0) - last.figures.get("reviewed", 0)
        if self.conflicts:
            return f"Settle {_scans(len(self.conflicts))} on which people disagree"
        if left:
            return f"Label {_scans(left)} of round {last.number}"
        if waiting:
            return f"Review {_scans(waiting)} of round {last.number}"
        if last.verdict is None:
            return "Train on what is reviewed: beltline rounds train"
        if last.verdict["promoted"] and not last.verdict.get("promoted_at"):
            return "Put the new model to work: beltline rounds promote"
        if self.stop:
            return "Two rounds brought nothing that shows: stop here, or add other scans"
        return "Pick the next round: beltline rounds pick"

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "schema_version": 1,
            "project": str(self.project.folder),
            "items": dict(self.counts.states),
            "splits": dict(self.counts.splits),
            "edits": dict(self.counts.edits),
            "authors": dict(self.counts.authors),
            "leases": len(self.leases),
            "conflicts": list(self.conflicts),
            "classes": dict(self.classes),
            "rounds": [
                {
                    "number": one.number, "picked": one.picked, "figures": dict(one.figures),
                    "clicks_per_mask": one.clicks, "seconds_per_mask": one.seconds,
                    "change_rate": one.changed, "verdict": None if one.verdict is None else dict(one.verdict),
                    "models": dict(one.models), "why": dict(one.why),
                }
                for one in self.rounds
            ],
            "may_stop": self.stop,
            "next": self.next_step,
        }  # fmt: skip


def status_of(project: Project, store: Store) -> Status:
    """Gather it: counts from the store, earlier rounds as recorded, the last one from its edits."""
    records = store.rounds.all()
    lines = tuple(_line(store, record, last=record is records[-1]) for record in records)
    verdicts = [line.verdict for line in lines if line.verdict is not None]
    rates = [line.changed for line in lines if line.changed is not None]
    classes: dict[str, int] = dict.fromkeys(project.classes, 0)
    for line in lines:
        for label, number in line.figures.get("classes", {}).items():
            classes[label] = classes.get(label, 0) + number
    return Status(
        project,
        store.items.counts(),
        lines,
        tuple(store.leases.live()),
        tuple(store.edits.disputed()),
        classes,
        may_stop(verdicts, rates),
    )


def status_lines(status: Status) -> list[str]:
    """The status for a terminal of 80 columns."""
    states = status.counts.states
    done, total = states["reviewed"] + states["frozen"], status.total
    lines = [
        f"{status.project.folder.name}: {done} of {total} scans reviewed",
        f"  {_bar(done, states['labelled'], total)}",
        "  " + " · ".join(f"{states[name]} {name}" for name in states if states[name] or name == "new"),
    ]
    if status.leases:
        people = sorted({lease.person.split(":", 1)[1] for lease in status.leases})
        lines.append(f"  at work: {', '.join(people)}")
    if status.rounds:
        lines += ["", "  round  scans  masks  clicks/mask  s/mask  first IoU  changed  kappa  gate"]
        lines += [*map(_row, status.rounds), f"  {CLICKS_NOTE}"]
    known = [f"{label} {number}" for label, number in status.classes.items() if number]
    if known:
        lines += ["", *_wrapped("  masks: ", known)]
    if status.conflicts:
        lines += ["", f"  disagreements on items {_some(status.conflicts)}"]
    return [*lines, "", f"Next: {status.next_step}"]


def _line(store: Store, record: RoundRecord, *, last: bool) -> RoundLine:
    figures = current_figures(store, record) if last or not record.figures else record.figures
    why: dict[str, int] = {}
    for pick in record.picked:
        why[pick.why] = why.get(pick.why, 0) + 1
    return RoundLine(
        record.number, len(record.picked), figures, per_mask(figures, "clicks"), per_mask(figures, "seconds"),
        change_rate(figures), record.verdict, record.models, why,
    )  # fmt: skip


def _row(one: RoundLine) -> str:
    figures = one.figures
    gate = "-" if one.verdict is None else f"{one.verdict['difference']:+.3f} {gate_word(one.verdict)}"
    return (
        f"  {one.number:>5}  {one.picked:>5}  {figures.get('masks', 0):>5}  {_number(one.clicks, '.1f'):>11}"
        f"  {_number(one.seconds, '.0f'):>6}  {_number(figures.get('first_iou'), '.2f'):>9}"
        f"  {_number(one.changed, '.0%'):>7}  {_number(figures.get('kappa'), '.2f'):>5}  {gate}"
    )


def gate_word(verdict: Mapping[str, Any]) -> str:
    """What became of a trained model."""
    if verdict.get("promoted_at"):
        return "promoted"
    return "passed" if verdict["promoted"] else "kept out"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _bar(done: int, begun: int, total: int, width: int = 60) -> str:
    full = round(width * done / max(total, 1))
    half = min(width - full, round(width * begun / max(total, 1)))
    return "█" * full + "▒" * half + "·" * (width - full - half)


def _wrapped(head: str, words: Sequence[str], width: int = 78) -> list[str]:
    lines, line = [], head
    for word in words:
        if len(line) + len(word) > width:
            lines.append(line.rstrip(" ·"))
            line = " " * len(head)
        line += f"{word} · "
    return [*lines, line.rstrip(" ·")]


def _some(items: Sequence[int], most: int = 12) -> str:
    shown = ", ".join(map(str, items[:most]))
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown


def _scans(number: int) -> str:
    return "1 scan" if number == 1 else f"{number} scans"
