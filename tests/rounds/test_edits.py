"""Edits: stored once, never changed; late ones kept; conflicts side by side until somebody settles them."""

from dataclasses import replace

import pytest
from tests.rounds.stores import drawn, new_store

from beltline.core import BadInputError
from beltline.rounds import Draft

ANN, BOB, EVE = "person:ann", "person:bob", "person:eve"
MODEL = "model:clicks@5b7a"


def test_a_submitted_edit_says_who_from_what_and_when():
    store, clock = new_store(1)
    [offered] = store.edits.add([Draft(1, MODEL, "proposal", (drawn(made_by=MODEL, score=0.7),), "p")])
    lease = store.leases.take(ANN)
    clock.now += 12
    kept = drawn(made_by=MODEL, score=0.7, proposed=0)  # accepted unchanged: still the model's mask
    edit = store.edits.submit(lease.token, [kept, drawn("gun", left=30)], request="a", seconds=11.5)
    assert (edit.author, edit.kind, edit.base, edit.time, edit.seconds) == (
        ANN, "label", offered.id, clock.now, 11.5,
    )  # fmt: skip
    assert [item.made_by for item in edit.objects] == [MODEL, ANN]
    assert store.edits.history(1) == [offered, edit]
    assert store.edits.get([edit.id, offered.id]) == [edit, offered]
    assert store.leases.live() == []


def test_the_same_request_again_gives_the_same_edit_and_writes_nothing():
    store, clock = new_store(1)
    lease = store.leases.take(ANN)
    edit = store.edits.submit(lease.token, [drawn()], request="a", seconds=1)
    clock.now += 5000
    assert store.edits.submit(lease.token, [drawn()], request="a", seconds=2) == edit
    assert store.edits.find() == [edit]
    for objects, bases in (([], None), ([drawn()], [edit.id])):
        with pytest.raises(BadInputError, match="'a' was used for another edit"):
            store.edits.submit(lease.token, objects, request="a", bases=bases)
    assert store.edits.find() == [edit]


def test_a_late_submit_is_kept_beside_what_somebody_else_did():
    store, clock = new_store(1)
    mine = store.leases.take(ANN)
    clock.now += 601
    theirs = store.leases.take(BOB)
    late = store.edits.submit(mine.token, [drawn()], request="late")
    assert store.leases.live() == [theirs]  # Bob still has it
    done = store.edits.submit(theirs.token, [], request="in time")
    assert store.edits.conflicts() == {1: (late, done)}
    assert store.items.get(1).state == "labelled"


def test_labels_that_stand_are_counted_without_proposals_and_by_the_newest_of_several_heads():
    store, _ = new_store(3)
    knife, gun = drawn(), drawn("gun")
    store.edits.add([
        Draft(1, MODEL, "proposal", (gun, gun), "offered"),
        Draft(1, ANN, "label", (knife, knife), "superseded"), Draft(1, ANN, "label", (knife,), "stands"),
        Draft(2, ANN, "label", (gun,), "older"), Draft(2, BOB, "label", (knife, gun), "newest"),
    ])  # fmt: skip
    assert store.edits.labels() == {"knife": 2, "gun": 1}
    assert new_store(1)[0].edits.labels() == {}


def test_a_late_submit_where_nobody_came_is_no_conflict():
    store, clock = new_store(1)
    lease = store.leases.take(ANN)
    clock.now += 10_000
    edit = store.edits.submit(lease.token, [drawn()], request="late")
    assert store.edits.heads() == {1: (edit,)}
    again = store.edits.submit(lease.token, [], request="once more")
    assert store.edits.heads() == {1: (again,)}  # her own earlier one gives way, and stays in the history
    assert store.edits.history(1) == [edit, again]


def test_a_late_review_stands_beside_the_other_review():
    store, clock = new_store(1)
    [label] = store.edits.add([Draft(1, ANN, "label", (drawn(),), "l")])
    slow = store.leases.take(BOB, purpose="review")
    clock.now += 601
    quick = store.leases.take(EVE, purpose="review")
    first = store.edits.submit(quick.token, [drawn()], request="quick")
    second = store.edits.submit(slow.token, [], request="slow")
    assert first.bases == second.bases == (label.id,)
    assert store.edits.conflicts() == {1: (first, second)}


def test_settling_ends_what_it_names_and_nothing_else():
    store, _ = new_store(1)
    drafts = [Draft(1, who, "label", (drawn(),), who) for who in (ANN, BOB, "import:cvat")]
    a, b, c = store.edits.add(drafts)
    half = store.edits.settle([a.id, b.id], EVE, [drawn()], request="half")
    assert store.edits.conflicts() == {1: (c, half)}
    assert store.items.get(1).state == "labelled"
    whole = store.edits.settle([c.id, half.id], EVE, [drawn("gun")], request="whole")
    assert store.edits.heads() == {1: (whole,)}
    assert store.items.get(1).state == "reviewed"
    assert store.edits.history(1) == [a, b, c, half, whole]


