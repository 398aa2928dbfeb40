"""Frozen versions are read back exactly, whatever comes after."""

import pytest
from sqlalchemy import update
from tests.rounds.stores import drawn, new_store

from beltline.core import BadInputError
from beltline.rounds import Draft, schema

ANN, BOB = "person:ann", "person:bob"


def reviewed(store, *items):
    labels = store.edits.add([Draft(item, ANN, "label", (drawn(),), f"l{item}") for item in items])
    return [store.edits.mark_reviewed(edit.id, BOB, request=f"r{edit.item}") for edit in labels]


def test_a_version_is_what_was_reviewed_then():
    store, clock = new_store(4)
    edits = reviewed(store, 1, 3)
    version = store.versions.freeze("v1")
    assert (version.edits, version.time) == ({1: edits[0].id, 3: edits[1].id}, clock.now)
    clock.now += 100
    store.edits.add([Draft(1, ANN, "label", (), "changed", (edits[0].id,))])
    assert [item.state for item in store.items.find()] == ["labelled", "new", "frozen", "new"]
    assert store.versions.get("v1") == version
    assert store.versions.edits("v1") == edits
    more = reviewed(store, 4)
    assert store.versions.freeze("v2").edits == {3: edits[1].id, 4: more[0].id}
    assert store.versions.names() == ["v1", "v2"]
    assert store.versions.edits("v1") == edits


def test_a_name_is_given_once():
    store, clock = new_store(2)
    reviewed(store, 1)
    version = store.versions.freeze("v1")
    clock.now += 5
    assert store.versions.freeze("v1") == version
    reviewed(store, 2)
    with pytest.raises(BadInputError, match="'v1' exists with other annotations"):
        store.versions.freeze("v1")
    assert store.versions.freeze("v1", [1]) == version


def test_equal_annotations_have_equal_digests_in_any_store():
    digests = []
    for order in ((1, 2), (2, 1)):
        store, _ = new_store(2)
        reviewed(store, *order)
        digests.append(store.versions.freeze("v").digest)
    assert digests[0] == digests[1]
    store, _ = new_store(2)
    reviewed(store, 1)
    assert store.versions.freeze("v").digest != digests[0]


def test_what_cannot_be_frozen():
    store, _ = new_store(3)
    with pytest.raises(BadInputError, match="nothing is reviewed yet"):
        store.versions.freeze("v")
    [edit] = reviewed(store, 1)
    store.edits.add([Draft(2, ANN, "label", (), "l2")])
    with pytest.raises(BadInputError, match="item 2 is not reviewed, or in conflict"):
        store.versions.freeze("v", [1, 2])
    store.edits.add([Draft(1, "import:cvat", "label", (), "beside", (edit.bases[0],))])
    with pytest.raises(BadInputError, match="item 1 is not reviewed, or in conflict"):
        store.versions.freeze("v", [1])
    with pytest.raises(BadInputError, match="a version's name"):
        store.versions.freeze("")
    with pytest.raises(BadInputError, match="no version 'v'"):
        store.versions.get("v")


def test_a_row_changed_from_outside_is_noticed():
    store, _ = new_store(1)
    [edit] = reviewed(store, 1)
    store.versions.freeze("v")
    with store.db.writing() as connection:
        connection.execute(update(schema.edits).where(schema.edits.c.id == edit.id).values(objects=[]))
    with pytest.raises(BadInputError, match="its edits have been changed from outside"):
        store.versions.edits("v")
