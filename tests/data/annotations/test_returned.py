"""What came back from a tool: kept, changed, new, gone, relabelled, with ids and without, and odd answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import BadInputError, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture, compare_returned, with_object_ids
from beltline.data.annotations.object_facts import OBJECT_ID

SIZE = (48, 64)


def thing(label, left, top, right, bottom, **extra):
    mask = np.zeros((1, *SIZE), bool)
    mask[0, top:bottom, left:right] = True
    return AnnotatedObject(label, (left, top, right, bottom), Masks.encode(mask).to_coco()[0], extra=extra)


def annotated(*pictures, classes=("gun", "knife", "scissors"), root="set"):
    return Annotated(Path(root), classes, tuple(pictures))


def picture(*objects, file="images/a.png", **fields):
    return Picture(file, objects, "", SIZE, **fields)


GUN, KNIFE, PHONE = thing("gun", 2, 2, 22, 12), thing("knife", 30, 2, 40, 42), thing("gun", 5, 30, 25, 45)
SENT = with_object_ids(annotated(picture(GUN, KNIFE, PHONE), picture(KNIFE, file="images/b.png")))


def without_ids(data):
    items = [tuple(replace(item, extra={}) for item in p.objects) for p in data.pictures]
    pictures = zip(data.pictures, items, strict=True)
    return replace(data, pictures=tuple(replace(p, objects=found) for p, found in pictures))


def came_back(*objects, **fields):
    return annotated(picture(*objects, **fields), SENT.pictures[1], root="back")


def sent_as(number, **changes):
    return replace(SENT.pictures[0].objects[number], **changes)


def essence(found):
    def pairs(rows):
        return [(match.sent, match.returned) for match in rows if match.picture == "images/a.png"]

    places = [[k for file, k in rows if file == "images/a.png"] for rows in (found.added, found.deleted)]
    return (pairs(found.unchanged), pairs(found.changed), pairs(found.relabelled), *places)


def test_everything_came_back_as_it_was():
    found = compare_returned(SENT, SENT)
    assert essence(found) == ([(0, 0), (1, 1), (2, 2)], [], [], [], [])
    assert (found.missing, found.notes, found.by_overlap) == ((), (), 0)
    assert found.pictures["images/b.png"] is SENT.pictures[1]


def test_kept_changed_relabelled_new_and_gone_are_told_apart():
    grown = thing("gun", 2, 2, 22, 22, **SENT.pictures[0].objects[0].extra)
    new = thing("scissors", 50, 40, 60, 46)
    found = compare_returned(SENT, came_back(new, sent_as(1, label="scissors"), grown))
    assert essence(found) == ([], [(0, 2)], [(1, 1)], [0], [2])
    assert found.changed[0].iou == pytest.approx(0.5)
    assert found.relabelled[0].iou == 1
    assert found.lines() == [
        "         2 images came back", "         1 objects unchanged", "         1 changed (mean IoU 0.500)",
        "         1 relabelled", "         1 added", "         1 deleted",
    ]  # fmt: skip


def test_an_id_tells_an_object_that_was_moved_away():
    moved = thing("gun", 40, 30, 60, 40, **SENT.pictures[0].objects[0].extra)
    found = compare_returned(SENT, came_back(moved, sent_as(1), sent_as(2)))
    assert essence(found) == ([(1, 1), (2, 2)], [(0, 0)], [], [], [])
    assert found.changed[0].iou == 0


def test_without_ids_overlap_and_label_tell():
    bare = without_ids(SENT)
    gun, knife, phone = bare.pictures[0].objects
    grown = thing("gun", 2, 2, 22, 14)
    found = compare_returned(SENT, came_back(phone, replace(knife, label="scissors"), grown))
    assert essence(found) == ([(2, 0)], [(0, 2)], [(1, 1)], [], [])
    assert found.by_overlap == 3
    assert found.changed[0].by_overlap
    assert "3 of them known by overlap and label alone" in found.lines()[-1]
    far = thing("gun", 2, 2, 22, 40)
    assert essence(compare_returned(SENT, came_back(far, knife, phone)))[3:] == ([0], [0])
    lies_on = thing("scissors", 30, 2, 40, 36)  # 0.85 of the knife: its own object, as bags are transparent
    assert essence(compare_returned(SENT, came_back(gun, lies_on, phone)))[2:] == ([], [1], [1])


def test_an_id_that_a_copy_has_too_stays_with_the_nearest():
    copy = thing("gun", 10, 2, 30, 12, **SENT.pictures[0].objects[0].extra)
    found = compare_returned(SENT, came_back(copy, sent_as(0), sent_as(1), sent_as(2)))
    assert essence(found) == ([(0, 1), (1, 2), (2, 3)], [], [], [0], [])
    (note,) = found.notes
    assert note.startswith("images/a.png: 2 objects have the id ")
    assert note.endswith("the nearest keeps it")


def test_an_id_of_another_picture_counts_as_none():
    stranger = replace(SENT.pictures[1].objects[0], label="scissors")
    found = compare_returned(SENT, came_back(sent_as(0), sent_as(2), stranger))
    assert essence(found) == ([(0, 0), (2, 1)], [], [(1, 2)], [], [])
    assert found.relabelled[0].by_overlap
    (note,) = found.notes
    assert note.startswith("images/a.png: object 3 has the id ")
    assert "of images/b.png" in note


def test_ids_of_the_tool_itself_are_none_of_ours():
    new = thing("gun", 50, 40, 60, 46, object_id="Dx_aB91ISN")
    found = compare_returned(SENT, came_back(sent_as(0), sent_as(1), sent_as(2), new))
    assert essence(found)[3:] == ([3], [])
    assert found.notes == ()


@pytest.mark.parametrize(
    ("back", "note"),
    [
        (picture(file="images/z.png"), "images/z.png: was not sent; passed over"),
        (picture(GUN), "images/a.png: came back twice; the first counts"),
    ],
)
def test_pictures_that_do_not_belong_are_a_line_each(back, note):
    found = compare_returned(SENT, annotated(*SENT.pictures, back))
    assert found.notes == (note,)
    assert len(found.unchanged) == 4


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"size": (96, 128)}, "images/a.png: came back as 128x96 but went out as 64x48; passed over"),
        ({"fault": "lacks 'data'", "objects": None}, "images/a.png: cannot be read (lacks 'data')"),
        ({"objects": None}, None), ({"extra": {"predicted": True}}, None),
    ],
)  # fmt: skip
def test_of_pictures_that_nobody_looked_at_nothing_is_known(fields, note):
    back = annotated(replace(SENT.pictures[0], **fields), SENT.pictures[1])
    found = compare_returned(SENT, back)
    assert essence(found) == ([], [], [], [], [])
    assert found.missing == ("images/a.png",)
    assert found.notes == ((note,) if note else ())
    gone = compare_returned(SENT, annotated(SENT.pictures[1]))
    assert (gone.missing, gone.deleted) == (("images/a.png",), ())


def test_nothing_that_belongs_is_one_clear_line():
    back = annotated(picture(file="images/z.png"), root="back")
    with pytest.raises(
        BadInputError, match=r"back: none of 1 images that came back was sent, first images/z\.png"
    ):
        compare_returned(SENT, back)


def test_pictures_are_known_without_their_folder_and_extension():
    flat = annotated(
        *(replace(p, file=p.file.rsplit("/")[-1].replace(".png", ".jpg")) for p in SENT.pictures)
    )
    assert len(compare_returned(SENT, flat).unchanged) == 4
    two = annotated(picture(GUN, file="x/a.png"), picture(KNIFE, file="y/a.png"))
    with pytest.raises(BadInputError, match="none of 1 images"):
        compare_returned(two, annotated(picture(GUN, file="a.png")))


def test_labels_that_were_not_sent_are_told():
    found = compare_returned(SENT, came_back(sent_as(0, label="gnu"), sent_as(1), sent_as(2)))
    assert found.notes == ("1 objects are called 'gnu', which is no class that was sent",)
    assert essence(found)[2] == [(0, 0)]


def test_what_could_not_be_read_is_told():
    problems = {"unread_shape": ("images/a.png: ellipse 1",), "unlisted_label": ("gnu",)}
    found = compare_returned(SENT, replace(SENT, problems=problems))
    assert found.notes == ("objects that cannot be read left out: images/a.png: ellipse 1",)


def test_masks_that_came_back_as_polygons_are_told():
    corners = [[2.0, 2.0, 22.0, 2.0, 22.0, 12.0, 2.0, 12.0]]
    found = compare_returned(SENT, came_back(sent_as(0, outline=corners), sent_as(1), sent_as(2)))
    assert found.notes == ("images/a.png: 1 masks came back as polygons, which have no holes",)
    assert len(found.unchanged) + len(found.changed) == 4


def test_boxes_without_masks_may_move_by_a_rounding():
    box = AnnotatedObject("gun", (1.234567, 2, 30, 40))
    data = annotated(picture(box))
    near = annotated(picture(replace(box, box=(1.23, 2, 30, 40))))
    far = annotated(picture(replace(box, box=(1.3, 2, 30, 40))))
    assert len(compare_returned(data, near).unchanged) == 1
    (match,) = compare_returned(data, far).changed
    assert 0.99 < match.iou < 1
    masked = annotated(picture(GUN))
    assert len(compare_returned(masked, annotated(picture(replace(GUN, outline=None)))).changed) == 1


things = st.builds(
    lambda label, left, top, width, height, known: thing(
        label, left, top, left + width, top + height, **({OBJECT_ID: str(known)} if known else {})
    ),
    st.sampled_from(["gun", "knife"]), st.integers(0, 40), st.integers(0, 30), st.integers(1, 20),
    st.integers(1, 16), st.integers(0, 5),
)  # fmt: skip


@given(st.lists(things, max_size=6), st.lists(things, max_size=6))
def test_every_object_is_in_exactly_one_list(before, after):
    sent, back = annotated(picture(*before)), annotated(picture(*after))
    found = compare_returned(sent, back)
    matches = [*found.unchanged, *found.changed, *found.relabelled]
    went = [match.sent for match in matches] + [k for _, k in found.deleted]
    came = [match.returned for match in matches] + [k for _, k in found.added]
    assert sorted(went) == list(range(len(before)))
    assert sorted(came) == list(range(len(after)))
    for match in matches:
        one, other = before[match.sent], after[match.returned]
        assert (one.label != other.label) == (match in found.relabelled)
        assert not match.by_overlap or match.iou >= 0.5
        assert (match in found.unchanged) == (one.label == other.label and one.outline == other.outline)
