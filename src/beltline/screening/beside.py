"""Several models on one scan: each says what it has to say, and the scan gets one decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from beltline.core import BadInputError, ScanReport
from beltline.screening.cards import ModelCard
from beltline.screening.task import ModelFailure, Screened


class Said(NamedTuple):
    """What one of several models said: a result, or why there is none."""

    model: str
    screened: Screened | None
    reason: str | None = None

    @property
    def note(self) -> str | None:
        """What the decision does not say of this model; None where it gave one."""
        if self.screened is None or self.screened.nothing_to_judge:
            return f"{self.model} gave no result: {self.why}"
        return None

    @property
    def why(self) -> str:
        """Why it gave no decision."""
        return self.reason or (self.screened.report.reason if self.screened else None) or "unknown"


def require_beside(cards: Sequence[ModelCard]) -> None:
    """Refuse models that cannot speak of one scan together.

    Raises:
        BadInputError: If two know the same class, of which a report could show one answer only.
    """
    seen: dict[str, str] = {}
    for card in cards:
        both = [name for name in card.classes if name in seen]
        if both:
            raise BadInputError(
                f"{seen[both[0]]} and {card.name} both know {both[0]}; models that screen together must know"
                " different classes, so run them one after the other"
            )
        seen |= dict.fromkeys(card.classes, card.name)


def ask(name: str, one: Callable[[], Screened]) -> Said:
    """What a model says, its failure included."""
    try:
        return Said(name, one())
    except ModelFailure as failure:
        return Said(name, None, str(failure))


def joined(entry: ScanReport, said: Sequence[Said]) -> Screened:
    """One result from those of several models.

    The scan alarms if a model does. Without an alarm it is clear only if no model failed; a model that saw
    nothing of what it judges does not stand in the way, but a note says so, and if none saw anything there
    is no machine result.

    Args:
        entry: Path, sum and size of the scan.
        said: By every model, at least one.
    """
    results = [each.screened for each in said if each.screened is not None]
    alarm = any(result.report.decision == "alarm" for result in results)
    judged = [result for result in results if not result.nothing_to_judge]
    failed = [each for each in said if each.screened is None]
    silent = failed or ([] if judged else list(said))
    drawn = next((r for r in results if r.maps), next((r for r in results if r.letterbox), None))
    report = replace(
        entry,
        decision="alarm" if alarm else "no_machine_result" if silent else "clear",
        classes=tuple(finding for result in results for finding in result.report.classes),
        instances=tuple(found for result in results for found in result.report.objects),
        notes=tuple(note for each in said if (note := each.note) is not None),
    )
    if silent and not alarm:
        reason = "; ".join(f"{each.model}: {each.why}" for each in silent)
        return Screened(replace(report, reason=reason, notes=()), nothing_to_judge=not failed)
    return Screened(report, drawn.letterbox, drawn.maps) if drawn else Screened(report)
