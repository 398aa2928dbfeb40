"""Frozen versions: named lists of head edits that never change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database, in_pieces
from beltline.rounds.edits import read_edits
from beltline.rounds.items import ITEMS
from beltline.rounds.records import Edit, Version
from beltline.rounds.storing import EDITS, HEADS, digest_of

VERSIONS = schema.versions.c
FROZEN = schema.version_edits.c


@dataclass(frozen=True, eq=False)
class Versions:
    """Annotations as they were when somebody gave them a name; ``store.versions``."""

    db: Database

    def freeze(self, name: str, items: Iterable[int] | None = None) -> Version:
        """Give what is reviewed a name for ever.

        Args:
            name: Of the version. The same name again gives the version back if nothing has changed since.
            items: Those to take; None takes every item that is reviewed or frozen.

        Raises:
            BadInputError: If an item given is not reviewed or stands in conflict, if nothing is reviewed, or
                if the name is taken by other annotations.
        """
        if not name or not name.isprintable() or len(name) > 200:
            raise BadInputError(f"a version's name has 1 to 200 printable letters, got {name[:40]!r}")
        with self.db.writing() as connection:
            self.db.hold(connection)
            rows = self._ready(connection, None if items is None else sorted(set(items)))
            digest = _digest((row.sha256, row.digest) for row in rows)
            known = self._row(connection, name)
            if known is not None and known.digest != digest:
                raise BadInputError(f"version {name!r} exists with other annotations; give another name")
            if known is None:
                self._write(connection, name, digest, rows)
            return self._read(connection, name)

    def names(self) -> list[str]:
        """The versions, the oldest first."""
        statement = select(VERSIONS.name).where(VERSIONS.project_id == self.db.project).order_by(VERSIONS.id)
        with self.db.reading() as connection:
            return list(connection.execute(statement).scalars())

    def get(self, name: str) -> Version:
        """A version.

        Raises:
            BadInputError: If there is none of this name.
        """
        with self.db.reading() as connection:
            return self._read(connection, name)

    def edits(self, name: str) -> list[Edit]:
        """The edits of a version, by the items' numbers, exactly as they were frozen.

        Raises:
            BadInputError: If there is no such version, or the rows no longer give its digest.
        """
        with self.db.reading() as connection:
            version = self._read(connection, name)
            statement = select(schema.edits).where(EDITS.project_id == self.db.project)
            found = read_edits(connection, statement, EDITS.id, list(version.edits.values()))
            shas = _shas(connection, [edit.item for edit in found])
        said = ((shas[e.item], digest_of(shas[e.item], e.author, e.kind, e.objects)) for e in found)
        if _digest(said) != version.digest:
            raise BadInputError(f"version {name!r}: its edits have been changed from outside; restore a copy")
        return sorted(found, key=lambda edit: edit.item)

    def _ready(self, connection: Connection, items: Sequence[int] | None) -> list[Row[Any]]:
        """Item, head, SHA-256 and digest of every item to freeze."""
        statement = (
            select(ITEMS.id, ITEMS.sha256, EDITS.id.label("edit_id"), EDITS.digest)
            .join(schema.heads, HEADS.item_id == ITEMS.id)
            .join(schema.edits, EDITS.id == HEADS.edit_id)
            .where(ITEMS.project_id == self.db.project, ITEMS.state.in_(("reviewed", "frozen")))
            .order_by(ITEMS.id)
            .with_for_update(of=schema.items)
        )
        rows: list[Any]
        if items is None:
            rows = list(connection.execute(statement))
        else:
            pieces = in_pieces(items)
            rows = [row for part in pieces for row in connection.execute(statement.where(ITEMS.id.in_(part)))]
        missing = sorted(set(items or ()) - {row.id for row in rows})
        if missing:
            raise BadInputError(f"item {missing[0]} is not reviewed, or in conflict; review it first")
        if not rows:
            raise BadInputError("nothing is reviewed yet; a version holds reviewed items")
        return rows

    def _write(self, connection: Connection, name: str, digest: str, rows: Sequence[Row[Any]]) -> None:
        values = {"project_id": self.db.project, "name": name, "digest": digest, "time": self.db.clock()}
        number = connection.execute(insert(schema.versions).returning(VERSIONS.id), values).scalar_one()
        frozen = [{"version_id": number, "item_id": row.id, "edit_id": row.edit_id} for row in rows]
        connection.execute(insert(schema.version_edits), frozen)
        for piece in in_pieces([row.id for row in rows]):
            connection.execute(update(schema.items).where(ITEMS.id.in_(piece)).values(state="frozen"))

    def _row(self, connection: Connection, name: str) -> Row[Any] | None:
        statement = select(schema.versions).where(
            VERSIONS.project_id == self.db.project, VERSIONS.name == name
        )
        return connection.execute(statement).first()

    def _read(self, connection: Connection, name: str) -> Version:
        found = self._row(connection, name)
        if found is None:
            raise BadInputError(f"no version {name!r} in this project; versions.names() lists them")
        statement = select(schema.version_edits).where(FROZEN.version_id == found.id).order_by(FROZEN.item_id)
        edits = {row.item_id: row.edit_id for row in connection.execute(statement)}
        return Version(found.name, found.digest, found.time, edits)


def _digest(said: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over scans and digests of edits, whatever their numbers and order in the store."""
    lines = sorted(f"{sha256} {digest}\n" for sha256, digest in said)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _shas(connection: Connection, items: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for piece in in_pieces(items):
        rows = connection.execute(select(ITEMS.id, ITEMS.sha256).where(ITEMS.id.in_(piece)))
        found |= {row.id: row.sha256 for row in rows}
    return found
