"""Drafts become edits: each request key once, what stands brought up to date, a thousand at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database, in_pieces
from beltline.rounds.heads import Link, heads_of, state_of
from beltline.rounds.items import ITEMS
from beltline.rounds.objects import EditedObject, check_objects
from beltline.rounds.records import JUDGED, Draft, Kind

EDITS = schema.edits.c
BASES = schema.edit_bases.c
HEADS = schema.heads.c


class _Said(NamedTuple):
    """What makes two edits the same."""

    item: int
    digest: str
    bases: tuple[int, ...]


def store_drafts(
    connection: Connection, db: Database, drafts: Sequence[Draft], *, token: str | None = None
) -> list[int]:
    """Numbers of the edits of drafts, stored now or, where the request key is known, before.

    Raises:
        BadInputError: If an item or base is not there, objects do not fit, or a key was used for something
            else. Nothing is stored then.
    """
    items = _held(connection, db, [draft.item for draft in drafts])
    said = [_said(draft, items[draft.item].sha256) for draft in drafts]
    numbers, known = _known(connection, db, [draft.request for draft in drafts])
    new: list[tuple[Draft, _Said]] = []
    for draft, own in zip(drafts, said, strict=True):
        if draft.request not in known:
            known[draft.request] = own
            new.append((draft, own))
        elif known[draft.request] != own:
            number = numbers.get(draft.request)
            which = "in this call" if number is None else f"number {number}"
            fault = f"the request key {draft.request!r} was used for another edit ({which})"
            raise BadInputError(f"{fault}; draw a new key for each")
    _check(connection, db, [draft for draft, _ in new], items)
    numbers |= _insert(connection, db, new, token)
    judged = [draft for draft, _ in new if draft.kind in JUDGED]
    _set_heads(connection, [(d.item, Link(numbers[d.request], d.author, d.kind, d.bases)) for d in judged])
    return [numbers[draft.request] for draft in drafts]


def digest_of(sha256: str, author: str, kind: Kind, objects: Iterable[EditedObject]) -> str:
    """SHA-256 of what an edit says of a scan, the same in every store."""
    said = [sha256, author, kind, [item.to_json() for item in objects]]
    text = json.dumps(said, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def bases_of(connection: Connection, numbers: Sequence[int]) -> Mapping[int, tuple[int, ...]]:
    """The bases of edits that have any, by the edits' numbers."""
    found: dict[int, tuple[int, ...]] = {}
    for piece in in_pieces(numbers):
        statement = select(schema.edit_bases).where(BASES.edit_id.in_(piece)).order_by(BASES.place)
        for row in connection.execute(statement):
            found[row.edit_id] = (*found.get(row.edit_id, ()), row.base_id)
    return found


def _said(draft: Draft, sha256: str) -> _Said:
    return _Said(draft.item, digest_of(sha256, draft.author, draft.kind, draft.objects), draft.bases)


def _held(connection: Connection, db: Database, numbers: Sequence[int]) -> dict[int, Row[Any]]:
    """The rows of items, kept from others until the transaction ends; in one order, so that nobody is stuck.

    Raises:
        BadInputError: If there is no such item.
    """
    found: dict[int, Row[Any]] = {}
    for piece in in_pieces(sorted(set(numbers))):
        mine = (ITEMS.id.in_(piece), ITEMS.project_id == db.project)
        statement = select(schema.items).where(*mine).order_by(ITEMS.id).with_for_update()
        found |= {row.id: row for row in connection.execute(statement)}
    missing = [number for number in numbers if number not in found]
    if missing:
        raise BadInputError(f"no item {missing[0]} in this project; items.find() lists them")
    return found


def _known(
    connection: Connection, db: Database, requests: Sequence[str]
) -> tuple[dict[str, int], dict[str, _Said]]:
    """Numbers of the edits that have these request keys, and what they say."""
    rows: list[Any] = []
    for piece in in_pieces(requests):
        statement = select(EDITS.id, EDITS.request, EDITS.item_id, EDITS.digest).where(
            EDITS.project_id == db.project, EDITS.request.in_(piece)
        )
        rows += connection.execute(statement)
    bases = bases_of(connection, [row.id for row in rows])
    said = {row.request: _Said(row.item_id, row.digest, bases.get(row.id, ())) for row in rows}
    return {row.request: row.id for row in rows}, said


