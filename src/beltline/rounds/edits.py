"""Edits: stored once each and never changed; what stands of them is kept beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exc, func, insert, select, update

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database, in_pieces
from beltline.rounds.heads import Link, heads_of, state_of
from beltline.rounds.items import ITEMS
from beltline.rounds.leases import end_lease, hold, lease_row
from beltline.rounds.objects import EditedObject, check_objects
from beltline.rounds.records import JUDGED, Draft, Edit, Kind

EDITS = schema.edits.c
BASES = schema.edit_bases.c
HEADS = schema.heads.c


@dataclass(frozen=True, eq=False)
class Edits:
    """Everything that anybody or anything said of the scans; ``store.edits``."""

    db: Database

    def submit(
        self,
        token: str,
        objects: Iterable[EditedObject],
        *,
        request: str,
        bases: Sequence[int] | None = None,
        seconds: float | None = None,
    ) -> Edit:
        """Store what a person made of a leased item, and end the lease.

        It is on the disk when this returns. A lease that has ended hinders nothing: the edit is stored all
        the same, and where somebody else has worked meanwhile both stand, as a conflict.

        Args:
            token: Of the lease, which gives item, author and kind.
            objects: All objects of the scan.
            request: Key drawn once for this edit; the same again gives the stored edit back and writes
                nothing.
            bases: Edits that it started from; None takes those of the lease.
            seconds: Time spent.

        Raises:
            BadInputError: If there is no such lease, the objects do not fit the scan, a base is none of this
                item, or the request key was used for something else.
        """
        made = tuple(objects)

        def store(connection: Connection) -> list[int]:
            lease = lease_row(connection, self.db, token)
            kind: Kind = "review" if lease.purpose == "review" else "label"
            start = tuple(lease.bases if bases is None else bases)
            draft = Draft(lease.item_id, lease.person, kind, made, request, start, seconds)
            number = self._store(connection, draft, token=token)
            end_lease(connection, lease)
            return [number]

        return self._written(store)[0]

    def add(self, drafts: Iterable[Draft]) -> list[Edit]:
        """Store edits without a lease: proposals, imports, reviews. All of them, or after an error none.

        Returns:
            The edits in the order of the drafts; for a request key that is known, the one stored before.

        Raises:
            BadInputError: As for `submit`.
        """
        wanted = list(drafts)

        def store(connection: Connection) -> list[int]:
            if len(wanted) > 1:
                hold(connection, [draft.item for draft in wanted])  # all at once: nobody waits in a circle
            return [self._store(connection, draft) for draft in wanted]

        return self._written(store)

    def mark_reviewed(self, edit: int, author: str, *, request: str, seconds: float | None = None) -> Edit:
        """Accept a label as it stands: a review with the same objects, each still made by who made it.

        Raises:
            BadInputError: If there is no such edit, or the request key was used for something else.
        """
        judged = self.get([edit])[0]
        same = [replace(item, clicks=(), proposed=number) for number, item in enumerate(judged.objects)]
        draft = Draft(judged.item, author, "review", tuple(same), request, (edit,), seconds)
        return self.add([draft])[0]

    def settle(
        self,
        bases: Sequence[int],
        author: str,
        objects: Iterable[EditedObject],
        *,
        request: str,
        seconds: float | None = None,
    ) -> Edit:
        """End a conflict by a review of the edits named; others that stand beside them go on standing.

        Raises:
            BadInputError: If they are not of one item, or as for `submit`.
        """
        judged = self.get(bases)
        if len({edit.item for edit in judged}) != 1:
            raise BadInputError(f"a review judges edits of one item, got edits {list(bases)}")
        draft = Draft(judged[0].item, author, "review", tuple(objects), request, tuple(bases), seconds)
        return self.add([draft])[0]

    def get(self, edits: Iterable[int]) -> list[Edit]:
        """Edits by their numbers, in that order.

        Raises:
            BadInputError: If there is no such edit.
        """
        with self.db.reading() as connection:
            return self._get(connection, list(edits))

    def find(self, items: Sequence[int] | None = None, kinds: Sequence[Kind] | None = None) -> list[Edit]:
        """All edits in the order of their storing, or those of some items or kinds."""
        statement = select(schema.edits).where(EDITS.project_id == self.db.project).order_by(EDITS.id)
        if kinds is not None:
            statement = statement.where(EDITS.kind.in_(kinds))
        with self.db.reading() as connection:
            return read_edits(connection, statement, EDITS.item_id, items)

    def history(self, item: int) -> list[Edit]:
        """Everything said of an item, the oldest first."""
        return self.find([item])

    def heads(self, items: Sequence[int] | None = None) -> dict[int, tuple[Edit, ...]]:
        """The edits that stand, by item, the oldest first; items without any are left out."""
        statement = (
            select(schema.edits)
            .join(schema.heads, HEADS.edit_id == EDITS.id)
            .where(EDITS.project_id == self.db.project)
            .order_by(EDITS.id)
        )
        with self.db.reading() as connection:
            found = read_edits(connection, statement, HEADS.item_id, items)
        by_item: dict[int, list[Edit]] = {}
        for edit in found:
            by_item.setdefault(edit.item, []).append(edit)
        return {item: tuple(edits) for item, edits in by_item.items()}

    def conflicts(self) -> dict[int, tuple[Edit, ...]]:
        """The heads of items that have more than one."""
        statement = (
            select(HEADS.item_id)
            .join(schema.items, HEADS.item_id == ITEMS.id)
            .where(ITEMS.project_id == self.db.project)
            .group_by(HEADS.item_id)
            .having(func.count() > 1)
        )
        with self.db.reading() as connection:
            items = connection.execute(statement).scalars().all()
        return {item: edits for item, edits in self.heads(items).items() if len(edits) > 1}

    def _written(self, store: Any) -> list[Edit]:
        try:
            return self._write(store)
        except exc.IntegrityError:  # somebody stored this request key at the same moment; now it is found
            return self._write(store)

    def _write(self, store: Any) -> list[Edit]:
        with self.db.writing() as connection:
            return self._get(connection, store(connection))

    def _get(self, connection: Connection, numbers: Sequence[int]) -> list[Edit]:
        statement = select(schema.edits).where(EDITS.project_id == self.db.project)
        found = {edit.id: edit for edit in read_edits(connection, statement, EDITS.id, sorted(set(numbers)))}
        missing = [number for number in numbers if number not in found]
        if missing:
            raise BadInputError(f"no edit {missing[0]} in this project")
        return [found[number] for number in numbers]

    def _store(self, connection: Connection, draft: Draft, *, token: str | None = None) -> int:
        """Number of the edit, stored now or before."""
        item = _held(connection, self.db, draft.item)
        digest = digest_of(item.sha256, draft.author, draft.kind, draft.objects)
        known = _stored_before(connection, self.db, draft, digest)
        if known is not None:
            return known
        check_objects(draft.objects, (item.height, item.width), self.db.classes)
        _check_bases(connection, draft)
        number = _insert(connection, self.db, draft, digest, token)
        if draft.kind in JUDGED:
            _set_heads(connection, draft.item)
        return number


def digest_of(sha256: str, author: str, kind: Kind, objects: Iterable[EditedObject]) -> str:
    """SHA-256 of what an edit says of a scan, the same in every store."""
    said = [sha256, author, kind, [item.to_json() for item in objects]]
    text = json.dumps(said, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_edits(
    connection: Connection, statement: Select[Any], column: Any, numbers: Sequence[int] | None
) -> list[Edit]:
    """The edits of a statement, those alone whose column is one of the numbers, in the statement's order."""
    if numbers is None:
        rows = list(connection.execute(statement))
    else:
        pieces = in_pieces(sorted(set(numbers)))
        rows = [row for piece in pieces for row in connection.execute(statement.where(column.in_(piece)))]
    bases = _bases_of(connection, [row.id for row in rows])
    return sorted((_edit(row, bases.get(row.id, ())) for row in rows), key=lambda edit: edit.id)