def test_accepting_an_edit_keeps_who_made_each_mask():
    store, _ = new_store(1)
    made = (drawn(made_by=MODEL, clicks=[(6, 11, True)]), drawn("gun", made_by=ANN))
    [label] = store.edits.add([Draft(1, ANN, "label", made, "l")])
    review = store.edits.mark_reviewed(label.id, BOB, request="r", seconds=2)
    assert [(item.made_by, item.proposed, item.clicks) for item in review.objects] == [
        (MODEL, 0, ()),
        (ANN, 1, ()),
    ]
    assert [item.mask for item in review.objects] == [item.mask for item in made]
    assert (review.kind, review.bases, store.items.get(1).state) == ("review", (label.id,), "reviewed")


def test_a_new_label_takes_a_reviewed_item_back():
    store, _ = new_store(1)
    [label] = store.edits.add([Draft(1, ANN, "label", (drawn(),), "l")])
    review = store.edits.mark_reviewed(label.id, BOB, request="r")
    store.edits.add([Draft(1, ANN, "label", (), "again", (review.id,))])
    assert store.items.get(1).state == "labelled"
    store.edits.add([Draft(1, MODEL, "proposal", (), "p")])
    assert store.items.get(1).state == "labelled"


def test_drafts_are_stored_together_or_not_at_all():
    store, _ = new_store(2)
    good, bad = (Draft(item, "import:x", "label", (drawn(),), f"k{item}") for item in (1, 99))
    with pytest.raises(BadInputError, match="no item 99"):
        store.edits.add([good, bad])
    assert store.edits.find() == []
    many = [Draft(1 + k % 2, "import:x", "label", (drawn(),), f"m{k}") for k in range(1200)]
    assert [edit.request for edit in store.edits.add(many)] == [draft.request for draft in many]
    assert len(store.edits.find(items=[2], kinds=["label"])) == 600
    assert store.edits.find(kinds=["review"]) == []


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (Draft(1, ANN, "label", (drawn("spoon"),), "k"), r"object 0 \(spoon\): the label is none"),
        (Draft(1, ANN, "label", (replace(drawn(), box=(0, 0, 99, 9)),), "k"), "is not inside 60x40"),
        (Draft(1, ANN, "label", (), "k", (2,)), "base 2 is no edit of item 1"),
        (Draft(1, ANN, "label", (), "k", (77,)), "base 77 is no edit of item 1"),
        (Draft(1, ANN, "label", (drawn(proposed=1),), "k", (1,)), "grew from object 1 of 1 in its base"),
        (Draft(1, ANN, "label", (drawn(proposed=0),), "k"), "grew from object 0 of 0 in its base"),
    ],
)
def test_what_is_refused_changes_nothing(draft, message):
    store, _ = new_store(2, classes=("knife", "gun"))
    before = store.edits.add([Draft(k, MODEL, "proposal", (drawn(),), f"p{k}") for k in (1, 2)])
    with pytest.raises(BadInputError, match=message):
        store.edits.add([draft])
    assert store.edits.find() == before
    assert store.items.get(1).state == "new"


def test_a_refused_submit_keeps_the_lease():
    store, _ = new_store(1, classes=("gun",))
    lease = store.leases.take(ANN)
    with pytest.raises(BadInputError, match="none of the project's classes"):
        store.edits.submit(lease.token, [drawn("knife")], request="a")
    assert store.leases.live() == [lease]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"author": "ann"}, "an author is"),
        ({"kind": "guess"}, "kind must be one of"),
        ({"request": ""}, "a request key has 1 to 200"),
        ({"request": "two\nlines"}, "a request key has 1 to 200"),
        ({"kind": "review"}, "a review names the edits that it judged"),
        ({"seconds": -1.0}, "seconds spent are 0 or more"),
        ({"seconds": float("nan")}, "seconds spent are 0 or more"),
    ],
)
def test_what_is_no_draft(fields, message):
    with pytest.raises(BadInputError, match=message):
        replace(Draft(1, ANN, "label", (), "k"), **fields)


def test_a_review_judges_one_item():
    store, _ = new_store(2)
    edits = store.edits.add([Draft(k, ANN, "label", (), f"l{k}") for k in (1, 2)])
    with pytest.raises(BadInputError, match="a review judges edits of one item"):
        store.edits.settle([edit.id for edit in edits], BOB, [], request="r")
    with pytest.raises(BadInputError, match="no edit 50"):
        store.edits.mark_reviewed(50, BOB, request="r")
