"""The status as one page: curves, the worst proposals with their pictures, what people disagree on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from beltline.core import BadInputError, Scan
from beltline.rounds.line_chart import Line, line_chart
from beltline.rounds.objects import EditedObject, masks_of
from beltline.rounds.records import Edit, Item
from beltline.rounds.round_figures import ProposalFate, fates
from beltline.rounds.status import CLICKS_NOTE, Status
from beltline.rounds.store import Store
from beltline.screening.outlines import svg_path
from beltline.screening.pictures import display_picture, jpeg

MENDED, DELETED, DISPUTED = 8, 4, 6  # pictures of each kind at most: a page of a few megabytes
LONG_SIDE = 420
STYLES = ("model", "person", "other")


@dataclass(frozen=True)
class Picture:
    """A scan with outlines.

    Attributes:
        title: Above it.
        text: Below it.
        svg: The picture with its outlines.
    """

    title: str
    text: str
    svg: Markup


def render_status(status: Status, store: Store, *, moment: datetime | None = None) -> str:
    """The page as text: no script, nothing loaded from elsewhere.

    Args:
        status: From `beltline.rounds.status.status_of`.
        store: For edits and scans of the pictures.
        moment: Shown in the head; now when None.
    """
    environment = Environment(
        loader=PackageLoader("beltline.rounds", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(number=_number)
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "status.css")[0]
    when = (moment or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M")
    return environment.get_template("status.html.j2").render(
        style=Markup(style),  # our own file
        status=status,
        states=status.counts.states,
        done=status.counts.states["reviewed"] + status.counts.states["frozen"],
        charts=charts(status),
        worst=worst_proposals(status, store),
        disputed=disagreements(status, store),
        people=_people(status),
        most=max(status.classes.values(), default=0),
        moment=when,
        clicks_note=CLICKS_NOTE,
    )


def charts(status: Status) -> list[Markup]:
    """Curves over the rounds, those of which anything is known."""
    numbers = [one.number for one in status.rounds]
    if len(numbers) < 2:  # one point is no curve; the table has it
        return []
    lines: Mapping[str, tuple[str, dict[str, Line]]] = {
        "clicks per mask": ("label and review", {"clicks": Line([one.clicks for one in status.rounds])}),
        "seconds per mask": ("label and review", {"seconds": Line([one.seconds for one in status.rounds])}),
        "IoU of first proposals": (
            "with what stands", {"IoU": Line([one.figures.get("first_iou") for one in status.rounds])},
        ),
        "changed in review": (
            "share of objects", {"changed": Line([one.changed for one in status.rounds])},
        ),
        "new model minus old": ("IoU at the gate, 95 %", {"difference": _gate_line(status)}),
    }  # fmt: skip
    return [
        line_chart(title, numbers, named, unit=unit, from_zero="IoU" not in title)
        for title, (unit, named) in lines.items()
        if any(value is not None for line in named.values() for value in line.y)
    ]


def worst_proposals(status: Status, store: Store) -> list[Picture]:
    """Proposals of the last round that people changed most, and the surest of those that they deleted."""
    if not status.rounds:
        return []
    last = store.rounds.all()[-1]
    numbers = [pick.item for pick in last.picked]
    items = {item.id: item for item in store.items.get_all(numbers)}
    histories: dict[int, list[Edit]] = {}
    for edit in store.edits.find(numbers):
        histories.setdefault(edit.item, []).append(edit)
    lives = [fate for number, history in histories.items() for fate in fates(items[number], history)]
    mended = sorted((one for one in lives if one.standing and one.iou < 0.999), key=lambda one: one.iou)
    deleted = sorted((one for one in lives if not one.standing), key=lambda one: -(one.proposed.score or 0.0))
    chosen = [*mended[:MENDED], *deleted[:DELETED]]
    return [made for one in chosen if (made := _fate_picture(status, items[one.item], one)) is not None]


def disagreements(status: Status, store: Store) -> list[Picture]:
    """Scans of which several people's work stands side by side."""
    found = []
    for number in status.conflicts[:DISPUTED]:
        item, heads = store.items.get(number), store.edits.heads([number])[number]
        said = [f"{_name(edit.author)}: {_listed(edit.objects)}" for edit in heads]
        layers = [(STYLES[1 + place % 2], edit.objects) for place, edit in enumerate(heads)]
        picture = _picture(status, item, layers)
        if picture is not None:
            found.append(Picture(f"{item.path}", "; ".join(said), picture))
    return found


def _fate_picture(status: Status, item: Item, fate: ProposalFate) -> Picture | None:
    layers: list[tuple[str, Sequence[EditedObject]]] = [("model", [fate.proposed])]
    if fate.standing is None:
        score = fate.proposed.score
        text = "deleted" if score is None else f"deleted, though {score:.0%} sure"
    else:
        layers.append(("person", [fate.standing]))
        name = fate.standing.label
        text = f"IoU {fate.iou:.2f}, now by {_name(fate.standing.made_by)}"
        if fate.proposed.label != name:
            text += f"; was called {fate.proposed.label}"
    picture = _picture(status, item, layers, around=fate.proposed)
    title = fate.label.replace("_", " ")
    return None if picture is None else Picture(title, f"{text} · {item.path}", picture)


def _picture(
    status: Status,
    item: Item,
    layers: Sequence[tuple[str, Sequence[EditedObject]]],
    *,
    around: EditedObject | None = None,
) -> Markup | None:
    """The scan, or what lies around an object, with outlines; None where the file is gone."""
    try:
        scan = status.project.scan(item)
    except BadInputError:
        return None
    left, top, right, bottom = _view(item, around)
    part = Scan(np_part(scan, left, top, right, bottom), scan.quantity, scan.channels, scan.pixel_mm)
    data = base64.b64encode(jpeg(display_picture(part, long_side=LONG_SIDE))).decode()
    paths = [
        f'<path class="{style}" d="{svg_path(mask)}"/>'
        for style, objects in layers
        for mask in masks_of(objects, item.size)
    ]
    width, height = right - left, bottom - top
    return Markup(  # numbers, our own classes and base64 alone
        f'<svg viewBox="{left} {top} {width} {height}" role="img" aria-label="{escape(item.path)}">'
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none"'
        f' href="data:image/jpeg;base64,{data}"/>{"".join(paths)}</svg>'
    )


def np_part(scan: Scan, left: int, top: int, right: int, bottom: int) -> Any:
    """Pixels (C, h, w) of a part of a scan."""
    return scan.pixels[:, top:bottom, left:right]


def _view(item: Item, around: EditedObject | None) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: a square twice as large as the object, or all."""
    if around is None:
        return 0, 0, item.width, item.height
    x1, y1, x2, y2 = around.box
    reach = max(x2 - x1, y2 - y1, 40)
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = max(int(middle_x - reach), 0), max(int(middle_y - reach), 0)
    return left, top, min(int(middle_x + reach), item.width), min(int(middle_y + reach), item.height)


def _gate_line(status: Status) -> Line:
    verdicts = [one.verdict or {} for one in status.rounds]
    return Line(*([verdict.get(name) for verdict in verdicts] for name in ("difference", "low", "high")))


def _people(status: Status) -> list[tuple[str, int]]:
    found = [(_name(author), number) for author, number in status.counts.authors.items()]
    return sorted(found, key=lambda pair: -pair[1])


def _name(author: str) -> str:
    kind, _, name = author.partition(":")
    return name if kind == "person" else f"{name} ({kind})"


def _listed(objects: Sequence[EditedObject]) -> str:
    return ", ".join(one.label for one in objects) or "nothing"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
