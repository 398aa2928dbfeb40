"""Items of the store: added once each, listed, counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database, in_pieces
from beltline.rounds.records import KINDS, SPLITS, STATES, Counts, Item, NewItem, Split, State

ITEMS = schema.items.c


@dataclass(frozen=True, eq=False)
class Items:
    """The scans of the project; ``store.items``."""

    db: Database

    def add(self, new: Iterable[NewItem]) -> list[Item]:
        """Add scans; one whose SHA-256 is known already is left as it is.

        Returns:
            The items of all that were given, in their order.

        Raises:
            BadInputError: If a path is known with another SHA-256: the file has changed.
        """
        wanted = list(new)
        with self.db.writing() as connection:
            self.db.hold(connection)
            seed, share = connection.execute(
                select(schema.projects.c.seed, schema.projects.c.double_share).where(
                    schema.projects.c.id == self.db.project
                )
            ).one()
            known = _keys(connection, self.db.project)
            rows = [
                {**_columns(item, self.db.project), "double_read": _drawn(seed, item.sha256) < share}
                for item in _unknown(wanted, known)
            ]
            if rows:
                connection.execute(insert(schema.items), rows)
            stored = _keys(connection, self.db.project)
            return self._by_id(connection, [stored[item.sha256][0] for item in wanted])

    def get(self, item: int) -> Item:
        """One item.

        Raises:
            BadInputError: If there is no such item.
        """
        return self.get_all([item])[0]

    def get_all(self, items: Iterable[int]) -> list[Item]:
        """Items by their numbers, in that order.

        Raises:
            BadInputError: If there is no such item.
        """
        with self.db.reading() as connection:
            return self._by_id(connection, list(items))

    def find(self, *, state: State | None = None, split: Split | None = None) -> list[Item]:
        """All items in the order of their adding, or those of a state or split.

        Raises:
            ValueError: If there is no such state or split.
        """
        if state not in (None, *STATES) or split not in (None, *SPLITS):
            raise ValueError(f"state is one of {STATES}, split of {SPLITS}; got {state!r}, {split!r}")
        now = self.db.clock()
        where = [ITEMS.project_id == self.db.project]
        where += [] if state is None else [state_at(now) == state]
        where += [] if split is None else [ITEMS.split == split]
        with self.db.reading() as connection:
            return [item_of(row) for row in connection.execute(_select(now).where(*where).order_by(ITEMS.id))]

    def set_scores(self, scores: Mapping[int, Mapping[str, float]]) -> None:
        """Keep the scores of a pick with their items, by the items' numbers; earlier ones give way."""
        rows = [{"number": item, "found": dict(parts)} for item, parts in scores.items()]
        statement = update(schema.items).where(
            ITEMS.id == bindparam("number"), ITEMS.project_id == self.db.project
        )
        if rows:
            with self.db.writing() as connection:
                connection.execute(statement.values(scores=bindparam("found")), rows)

    def counts(self) -> Counts:
        """The project in numbers; well under a second for 10,000 items."""
        now, mine = self.db.clock(), ITEMS.project_id == self.db.project
        edits = schema.edits.c
        with self.db.reading() as connection:

            def tally(column: ColumnElement[Any], *where: ColumnElement[bool]) -> dict[Any, int]:
                keys = select(column.label("key")).where(*where).subquery()
                rows = connection.execute(select(keys.c.key, func.count()).group_by(keys.c.key))
                return {key: count for key, count in rows}

            def number(*where: ColumnElement[bool]) -> int:
                found = connection.execute(select(func.count()).select_from(schema.items).where(*where))
                return int(found.scalar_one())

            states = tally(state_at(now), mine)
            splits = tally(ITEMS.split, mine)
            kinds = tally(edits.kind, edits.project_id == self.db.project)
            authors = tally(edits.author, edits.project_id == self.db.project, edits.kind != "proposal")
            conflicts = number(mine, in_conflict())
            waiting, live = number(mine, wants_second_reader()), number(mine, ITEMS.lease_until > now)
        return Counts(
            {name: states.get(name, 0) for name in STATES},
            {name: splits.get(name, 0) for name in SPLITS},
            conflicts,
            waiting,
            live,
            {kind: kinds.get(kind, 0) for kind in KINDS},
            dict(sorted(authors.items())),
        )

    def _by_id(self, connection: Connection, numbers: Sequence[int]) -> list[Item]:
        now = self.db.clock()
        found: dict[int, Item] = {}
        for piece in in_pieces(sorted(set(numbers))):
            rows = connection.execute(
                _select(now).where(ITEMS.project_id == self.db.project, ITEMS.id.in_(piece))
            )
            found |= {row.id: item_of(row) for row in rows}
        missing = [number for number in numbers if number not in found]
        if missing:
            raise BadInputError(f"no item {missing[0]} in this project; items.find() lists them")
        return [found[number] for number in numbers]


