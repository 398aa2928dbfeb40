"""The same code on PostgreSQL: every statement compiles for it, and runs where a server is named.

A server is named by BELTLINE_TEST_POSTGRESQL, a URL of SQLAlchemy; its driver must be installed.
"""

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from tests.rounds.stores import Clock, drawn, new_store, scans

from beltline.core import BadInputError
from beltline.rounds import Draft, Pick, create_store, open_store, schema

SERVER = os.environ.get("BELTLINE_TEST_POSTGRESQL")
server = pytest.mark.skipif(SERVER is None, reason="BELTLINE_TEST_POSTGRESQL names no server")


def everything(store, clock):
    """Every operation once; what it leaves behind, told without what differs from run to run."""
    first, second, third = store.items.add(scans(3, "gate"))
    offered = Draft(first.id, "model:c@1", "proposal", (drawn(score=0.5, made_by="model:c@1"),), "p")
    assert store.edits.add([offered]) == store.edits.add([offered])
    ann, bob = store.leases.take("person:ann"), store.leases.take("person:bob", [second.id])
    store.leases.heartbeat(bob.token)
    clock.now += 700
    eve = store.leases.take("person:eve", [second.id])
    made = drawn(clicks=[(7, 12, True)], proposed=0)
    store.edits.submit(ann.token, [made], request="a", seconds=3.25)
    store.edits.submit(eve.token, [], request="b")
    store.edits.submit(bob.token, [drawn("gun")], request="c")
    assert store.leases.take("person:ann", purpose="double") is None
    judge = store.leases.take("person:zoe", [second.id], purpose="review", own=True)
    assert store.leases.live("person:zoe") == [judge]
    store.edits.settle(judge.bases, "person:zoe", [drawn("gun")], request="d")
    store.leases.release(judge.token)
    [label] = store.edits.heads([first.id])[first.id]
    store.edits.mark_reviewed(label.id, "person:zoe", request="e")
    version = store.versions.freeze("v1", [first.id, second.id])
    assert store.versions.names() == ["v1"]
    store.rounds.start({"clicks": "5b7a"}, [Pick(third.id, "chance", {"entropy": 0.25})])
    store.rounds.record(1, {"clicks": 1.5, "curve": [1, None]}, {"passed": True})
    store.items.set_scores({third.id: {"novelty": 0.125}})
    assert not store.edits.conflicts()
    assert store.edits.labels() == {"gun": 1, "knife": 1}
    assert store.items.get_all([second.id, first.id])[1].id == first.id
    told = [(e.author, e.kind, e.objects, e.bases and len(e.bases), e.seconds) for e in store.edits.find()]
    frozen = [edit.objects for edit in store.versions.edits("v1")]
    rounds = [(r.number, [p.why for p in r.picked], r.figures, r.verdict) for r in store.rounds.all()]
    items = [(i.path, i.state, i.split, i.scores) for i in store.items.find(split="gate")]
    return told, frozen, version.digest, rounds, items, store.items.counts()


def test_every_statement_compiles_for_postgresql():
    store, clock = new_store(0)
    statements = []
    event.listen(
        store.db.engine, "before_execute", lambda connection, clause, *rest: statements.append(clause)
    )
    everything(store, clock)
    assert len(statements) > 100
    compiled = {str(statement.compile(dialect=postgresql.dialect())) for statement in statements}
    assert any("FOR UPDATE" in text for text in compiled)
    assert not any("PRAGMA" in text or "sqlite" in text.lower() for text in compiled)


def test_every_table_and_index_compiles_for_postgresql():
    for table in schema.metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "PRIMARY KEY" in text
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))


@server
def test_a_server_gives_what_sqlite_gives():
    here, clock = new_store(0)
    project = f"test {uuid.uuid4()}"
    there = create_store(SERVER, project=project, clock=(turned := Clock()), double_share=0.0)
    assert everything(there, turned) == everything(here, clock)
    there.close()


@server
def test_on_a_server_too_nobody_gets_the_same_item():
    project, given = f"test {uuid.uuid4()}", []
    store = create_store(SERVER, project=project)
    items = [item.id for item in store.items.add(scans(60))]

    def work(person):
        mine = open_store(SERVER, project=project)
        while lease := mine.leases.take(person):
            given.append(lease.item)
            mine.edits.submit(lease.token, [drawn()], request=f"item {lease.item}")
            same = Draft(items[0], "import:x", "label", (), f"raced {len(given) // 4}")
            mine.edits.add([same])  # several at once, with one key
        mine.close()

    threads = [threading.Thread(target=work, args=(f"person:{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == items
    assert store.items.counts().edits["label"] == len({edit.request for edit in store.edits.find()})
    store.close()


def at_once(call, times=6):
    """What calls give that begin at the same moment; an error is given, not raised."""
    gate = threading.Barrier(times)

    def one(number):
        gate.wait()
        try:
            return call(number)
        except BadInputError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture
def empty():
    """A database of its own on the server, which must let us make one."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield engine.url.set(database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@server
def test_in_an_empty_database_too_everybody_at_once_makes_one_store(empty):
    stores = at_once(lambda _: create_store(empty, project="one", exist_ok=True))
    assert len({store.db.project for store in stores}) == 1
    only = at_once(lambda _: create_store(empty, project="two"))
    refused = [str(one) for one in only if isinstance(one, BadInputError)]
    assert len(refused) == 5
    assert all("holds the project 'two' already; open it" in one for one in refused)
    for store in (*stores, *only):
        if not isinstance(store, BadInputError):
            store.close()


@server
def test_on_a_server_too_scans_are_added_once_and_a_round_begins_once():
    project = f"test {uuid.uuid4()}"
    create_store(SERVER, project=project).close()
    stores = [open_store(SERVER, project=project) for _ in range(6)]
    added = at_once(lambda k: stores[k].items.add(scans(50)))
    assert all(items == added[0] for items in added)
    stores[0].edits.add([Draft(added[0][0].id, "person:ann", "label", (), "a")])
    stores[0].edits.mark_reviewed(stores[0].edits.find()[0].id, "person:bob", request="b")
    frozen = at_once(lambda k: stores[k].versions.freeze("v1"))
    assert all(version == frozen[0] for version in frozen)
    begun = at_once(lambda k: stores[k].rounds.start({}, [], number=1))
    assert sum("somebody else began one" in str(one) for one in begun) == 5
    at_once(lambda k: stores[k].rounds.start({}, []))
    assert [record.number for record in stores[0].rounds.all()] == [1, 2, 3, 4, 5, 6, 7]
    for store in stores:
        store.close()
