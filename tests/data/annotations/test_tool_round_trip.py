"""Out into an annotation tool's files and back: the same masks bit for bit; what is lost is told."""

import itertools
import json
import re
import shlex
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.cli.app import main
from beltline.core import BadInputError, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture, compare_returned, with_object_ids
from beltline.data.annotations.conversion import TOOLS, convert, read_annotated
from beltline.data.annotations.fake import write_picture
from beltline.data.annotations.object_facts import object_id
from beltline.formats import read_set

SIZE = (48, 64)
DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"
SHARED_MEMORY = Path("/dev/shm")  # every file is written through to the disk, which a thousand sets need not
TEXT = st.text(
    st.characters(exclude_characters="/\\", exclude_categories=("C", "Z")) | st.sampled_from(" &<>\"'%#+?;"),
    min_size=1, max_size=12,
).filter(lambda text: text.strip() and text.isprintable())  # fmt: skip
LABELS = st.lists(st.sampled_from(["gun", "折り畳みナイフ", "Schere & Säge", 'a "b" <c>', "نص"]) | TEXT,
                  min_size=1, max_size=4, unique=True)  # fmt: skip


@st.composite
def mask(draw, size):
    """Noise of many pieces, a rectangle with holes, one pixel, or the whole picture."""
    height, width = size
    found = np.zeros(size, bool)
    kind = draw(st.sampled_from(["noise", "rings", "pixel", "whole"]))
    if kind == "noise":
        share = draw(st.sampled_from([0.02, 0.5, 0.98]))
        found = np.random.default_rng(draw(st.integers(0, 10**6))).random(size) < share
    elif kind == "rings":
        for value in (True, False, True):
            top, bottom = sorted(draw(st.tuples(*[st.integers(0, height)] * 2)))
            left, right = sorted(draw(st.tuples(*[st.integers(0, width)] * 2)))
            found[top:bottom, left:right] = value
    elif kind == "whole":
        found[:] = True
    found[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] |= not found.any()
    return found


@st.composite
def objects(draw, size, labels):
    drawn = draw(mask(size))
    encoded = Masks.encode(drawn[None])
    facts = {
        "made_by": draw(st.sampled_from(["model:starter-click-1@5b7a", "person:Zoë", "import:cvat"])),
        "score": draw(st.floats(0, 1)), "occlusion": draw(st.floats(0, 1)),
        "clicks": [[1, 2, True]],
    }  # fmt: skip
    kept = {key: value for key, value in facts.items() if draw(st.booleans())}
    box = tuple(float(v) for v in encoded.boxes()[0])
    flags = draw(st.tuples(*[st.booleans()] * 4))
    return AnnotatedObject(draw(st.sampled_from(labels)), box, encoded.to_coco()[0], *flags, kept)


@st.composite
def sets(draw):
    labels = tuple(draw(LABELS))
    names = draw(
        st.lists(TEXT.map(str.strip), min_size=1, max_size=3, unique_by=lambda name: name.casefold())
    )
    pictures = []
    for name in names:
        size = draw(st.tuples(st.integers(8, 20), st.integers(8, 24)))
        items = draw(st.none() | st.lists(objects(size, labels), max_size=4).map(tuple))
        split = draw(st.sampled_from(["", "train", "test"]))
        pictures.append(Picture(f"x{name}.png", items, split, size))
    return labels, tuple(pictures)


def out_and_back(labels, pictures, target):
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        root = Path(folder)
        for picture in pictures:
            (root / picture.file).write_bytes(cv2.imencode(".png", np.full(picture.size, 250, np.uint8))[1])
        data = Annotated(root, labels, pictures)
        losses = convert(data, root / "out", target)
        back = read_annotated(root / "out")
        return data, losses, back, json.loads((root / "out" / "losses.json").read_text())


