"""A frozen version as a set on disk."""

import json
import os

import pytest
from tests.rounds.exchanges import ANN, BOB, MODEL, begun, rectangle

from beltline.core import BadInputError
from beltline.formats import read_set, verify_set
from beltline.rounds import Draft, EditedObject
from beltline.rounds.frozen_set import freeze


def review(store, items, label="gun"):
    for item in items:
        lease = store.leases.take(ANN, [item])
        kept = store.edits.get(lease.bases)[0].objects[1]
        own = EditedObject.drawn(label, rectangle(8), made_by=ANN)
        edit = store.edits.submit(lease.token, [kept, own], request=f"label {item}")
        store.edits.mark_reviewed(edit.id, BOB, request=f"review {item}")


def test_a_version_is_a_set_that_says_who_made_what(tmp_path):
    project, store, items = begun(tmp_path, 3)
    review(store, items[:2])
    found = freeze(project, "v1", tmp_path / "v1")
    assert found.version.digest == store.versions.get("v1").digest == found.card["digest"]
    assert found.card["masks_made_by"] == {MODEL: 2, ANN: 2}
    assert found.card["reviewed_by"] == {BOB: 2}
    frozen = read_set(tmp_path / "v1")
    assert (len(frozen), frozen.classes) == (2, ("gun", "knife"))
    assert verify_set(tmp_path / "v1") == []
    assert [row["made_by"] for row in frozen.annotations[0]] == [MODEL, ANN]
    assert (frozen.instances(0).masks[1] == rectangle(8)).all()
    assert {record["split"] for record in frozen.records} == {"train"}
    assert os.path.samefile(frozen.path(0), project.path(store.items.get(items[0])))


def test_a_version_stays_what_it_was(tmp_path):
    project, store, items = begun(tmp_path, 2)
    review(store, items[:1])
    first = freeze(project, "v1", tmp_path / "a")
    review(store, items[1:])
    again = freeze(project, "v1", tmp_path / "b")
    assert (first.before, again.before) == (False, True)
    assert json.loads((tmp_path / "b/card.json").read_text()) == first.card
    assert len(read_set(tmp_path / "b")) == 1


def test_conflicts_are_not_frozen_over(tmp_path):
    project, store, items = begun(tmp_path, 2)
    review(store, items[:1])
    base = store.edits.history(items[1])[0].id
    store.edits.add([Draft(items[1], who, "label", (), f"by {who}", (base,)) for who in (ANN, BOB)])
    assert list(store.edits.conflicts()) == [items[1]]
    with pytest.raises(BadInputError, match="disagree on 1 scans"):
        freeze(project, "v1", tmp_path / "a")
    assert store.versions.names() == []
    assert freeze(project, "v1", tmp_path / "a", conflicts=True).card["counts"]["images"] == 1
