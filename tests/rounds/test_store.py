"""Stores created, opened, refused in one line; and what SQLite is told."""

import errno
import importlib.util
import os
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy import exc, insert, select, update
from tests.rounds.stores import drawn, new_store, scans

from beltline.core import BadInputError, MissingExtraError
from beltline.rounds import Draft, Pick, create_store, open_store, schema
from beltline.rounds.database import FILE, connect_to, url_of, written


def test_a_store_is_opened_as_it_was_left(tmp_path):
    store, clock = new_store(3, where=tmp_path / "deep" / "rounds")
    lease = store.leases.take("person:ann")
    edit = store.edits.submit(lease.token, [drawn()], request="a", seconds=2.5)
    held = store.leases.take("person:bob")
    store.close()
    again = open_store(tmp_path / "deep" / "rounds", clock=clock)
    assert again.edits.find() == [edit]
    assert again.leases.live() == [held]
    assert again.leases.heartbeat(held.token).until == clock.now + 600
    again.close()


def test_sqlite_writes_through_and_waits(tmp_path):
    store, _ = new_store(1, where=tmp_path)
    with store.db.reading() as connection:
        told = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    store.close()


def test_several_projects_share_a_store(tmp_path):
    first, _ = new_store(2, where=tmp_path, project="a")
    second, _ = new_store(3, where=tmp_path, project="b")
    lease = second.leases.take("person:ann")
    second.edits.submit(lease.token, [], request="same key")
    mine = first.leases.take("person:ann")
    first.edits.submit(mine.token, [drawn()], request="same key")
    assert [sum(store.items.counts().states.values()) for store in (first, second)] == [2, 3]
    assert [len(store.edits.find()) for store in (first, second)] == [1, 1]
    for call in (
        lambda: first.leases.release(lease.token),
        lambda: first.items.get(lease.item),
        lambda: first.edits.add([Draft(lease.item, "import:x", "label", (), "k")]),
        lambda: first.edits.get([1]),
        lambda: first.rounds.start({}, [Pick(lease.item, "chance")]),
    ):
        with pytest.raises(BadInputError, match="this project"):
            call()
    with pytest.raises(BadInputError, match=r"which of its projects\? There are: 'a', 'b'"):
        open_store(tmp_path)
    with pytest.raises(BadInputError, match=r"no project 'c'\? There are: 'a', 'b'"):
        open_store(tmp_path, project="c")
    first.close()
    second.close()


def test_a_project_is_created_once(tmp_path):
    new_store(1, where=tmp_path, seed=3)[0].close()
    with pytest.raises(BadInputError, match=r"holds the project 'rounds' already; open it"):
        create_store(tmp_path, seed=3)
    again = create_store(tmp_path, seed=3, double_share=0.0, exist_ok=True)
    assert len(again.items.find()) == 1
    again.close()
    with pytest.raises(BadInputError, match="already"):
        create_store(tmp_path, seed=4, double_share=0.0, exist_ok=True)


def test_what_somebody_else_wrote_at_the_same_moment_is_found(tmp_path):
    """On SQLite writers wait for each other, so the clash that a server tells is made up here."""
    store, _ = new_store(1, where=tmp_path)
    tried = []

    def write(fails):
        tried.append(fails)
        with store.db.writing() as connection:
            if len(tried) <= fails:
                name = connection.execute(select(schema.projects.c.name)).scalar_one()
                twice = {"name": name, "seed": 0, "double_share": 0.0, "created": 0.0}
                connection.execute(insert(schema.projects), twice)
            return "found"

    assert written(lambda: write(1)) == "found"
    assert tried == [1, 1]
    tried.clear()
    with pytest.raises(exc.IntegrityError):  # not for ever: another fault is told
        written(lambda: write(9))
    assert tried == [9, 9]
    store.close()


def test_a_later_version_is_refused_in_one_line(tmp_path):
    store, _ = new_store(1, where=tmp_path)
    with store.db.writing() as connection:
        connection.execute(update(schema.schema_version).values(version=2))
    store.close()
    for call in (open_store, create_store):
        with pytest.raises(BadInputError, match=r"rounds.db: is of version 2, this Beltline reads 1; update"):
            call(tmp_path)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "no such store"),
        (
            lambda folder: (folder / FILE).write_bytes(b"not a database, whatever it is called" * 99),
            "no SQLite",
        ),
        (lambda folder: sqlite3.connect(folder / FILE).close(), "is no store of rounds"),
        (lambda folder: (folder / FILE).mkdir(), "no such store"),
    ],
)
def test_what_is_no_store(tmp_path, prepare, message):
    prepare(tmp_path)
    with pytest.raises(BadInputError, match=message):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"double_share": 1.5}, "double_share is a share in 0..1"),
        ({"seed": 2**63}, "a seed is a whole number of 64 bits"),
        ({"project": ""}, "a project's name has 1 to 200"),
        ({"where": "nonsense://x/y"}, "no such kind of database"),
        ({"where": "://"}, "a store lies in a folder or at a URL"),
    ],
)
def test_what_cannot_be_created(tmp_path, options, message):
    with pytest.raises(BadInputError, match=message):
        create_store(**{"where": tmp_path, **options})


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(BadInputError, match="cannot be opened"):
        create_store(tmp_path)


def test_a_full_disk_is_an_os_error_and_changes_nothing(tmp_path):
    store, _ = new_store(1, where=tmp_path)
    with store.db.engine.connect() as connection:  # the pool gives this very connection again
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(OSError, match="no space left") as full:
        store.items.add(scans(2000))
    assert (full.value.errno, full.value.filename) == (errno.ENOSPC, str(tmp_path / FILE))
    assert len(store.items.find()) == 1
    store.close()


def test_a_locked_store_says_so(tmp_path):
    store, _ = new_store(1, where=tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with store.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")
    with pytest.raises(BadInputError, match="another process has been writing for 30 s"):
        store.leases.take("person:ann")
    assert len(store.items.find()) == 1  # readers are not hindered
    other.close()
    store.close()


def test_without_sqlalchemy_the_room_is_there_and_the_store_says_what_it_needs():
    script = """
import sys
sys.modules["sqlalchemy"] = None
import beltline.rounds as rounds
assert not {"torch", "onnxruntime"} & set(sys.modules)
for call in (rounds.open_store, rounds.create_store):
    try:
        call("somewhere")
    except rounds.opening.MissingExtraError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    line = "the store of rounds needs sqlalchemy; install it: pip install 'beltline[service]'"
    assert done.stdout.splitlines() == [line, line]


@pytest.mark.skipif(importlib.util.find_spec("psycopg2") is not None, reason="the driver is installed")
def test_a_missing_driver_is_named():
    with pytest.raises(MissingExtraError, match=r"needs the driver psycopg2; pip install psycopg2, or name"):
        connect_to(url_of("postgresql+psycopg2://nobody@nowhere/none"))