def check_nothing_is_lost(labels, pictures, target):
    data, losses, back, report = out_and_back(labels, pictures, target)
    assert {**back.problems} == {}
    assert back.classes == labels
    assert [p.file for p in back.pictures] == [f"images/{p.file}" for p in pictures]
    clicks, unlabelled = 0, 0
    for before, after in zip(with_object_ids(data).pictures, back.pictures, strict=True):
        assert (after.size, after.split, after.present, after.fault) == (
            before.size,
            before.split,
            True,
            None,
        )
        unlabelled += before.objects is None
        if target == "labelstudio":
            assert (after.objects is None) == (before.objects is None)
        assert len(after.objects or ()) == len(before.objects or ())
        for one, other in zip(before.objects or (), after.objects or (), strict=True):
            clicks += "clicks" in one.extra
            wanted = {k: v for k, v in one.extra.items() if k != "clicks" or target == "labelstudio"}
            assert other.outline == one.outline
            assert (other.label, other.box, other.extra) == (one.label, one.box, wanted)
            flags = ("difficult", "truncated", "occluded", "crowd")
            assert [getattr(other, f) for f in flags] == [getattr(one, f) for f in flags]
    lost = {"extra_field": clicks, "read_as_empty": unlabelled} if target == "cvat" else {}
    assert dict(losses.counts) == {kind: count for kind, count in lost.items() if count}
    assert {kind: row["count"] for kind, row in report["kinds"].items()} == dict(losses.counts)
    found = compare_returned(data, back)
    assert (*found.changed, *found.relabelled, *found.added, *found.deleted, *found.notes) == ()
    looked_at = [p for p in back.pictures if p.objects is not None and not p.extra.get("predicted")]
    assert len(found.unchanged) == sum(len(p.objects) for p in looked_at)
    assert len(found.missing) == len(pictures) - len(looked_at)


@pytest.mark.parametrize("target", TOOLS)
@given(drawn=sets())
@settings(max_examples=25)
def test_masks_come_back_bit_for_bit(target, drawn):
    check_nothing_is_lost(*drawn, target)


@pytest.mark.slow
@pytest.mark.parametrize("target", TOOLS)
@given(drawn=sets())
@settings(max_examples=1000)
def test_a_thousand_sets_come_back_bit_for_bit(target, drawn):
    check_nothing_is_lost(*drawn, target)


def make(root, *items, name="a.png", **fields):
    picture = Picture(name, items, "", SIZE, **fields)
    write_picture(root, picture, rng=np.random.default_rng(0))
    return Annotated(root, ("gun",), (picture,))


@pytest.mark.parametrize("target", TOOLS)
def test_what_a_tool_cannot_hold_is_counted(tmp_path, target):
    square = np.zeros((2, *SIZE), bool)
    square[0, 10:20, 10:20] = True
    some, none = Masks.encode(square).to_coco()
    data = make(
        tmp_path / "set",
        AnnotatedObject("gun", (10, 10, 30, 30), [[10.0, 10.0, 30.0, 10.0, 10.0, 30.0]]),
        AnnotatedObject("gun", (0, 0, 30, 30), some),
        AnnotatedObject("gun", (5, 5, 9, 9), none),
        AnnotatedObject("gun", (50, 40, 90, 47)), AnnotatedObject("gun", (5, 5, 5, 9)),
        subsets=("easy",), extra={"pixel_mm": 1.3},
    )  # fmt: skip
    losses = convert(data, tmp_path / "out", target)
    lost = {"polygon": 1, "mask_box": 1, "empty_mask": 1, "clipped": 1, "no_area": 1}
    assert dict(losses.counts) == lost | ({"part": 1, "image_field": 1} if target == "cvat" else {})
    assert not losses.lossless
    (picture,) = read_annotated(tmp_path / "out").pictures
    assert [item.box for item in picture.objects] == [
        (10, 10, 29, 29), (10, 10, 20, 20), (5, 5, 9, 9), (50, 40, 64, 47),
    ]  # fmt: skip
    if target == "labelstudio":
        assert (picture.subsets, picture.extra) == (("easy",), {"pixel_mm": 1.3})


@pytest.mark.parametrize("target", TOOLS)
def test_boxes_keep_their_fractions(tmp_path, target):
    data = make(tmp_path / "set", AnnotatedObject("gun", (1.25, 2.5, 9.0123, 9.4)))
    assert convert(data, tmp_path / "out", target).lossless
    assert read_annotated(tmp_path / "out").pictures[0].objects[0].box == (1.25, 2.5, 9.0123, 9.4)


@pytest.mark.parametrize("target", TOOLS)
@pytest.mark.parametrize(
    "name", ["a\x1b[2J.png", "a\u202eb.png", "caf\udce9.png", "a\\b.png", "a\u00a0b.png"]
)
def test_names_that_cannot_be_printed_are_renamed(tmp_path, target, name):
    data = make(tmp_path / "set", AnnotatedObject("gun", (1, 2, 30, 40)), name=name)
    losses = convert(data, tmp_path / "out", target)
    assert dict(losses.counts) == {"renamed": 1}
    (picture,) = read_annotated(tmp_path / "out").pictures
    assert picture.present
    assert picture.file.startswith("images/")


def test_a_class_that_xml_cannot_hold_is_one_clear_line(tmp_path):
    data = make(tmp_path / "set", AnnotatedObject("a\x00b", (1, 2, 30, 40)))
    with pytest.raises(BadInputError, match="XML cannot hold"):
        convert(data, tmp_path / "out", "cvat")


