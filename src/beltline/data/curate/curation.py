"""A folder looked through: which pictures make a good set, and why not the others."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, Progress, path_text
from beltline.data.curate.duplicates import Duplicate, agree, best_first, find_duplicates
from beltline.data.curate.filters import filtered
from beltline.data.curate.measures import Judge, Measures, joined
from beltline.data.curate.measuring import measure_files
from beltline.data.curate.rule import REASONS, CurationRule, Rejection
from beltline.data.curate.source import Source, open_source, place_of

AT_ODDS = "look like another that is annotated with other classes: look at them"
COLUMNS = ("file", "reason", "figure", "limit", "twin", "folder", "detail")


@dataclass(frozen=True, eq=False)
class Curation:
    """What came of looking through a folder.

    Attributes:
        source: The folder.
        rule: The thresholds.
        measures: Of its N pictures.
        rejected: Those left out, by number.
        sharpness_limit: What sharpness was asked; None where it was not.
        against: Folders whose pictures must not be in the set.
        at_odds: Kept pictures that look like another kept one but are annotated with other classes: by
            number, with that other one.
    """

    source: Source
    rule: CurationRule
    measures: Measures
    rejected: Mapping[int, Rejection]
    sharpness_limit: float | None = None
    against: tuple[Path, ...] = ()
    at_odds: Mapping[int, Rejection] = field(default_factory=dict)

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the pictures that stay."""
        return tuple(n for n in range(len(self.measures)) if n not in self.rejected)

    def file(self, number: int) -> str:
        """Path of a picture below the folder."""
        return self.source.data.pictures[number].file

    def counts(self) -> dict[str, int]:
        """Pictures left out by reason, in the order of the filters, zeros too."""
        found = Counter(rejection.reason for rejection in self.rejected.values())
        return {reason: found[reason] for reason in REASONS}

    def lines(self) -> list[str]:
        """A line for each filter, for people."""
        total, kept = len(self.measures), len(self.measures) - len(self.rejected)
        rows = [f"{self.source.root}: {total:,d} pictures, {kept:,d} kept, {total - kept:,d} left out"]
        limits = self.limits()
        for reason, count in self.counts().items():
            asked = f" ({limits[reason]})" if reason in limits else ""
            if count or reason in self.rule.only:
                rows.append(f"{count:10,d} {reason:12s} {REASONS[reason]}{asked}")
        elsewhere = Counter(r.folder for r in self.rejected.values() if r.folder)
        rows += [f"{count:10,d} {'':12s} of them in {name}" for name, count in elsewhere.items()]
        if self.at_odds:
            rows.append(f"{len(self.at_odds):10,d} {'kept':12s} {AT_ODDS}")
        return rows

    def limits(self) -> dict[str, str]:
        """What each filter asked, in words."""
        rule, limit = self.rule, self.sharpness_limit
        words = {
            "resolution": f"at least {rule.min_side} px",
            "aspect": f"at most {rule.max_aspect:g} to 1",
            "duplicate": f"likeness from {rule.min_likeness:g}",
        }
        if limit is not None:
            words["sharpness"] = f"at least {limit:.4g}"
        return {name: text for name, text in words.items() if name in rule.only}

    def to_json(self) -> dict[str, Any]:
        """JSON object; every picture left out with its figure."""
        return {
            "schema_version": 1, "source": path_text(self.source.root), "rule": self.rule.to_json(),
            "against": [path_text(folder) for folder in self.against],
            "sharpness_limit": self.sharpness_limit, "pictures": len(self.measures),
            "kept": len(self.measures) - len(self.rejected), "counts": self.counts(),
            "reasons": dict(REASONS), "rejected": self._rows(self.rejected),
            "at_odds": self._rows(self.at_odds),
        }  # fmt: skip

    def to_csv(self) -> str:
        """A row for each picture left out."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows(self.rejected))
        return stream.getvalue()

    def _rows(self, found: Mapping[int, Rejection]) -> list[dict[str, Any]]:
        return [
            {
                "file": path_text(self.file(number)), "reason": r.reason,
                "figure": r.figure, "limit": r.limit,
                "twin": path_text(r.twin), "folder": r.folder, "detail": path_text(r.detail),
            }
            for number, r in sorted(found.items())
        ]  # fmt: skip


def curate(
    folder: str | Path,
    rule: CurationRule | None = None,
    *,
    against: Sequence[str | Path] = (),
    judge: Judge | None = None,
    processes: int = 1,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Curation:
    """Look through a folder of pictures or a set; nothing is written but the cache.

    Args:
        folder: See `open_source`.
        rule: The thresholds; None takes `CurationRule()`.
        against: Sets or folders whose pictures must not be in the set, as a test set must not be in a
            training set; they stay as they are.
        judge: Why no model can judge a scan, `beltline.screening.judgeable.why_not_judged` for instance; None
            asks nothing.
        processes: That measure at the same time.
        cache: Folder that keeps measures, so that a stopped run goes on, and another rule takes no time.
        on_progress: Told pictures of all folders together: once as they are measured, and those of
            ``folder`` once more as they are compared.

    Raises:
        BadInputError: If a folder cannot be opened, or one lies in the other.
    """
    rule, source = rule or CurationRule(), open_source(folder)
    others = [open_source(each) for each in against]
    _require_apart(source, others)
    counts = [len(each.data) for each in (source, *others)]
    steps = sum(counts) + (counts[0] if "duplicate" in rule.only else 0)
    parts = []
    for number, each in enumerate((source, *others)):
        parts.append(measure_files(
            each.root, [picture.file for picture in each.data.pictures], judge=judge, processes=processes,
            cache=cache, on_progress=_shifted(on_progress, sum(counts[:number]), steps),
        ))  # fmt: skip
    rejected, limit = filtered(source.data.pictures, parts[0], rule)
    at_odds: dict[int, Rejection] = {}
    if "duplicate" in rule.only:
        told = _shifted(on_progress, sum(counts) + len(rejected), steps)
        twice, at_odds = _duplicates(source, others, parts, rejected, rule, told)
        rejected |= twice
    return Curation(source, rule, parts[0], rejected, limit, tuple(each.root for each in others), at_odds)


def _duplicates(
    source: Source,
    others: Sequence[Source],
    parts: Sequence[Measures],
    rejected: Mapping[int, Rejection],
    rule: CurationRule,
    on_progress: Progress | None,
) -> tuple[dict[int, Rejection], dict[int, Rejection]]:
    """What is left out as a duplicate, and what is kept though it looks like one."""
    measures, own = joined(parts), len(parts[0])
    homes = [(home, number) for home in (source, *others) for number in range(len(home.data))]
    readable = measures.faults == ""
    pictures = source.data.pictures
    best = best_first(measures, pictures, (n for n in range(own) if n not in rejected))
    found, apart = find_duplicates(
        measures, best, fixed=(n for n in range(own, len(measures)) if readable[n]),
        bits=rule.code_bits, min_likeness=rule.min_likeness,
        may_be_one=lambda number, twin: twin >= own or agree(pictures[number], pictures[twin]),
        on_progress=on_progress,
    )  # fmt: skip

    def told(duplicate: Duplicate) -> Rejection:
        home, place = homes[duplicate.twin]
        return Rejection(
            "duplicate", round(duplicate.likeness, 3), rule.min_likeness, duplicate.orientation,
            home.data.pictures[place].file, "" if home is source else path_text(home.root),
        )  # fmt: skip

    return {d.number: told(d) for d in found}, {d.number: told(d) for d in apart}


def _require_apart(source: Source, others: Sequence[Source]) -> None:
    own = place_of(source.root)
    for other in others:
        place = place_of(other.root)
        if own.is_relative_to(place) or place.is_relative_to(own):
            raise BadInputError(
                f"{other.root}: lies in {source.root} or around it; every picture would be its own twin"
            )


def _shifted(on_progress: Progress | None, before: int, total: int) -> Progress | None:
    if on_progress is None:
        return None

    def told(done: int, of: int, name: str) -> None:
        on_progress(before + done, total, name)

    return told
