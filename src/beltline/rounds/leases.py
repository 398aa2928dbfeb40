"""Leases: an item in one person's hands for a while, and in nobody else's."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, not_, select, update

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database
from beltline.rounds.items import ITEMS, free_at, has_head_by, labelled_by, wants_second_reader
from beltline.rounds.records import PURPOSES, Lease, Purpose

LEASES = schema.leases.c
LEASE_S = 600.0
"""How long a lease lasts without a heartbeat, seconds."""


@dataclass(frozen=True, eq=False)
class Leases:
    """Who is at what; ``store.leases``.

    An item has one lease at most: the lease is two columns of its row. One that runs out needs no sweeping:
    the clock alone ends it.
    """

    db: Database

    def take(
        self,
        person: str,
        order: Iterable[int] | None = None,
        *,
        purpose: Purpose = "label",
        seconds: float = LEASE_S,
        own: bool = False,
    ) -> Lease | None:
        """Lease the next item.

        Args:
            person: An author, "person:ann".
            order: Numbers of items, the most wanted first; others are not given out. None takes all, in the
                order of their adding.
            purpose: "label" gives new items; "double" labelled ones that chance chose to be read twice and
                that this person has not labelled; "review" labelled ones of which no head is this person's,
                and which do not wait for a second reader.
            seconds: How long the lease lasts without a heartbeat.
            own: Let a person review what is their own too, where a team is too small for others.

        Returns:
            The lease, or None if there is nothing to do.

        Raises:
            BadInputError: If the person is none, or the time not positive.
            ValueError: If there is no such purpose.
        """
        _check(person, purpose, seconds)
        with self.db.writing() as connection:
            now = self.db.clock()
            wanted = self._wanted(person, purpose, now, own=own)
            free = connection.execute(select(ITEMS.id).where(*wanted).order_by(ITEMS.id)).scalars().all()
            for item in _in_order(free, order):
                # Held until the end. Whoever came first has changed it by then.
                connection.execute(select(ITEMS.id).where(ITEMS.id == item).with_for_update())
                if connection.execute(select(ITEMS.id).where(ITEMS.id == item, *wanted)).first() is not None:
                    return _give(connection, item, person, purpose, until=now + seconds, now=now)
        return None

    def heartbeat(self, token: str, *, seconds: float = LEASE_S) -> Lease:
        """Make a lease last from now on; one that has run out comes back to life if nobody took the item.

        Raises:
            BadInputError: If there is no such lease, or it has ended: submitted, released or taken over. What
                the person has done since can still be submitted.
        """
        _check_seconds(seconds)
        with self.db.writing() as connection:
            until = self.db.clock() + seconds
            found = lease_row(connection, self.db, token)
            held = (ITEMS.id == found.item_id, ITEMS.lease_token == token)
            changed = connection.execute(update(schema.items).where(*held).values(lease_until=until))
            if changed.rowcount != 1:
                raise BadInputError(
                    f"the lease of item {found.item_id} has ended; submit what is done, it is kept, or"
                    " take the next item"
                )
            return _lease(found, until)

    def release(self, token: str) -> None:
        """Give an item back; nothing happens if the lease has ended already.

        Raises:
            BadInputError: If there is no such lease.
        """
        with self.db.writing() as connection:
            end_lease(connection, lease_row(connection, self.db, token))

    def live(self, person: str | None = None) -> list[Lease]:
        """Leases in force, the oldest first; of everybody or of one person, who can go on with them."""
        now = self.db.clock()
        where = [ITEMS.project_id == self.db.project, ITEMS.lease_until > now]
        where += [] if person is None else [LEASES.person == person]
        statement = (
            select(schema.leases, ITEMS.lease_until)
            .join(schema.items, ITEMS.lease_token == LEASES.token)
            .where(*where)
            .order_by(LEASES.taken, LEASES.token)
        )
        with self.db.reading() as connection:
            return [_lease(row, row.lease_until) for row in connection.execute(statement)]

    def _wanted(
        self, person: str, purpose: Purpose, now: float, *, own: bool
    ) -> tuple[ColumnElement[bool], ...]:
        """What makes an item one to give out."""
        free = (ITEMS.project_id == self.db.project, free_at(now))
        if purpose == "label":
            return *free, ITEMS.state == "new"
        if purpose == "double":
            return *free, wants_second_reader(), not_(labelled_by(person))
        ready = (*free, ITEMS.state == "labelled", not_(wants_second_reader()))
        return ready if own else (*ready, not_(has_head_by(person)))


def lease_row(connection: Connection, db: Database, token: str) -> Row[Any]:
    """The row of a lease, live or not.

    Raises:
        BadInputError: If there never was one in this project.
    """
    statement = (
        select(schema.leases)
        .join(schema.items, ITEMS.id == LEASES.item_id)
        .where(LEASES.token == token, ITEMS.project_id == db.project)
    )
    found = connection.execute(statement).first()
    if found is None:
        raise BadInputError(f"no lease {token[:20]!r} in this project; leases.take() gives one")
    return found


def end_lease(connection: Connection, lease: Row[Any]) -> None:
    """Take an item out of this lease's hands, if it still is in them."""
    held = (ITEMS.id == lease.item_id, ITEMS.lease_token == lease.token)
    connection.execute(update(schema.items).where(*held).values(lease_token=None, lease_until=None))


def _give(
    connection: Connection, item: int, person: str, purpose: Purpose, *, until: float, now: float
) -> Lease:
    lease = Lease(secrets.token_urlsafe(16), item, person, purpose, _bases(connection, item, purpose), until)
    connection.execute(
        insert(schema.leases).values(
            token=lease.token,
            item_id=item,
            person=person,
            purpose=purpose,
            bases=list(lease.bases),
            taken=now,
        )
    )
    held = {"lease_token": lease.token, "lease_until": until}
    connection.execute(update(schema.items).where(ITEMS.id == item).values(held))
    return lease


def _bases(connection: Connection, item: int, purpose: Purpose) -> tuple[int, ...]:
    """What the person is shown: the latest proposal, or for a review all heads."""
    if purpose == "review":
        found = connection.execute(
            select(schema.heads.c.edit_id)
            .where(schema.heads.c.item_id == item)
            .order_by(schema.heads.c.edit_id)
        )
        return tuple(found.scalars())
    latest = connection.execute(
        select(func.max(schema.edits.c.id)).where(
            schema.edits.c.item_id == item, schema.edits.c.kind == "proposal"
        )
    ).scalar_one()
    return () if latest is None else (latest,)


def _in_order(free: Sequence[int], order: Iterable[int] | None) -> Iterable[int]:
    if order is None:
        return free
    known = set(free)
    return (item for item in order if item in known)


def _lease(row: Row[Any], until: float) -> Lease:
    return Lease(row.token, row.item_id, row.person, row.purpose, tuple(row.bases), until)


def _check(person: str, purpose: str, seconds: float) -> None:
    if not person.startswith("person:") or len(person) == len("person:"):
        raise BadInputError(f"a lease is for a person, 'person:NAME', got {person!r}")
    if purpose not in PURPOSES:
        raise ValueError(f"purpose must be one of {PURPOSES}, got {purpose!r}")
    _check_seconds(seconds)


def _check_seconds(seconds: float) -> None:
    if not 0 < seconds < float("inf"):
        raise BadInputError(f"a lease lasts more than 0 seconds, got {seconds}")
