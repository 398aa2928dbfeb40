import numpy as np
import pytest

from beltline.metrics.clicks import Click
from beltline.rounds import Edit, EditedObject, Item
from beltline.rounds.round_figures import change_rate, fates, figures_of, per_mask, standing

ITEM = Item(7, "bag.png", "0" * 64, 100, 60, "pool", "reviewed")
MODEL, ANN, BOB = "model:clicks@1", "person:ann", "person:bob"


def drawn(label, columns, *, by=MODEL, **fields):
    mask = np.zeros((60, 100), bool)
    mask[10:30, slice(*columns)] = True
    return EditedObject.drawn(label, mask, made_by=by, **fields)


def edit(number, kind, author, objects, bases=(), seconds=None):
    return Edit(number, 7, author, kind, tuple(objects), f"key{number}", bases, seconds, float(number))


GUN, KNIFE = drawn("gun", (0, 20), score=0.9), drawn("knife", (40, 60), score=0.5)
PROPOSAL = edit(1, "proposal", MODEL, [GUN, KNIFE])
LABEL = edit(
    2,
    "label",
    ANN,
    [
        drawn("gun", (0, 20), proposed=0),
        drawn("wrench", (70, 90), by=ANN, clicks=(Click(75, 20, True), Click(80, 20, False))),
    ],
    (1,),
    seconds=12.0,
)
REVIEW = edit(
    3,
    "review",
    BOB,
    [drawn("gun", (0, 40), by=BOB, proposed=0), drawn("pliers", (70, 90), by=ANN, proposed=1)],
    (2,),
    seconds=8.0,
)
HISTORY = [PROPOSAL, LABEL, REVIEW]


def test_what_stands_is_the_newest_review_or_label():
    assert standing(HISTORY) is REVIEW
    assert standing([PROPOSAL, LABEL]) is LABEL
    assert standing([PROPOSAL]) is None


def test_a_proposal_is_followed_through_label_and_review():
    gun, knife = fates(ITEM, HISTORY)
    assert gun.iou == pytest.approx(0.5)
    assert gun.standing is REVIEW.objects[0]
    assert knife.standing is None
    assert knife.iou == 0


def test_before_anybody_looked_nothing_is_known():
    assert fates(ITEM, [PROPOSAL]) == []
    found = figures_of({7: ITEM}, {7: [PROPOSAL]})
    assert (found["labelled"], found["masks"], found["first_iou"], found["kappa"]) == (0, 0, None, None)
    assert per_mask(found, "clicks") is None
    assert change_rate(found) is None


def test_figures_of_a_reviewed_item_by_hand():
    found = figures_of({7: ITEM}, {7: HISTORY})
    assert (found["items"], found["labelled"], found["reviewed"], found["masks"]) == (1, 1, 1, 2)
    assert (found["clicks"], found["seconds"]) == (2, 20.0)
    assert per_mask(found, "seconds") == 10.0
    assert found["first_iou"] == pytest.approx(0.5)
    assert (found["accepted"], found["deleted"], found["added"]) == (0, 1, 1)
    assert (found["changed"], found["compared"]) == (2, 2)  # one mask, one class
    assert change_rate(found) == 1.0
    assert found["kappa"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["classes"] == {"gun": 1, "pliers": 1}


def test_clicks_are_not_known_where_people_drew_and_a_tool_did_not_tell_how():
    outlined = edit(2, "label", ANN, [drawn("gun", (0, 20), by=ANN)], (1,))
    found = figures_of({7: ITEM}, {7: [PROPOSAL, outlined]})
    assert found["clicks"] is None
    assert per_mask(found, "clicks") is None
    accepted = edit(2, "label", ANN, [drawn("gun", (0, 20), proposed=0)], (1,))
    assert figures_of({7: ITEM}, {7: [PROPOSAL, accepted]})["clicks"] == 0


def test_what_a_reviewer_adds_and_deletes_counts_as_changed():
    review = edit(3, "review", BOB, [drawn("knife", (5, 9), by=BOB)], (2,))
    found = figures_of({7: ITEM}, {7: [PROPOSAL, LABEL, review]})
    assert (found["changed"], found["compared"]) == (3, 3)


def test_a_label_from_nothing_has_no_proposals_to_follow():
    alone = edit(2, "label", ANN, [GUN])
    assert fates(ITEM, [alone]) == []
    assert figures_of({7: ITEM}, {7: [alone]})["added"] == 1
