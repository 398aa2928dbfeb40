"""Items: once each, in their states, with their scores, counted."""

from dataclasses import replace

import pytest
from tests.rounds.stores import drawn, new_store, scans

from beltline.core import BadInputError
from beltline.rounds import Draft, NewItem


def test_items_are_added_once():
    store, _ = new_store(0)
    first = store.items.add(scans(3))
    again = store.items.add([*reversed(scans(3)), *scans(5)[3:]])
    assert [item.id for item in again] == [first[2].id, first[1].id, first[0].id, 4, 5]
    assert store.items.find() == [*first, *again[3:]]


def test_the_same_content_under_another_name_is_one_item():
    store, _ = new_store(0)
    scan = scans(1)[0]
    items = store.items.add([scan, replace(scan, path="copy.png"), replace(scan, path="third.png")])
    assert items == 3 * store.items.find()
    assert items[0].path == scan.path


@pytest.mark.parametrize("together", [True, False])
def test_a_file_that_has_changed_is_refused_and_nothing_is_added(together):
    store, _ = new_store(0)
    old, other = scans(2)
    new = replace(old, sha256=64 * "f")
    if not together:
        store.items.add([old])
    with pytest.raises(BadInputError, match=r"bag0\.png: has changed since it was added"):
        store.items.add([old, other, new] if together else [other, new])
    assert len(store.items.find()) == (0 if together else 1)


def test_chance_chooses_by_seed_and_content_who_is_read_twice():
    def chosen(seed, items):
        store, _ = new_store(0, double_share=0.1, seed=seed)
        return {item.path for item in store.items.add(items) if item.double_read}

    many = scans(1000)
    assert chosen(1, many) == chosen(1, many[::-1])
    assert 62 < len(chosen(1, many)) < 138  # 100 +- 4 standard deviations
    assert chosen(1, many) != chosen(2, many)


def test_find_by_state_and_split():
    store, _ = new_store(3)
    store.items.add([NewItem("gate.png", 64 * "a", 9, 9, "gate")])
    lease = store.leases.take("person:ann")
    paths = {state: [item.path for item in store.items.find(state=state)] for state in ("new", "leased")}
    assert paths == {"new": ["images/bag1.png", "images/bag2.png", "gate.png"], "leased": ["images/bag0.png"]}
    assert [item.size for item in store.items.find(split="gate")] == [(9, 9)]
    assert store.items.get(lease.item).state == "leased"
    with pytest.raises(ValueError, match="state is one of"):
        store.items.find(state="lost")
    with pytest.raises(BadInputError, match="no item 99"):
        store.items.get(99)


def test_scores_of_a_pick_stay_with_the_items():
    store, _ = new_store(2)
    store.items.set_scores({1: {"entropy": 0.5}, 2: {"entropy": 0.25}})
    store.items.set_scores({2: {"novelty": 1.0}})
    assert [item.scores for item in store.items.find()] == [{"entropy": 0.5}, {"novelty": 1.0}]


def test_counts():
    store, clock = new_store(5)
    store.edits.add([Draft(k, "model:c@1", "proposal", (drawn(),), f"p{k}") for k in (1, 2)])
    for person, item in (("person:ann", 1), ("person:bob", 2)):
        lease = store.leases.take(person, [item])
        store.edits.submit(lease.token, [drawn()], request=person)
    store.edits.add([Draft(1, "import:cvat", "label", (), "i")])
    store.edits.mark_reviewed(4, "person:eve", request="r")
    store.leases.take("person:ann")
    counts = store.items.counts()
    assert counts.states == {"new": 2, "leased": 1, "labelled": 1, "reviewed": 1, "frozen": 0}
    assert counts.splits == {"pool": 5, "gate": 0}
    assert (counts.conflicts, counts.waiting_double, counts.leases) == (1, 0, 1)
    assert counts.edits == {"proposal": 2, "label": 3, "review": 1}
    assert counts.authors == {"import:cvat": 1, "person:ann": 1, "person:bob": 1, "person:eve": 1}
    clock.now += 600
    assert store.items.counts().states["leased"] == store.items.counts().leases == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": ""}, "an item needs a path"),
        ({"sha256": "abc"}, "SHA-256 is 64 hexadecimal letters"),
        ({"width": 0}, "a size must be positive"),
        ({"split": "train"}, "split must be one of"),
    ],
)
def test_what_is_no_item(fields, message):
    with pytest.raises(BadInputError, match=message):
        replace(scans(1)[0], **fields)
