"""What stands: the rule, case by case and against its own definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.rounds import Link, heads_of, state_of

ANN, BOB, EVE, TOOL = "person:ann", "person:bob", "person:eve", "import:cvat"


@pytest.mark.parametrize(
    ("edits", "heads", "state"),
    [
        ([("model:c", "proposal", ())], (), "new"),
        ([(ANN, "label", ())], (1,), "labelled"),
        ([(ANN, "label", ()), (BOB, "label", ())], (1, 2), "labelled"),
        ([(ANN, "label", ()), (ANN, "label", ())], (2,), "labelled"),
        ([(ANN, "label", ()), (BOB, "review", (1,))], (2,), "reviewed"),
        ([(ANN, "label", ()), (BOB, "review", (1,)), (EVE, "review", (1,))], (2, 3), "labelled"),
        ([(ANN, "label", ()), (BOB, "label", ()), (EVE, "review", (1, 2))], (3,), "reviewed"),
        ([(ANN, "label", ()), (BOB, "label", ()), (EVE, "review", (2,))], (1, 3), "labelled"),
        ([(ANN, "label", ()), (BOB, "review", (1,)), (TOOL, "label", ())], (2, 3), "labelled"),
        ([(ANN, "label", ()), (BOB, "review", (1,)), (ANN, "label", (2,))], (3,), "labelled"),
        ([(ANN, "label", ()), ("model:c", "proposal", (1,)), (BOB, "label", (2,))], (1, 3), "labelled"),
    ],
)
def test_case_by_case(edits, heads, state):
    links = [Link(number, *edit) for number, edit in enumerate(edits, start=1)]
    assert heads_of(links) == heads
    assert state_of(links[head - 1] for head in heads) == state


@st.composite
def histories(draw):
    links = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        bases = draw(st.lists(st.integers(1, number - 1), max_size=2, unique=True)) if number > 1 else []
        kind = draw(st.sampled_from(("proposal", "label", "review")))
        links.append(Link(number, draw(st.sampled_from((ANN, BOB, EVE))), kind, tuple(bases)))
    return links


@given(histories())
def test_an_edit_stands_unless_a_later_one_names_it_or_its_author_did_it_again(links):
    judged = [link for link in links if link.kind != "proposal"]
    gone = {
        old.id
        for old in judged
        for new in judged
        if new.id > old.id
        and (old.id in new.bases or (old.author, set(old.bases)) == (new.author, set(new.bases)))
    }
    assert heads_of(links) == tuple(link.id for link in judged if link.id not in gone)


@given(histories())
def test_the_last_judgement_always_stands(links):
    judged = [link.id for link in links if link.kind != "proposal"]
    assert heads_of(links)[-1:] == tuple(judged[-1:])
