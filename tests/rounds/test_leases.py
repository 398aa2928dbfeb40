"""Leases: the next item for one person, for a while."""

import pytest
from tests.rounds.stores import drawn, new_store

from beltline.core import BadInputError
from beltline.rounds import Draft

ANN, BOB, EVE = "person:ann", "person:bob", "person:eve"


def label(store, person, item, request=None):
    lease = store.leases.take(person, [item])
    return store.edits.submit(lease.token, [drawn()], request=request or f"{person} {item}")


def test_items_go_out_in_the_order_given_each_to_one():
    store, _ = new_store(4)
    order = [3, 1, 99, 4]
    assert [store.leases.take(who, order).item for who in (ANN, BOB, ANN)] == [3, 1, 4]
    assert store.leases.take(EVE, order) is None
    assert store.leases.take(EVE).item == 2


def test_a_lease_that_runs_out_returns_by_itself():
    store, clock = new_store(1)
    mine = store.leases.take(ANN)
    assert mine.until == clock.now + 600
    clock.now += 599.9
    assert store.leases.take(BOB) is None
    clock.now += 0.1
    assert store.items.get(1).state == "new"
    theirs = store.leases.take(BOB)
    assert theirs.item == mine.item
    with pytest.raises(BadInputError, match="has ended; submit what is done, it is kept"):
        store.leases.heartbeat(mine.token)
    store.leases.release(mine.token)  # too late to take it from Bob
    assert store.leases.live() == [theirs]


def test_a_heartbeat_holds_an_item_and_revives_it_where_nobody_came():
    store, clock = new_store(1)
    lease = store.leases.take(ANN, seconds=60)
    for _ in range(5):
        clock.now += 59
        lease = store.leases.heartbeat(lease.token, seconds=60)
        assert store.leases.take(BOB) is None
    clock.now += 10_000
    assert store.leases.live() == []
    assert store.leases.heartbeat(lease.token).until == clock.now + 600
    assert store.leases.take(BOB) is None


def test_release_gives_back_and_may_be_said_twice():
    store, _ = new_store(1)
    lease = store.leases.take(ANN)
    store.leases.release(lease.token)
    store.leases.release(lease.token)
    assert store.leases.take(BOB).item == 1
    with pytest.raises(BadInputError, match="has ended"):
        store.leases.heartbeat(lease.token)


def test_live_leases_of_one_person():
    store, clock = new_store(3)
    first = store.leases.take(ANN)
    clock.now += 1
    second, other = store.leases.take(ANN), store.leases.take(BOB)
    assert store.leases.live(ANN) == [first, second]
    assert {lease.token for lease in store.leases.live()} == {first.token, second.token, other.token}


def test_a_person_starts_from_the_latest_proposal():
    store, _ = new_store(2)
    edits = store.edits.add([Draft(1, "model:c@1", "proposal", (drawn(),), f"p{k}") for k in range(2)])
    assert store.leases.take(ANN).bases == (edits[1].id,)
    assert store.leases.take(ANN).bases == ()


def test_a_second_reader_is_another_person_and_comes_before_the_review():
    store, _ = new_store(2, double_share=1.0)
    first = label(store, ANN, 1)
    assert store.leases.take(EVE, purpose="review") is None
    assert store.leases.take(ANN, purpose="double") is None
    second = store.leases.take(BOB, purpose="double")
    assert (second.item, second.bases) == (1, ())  # unseen: not from what Ann did
    store.edits.submit(second.token, [], request="second")
    assert store.leases.take(EVE, purpose="double") is None
    assert [edit.id for edit in store.edits.conflicts()[1]] == [first.id, first.id + 1]
    for person in (ANN, BOB):
        assert store.leases.take(person, purpose="review") is None
    review = store.leases.take(EVE, purpose="review")
    assert review.bases == (first.id, first.id + 1)
    settled = store.edits.submit(review.token, [drawn()], request="settled")
    assert store.edits.heads() == {1: (settled,)}
    assert store.items.get(1).state == "reviewed"


def test_a_small_team_may_review_its_own():
    store, _ = new_store(1)
    edit = label(store, ANN, 1)
    assert store.leases.take(ANN, purpose="review") is None
    assert store.leases.take(ANN, purpose="review", own=True).bases == (edit.id,)


def test_what_is_reviewed_goes_out_no_more():
    store, _ = new_store(1)
    edit = label(store, ANN, 1)
    store.edits.mark_reviewed(edit.id, BOB, request="r")
    assert [store.leases.take(EVE, purpose=purpose) for purpose in ("label", "double", "review")] == 3 * [
        None
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda leases: leases.take("ann"), BadInputError, "a lease is for a person, 'person:NAME'"),
        (lambda leases: leases.take("model:c"), BadInputError, "a lease is for a person"),
        (lambda leases: leases.take(ANN, seconds=0), BadInputError, "more than 0 seconds"),
        (lambda leases: leases.take(ANN, purpose="fun"), ValueError, "purpose must be one of"),
        (lambda leases: leases.heartbeat("nonsense"), BadInputError, "no lease 'nonsense'"),
        (lambda leases: leases.release("nonsense"), BadInputError, "no lease 'nonsense'"),
    ],
)
def test_what_is_no_lease(call, error, message):
    store, _ = new_store(1)
    with pytest.raises(error, match=message):
        call(store.leases)
