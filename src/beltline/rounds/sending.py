"""Items go out to a person as files of an annotation tool: pictures, proposals with ids, leases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from beltline.core import BadInputError, FailedScan, Progress, counted
from beltline.data.annotations import Annotated, Picture, convert
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.set_files import require_new
from beltline.formats import sha256_of
from beltline.rounds.pictures import beside, place_picture
from beltline.rounds.project import Project
from beltline.rounds.records import Lease, Purpose
from beltline.rounds.sent import Sent, SentItem, Tool, sent_picture, write_sent
from beltline.rounds.store import Store

DAYS = 7.0
"""How long files are lent: people do not open an annotation tool within the ten minutes of a lease."""
_DAY_S = 86_400.0


@dataclass(frozen=True)
class WentOut:
    """What `send_out` did.

    Attributes:
        sent: As ``sent.json`` has it.
        losses: What the format cannot hold.
        failed: Scans that stayed, and why; their leases are given back.
    """

    sent: Sent
    losses: Losses
    failed: tuple[FailedScan, ...]


def send_out(
    project: Project,
    out: str | Path,
    tool: Tool,
    *,
    person: str,
    count: int = 20,
    purpose: Purpose = "label",
    days: float = DAYS,
    own: bool = False,
    copy: bool = False,
    on_progress: Progress | None = None,
) -> WentOut:
    """Lease the next items of the pick to a person and write them for an annotation tool.

    Args:
        project: Which.
        out: A new folder.
        tool: Its format.
        person: An author, "person:ann".
        count: Items at most.
        purpose: "label" sends the proposals, "double" sends them to a second reader, "review" sends what
            stands; of several heads the objects of all.
        days: How long the leases last.
        own: See `Leases.take`.
        copy: Copy pictures instead of hard links.
        on_progress: Told scans.

    Raises:
        BadInputError: If no round has begun, nothing is left for this person, the folder holds something, or
            no scan can be sent. Then nothing stays leased.
    """
    out = Path(out)
    require_new(out)
    store = project.open()
    leases = _leases(store, person, count, purpose, days * _DAY_S, own=own)
    try:
        return _written(project, store, out, tool, leases, copy=copy, on_progress=on_progress)
    except BaseException:
        _release(store, leases)
        raise


def _leases(
    store: Store, person: str, count: int, purpose: Purpose, seconds: float, *, own: bool
) -> list[Lease]:
    """The latest round first: what is left of earlier ones comes after."""
    rounds = store.rounds.all()
    if not rounds:
        raise BadInputError("no round has begun; call beltline rounds pick first")
    order = list(dict.fromkeys(one.item for record in reversed(rounds) for one in record.picked))
    leases: list[Lease] = []
    while len(leases) < count:
        lease = store.leases.take(person, order, purpose=purpose, seconds=seconds, own=own)
        if lease is None:
            break
        leases.append(lease)
        order.remove(lease.item)  # not twice, however short the leases are
    if not leases:
        raise BadInputError(f"nothing is left to {_VERBS[purpose]} for {person}; see beltline rounds status")
    return leases


def _written(
    project: Project,
    store: Store,
    out: Path,
    tool: Tool,
    leases: Sequence[Lease],
    *,
    copy: bool,
    on_progress: Progress | None,
) -> WentOut:
    pictures: list[Picture] = []
    went: list[tuple[Lease, str]] = []
    failed: list[FailedScan] = []
    with beside(out) as stage:
        for lease in counted(leases, on_progress):
            item = store.items.get(lease.item)
            try:
                file = place_picture(project, item, stage, copy=copy)
            except BadInputError as error:
                failed.append(FailedScan(item.path, str(error).removeprefix(f"{project.path(item)}: ")))
                store.leases.release(lease.token)
                continue
            pictures.append(sent_picture(item, file, store.edits.get(lease.bases), tool))
            went.append((lease, file))
        if not pictures:
            raise BadInputError(f"no scan can be sent, first {failed[0].path}: {failed[0].reason}")
        data = Annotated(stage, project.classes, tuple(pictures))
        losses = convert(data, out, tool, copy=copy, source=project.source)
    first = leases[0]
    items = [SentItem(one.item, file, sha256_of(out / file), one.token, one.bases) for one, file in went]
    sent = Sent(tool, first.person, first.purpose, min(one.until for one in leases), tuple(items))
    write_sent(out, sent)
    return WentOut(sent, losses, tuple(failed))


def _release(store: Store, leases: Iterable[Lease]) -> None:
    for lease in leases:
        store.leases.release(lease.token)


_VERBS = {"label": "label", "double": "label a second time", "review": "review"}
