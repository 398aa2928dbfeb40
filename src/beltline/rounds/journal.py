"""Rounds of the store: what was picked and why, with which models, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import Database
from beltline.rounds.items import ITEMS
from beltline.rounds.records import Pick, RoundRecord

ROUNDS = schema.rounds.c
PICKS = schema.picks.c


@dataclass(frozen=True, eq=False)
class Journal:
    """The rounds of the project; ``store.rounds``."""

    db: Database

    def start(
        self, models: Mapping[str, str], picked: Iterable[Pick], *, number: int | None = None
    ) -> RoundRecord:
        """Begin the next round.

        Args:
            models: SHA-256 of each model in use, by its name.
            picked: Its items, the most wanted first.
            number: That it is to have; None takes the next.

        Raises:
            BadInputError: If an item is picked twice or is none of the project, or the number is not the
                next: somebody else has begun a round meanwhile.
        """
        picks = list(picked)
        with self.db.writing() as connection:
            self.db.hold(connection)
            self._check(connection, picks)
            last = connection.execute(
                select(func.max(ROUNDS.number)).where(ROUNDS.project_id == self.db.project)
            ).scalar_one()
            following = (last or 0) + 1
            if number not in (None, following):
                raise BadInputError(
                    f"round {number} cannot begin, the next is {following}: somebody else began one"
                    " meanwhile; see beltline rounds status"
                )
            values = {
                "project_id": self.db.project,
                "number": following,
                "started": self.db.clock(),
                "models": dict(models),
                "figures": {},
            }
            row = connection.execute(insert(schema.rounds).returning(ROUNDS.id), values).scalar_one()
            if picks:
                connection.execute(insert(schema.picks), [_columns(row, k, p) for k, p in enumerate(picks)])
            return self._read(connection, self._row(connection, following))

    def record(
        self, number: int, figures: Mapping[str, Any] | None = None, verdict: Mapping[str, Any] | None = None
    ) -> RoundRecord:
        """Add figures to a round, and the verdict of its gate; a figure of the same name gives way.

        Raises:
            BadInputError: If there is no such round.
            ValueError: If a figure is NaN or infinite: JSON has none.
        """
        with self.db.writing() as connection:
            row = self._row(connection, number)
            values: dict[str, Any] = {"figures": {**row.figures, **(figures or {})}}
            values |= {} if verdict is None else {"verdict": dict(verdict)}
            connection.execute(update(schema.rounds).where(ROUNDS.id == row.id).values(values))
            return self._read(connection, self._row(connection, number))

    def all(self) -> list[RoundRecord]:
        """Every round, the first first."""
        statement = select(schema.rounds).where(ROUNDS.project_id == self.db.project).order_by(ROUNDS.number)
        with self.db.reading() as connection:
            return [self._read(connection, row) for row in connection.execute(statement).all()]

    def last(self) -> RoundRecord | None:
        """The round in progress, or None before the first."""
        found = self.all()
        return found[-1] if found else None

    def _check(self, connection: Connection, picks: list[Pick]) -> None:
        known = set(connection.execute(select(ITEMS.id).where(ITEMS.project_id == self.db.project)).scalars())
        seen: set[int] = set()
        for pick in picks:
            if pick.item in seen or pick.item not in known:
                fault = "is picked twice" if pick.item in seen else "is none of this project"
                raise BadInputError(f"item {pick.item} {fault}")
            seen.add(pick.item)

    def _row(self, connection: Connection, number: int) -> Row[Any]:
        statement = (
            select(schema.rounds)
            .where(ROUNDS.project_id == self.db.project, ROUNDS.number == number)
            .with_for_update()
        )
        found = connection.execute(statement).first()
        if found is None:
            raise BadInputError(f"no round {number} in this project; rounds.all() lists them")
        return found

    def _read(self, connection: Connection, row: Row[Any]) -> RoundRecord:
        statement = select(schema.picks).where(PICKS.round_id == row.id).order_by(PICKS.place)
        picked = tuple(Pick(p.item_id, p.why, p.scores) for p in connection.execute(statement))
        return RoundRecord(row.number, row.models, picked, row.started, row.figures, row.verdict)


def _columns(row: int, place: int, pick: Pick) -> dict[str, Any]:
    fields = {"item_id": pick.item, "why": pick.why, "scores": dict(pick.scores)}
    return {"round_id": row, "place": place, **fields}
