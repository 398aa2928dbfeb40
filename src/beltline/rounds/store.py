"""The store of a project of rounds: one object with items, leases, edits, versions and rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, inspect, select

from beltline.core import BadInputError
from beltline.rounds import schema
from beltline.rounds.database import (
    Clock,
    Database,
    connect_to,
    file_of,
    told_plainly,
    url_of,
    writing,
    written,
)
from beltline.rounds.edits import Edits
from beltline.rounds.items import Items
from beltline.rounds.journal import Journal
from beltline.rounds.leases import Leases
from beltline.rounds.versions import Versions


@dataclass(frozen=True, eq=False)
class Store:
    """Everything that is known of one project; made by `create_store` and `open_store`.

    May be used by several threads and by several processes, each with a store of its own.

    Attributes:
        db: The rows.
        items: Scans: add, find, counts.
        leases: Who is at what: take, heartbeat, release.
        edits: What was said of the scans: submit, add, heads, conflicts, history.
        versions: Frozen annotations: freeze, get, edits.
        rounds: What was picked and what came of it: start, record, all.
    """

    db: Database
    items: Items
    leases: Leases
    edits: Edits
    versions: Versions
    rounds: Journal

    @classmethod
    def of(cls, db: Database) -> Store:
        """The store over these rows."""
        return cls(db, Items(db), Leases(db), Edits(db), Versions(db), Journal(db))

    def close(self) -> None:
        """Let go of the database; nothing is lost without it."""
        self.db.engine.dispose()


def create(
    where: str | Path,
    *,
    project: str,
    classes: Sequence[str] | None,
    clock: Clock,
    seed: int,
    double_share: float,
    exist_ok: bool,
) -> Store:
    """See `beltline.rounds.create_store`."""
    if not 0 <= double_share <= 1:
        raise BadInputError(f"double_share is a share in 0..1, got {double_share}")
    if not -(2**63) <= seed < 2**63:
        raise BadInputError(f"a seed is a whole number of 64 bits, got {seed}")
    if not project or not project.isprintable() or len(project) > 200:
        raise BadInputError(f"a project's name has 1 to 200 printable letters, got {project[:40]!r}")
    engine = connect_to(url_of(where))
    file = file_of(engine.url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    written(lambda: _make_tables(engine))
    _check_version(engine)
    values = {"name": project, "seed": seed, "double_share": double_share, "created": clock()}
    number = written(lambda: _project(engine, values, exist_ok=exist_ok))
    return _store(engine, number, clock, classes)


def open_(where: str | Path, *, project: str | None, classes: Sequence[str] | None, clock: Clock) -> Store:
    """See `beltline.rounds.open_store`."""
    engine = connect_to(url_of(where))
    file = file_of(engine.url)
    if file is not None and not file.is_file():
        raise BadInputError(f"{file}: no such store; create one, or name the folder of a project of rounds")
    _check_version(engine)
    with told_plainly(engine), engine.begin() as connection:
        rows = connection.execute(select(schema.projects.c.name, schema.projects.c.id)).all()
    numbers = {row.name: row.id for row in rows}
    wanted = next(iter(numbers)) if project is None and len(numbers) == 1 else project
    if wanted not in numbers:
        known = ", ".join(map(repr, numbers)) or "none"
        fault = "which of its projects" if wanted is None else f"no project {wanted!r}"
        raise BadInputError(f"{_place(engine)}: {fault}? There are: {known}")
    return _store(engine, numbers[wanted], clock, classes)


def _make_tables(engine: Engine) -> None:
    with writing(engine) as connection:
        if not inspect(connection).has_table(schema.schema_version.name):
            schema.metadata.create_all(connection)
            connection.execute(insert(schema.schema_version).values(version=schema.SCHEMA_VERSION))


def _project(engine: Engine, values: Mapping[str, Any], *, exist_ok: bool) -> int:
    """Number of a project, made now or, if that is allowed and the settings are the same, before."""
    projects, name = schema.projects.c, values["name"]
    with writing(engine) as connection:
        known = connection.execute(select(schema.projects).where(projects.name == name)).first()
        if known is None:
            made = connection.execute(insert(schema.projects).returning(projects.id), values)
            return int(made.scalar_one())
    same = (known.seed, known.double_share) == (values["seed"], values["double_share"])
    if not exist_ok or not same:
        way_out = "open it, or give another name"
        raise BadInputError(f"{_place(engine)}: holds the project {name!r} already; {way_out}")
    return int(known.id)


def _store(engine: Engine, project: int, clock: Clock, classes: Sequence[str] | None) -> Store:
    return Store.of(Database(engine, project, clock, None if classes is None else tuple(classes)))


def _check_version(engine: Engine) -> None:
    """Refuse what is no store, or one of a later version.

    Raises:
        BadInputError: If it is one of them.
    """
    with told_plainly(engine), engine.begin() as connection:
        if not inspect(connection).has_table(schema.schema_version.name):
            raise BadInputError(f"{_place(engine)}: is no store of rounds")
        found = connection.execute(select(schema.schema_version.c.version)).scalar_one()
    if found > schema.SCHEMA_VERSION:
        raise BadInputError(
            f"{_place(engine)}: is of version {found}, this Beltline reads {schema.SCHEMA_VERSION}; update it"
        )


def _place(engine: Engine) -> str:
    return str(file_of(engine.url) or engine.url)
