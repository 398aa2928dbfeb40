"""Status and pick stay quick at ten thousand scans; `benchmarks/rounds_store.py` tells what they take."""

import subprocess
import sys
import time

import numpy as np
import pytest
from sqlalchemy import insert, literal, select, update
from tests.rounds.stores import HEIGHT, WIDTH, drawn, scans

from beltline.core import STARTER_CLASSES, Scan
from beltline.rounds import Draft, Pick, create_store, schema
from beltline.rounds.current_models import with_default_models
from beltline.rounds.prelabels import PreLabel, Proposal
from beltline.rounds.project import Project
from beltline.rounds.status import status_lines, status_of
from beltline.rounds.status_page import render_status
from beltline.rounds.survey import surveyed
from beltline.rounds.working import pick_round

MANY, LABELLED, ROUND = 10_000, 8_000, 48
STATUS_S, PICK_S = 1.0, 5.0  # the aims; a quiet machine takes a tenth


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Most scans labelled, every label with three masks; the first ones are the last round."""
    folder = tmp_path_factory.mktemp("many")
    made = with_default_models(Project(folder / "rounds", folder, STARTER_CLASSES))
    store = create_store(made.folder, classes=made.classes)
    items = store.items.add(scans(MANY))
    objects = tuple(drawn(name) for name in STARTER_CLASSES[:3])
    [first] = store.edits.add([Draft(items[0].id, "person:ann", "label", objects, "first")])
    others = (schema.items.c.id > items[0].id, schema.items.c.id <= items[LABELLED - 1].id)
    with store.db.writing() as connection:  # the first label again for each; a minute's work in a moment
        edits = schema.edits.c
        columns = [column for column in edits if column.name not in ("id", "item_id", "request")]
        named = schema.items.c.path.label("request")  # any key that each has for itself
        copies = select(schema.items.c.id, named, *columns).join(schema.edits, literal(True))
        names = ["item_id", "request", *(column.name for column in columns)]
        connection.execute(
            insert(schema.edits).from_select(names, copies.where(edits.id == first.id, *others))
        )
        stand = select(edits.item_id, edits.id).where(edits.id != first.id)
        connection.execute(insert(schema.heads).from_select(["item_id", "edit_id"], stand))
        connection.execute(update(schema.items).where(*others).values(state="labelled"))
    store.rounds.start({"clicks": "5b7a"}, [Pick(item.id, "entropy") for item in items[:ROUND]])
    yield made
    store.close()


@pytest.fixture
def models_and_scans_by_heart(monkeypatch):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:20, 10:30] = True
    rng = np.random.default_rng(0)

    def look(*_):
        one = Proposal("gun", mask, 0.9, 0.8, float(rng.random()), box=(10, 10, 30, 20))
        return PreLabel((one,), rng.random(len(STARTER_CLASSES)), rng.random(81, np.float32))

    white = Scan(np.ones((1, HEIGHT, WIDTH), np.float32), "transmission", ("gray",))
    monkeypatch.setattr("beltline.rounds.working.prelabel", look)
    monkeypatch.setattr(Project, "scan", lambda project, item: white)
    return look


def seconds(call):
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


@pytest.mark.usefixtures("models_and_scans_by_heart")
def test_status_and_its_page_answer_within_a_second(project):
    store = project.open()
    took, status = seconds(lambda: status_of(project, store))
    assert status.counts.states == {
        "new": MANY - LABELLED, "leased": 0, "labelled": LABELLED, "reviewed": 0, "frozen": 0
    }  # fmt: skip
    assert status.rounds[0].figures["masks"] == 3 * ROUND
    more, page = seconds(lambda: "\n".join([render_status(status, store), *status_lines(status)]))
    assert f"0 of {MANY} scans reviewed" in page
    assert took + more < STATUS_S


def test_pick_with_a_survey_at_hand_takes_less_than_five_seconds(project, models_and_scans_by_heart):
    store = project.open()
    wanted = [item.id for item in store.items.find(split="pool")]
    surveyed(project.folder, len(project.classes), wanted, lambda item: None, models_and_scans_by_heart)
    took, record = seconds(lambda: pick_round(project, 40, gate=0))
    assert len(record.picked) == 40
    assert not {one.item for one in record.picked} & set(wanted[:LABELLED])
    assert store.edits.labels() == dict.fromkeys(STARTER_CLASSES[:3], LABELLED)
    assert took < PICK_S


def test_status_and_pick_do_not_load_what_only_training_needs():
    script = """
import sys
import beltline.rounds.status, beltline.rounds.status_page, beltline.rounds.working
print(sorted({"numba", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
