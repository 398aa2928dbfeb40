"""Objects of an edit: there and back, and what does not fit a scan is refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.rounds.stores import HEIGHT, WIDTH, drawn

from beltline.core import BadInputError, Masks, ShapeError
from beltline.rounds import Click, EditedObject, check_author, check_objects, masks_of

SIZE = (HEIGHT, WIDTH)


@given(
    mask=arrays(bool, (12, 17)).filter(np.any),
    score=st.none() | st.floats(0, 1),
    clicks=st.lists(st.tuples(st.integers(0, 16), st.integers(0, 11), st.booleans()), max_size=4),
    proposed=st.none() | st.integers(0, 9),
)
def test_json_there_and_back(mask, score, clicks, proposed):
    made = EditedObject.drawn("gun", mask, made_by="model:a@1", score=score, clicks=clicks, proposed=proposed)
    back = EditedObject.from_json(json.loads(json.dumps(made.to_json())))
    assert back == made
    assert np.array_equal(masks_of([back], (12, 17))[0], mask)
    assert all(isinstance(click, Click) for click in back.clicks)
    check_objects([back], (12, 17), ["gun"])


def test_a_box_alone_has_a_mask_that_fills_it():
    boxed = EditedObject("knife", (3, 4, 9, 6), "import:voc")
    check_objects([boxed], SIZE)
    mask = masks_of([boxed, drawn()], SIZE)[0]
    assert (int(mask.sum()), bool(mask[4:6, 3:9].all())) == (12, True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": ""}, "a class name has"),
        ({"made_by": "ann"}, "an author is 'person:NAME'"),
        ({"made_by": "person:"}, "an author is 'person:NAME'"),
        ({"made_by": "person:" + 200 * "x"}, "at most 200 letters"),
        ({"box": (1, 2, 3)}, "a box is left, top, right, bottom"),
        ({"box": (1, 2, 3, float("nan"))}, "a box is left, top, right, bottom"),
        ({"score": 1.5}, "a score lies in 0..1"),
        ({"clicks": [(1.5, 2, True)]}, "a click is x and y in whole pixels"),
        ({"clicks": [(1, 2)]}, "a click is x and y in whole pixels"),
        ({"proposed": -1}, "proposed is the number of an object"),
    ],
)
def test_what_is_no_object(fields, message):
    with pytest.raises(BadInputError, match=message):
        replace(drawn(), **fields)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"label": "spoon"},
            r"object 1 \(spoon\): the label is none of the project's classes \(knife, gun\)",
        ),
        ({"box": (5, 10, 61, 18)}, r"its box .* is not inside 60x40 pixels"),
        ({"box": (5, 10, 5, 18)}, "or empty"),
        ({"clicks": [(60, 3, True)]}, "its click 60,3 lies outside 60x40"),
        ({"mask": Masks.encode(np.ones((1, 60, 40), bool)).to_coco()[0]}, "its mask is 40x60 pixels"),
        ({"mask": Masks.encode(np.zeros((1, *SIZE), bool)).to_coco()[0]}, "its mask is empty"),
        ({"mask": {"size": list(SIZE), "counts": "0"}}, "its mask is damaged"),
        ({"mask": {"size": list(SIZE), "counts": [2400]}}, "needs compressed run lengths"),
    ],
)
def test_what_does_not_fit_the_scan(changed, message):
    with pytest.raises(BadInputError, match=message):
        check_objects([drawn(), replace(drawn(), **changed)], SIZE, ("knife", "gun"))


def test_an_empty_mask_is_no_object():
    with pytest.raises(BadInputError, match="the mask of 'gun' is empty"):
        EditedObject.drawn("gun", np.zeros(SIZE, bool), made_by="person:ann")
    with pytest.raises(ShapeError, match="masks must be"):
        EditedObject.drawn("gun", np.zeros((2, *SIZE), bool), made_by="person:ann")


@pytest.mark.parametrize("fields", [{}, {"label": "gun", "box": None, "made_by": "person:ann"}, [], None])
def test_json_that_is_no_object(fields):
    with pytest.raises(BadInputError, match="not an object of an edit"):
        EditedObject.from_json(fields)


@pytest.mark.parametrize("author", ["person:ann", "model:starter-click-1@5b7a", "import:cvat/ann b"])
def test_authors(author):
    assert check_author(author) == author