def test_a_fact_that_attributes_do_not_carry_is_counted(tmp_path):
    odd = (
        {"score": float("nan")},
        {"made_by": 5},
        {"made_by": "a\nb"},
        {"score": "high"},
        {"material": "steel"},
    )
    items = [AnnotatedObject("gun", (1, 2, 30, 40), extra=extra) for extra in odd]
    losses = convert(make(tmp_path / "set", *items), tmp_path / "out", "cvat")
    assert dict(losses.counts) == {"extra_field": 5}
    assert {*read_annotated(tmp_path / "out").pictures[0].objects[0].extra} == {"object_id"}


def test_ids_are_kept_told_apart_and_given_again_alike():
    def item(**extra):
        return AnnotatedObject("gun", (1, 2, 3, 4), extra=extra)

    pictures = (
        Picture("a.png", (item(object_id="x"), item(object_id="x"), item(object_id=5), item(object_id=""))),
        Picture("b.png", (item(object_id="x"), item(object_id="ok"))),
        Picture("c.png", None),
    )
    data = Annotated(Path("set"), ("gun",), pictures)
    ids = [object_id(i) for picture in with_object_ids(data).pictures for i in picture.objects or ()]
    assert (ids[0], ids[-1]) == ("x", "ok")
    assert len(set(ids)) == len(ids) == 6
    again = with_object_ids(with_object_ids(data))
    assert [object_id(i) for picture in again.pictures for i in picture.objects or ()] == ids


def test_what_a_tool_gave_and_nobody_can_read_is_lost_too(tmp_path):
    convert(make(tmp_path / "set", AnnotatedObject("gun", (1, 2, 30, 40))), tmp_path / "out", "cvat")
    path = tmp_path / "out" / "annotations.xml"
    odd = '<ellipse label="gun"/><mask label="gun" rle="5" left="1" top="1" width="4" height="4"/>'
    path.write_text(path.read_text().replace("</image>", f"{odd}</image>"))
    losses = convert(read_annotated(tmp_path / "out"), tmp_path / "back", "voc")
    assert losses.examples["unread"] == ["a.png: ellipse 2"]
    assert losses.counts["unread_mask"] == 1
    assert not losses.lossless


def section_of_the_docs():
    text = DOCS.read_text("utf-8").split("## To your annotation tool and back\n")[1].split("\n## ")[0]
    shell, python = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("sh", "python"))
    return [line.split(" #")[0].strip() for line in shell.splitlines()], python


def test_the_docs_keep_their_word(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "fake", "pidray", "copy", "--each", "3"]) == 0
    assert main(["data", "import", "pidray", "copy", "--out", "SET"]) == 0
    commands, python = section_of_the_docs()
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0
        if command.endswith("--to cvat"):
            with zipfile.ZipFile("cvat/task.zip", "w") as archive:
                archive.write("cvat/annotations.xml", "annotations.xml")
        elif command.endswith("--to labelstudio"):
            Path("ls/export.json").write_bytes(Path("ls/tasks.json").read_bytes())
    capsys.readouterr()
    exec(python, {})
    told = capsys.readouterr().out
    assert re.fullmatch(r" *12 images came back\n *\d+ objects unchanged\n", told)
    assert [len(read_annotated(name)) for name in ("from-cvat", "from-ls")] == [12, 12]


@pytest.mark.parametrize("target", TOOLS)
def test_the_verb_goes_out_and_back(tmp_path, capsys, target):
    assert main(["data", "fake", "pidray", str(tmp_path / "copy"), "--each", "3"]) == 0
    assert main(["data", "import", "pidray", str(tmp_path / "copy"), "--out", str(tmp_path / "set")]) == 0
    out, back = str(tmp_path / "out"), str(tmp_path / "back")
    assert main(["data", "convert", str(tmp_path / "set"), out, "--to", target]) == 0
    assert main(["data", "convert", out, back, "--to", "coco", "--from", target]) == 0
    capsys.readouterr()
    one, other = (read_annotated(tmp_path / name) for name in ("set", "back"))
    found = compare_returned(one, read_annotated(tmp_path / "out"))
    assert len(found.unchanged) == sum(len(p.objects) for p in one.pictures) > 0
    outlines = [[[i.outline for i in p.objects] for p in data.pictures] for data in (one, other)]
    assert sorted(map(str, itertools.chain(*outlines[0]))) == sorted(map(str, itertools.chain(*outlines[1])))
    assert len(read_set(tmp_path / "set")) == len(other)
