"""Edits: stored once each and never changed; what stands of them is kept beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database, in_pieces, written
from beltline.rounds.items import ITEMS, in_conflict
from beltline.rounds.leases import end_lease, lease_row
from beltline.rounds.objects import EditedObject
from beltline.rounds.records import Draft, Edit, Kind
from beltline.rounds.storing import EDITS, HEADS, bases_of, store_drafts


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
            numbers = store_drafts(connection, self.db, [draft], token=token)
            end_lease(connection, lease)
            return numbers

        return self._written(store)[0]

    def add(self, drafts: Iterable[Draft]) -> list[Edit]:
        """Store edits without a lease: proposals, imports, reviews. All of them, or after an error none.

        Returns:
            The edits in the order of the drafts; for a request key that is known, the one stored before.

        Raises:
            BadInputError: As for `submit`.
        """
        wanted = list(drafts)
        return self._written(lambda connection: store_drafts(connection, self.db, wanted))

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

    def labels(self) -> Counter[str]:
        """Objects that stand, by label; of several heads of an item the newest counts.

        Reads no mask: at 10,000 items building every object would take most of a pick's time.
        """
        newest = (
            select(func.max(HEADS.edit_id).label("id"))
            .join(schema.items, ITEMS.id == HEADS.item_id)
            .where(ITEMS.project_id == self.db.project)
            .group_by(HEADS.item_id)
            .subquery()
        )
        statement = select(EDITS.objects).join(newest, newest.c.id == EDITS.id)
        with self.db.reading() as connection:
            rows = connection.execute(statement).scalars()
            return Counter(one["label"] for objects in rows for one in objects)

    def disputed(self) -> list[int]:
        """Numbers of the items that have more than one head, without reading what the heads say."""
        mine = select(ITEMS.id).where(ITEMS.project_id == self.db.project, in_conflict())
        statement = mine.order_by(ITEMS.id)
        with self.db.reading() as connection:
            return list(connection.execute(statement).scalars())

    def conflicts(self) -> dict[int, tuple[Edit, ...]]:
        """The heads of items that have more than one."""
        return {item: edits for item, edits in self.heads(self.disputed()).items() if len(edits) > 1}

    def _written(self, store: Callable[[Connection], list[int]]) -> list[Edit]:
        return written(lambda: self._write(store))  # a request key may come twice at the same moment

    def _write(self, store: Callable[[Connection], list[int]]) -> list[Edit]:
        with self.db.writing() as connection:
            return self._get(connection, store(connection))

    def _get(self, connection: Connection, numbers: Sequence[int]) -> list[Edit]:
        statement = select(schema.edits).where(EDITS.project_id == self.db.project)
        found = {edit.id: edit for edit in read_edits(connection, statement, EDITS.id, sorted(set(numbers)))}
        missing = [number for number in numbers if number not in found]
        if missing:
            raise BadInputError(f"no edit {missing[0]} in this project")
        return [found[number] for number in numbers]


def read_edits(
    connection: Connection, statement: Select[Any], column: Any, numbers: Sequence[int] | None
) -> list[Edit]:
    """The edits of a statement, those alone whose column is one of the numbers, in the statement's order."""
    if numbers is None:
        rows = list(connection.execute(statement))
    else:
        pieces = in_pieces(sorted(set(numbers)))
        rows = [row for piece in pieces for row in connection.execute(statement.where(column.in_(piece)))]
    bases = bases_of(connection, [row.id for row in rows])
    return sorted((_edit(row, bases.get(row.id, ())) for row in rows), key=lambda edit: edit.id)


def _edit(row: Row[Any], bases: tuple[int, ...]) -> Edit:
    objects = tuple(EditedObject.from_json(fields) for fields in row.objects)
    return Edit(row.id, row.item_id, row.author, row.kind, objects, row.request, bases, row.seconds, row.time)
