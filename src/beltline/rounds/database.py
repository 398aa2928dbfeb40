"""Where the rows lie: SQLite in a folder or any database by URL, and the two kinds of transaction."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, select

from beltline.core import BadInputError, MissingExtraError
from beltline.rounds import schema

T = TypeVar("T")
Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, as ``time.time``."""

FILE = "rounds.db"
_BUSY_MS = 30_000


@dataclass(frozen=True, eq=False)
class Database:
    """The rows of one project.

    Attributes:
        engine: Of SQLAlchemy.
        project: Number of the project.
        clock: What time it is.
        classes: Labels that edits may carry; None takes any.
    """

    engine: Engine
    project: int
    clock: Clock
    classes: tuple[str, ...] | None

    def hold(self, connection: Connection) -> None:
        """Let nobody else hold the project until this transaction ends, who would write the same row too.

        Edits and leases go on: they refer to the project's row, and only that it stays is theirs.
        """
        mine = select(schema.projects.c.id).where(schema.projects.c.id == self.project)
        connection.execute(mine.with_for_update(key_share=True))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment and hinders nobody."""
        with told_plainly(self.engine), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when it ends; on SQLite one at a time."""
        with writing(self.engine) as connection:
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is on the disk when it ends, or, after an error, has done nothing."""
    with (
        told_plainly(engine),
        engine.connect() as connection,
        connection.execution_options(rounds_writes=True).begin(),
    ):
        yield connection


def written(write: Callable[[], T]) -> T:
    """What a write gives; tried once more where it fails, since somebody may have written the same rows.

    Two can make a table, or a row with a key of its own, at one moment. The database refuses the later one,
    which then finds what is there. What was refused for another reason is refused again.
    """
    try:
        return write()
    except exc.DatabaseError:
        return write()


def url_of(where: str | Path) -> URL:
    """The database of a folder or of a URL.

    Raises:
        BadInputError: If it looks like a URL and is none.

    Example:
        >>> url_of("bags").database
        'bags/rounds.db'
    """
    if "://" not in str(where):
        path = Path(where)
        return URL.create("sqlite", database=str(path if path.suffix == ".db" else path / FILE))
    try:
        return make_url(str(where))
    except exc.ArgumentError as error:
        raise BadInputError(
            f"a store lies in a folder or at a URL such as postgresql://user@host/name: {error}"
        ) from error


def file_of(url: URL) -> Path | None:
    """The file of SQLite; None for other databases and for one in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def connect_to(url: URL) -> Engine:
    """An engine; on SQLite each accepted write is durable before it is acknowledged.

    Raises:
        BadInputError: If no such kind of database is known, or a server cannot be reached.
        MissingExtraError: If the database's driver is not installed.
    """
    plain_json: Any = partial(json.dumps, ensure_ascii=False, allow_nan=False)
    try:
        engine = create_engine(url, json_serializer=plain_json)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{url}: needs the driver {error.name}; pip install {error.name}, or name another one in the URL,"
            " as in postgresql+pg8000://"
        ) from error
    except exc.NoSuchModuleError as error:
        raise BadInputError(f"{url}: no such kind of database; SQLite and PostgreSQL are known") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        _reach(engine)
    return engine


def _reach(engine: Engine) -> None:
    try:
        engine.connect().close()
    except exc.DBAPIError as error:  # drivers differ in the kind
        reason = str(error.orig).strip().splitlines()[0]
        raise BadInputError(f"{engine.url}: cannot be reached ({reason})") from error


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A write that begins as a read fails where another one came between; this one waits its turn instead.
    writes = connection.get_execution_options().get("rounds_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_FAULTS = {
    sqlite3.SQLITE_BUSY: f"another process has been writing for {_BUSY_MS // 1000} s; try again",
    sqlite3.SQLITE_LOCKED: "is locked by another connection; try again",
    sqlite3.SQLITE_READONLY: "cannot be written; mind its owner and permissions, the folder's too",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; mind the folder, its owner and permissions",
    sqlite3.SQLITE_NOTADB: "is no SQLite file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a copy",
    sqlite3.SQLITE_IOERR: "cannot be read or written (disk error)",
}


@contextmanager
def told_plainly(engine: Engine) -> Iterator[None]:
    """What the database refuses, in one line.

    Raises:
        BadInputError: With the database and the reason.
        OSError: If the disk is full.
        ValueError: If a number is NaN or infinite where JSON is stored.
    """
    try:
        yield
    except exc.StatementError as error:
        if isinstance(error.orig, ValueError):
            raise ValueError(f"cannot be stored: {error.orig}") from error
        place = file_of(engine.url) or engine.url
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
        if code == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, "no space left on the disk", str(place)) from error
        if code in _FAULTS:
            raise BadInputError(f"{place}: {_FAULTS[code]}") from error
        if isinstance(error, exc.OperationalError | exc.InterfaceError) and engine.dialect.name != "sqlite":
            raise BadInputError(f"{place}: {str(error.orig).strip().splitlines()[0]}") from error
        raise


def in_pieces(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """The values in pieces that a statement takes as parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))