def _check(
    connection: Connection, db: Database, drafts: Sequence[Draft], items: Mapping[int, Row[Any]]
) -> None:
    offered = _offered(connection, {base for draft in drafts for base in draft.bases})
    for draft in drafts:
        item = items[draft.item]
        check_objects(draft.objects, (item.height, item.width), db.classes)
        for base in draft.bases:
            if offered.get(base, (None, 0))[0] != draft.item:
                raise BadInputError(f"base {base} is no edit of item {draft.item}; edits.history lists them")
        count = offered[draft.bases[0]][1] if draft.bases else 0
        for number, thing in enumerate(draft.objects):
            if thing.proposed is not None and thing.proposed >= count:
                which = f"object {number} ({thing.label})"
                raise BadInputError(f"{which}: grew from object {thing.proposed} of {count} in its base")


def _offered(connection: Connection, bases: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Item and number of objects of each edit that something starts from."""
    found: dict[int, tuple[int, int]] = {}
    for piece in in_pieces(sorted(bases)):
        statement = select(EDITS.id, EDITS.item_id, EDITS.objects).where(EDITS.id.in_(piece))
        found |= {row.id: (row.item_id, len(row.objects)) for row in connection.execute(statement)}
    return found


def _insert(
    connection: Connection, db: Database, new: Sequence[tuple[Draft, _Said]], token: str | None
) -> dict[str, int]:
    """Numbers of new edits by request key; they rise in the order given."""
    if not new:
        return {}
    now = db.clock()
    rows = [_columns(draft, said, db.project, now, token) for draft, said in new]
    statement = insert(schema.edits).returning(EDITS.id, sort_by_parameter_order=True)
    numbers = connection.execute(statement, rows).scalars().all()
    assert list(numbers) == sorted(numbers)  # what stands depends on it
    bases = [
        {"edit_id": number, "place": place, "base_id": base}
        for number, (draft, _) in zip(numbers, new, strict=True)
        for place, base in enumerate(draft.bases)
    ]
    if bases:
        connection.execute(insert(schema.edit_bases), bases)
    return {draft.request: number for number, (draft, _) in zip(numbers, new, strict=True)}


def _columns(draft: Draft, said: _Said, project: int, now: float, token: str | None) -> dict[str, Any]:
    return {
        "project_id": project,
        "item_id": draft.item,
        "author": draft.author,
        "kind": draft.kind,
        "objects": [item.to_json() for item in draft.objects],
        "request": draft.request,
        "seconds": draft.seconds,
        "time": now,
        "digest": said.digest,
        "lease_token": token,
    }


def _set_heads(connection: Connection, new: Sequence[tuple[int, Link]]) -> None:
    """Write down what stands after labels and reviews of items, and the states that follow."""
    before = _standing(connection, [item for item, _ in new])
    after = {item: dict(links) for item, links in before.items()}
    for item, link in new:
        standing = {**after[item], link.id: link}  # of what had fallen before, nothing stands again
        after[item] = {head: standing[head] for head in heads_of(standing.values())}
    gone = [head for item, links in before.items() for head in links if head not in after[item]]
    for piece in in_pieces(gone):
        connection.execute(delete(schema.heads).where(HEADS.edit_id.in_(piece)))
    rows = [
        {"item_id": item, "edit_id": head}
        for item, links in after.items()
        for head in links
        if head not in before[item]
    ]
    if rows:
        connection.execute(insert(schema.heads), rows)
    _set_states(connection, {item: state_of(links.values()) for item, links in after.items()})


def _set_states(connection: Connection, states: Mapping[int, str]) -> None:
    for state in sorted(set(states.values())):
        for piece in in_pieces([item for item, found in states.items() if found == state]):
            connection.execute(update(schema.items).where(ITEMS.id.in_(piece)).values(state=state))


def _standing(connection: Connection, items: Sequence[int]) -> dict[int, dict[int, Link]]:
    """The heads of items, the oldest first."""
    found: dict[int, dict[int, Link]] = {item: {} for item in items}
    for piece in in_pieces(sorted(found)):
        statement = (
            select(HEADS.item_id, EDITS.id, EDITS.author, EDITS.kind, BASES.base_id)
            .join(schema.edits, EDITS.id == HEADS.edit_id)
            .join(schema.edit_bases, BASES.edit_id == EDITS.id, isouter=True)
            .where(HEADS.item_id.in_(piece))
            .order_by(EDITS.id, BASES.place)
        )
        for item, number, author, kind, base in connection.execute(statement):
            before = found[item][number].bases if number in found[item] else ()
            found[item][number] = Link(number, author, kind, before if base is None else (*before, base))
    return found
