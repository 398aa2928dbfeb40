"""report.html: one page that a screener understands; no network, no framework, self-contained while small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from beltline.core import InstanceFinding, Report, ScanReport, printable_lines
from beltline.core.report import Box
from beltline.screening.album import Pictures
from beltline.screening.cards import ModelCard
from beltline.screening.outlines import svg_path
from beltline.screening.own_thresholds import OWN
from beltline.screening.prepare import Letterbox
from beltline.screening.tasks import find_task
from beltline.screening.truth import TruthItem, Verdict, judge

BADGES = {"alarm": "ALARM", "clear": "CLEAR", "no_machine_result": "NO MACHINE RESULT"}
_ORDER = {"alarm": 0, "no_machine_result": 1, "clear": 2}
_ROWS = 4  # class bars shown on a card before the full list is opened


@dataclass(frozen=True, eq=False)
class Card:
    """One scan of the report.

    Attributes:
        entry: Its entry of report.json.
        pictures: What it shows; see `Pictures`.
        letterbox: Region the heats cover.
        overlay: Relative path of the overlay file, named where there is no picture at all.
        truth: Prohibited items known to be in the scan; None where nothing is known.
        air: Colour of the picture's frame, "r g b", so that the card continues it.
    """

    entry: ScanReport
    pictures: Pictures = field(default_factory=Pictures)
    letterbox: Letterbox | None = None
    overlay: str | None = None
    truth: Sequence[TruthItem] | None = None
    air: str = "255 255 255"


def render_report(
    report: Report,
    cards: Sequence[Card],
    model: ModelCard,
    *,
    beside: Sequence[ModelCard] = (),
    finished: datetime | None = None,
) -> str:
    """The page as text.

    Args:
        report: What report.json holds.
        cards: One per scan of the report.
        model: The model's card; its purpose, limits and figures are shown.
        beside: Cards of further models of the run.
        finished: Time shown in the head; now when None.
    """
    environment = Environment(
        loader=PackageLoader("beltline.screening", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_fit,
    )
    environment.filters.update(plain=plain, dense=_dense)
    script = _source(environment, "report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    moment = finished or datetime.now().astimezone()
    pfa = report.operating_point["pfa"]
    ranked = sorted(cards, key=lambda card: (_ORDER[card.entry.decision], -_top(card.entry)))
    models = (model, *beside)
    thresholds = {label: at for each in models for label, at in _thresholds(each, pfa).items()}
    views = [_card_view(card, thresholds) for card in ranked]
    files = any(card.pictures.file for card in cards)
    return environment.get_template("report.html.j2").render(
        style=Markup(_source(environment, "report.css")),  # our own files, not user text
        script=Markup(script),
        script_sha256=digest,
        # a page opened from disk has no origin, so its own folder goes by the scheme
        image_source=Markup("data: 'self' file:" if files else "data:"),
        beside=files,
        classes=json.dumps([[c, round(float(t), 6)] for c, t in thresholds.items()]),
        report=report,
        models=[_model_view(environment, report, card) for card in models],
        finished=moment.strftime("%Y-%m-%d %H:%M"),
        cards=views,
        counts=_counts(report),
        times=_times(report.scans),
        truth=_truth_totals(cards, tuple(thresholds)),
        labels=sorted({f.label for scan in report.scans for f in scan.classes if f.alarm}),
    )


def _model_view(environment: Environment, report: Report, card: ModelCard) -> dict[str, Any]:
    reading = environment.from_string(find_task(card.task).how_to_read)
    return {
        "card": card,
        "how_to_read": Markup(reading.render(report=report, model=card)),
        "details": _details(card.details),
        "limits": _limits(card.details),
        "chosen_on": _chosen_on(card),
    }


def plain(label: str) -> str:
    """A label as people write it.

    Example:
        >>> plain("gun_part")
        'gun part'
    """
    return label.replace("_", " ")


def _top(entry: ScanReport) -> float:
    alarmed = [f.probability for f in entry.classes if f.alarm]
    return max(alarmed or [f.probability for f in entry.classes], default=0.0)


def _card_view(card: Card, thresholds: Mapping[str, float]) -> dict[str, Any]:
    entry = card.entry
    rows = sorted(
        (
            {**vars(f), "percent": percent(f.probability), "threshold": thresholds[f.label]}
            for f in entry.classes
        ),
        key=lambda r: (not r["alarm"], -r["probability"]),
    )
    verdict = None if card.truth is None else judge(entry, card.truth, classes=tuple(thresholds))
    alarms = [row for row in rows if row["alarm"]]
    return {
        "entry": entry,
        "name": PurePath(entry.path).name,
        "folder": str(PurePath(entry.path).parent),
        "badge": BADGES[entry.decision],
        "top": _top(entry),
        "rows": rows[:_ROWS],
        "probabilities": _by_class(entry, tuple(thresholds)),
        "more_alarms": max(len(alarms) - _ROWS, 0),
        "alarmed": [row["label"] for row in alarms],
        "marks": [{**_mark(row, card), "extra": n >= _ROWS} for n, row in enumerate(_placed(entry, alarms))],
        "heats": _heats(card),
        "picture": _source_of(card.pictures),
        "larger": card.pictures.file if card.pictures.embedded else None,
        "overlay": card.overlay,
        "air": card.air,
        "truth": [] if card.truth is None else [_truth_mark(item, card) for item in card.truth],
        "verdict": verdict,
        "flags": _flags(verdict),
        "shown": _shown(card),
        "alt": _alt(entry, alarms),
    }


def _placed(entry: ScanReport, alarms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is marked on the picture: every object, the best of each class first, or else every alarm."""
    if not entry.instances:
        return [row for row in alarms if row["box"]]
    best: dict[str, InstanceFinding] = {}
    for found in sorted(entry.instances, key=lambda f: -f.score):
        best.setdefault(found.label, found)
    rest = [found for found in entry.instances if best[found.label] is not found]
    return [_object_row(entry, found) for found in (*best.values(), *rest)]