def free_at(now: float) -> ColumnElement[bool]:
    """Whether an item is in nobody's hands; a lease that has run out needs no other end."""
    return or_(ITEMS.lease_until.is_(None), ITEMS.lease_until <= now)


def state_at(now: float) -> ColumnElement[str]:
    """An item's state: a new one that somebody is at is leased."""
    leased = and_(ITEMS.state == "new", ITEMS.lease_until > now)
    return case((leased, "leased"), else_=ITEMS.state)


def readers() -> ColumnElement[int]:
    """How many have labelled an item."""
    found = select(func.count(schema.edits.c.author.distinct())).where(
        schema.edits.c.item_id == ITEMS.id, schema.edits.c.kind == "label"
    )
    return found.correlate(schema.items).scalar_subquery()


def wants_second_reader() -> ColumnElement[bool]:
    """Whether a labelled item is to be read twice and has been read once."""
    return and_(ITEMS.state == "labelled", ITEMS.double_read, readers() == 1)


def in_conflict() -> ColumnElement[bool]:
    """Whether more than one edit of an item stands."""
    heads = select(func.count()).where(schema.heads.c.item_id == ITEMS.id)
    return heads.correlate(schema.items).scalar_subquery() > 1


def has_head_by(author: str) -> ColumnElement[bool]:
    """Whether an edit of this author stands."""
    return exists().where(
        schema.heads.c.item_id == ITEMS.id,
        schema.edits.c.id == schema.heads.c.edit_id,
        schema.edits.c.author == author,
    )


def labelled_by(author: str) -> ColumnElement[bool]:
    """Whether this author has ever labelled an item."""
    return exists().where(
        schema.edits.c.item_id == ITEMS.id, schema.edits.c.kind == "label", schema.edits.c.author == author
    )


def item_of(row: Row[Any]) -> Item:
    """The record of a row of `Items.find`."""
    return Item(
        row.id,
        row.path,
        row.sha256,
        row.width,
        row.height,
        row.split,
        row.now_in,
        row.double_read,
        row.scores,
    )


def _select(now: float) -> Any:
    return select(schema.items, state_at(now).label("now_in"))


def _keys(connection: Connection, project: int) -> dict[str, tuple[int, str]]:
    """Number and path of every item, by its SHA-256."""
    rows = connection.execute(select(ITEMS.sha256, ITEMS.id, ITEMS.path).where(ITEMS.project_id == project))
    return {row.sha256: (row.id, row.path) for row in rows}


def _unknown(wanted: Iterable[NewItem], known: Mapping[str, tuple[int, str]]) -> Iterable[NewItem]:
    """Those to be added, each content once."""
    digests = {path: sha256 for sha256, (_, path) in known.items()}
    seen = set(known)
    for item in wanted:
        if digests.get(item.path, item.sha256) != item.sha256:
            raise BadInputError(
                f"{item.path}: has changed since it was added (SHA-256 was {digests[item.path][:12]}, is"
                f" {item.sha256[:12]}); put the old file back, or give the new one another name"
            )
        if item.sha256 not in seen:
            seen.add(item.sha256)
            digests[item.path] = item.sha256
            yield item


def _columns(item: NewItem, project: int) -> dict[str, Any]:
    return {
        "project_id": project,
        "path": item.path,
        "sha256": item.sha256,
        "width": item.width,
        "height": item.height,
        "split": item.split,
        "state": "new",
        "scores": {},
    }


def _drawn(seed: int, sha256: str) -> float:
    """A number in 0..1 that depends on seed and scan alone, so that the order of adding does not matter."""
    return int(hashlib.sha256(f"{seed}:double:{sha256}".encode()).hexdigest()[:12], 16) / 16**12
