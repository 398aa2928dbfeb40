"""Thresholds of one's own: chosen on benign scans of the user's scanner, no threat label needed.

A threshold belongs to a scanner, not to a model: each class says something else of harmless bags on
another one. So each class is centred on what it says of the benign scans, the mean of its log odds, and a
bag's score is how far its boldest class stands above that. Every class then has a threshold as far above
its own centre, which shares the false alarms out. The centre is taken without the scan that is scored, so
that the scans which the centre is made of do not seem more harmless than others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, FailedScan, Progress, Scan, ScanReport, counted
from beltline.core.printable import path_text
from beltline.metrics import conformal_rank, fewest, true_rate_range, wilson
from beltline.screening.cards import ModelCard
from beltline.screening.files import collect, read
from beltline.screening.judgeable import why_not_judged
from beltline.screening.session import ScreeningModel
from beltline.screening.strip import bags_on, cut
from beltline.screening.task import ModelFailure

OWN = "own thresholds"  # the card's entry for people
ENOUGH_ABOVE = 5  # benign scans above the thresholds; with fewer one bold bag sets them (reconstructed)
_LEAST, _MOST = 1e-4, 1 - 1e-6  # scores beyond tell nothing apart

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BenignScores:
    """What a model says of benign scans.

    Attributes:
        names: One a bag; a strip gives several.
        scores: (N, K), what the model's thresholds are compared with.
        duplicates: Files whose bytes were there already; they count once.
        not_judged: Files without a machine result, or unreadable, and why; they do not count.
    """

    names: tuple[str, ...]
    scores: Floats
    duplicates: tuple[str, ...] = ()
    not_judged: tuple[FailedScan, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class OwnThresholds:
    """What was chosen.

    Attributes:
        card: The model's, with one operating point and an entry that says on what it was chosen.
        pfa: Wanted rate.
        scans: Benign scans that counted.
        low: Of the 95 % range in which the true rate lies.
        high: Its upper end.
        above: The scans that alarm all the same, surest first: at most their share is expected, and a threat
            that slipped into the benign scans is most likely among them.
    """

    card: ModelCard
    pfa: float
    scans: int
    low: float
    high: float
    above: tuple[str, ...] = ()

    @property
    def better(self) -> int:
        """So many benign scans that one bold bag among them does not set the thresholds."""
        return math.ceil(ENOUGH_ABOVE / self.pfa)


def score_benign(
    paths: Sequence[Path], model: ScreeningModel, *, on_progress: Progress | None = None
) -> BenignScores:
    """Run a model over benign scans, files and folders as `screen_files` takes them.

    Raises:
        BadInputError: If there is no scan.
    """
    found = collect(paths)
    if not found.files:
        raise BadInputError(f"no scans found in {', '.join(map(str, paths))}")
    names, rows, duplicates, failed = [], [], [], list(found.failed)
    seen: set[str] = set()
    for path in counted(found.files, on_progress, name=str):
        try:
            loaded = read(path)
            if loaded.sha256 in seen:
                duplicates.append(path_text(path))
                continue
            seen.add(loaded.sha256)
            for bag in _bags(loaded.scan):
                rows.append(_scores(bag, model))
                names.append(path_text(path))
        except (BadInputError, ModelFailure) as error:
            failed.append(FailedScan(path_text(path), str(error).removeprefix(f"{path}: ")))
    scores = np.array(rows, np.float64).reshape(-1, len(model.card.classes))
    return BenignScores(tuple(names), scores, tuple(duplicates), tuple(failed))


def choose_own(
    card: ModelCard, benign: BenignScores, pfa: float, *, name: str, scanner: str = ""
) -> OwnThresholds:
    """Thresholds at which benign scans of this kind alarm at a rate of ``pfa`` at most.

    Args:
        card: Of the model that gave the scores.
        benign: Its scores.
        pfa: Wanted share of benign scans that alarm.
        name: Of the model with the new thresholds.
        scanner: What the scans come from, for the record.

    Raises:
        BadInputError: If the scans are too few for the rate.
    """
    try:
        rank = conformal_rank(len(benign), pfa)
    except ValueError as error:
        raise BadInputError(f"{error}; add scans, or ask for a rate of {_least_rate(len(benign))}") from error
    odds = _log_odds(benign.scores)
    center = odds.mean(axis=0)
    count = len(benign)
    boldness = (odds - center).max(axis=1) * count / (count - 1)  # as of a centre without the scan itself
    above = np.sort(boldness)[rank - 1]
    thresholds = _just_above(center + above)
    low, high = true_rate_range(count, rank)
    alarms = np.asarray((benign.scores >= thresholds).any(axis=1))
    order = [int(n) for n in np.argsort(-boldness) if alarms[int(n)]]
    record = {
        "scanner": scanner,
        "benign scans": len(benign),
        "wanted false alarms": pfa,
        "true false alarms, 95 % range": [round(low, 5), round(high, 5)],
        "chosen on": date.today().isoformat(),
        "model": card.details[OWN]["model"] if OWN in card.details else card.name,
    }
    own = replace(card, name=name, thresholds={pfa: thresholds}, details=_noted(card, record))
    return OwnThresholds(own, pfa, len(benign), low, high, tuple(benign.names[n] for n in order))


def own_range(card: ModelCard) -> tuple[float, float] | None:
    """The range of the true false-alarm rate that was noted for a card with own thresholds."""
    record = card.details.get(OWN)
    if not isinstance(record, dict):
        return None
    low, high = record["true false alarms, 95 % range"]
    return float(low), float(high)


def drift(entries: Sequence[ScanReport], card: ModelCard) -> tuple[str, ...]:
    """A warning where more scans of a run alarm than the own thresholds allow for benign ones, or fewer.

    Threats alarm too, so many alarms need not be drift; but nothing else is said of them.
    """
    known = own_range(card)
    # of several models each has its own thresholds, and speaks of its own classes
    mine = [[f.alarm for f in entry.classes if f.label in card.classes] for entry in entries]
    judged = [alarms for entry, alarms in zip(entries, mine, strict=True) if alarms and _judged(entry)]
    if known is None or not judged:
        return ()
    share = wilson(sum(any(alarms) for alarms in judged), len(judged))
    word = "more" if share.low > known[1] else "fewer" if share.high < known[0] else ""
    if not word:
        return ()
    return (
        f"{share.hits} of {share.trials} scans alarm, {word} than the {known[0]:.1%} to {known[1]:.1%} of"
        " benign scans that the thresholds were chosen for; unless there are that many threats, the scanner"
        " or the bags have changed: run beltline calibrate again",
    )


def _judged(entry: ScanReport) -> bool:
    return entry.decision != "no_machine_result"


def _bags(scan: Scan) -> list[Scan]:
    if reason := why_not_judged(scan):
        raise BadInputError(reason)
    return [cut(scan, region) for region in bags_on(scan)] or [scan]


def _scores(scan: Scan, model: ScreeningModel) -> Floats:
    answer = model.run(model.task.prepare(scan, model.card).inputs)
    return np.asarray(model.task.scores(answer, model.card), np.float64)


def _log_odds(values: Floats) -> Floats:
    held = np.clip(values, _LEAST, _MOST)
    return np.asarray(np.log(held) - np.log1p(-held), np.float64)


def _just_above(log_odds: Floats) -> Floats:
    """Thresholds so little above the log odds that a score equal to them does not alarm."""
    share = 1 / (1 + np.exp(-log_odds))
    return np.asarray(share + 1e-9 * (1 - share), np.float64)


def _noted(card: ModelCard, record: dict[str, Any]) -> dict[str, Any]:
    """The card's entries with the record first; the limits say which of them the new thresholds change."""
    if OWN in card.details:  # chosen again: its limits say it already
        return {**card.details, OWN: record}
    said = card.details.get("limits", [])
    limits = [
        "Thresholds chosen on benign scans of one scanner; they hold for scans like those. What follows was"
        f" said of {card.name} with its own thresholds.",
        *(said if isinstance(said, list) else [said]),
    ]
    return {OWN: record, **card.details, "limits": limits}


def _least_rate(count: int) -> str:
    if count < 1:
        return "anything once there are some"
    rate = 1 / (count + 1)
    assert fewest(rate) <= count
    return f"{rate:.3g} or more"