def _object_row(entry: ScanReport, found: InstanceFinding) -> dict[str, Any]:
    row = {"label": found.label, "percent": percent(found.score), "box": found.box}
    outline = "" if found.mask is None else svg_path(found.mask[0])
    return {**row, "point": entry.point_of(found), "outline": outline, "judged": not found.alarm}


def percent(probability: float) -> str:
    """A probability for people; never "100 %" or "0 %" where it is not.

    Example:
        >>> percent(0.934), percent(0.9999), percent(0.0004)
        ('93 %', '> 99 %', '< 1 %')
    """
    if 0.99 < probability < 1:
        return "> 99 %"
    if 0 < probability < 0.01:
        return "< 1 %"
    return f"{probability * 100:.0f} %"


def _shown(card: Card) -> dict[str, float]:
    """The part of the scan that a card shows: the bag without the air around it."""
    entry, box = card.entry, card.letterbox
    if box is None:
        return {"x": 0.0, "y": 0.0, "w": float(entry.width), "h": float(entry.height)}
    return {"x": box.origin[0], "y": box.origin[1], "w": box.region[0], "h": box.region[1]}


def _mark(row: Mapping[str, Any], card: Card) -> dict[str, Any]:
    top, shown = row["box"][1], _shown(card)
    inside = " tag-inside" if top - shown["y"] < 0.07 * shown["h"] else ""
    return {
        "outline": "",
        "judged": False,
        **row,
        **_frame(row["box"], card),
        "top": 100 * top / card.entry.height,
        "inside": inside,
    }


def _truth_mark(item: TruthItem, card: Card) -> dict[str, Any]:
    bottom, shown = item.box[3], _shown(card)
    inside = " tag-inside" if bottom - shown["y"] > 0.94 * shown["h"] else ""
    place = {"bottom": 100 * bottom / card.entry.height, "inside": inside}
    return {"label": item.label, **_frame(item.box, card), **place}


def _frame(box: Box, card: Card) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    return {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1, "side": _side(x1, x2, card)}


def _side(x1: float, x2: float, card: Card) -> str:
    """Where a tag hangs: on the box's left edge, or on its right one near the picture's right edge."""
    shown, width = _shown(card), card.entry.width
    if x1 - shown["x"] > 0.7 * shown["w"]:
        return f"right:{100 - 100 * x2 / width:.2f}%"
    return f"left:{100 * x1 / width:.2f}%"


def _heats(card: Card) -> list[dict[str, Any]]:
    if card.letterbox is None:
        return []
    (x, y), (w, h) = card.letterbox.origin, card.letterbox.region
    width, height = card.entry.width, card.entry.height
    place = {"left": 100 * x / width, "top": 100 * y / height, "w": 100 * w / width, "h": 100 * h / height}
    return [
        {"label": label, "src": heat if isinstance(heat, str) else _data_uri("image/png", heat), **place}
        for label, heat in card.pictures.heats.items()
    ]


