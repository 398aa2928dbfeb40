"""One signature of progress: how many are done of how many, and a name."""

import pytest

from beltline.core import counted


def test_the_start_and_every_item_are_told_with_what_was_done_before():
    told = []
    items = iter("ab")
    assert list(counted(items, lambda *values: told.append(values), total=5, done=3, name=str.upper)) == [
        "a",
        "b",
    ]
    assert told == [(3, 5, ""), (4, 5, "A"), (5, 5, "B")]


def test_an_item_is_told_after_the_work_on_it():
    events = []
    for item in counted("ab", lambda done, total, name: events.append(done)):
        events.append(item)
    assert events == [0, "a", 1, "b", 2]


def test_nobody_needs_to_listen():
    assert list(counted(iter("ab"), None)) == ["a", "b"]


def test_how_many_must_be_known():
    with pytest.raises(TypeError, match="needs the total"):
        list(counted(iter("ab"), print))
