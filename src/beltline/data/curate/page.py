"""report.html of a curation: what was left out and why, to be judged by eye; self-contained, no script."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from beltline.core import BadInputError, printable_lines
from beltline.data.curate.curation import AT_ODDS, Curation
from beltline.data.curate.histogram import Histogram, histogram
from beltline.data.curate.measures import luminance_of
from beltline.data.curate.rule import OPTIONAL, REASONS, Rejection
from beltline.formats import read_scan

MOST_SHOWN = 24
"""Pictures shown of each reason; curation.csv has them all."""
_JUST_KEPT = 6
_MOST_ROWS = 100
_LONG_SIDE = 300
_PICTURED = ("sharpness", "resolution", "aspect", "unjudged")


@dataclass(frozen=True)
class Shown:
    """One picture of the page: where it lies, its data URI ("" where it cannot be read), what is said."""

    name: str
    picture: str
    figure: str


def render_page(curation: Curation, *, finished: datetime | None = None) -> str:
    """The page as text.

    Of each reason some pictures are shown, from the one nearest the threshold to the one furthest from it:
    the first are those that another threshold would keep.

    Args:
        curation: What came of it.
        finished: Time shown in the head; now when None.
    """
    environment = Environment(
        loader=PackageLoader("beltline.data.curate", "templates"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined, finalize=_fit,
    )  # fmt: skip
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "curation.css")[0]
    moment = finished or datetime.now().astimezone()
    counts = curation.counts()
    return environment.get_template("curation.html.j2").render(
        style=Markup(style),  # our own file, not user text
        name=curation.source.root.resolve().name,
        folder=str(curation.source.root),
        against=[str(folder) for folder in curation.against],
        finished=moment.strftime("%Y-%m-%d %H:%M"),
        total=len(curation.measures),
        kept=len(curation.measures) - len(curation.rejected),
        counts=counts,
        reasons=REASONS,
        limits=curation.limits(),
        histograms=[h for h in _histograms(curation) if h is not None],
        sections=[_section(curation, reason) for reason in _PICTURED if counts[reason]],
        pairs=_pairs(curation, curation.rejected, _of(curation, "duplicate")),
        at_odds=_pairs(curation, curation.at_odds, sorted(curation.at_odds)),
        odds=AT_ODDS,
        faults=_faults(curation),
        optional=OPTIONAL,
        looked=curation.rule.only,
    )


def _section(curation: Curation, reason: str) -> dict[str, Any]:
    numbers = _of(curation, reason)
    shown = [numbers[place] for place in _spread(len(numbers), MOST_SHOWN)]
    return {
        "reason": reason,
        "count": len(numbers),
        "pictures": [_shown(curation, n, _said(curation, n)) for n in shown],
        "passed": [_shown(curation, n, _figure(curation, n, reason)) for n in _just_kept(curation, reason)],
    }


def _of(curation: Curation, reason: str) -> list[int]:
    """Numbers of the pictures left out for a reason, the one nearest the threshold first."""
    numbers = [number for number, r in curation.rejected.items() if r.reason == reason]

    def distance(number: int) -> float:
        r = curation.rejected[number]
        return abs(r.figure - r.limit) if r.figure is not None and r.limit is not None else 0.0

    return sorted(numbers, key=lambda number: (distance(number), number))


def _spread(count: int, most: int) -> list[int]:
    """Places from the first to the last of ``count``, at most so many.

    Example:
        >>> _spread(3, 24), _spread(100, 4)
        ([0, 1, 2], [0, 33, 66, 99])
    """
    return [int(place) for place in np.linspace(0, count - 1, min(count, most))] if count else []


def _values(curation: Curation, reason: str) -> NDArray[np.float64]:
    """(N,) what a filter looks at."""
    sides = curation.measures.sizes.astype(np.float64)
    short, long = sides.min(1), sides.max(1)
    values: dict[str, NDArray[np.float64]] = {
        "resolution": short,
        "aspect": long / np.maximum(short, 1),
        "sharpness": curation.measures.sharpness.astype(np.float64),
    }
    return values[reason]


def _just_kept(curation: Curation, reason: str) -> list[int]:
    """The kept pictures nearest to the threshold, where there is one."""
    if reason not in ("resolution", "aspect", "sharpness"):
        return []
    values, kept = _values(curation, reason), np.array(curation.kept, np.intp)
    order = np.argsort(-values[kept] if reason == "aspect" else values[kept], kind="stable")
    return [int(number) for number in kept[order[:_JUST_KEPT]]]


def _figure(curation: Curation, number: int, reason: str) -> str:
    value = float(_values(curation, reason)[number])
    return f"{value:.0f} px" if reason == "resolution" else f"{value:.3g}"


def _said(curation: Curation, number: int) -> str:
    rejection = curation.rejected[number]
    return rejection.detail or _figure(curation, number, rejection.reason)


def _shown(curation: Curation, number: int, figure: str) -> Shown:
    file = curation.file(number)
    return Shown(file, _data_uri(curation.source.root / file)[0], figure)


def _pairs(
    curation: Curation, told: Mapping[int, Rejection], numbers: Sequence[int]
) -> list[tuple[Shown, Shown, Rejection]]:
    """Pictures beside their twins, some from the first to the last."""
    pairs = []
    for number in (numbers[place] for place in _spread(len(numbers), MOST_SHOWN)):
        rejection = told[number]
        twin = Path(rejection.folder or curation.source.root) / rejection.twin
        file = curation.file(number)
        left_out = Shown(file, *_data_uri(curation.source.root / file))
        pairs.append((left_out, Shown(rejection.twin, *_data_uri(twin)), rejection))
    return pairs


def _faults(curation: Curation) -> list[tuple[str, str]]:
    numbers = [*_of(curation, "missing"), *_of(curation, "unreadable")]
    words = REASONS["missing"]
    return [(curation.file(n), curation.rejected[n].detail or words) for n in numbers[:_MOST_ROWS]]


def _histograms(curation: Curation) -> list[Histogram | None]:
    """Of the pictures that came as far as each filter; of duplicates what they share."""
    rule, limits = curation.rule, curation.limits()
    asked = {"resolution": rule.min_side, "aspect": rule.max_aspect, "sharpness": curation.sharpness_limit}
    titles = {
        "resolution": "Shorter side",
        "aspect": "Aspect ratio",
        "sharpness": "Sharpness",
    }
    order = list(REASONS)
    stage = np.full(len(curation.measures), len(order))
    for number, rejection in curation.rejected.items():
        stage[number] = order.index(rejection.reason)
    drawn: list[Histogram | None] = []
    for reason, limit in asked.items():
        if reason in rule.only:
            values, place = _values(curation, reason), order.index(reason)
            drawn.append(histogram(
                titles[reason], values[stage > place], values[stage == place], limit=limit,
                words=limits.get(reason, ""), logarithmic=reason != "resolution",
            ))  # fmt: skip
    alike = [r.figure for r in curation.rejected.values() if r.reason == "duplicate" and r.figure is not None]
    drawn.append(histogram(
        "Duplicates", np.zeros(0), np.array(alike), limit=rule.min_likeness,
        words=limits.get("duplicate", ""),
    ) if alike else None)  # fmt: skip
    return drawn


def _data_uri(path: Path) -> tuple[str, str]:
    """A small JPEG of a picture, and its size in words; empty where it cannot be read."""
    try:
        scan = read_scan(path)
    except BadInputError:
        return "", ""
    planes = 255 * scan.pixels if scan.channels == ("r", "g", "b") else luminance_of(scan)[None]
    scale = min(1.0, _LONG_SIDE / max(scan.height, scan.width))
    size = (max(1, round(scan.width * scale)), max(1, round(scan.height * scale)))
    small = [cv2.resize(np.ascontiguousarray(p), size, interpolation=cv2.INTER_AREA) for p in planes[::-1]]
    picture = np.clip(np.rint(np.stack(small, axis=2)), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(coded).decode()}", f"{scan.width} x {scan.height}"


def _fit(value: Any) -> Any:
    """Every text of the page without control characters and lone surrogates, whoever wrote it."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
