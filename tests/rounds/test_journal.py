"""Rounds: numbered, with their picks in order and figures that are added to."""

import pytest
from tests.rounds.stores import new_store

from beltline.core import BadInputError
from beltline.rounds import Pick, RoundRecord


def test_rounds_are_numbered_and_keep_why():
    store, clock = new_store(3)
    assert store.rounds.last() is None
    picks = (Pick(3, "score", {"entropy": 0.5}), Pick(1, "chance"))
    first = store.rounds.start({"clicks": "5b7a"}, picks)
    assert first == RoundRecord(1, {"clicks": "5b7a"}, picks, clock.now)
    clock.now += 9
    second = store.rounds.start({}, [])
    assert (second.number, second.picked) == (2, ())
    assert store.rounds.all() == [first, second]


def test_a_round_whose_number_somebody_else_took_does_not_begin():
    store, _ = new_store(2)
    store.rounds.start({}, [Pick(1, "chance")], number=1)
    message = r"round 1 cannot begin, the next is 2: somebody else began one meanwhile; see beltline rounds"
    with pytest.raises(BadInputError, match=message):
        store.rounds.start({}, [Pick(2, "chance")], number=1)
    assert [record.picked for record in store.rounds.all()] == [(Pick(1, "chance"),)]
    assert store.rounds.start({}, [], number=2).number == 2


def test_figures_are_added_to():
    store, _ = new_store(1)
    store.rounds.start({}, [Pick(1, "chance")])
    store.rounds.record(1, {"clicks": 2.0, "iou": [0.5, 0.75]})
    store.rounds.record(1, {"clicks": 1.5}, {"passed": False, "delta": {"low": -0.1, "high": 0.05}})
    found = store.rounds.last()
    assert found.figures == {"clicks": 1.5, "iou": [0.5, 0.75]}
    assert found.verdict == {"passed": False, "delta": {"low": -0.1, "high": 0.05}}


def test_what_is_refused():
    store, _ = new_store(2)
    with pytest.raises(BadInputError, match="item 1 is picked twice"):
        store.rounds.start({}, [Pick(1, "chance"), Pick(2, "chance"), Pick(1, "score")])
    with pytest.raises(BadInputError, match="item 9 is none of this project"):
        store.rounds.start({}, [Pick(9, "chance")])
    with pytest.raises(BadInputError, match="no round 1"):
        store.rounds.record(1, {})
    assert store.rounds.all() == []
    store.rounds.start({}, [])
    with pytest.raises(ValueError, match="cannot be stored"):
        store.rounds.record(1, {"clicks": float("nan")})
    assert store.rounds.last().figures == {}