def _edit(row: Row[Any], bases: tuple[int, ...]) -> Edit:
    objects = tuple(EditedObject.from_json(fields) for fields in row.objects)
    return Edit(row.id, row.item_id, row.author, row.kind, objects, row.request, bases, row.seconds, row.time)


def _bases_of(connection: Connection, numbers: Sequence[int]) -> Mapping[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for piece in in_pieces(numbers):
        statement = select(schema.edit_bases).where(BASES.edit_id.in_(piece)).order_by(BASES.place)
        for row in connection.execute(statement):
            found[row.edit_id] = (*found.get(row.edit_id, ()), row.base_id)
    return found


def _held(connection: Connection, db: Database, item: int) -> Row[Any]:
    """The row of an item, kept from others until the transaction ends.

    Raises:
        BadInputError: If there is no such item.
    """
    mine = (ITEMS.id == item, ITEMS.project_id == db.project)
    statement = select(schema.items).where(*mine).with_for_update()
    found = connection.execute(statement).first()
    if found is None:
        raise BadInputError(f"no item {item} in this project; items.find() lists them")
    return found


def _stored_before(connection: Connection, db: Database, draft: Draft, digest: str) -> int | None:
    """Number of the edit with this request key.

    Raises:
        BadInputError: If it is another edit.
    """
    statement = select(EDITS.id, EDITS.item_id, EDITS.digest).where(
        EDITS.project_id == db.project, EDITS.request == draft.request
    )
    found = connection.execute(statement).first()
    if found is None:
        return None
    bases = _bases_of(connection, [found.id]).get(found.id, ())
    if (found.item_id, found.digest, bases) != (draft.item, digest, draft.bases):
        raise BadInputError(
            f"the request key {draft.request!r} was used for another edit (number {found.id}); draw a new key"
            " for each edit"
        )
    return int(found.id)


def _check_bases(connection: Connection, draft: Draft) -> None:
    statement = select(EDITS.id, EDITS.objects).where(EDITS.item_id == draft.item, EDITS.id.in_(draft.bases))
    found = {row.id: len(row.objects) for row in connection.execute(statement)} if draft.bases else {}
    strangers = [base for base in draft.bases if base not in found]
    if strangers:
        raise BadInputError(f"base {strangers[0]} is no edit of item {draft.item}; edits.history lists them")
    offered = found[draft.bases[0]] if draft.bases else 0
    for number, item in enumerate(draft.objects):
        if item.proposed is not None and item.proposed >= offered:
            raise BadInputError(
                f"object {number} ({item.label}): grew from object {item.proposed} of {offered} in its base"
            )


def _insert(connection: Connection, db: Database, draft: Draft, digest: str, token: str | None) -> int:
    values = {
        "project_id": db.project,
        "item_id": draft.item,
        "author": draft.author,
        "kind": draft.kind,
        "objects": [item.to_json() for item in draft.objects],
        "request": draft.request,
        "seconds": draft.seconds,
        "time": db.clock(),
        "digest": digest,
        "lease_token": token,
    }
    number = int(connection.execute(insert(schema.edits).returning(EDITS.id), values).scalar_one())
    bases = [{"edit_id": number, "place": place, "base_id": base} for place, base in enumerate(draft.bases)]
    if bases:
        connection.execute(insert(schema.edit_bases), bases)
    return number


def _set_heads(connection: Connection, item: int) -> None:
    """Write down what stands after a label or review, and the state that follows."""
    links = _links(connection, item)
    now = heads_of(links.values())
    before = set(connection.execute(select(HEADS.edit_id).where(HEADS.item_id == item)).scalars())
    gone = before - set(now)
    if gone:
        connection.execute(delete(schema.heads).where(HEADS.item_id == item, HEADS.edit_id.in_(gone)))
    new = [{"item_id": item, "edit_id": head} for head in now if head not in before]
    connection.execute(insert(schema.heads), new)
    state = state_of(links[head] for head in now)
    connection.execute(update(schema.items).where(ITEMS.id == item).values(state=state))


def _links(connection: Connection, item: int) -> dict[int, Link]:
    statement = (
        select(EDITS.id, EDITS.author, EDITS.kind, BASES.base_id)
        .join(schema.edit_bases, BASES.edit_id == EDITS.id, isouter=True)
        .where(EDITS.item_id == item, EDITS.kind.in_(JUDGED))
        .order_by(EDITS.id, BASES.place)
    )
    found: dict[int, Link] = {}
    for number, author, kind, base in connection.execute(statement):
        before = found[number].bases if number in found else ()
        found[number] = Link(number, author, kind, before if base is None else (*before, base))
    return found