def _source_of(pictures: Pictures) -> str | None:
    """What a card shows at first: the embedded picture or thumbnail, else the file beside the page."""
    if pictures.embedded is not None:
        return _data_uri("image/jpeg", pictures.embedded)
    return None if pictures.file is None else quote(pictures.file)


def _thresholds(model: ModelCard, pfa: float) -> dict[str, float]:
    chances = find_task(model.task).chances(model, model.thresholds_at(pfa))
    return dict(zip(model.classes, chances.tolist(), strict=True))


def _by_class(entry: ScanReport, classes: Sequence[str]) -> str:
    """Probabilities in the models' order, from which the page makes the full list when it is opened.

    A class that its model gave no result for is empty.
    """
    found = {finding.label: f"{finding.probability:.4g}" for finding in entry.classes}
    return ",".join(found.get(label, "") for label in classes) if found else ""


def _flags(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    named = {"hit": verdict.hits, "miss": verdict.misses, "false": verdict.false_alarms}
    return " ".join(name for name, labels in named.items() if labels)


def _alt(entry: ScanReport, alarms: Sequence[Mapping[str, Any]]) -> str:
    if entry.decision == "no_machine_result":
        return "X-ray scan without machine result"
    if not alarms:
        return "X-ray scan, no class alarmed"
    found = ", ".join(f"{plain(row['label'])} {row['percent']}" for row in alarms)
    return f"X-ray scan, alarms: {found}"


def _counts(report: Report) -> dict[str, int]:
    decisions: list[str] = [scan.decision for scan in report.scans]
    interrupted = report.interrupted
    unreached = 0 if interrupted is None else interrupted.of - len(decisions) - len(report.failed)
    return {name: decisions.count(name) for name in BADGES} | {
        "all": len(decisions),
        "failed": len(report.failed),
        "skipped": sum(report.skipped.values()),
        "unreached": unreached,
    }


def _times(scans: Sequence[ScanReport]) -> dict[str, float] | None:
    totals = [scan.ms["total"] for scan in scans if "total" in scan.ms]
    if not totals:
        return None
    return {"median": float(np.median(totals)), "p95": float(np.percentile(totals, 95))}


def _truth_totals(cards: Sequence[Card], classes: Sequence[str]) -> dict[str, int] | None:
    judged = [(c, judge(c.entry, c.truth, classes=classes)) for c in cards if c.truth is not None]
    if not judged:
        return None
    positive = [card for card, verdict in judged if verdict.hits or verdict.misses]
    benign = [card for card, verdict in judged if not (verdict.hits or verdict.misses)]
    kinds = [kind.name for kind in fields(Verdict)]
    totals = {kind: sum(len(getattr(verdict, kind)) for _, verdict in judged) for kind in kinds}
    return {
        **totals,
        "present": totals["hits"] + totals["misses"],
        "positive": len(positive),
        "positive_alarmed": sum(card.entry.decision == "alarm" for card in positive),
        "benign": len(benign),
        "benign_alarmed": sum(card.entry.decision == "alarm" for card in benign),
    }


def _details(details: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The card's free fields as text, list or table, in their own order."""
    return [
        {"title": plain(str(key)).capitalize(), "kind": _kind(value), "value": value}
        for key, value in details.items()
    ]


def _chosen_on(model: ModelCard) -> str:
    """What the thresholds were chosen on, in a few words."""
    record = model.details.get(OWN)
    if not isinstance(record, dict):
        return "validation bags"
    where = ", ".join(filter(None, (record["scanner"], record["chosen on"])))
    return f"{record['benign scans']} benign scans ({where})"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "table"
    return "list" if isinstance(value, list) else "text"


def _limits(details: Mapping[str, Any]) -> str:
    """The first few limits a model names, in one line."""
    limits = details.get("limits", "")
    lines = limits[:3] if isinstance(limits, list) else [limits]
    return " ".join(str(line) for line in lines)


def _fit(value: Any) -> Any:
    """Every text of the page without control characters and lone surrogates, whoever wrote it."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _dense(markup: str) -> Markup:
    """Markup without its indentation, a third of a long page."""
    return Markup(re.sub(r"\s*\n\s*", "\n", markup))  # escaped already


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _data_uri(kind: str, payload: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(payload).decode()}"
