"""Small files, large harm: damaged copies of every set are read, faulted or refused, nothing else happens."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, Masks, ShapeError
from beltline.data.annotations.annotated import LONGEST_OUTLINE_PX, class_name, is_polygon, split_name
from beltline.data.annotations.conversion import TARGETS, convert, read_annotated
from beltline.data.public import (
    PUBLIC_SETS,
    fake_public_set,
    import_public_set,
    public_set,
    verify_public_set,
)
from beltline.data.public.pixray import PIXRAY
from beltline.formats import read_set

PROGRAM = Path(__file__).with_name("fuzz_sets.py")
SHARED_MEMORY = Path("/dev/shm")  # thousands of tiny files are made and removed
FAR = 999_999_999_999


def failures(folder, first, count):
    """What got through that is none of the project's errors, with the case; a dead process is one too."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), str(first), str(count)],
        capture_output=True, text=True, check=False, env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    last = (folder / "last").read_text() if (folder / "last").is_file() else "before the first case"
    if done.returncode or f'"case": {first + count - 1},' not in last:
        rows.append({"process": done.returncode, "last": last, "stderr": done.stderr[-2000:]})
    return rows


@pytest.fixture
def scratch(tmp_path):
    if not (SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)):
        yield tmp_path
        return
    place = SHARED_MEMORY / f"beltline-fuzz-{os.getpid()}"
    place.mkdir()
    yield place
    shutil.rmtree(place)


def test_damaged_sets_raise_only_our_own_errors(scratch):
    assert failures(scratch, 0, 210) == []


@pytest.mark.slow
def test_ten_thousand_damaged_sets_raise_only_our_own_errors(scratch):
    assert failures(scratch, 1000, 10_000) == []


def coco_with(root, **fields):
    """A fake of PIDray whose first annotation of the train file has these fields."""
    path = fake_public_set("pidray", root, each=1) / "annotations" / "xray_train.json"
    found = json.loads(path.read_text())
    found["annotations"][0] |= fields
    path.write_text(json.dumps(found))
    return root


def set_with(root, **fields):
    """A Beltline set whose first annotation has these fields."""
    copy = fake_public_set("pidray", root / "copy", each=1)
    import_public_set(public_set("pidray"), copy, root / "set")
    return damage(root / "set", "annotations", fields)


def damage(root, table, fields):
    path = root / "annotations.json"
    found = json.loads(path.read_text())
    found[table][0] |= fields
    path.write_text(json.dumps(found))
    return root


def faults(known, root):
    return {fault.kind: fault.names for fault in verify_public_set(known, root).faults}


def test_a_polygon_far_outside_is_a_fault_and_its_box_counts(tmp_path):
    root = coco_with(tmp_path / "copy", segmentation=[[1, 2, FAR, 5, 20, 30]])
    known = public_set("pidray")
    assert faults(known, root) == {"far_outline": ("xray_train.json: annotation 1",)}
    assert import_public_set(known, root, tmp_path / "set")["skipped"] == {}
    first = read_set(tmp_path / "set")[0].instances
    assert len(first) == 1
    assert first.masks is None


def test_a_polygon_file_that_leads_far_outside_is_a_fault_and_left_out(tmp_path):
    root = fake_public_set("pixray", tmp_path / "copy", each=1)
    rows = {"objects": [{"label": "Gun", "polygon": [[1, 2], [FAR, 5], [20, 30]]}]}
    (root / "train_set" / "train00001.json").write_text(json.dumps(rows))
    assert list(faults(PIXRAY, root)) == ["damaged_annotation"]
    assert list(import_public_set(PIXRAY, root, tmp_path / "set")["skipped"]) == ["train_set/train00001.png"]


def test_an_outline_of_few_bytes_may_not_be_endlessly_long():
    zigzag = [0.0, 0.0, 100_000.0, 1.0] * 20
    assert not is_polygon(zigzag)
    assert is_polygon([0, 0, LONGEST_OUTLINE_PX / 4, 0, 0, 1])


@pytest.mark.parametrize(
    "box",
    [[1, 2, FAR, 4], [-FAR, 2, 3, 4], [1e308, 0, 1e308, 1], [1, 2, float("inf"), 4], [1, 10**400, 3, 4]],
)
def test_a_box_far_outside_is_a_fault(box, tmp_path):
    root = coco_with(tmp_path / "copy", bbox=box, segmentation=[])
    where = "xray_train.json: annotation 1 has no box of four numbers in reach"
    assert faults(public_set("pidray"), root) == {"damaged_annotation": (where,)}


@pytest.mark.parametrize("name", ["opixray", "gdxray"])
def test_a_line_of_text_far_outside_is_a_fault(name, tmp_path):
    root = fake_public_set(name, tmp_path / "copy", each=3)
    for path in root.rglob("*.txt"):
        rows = [line.split() for line in path.read_text().splitlines()]
        if rows and len(rows[0]) >= 5:
            rows[0][-2] = str(FAR)
            path.write_text("\n".join(" ".join(row) for row in rows))
    assert "damaged_annotation" in faults(PUBLIC_SETS[name], root)


SIZE = [48, 64]
UNSOUND = [
    [], [5], [-1, 3073], [3000, 73], [2**40], [1.5, 3070.5], ["a"], [10**400], "", "x", "0", "o" * 16, "é",
    "P" * 400, 7, None, "~~~",
]  # fmt: skip


@pytest.mark.parametrize("counts", UNSOUND)
def test_run_lengths_that_do_not_fill_their_size_are_refused(counts):
    with pytest.raises(ShapeError, match="run lengths"):
        Masks.from_coco([{"size": SIZE, "counts": counts}], (48, 64))


@pytest.mark.parametrize("size", [None, [48], [-48, -64], [48.5, 64], [2**20, 2**20], "48", [10**400, 1]])
def test_run_lengths_need_a_size(size):
    with pytest.raises(ShapeError, match="size"):
        Masks.from_coco([{"size": size, "counts": [3072]}], (48, 64))


def test_sound_run_lengths_pass(rng):
    for share in (0, 0.01, 0.5, 1):
        mask = rng.random((3, 48, 64)) < share
        sound = Masks.encode(mask).to_coco()
        assert (Masks.from_coco(sound, (48, 64)).decode() == mask).all()
    assert Masks.from_coco([{"size": SIZE, "counts": [0, 3072]}], (48, 64)).areas()[0] == 3072


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("counts", [[5], [-1, 3073], "x", [2**40]])
def test_convert_keeps_the_box_of_a_damaged_mask(counts, target, tmp_path):
    data = read_annotated(set_with(tmp_path, segmentation={"size": SIZE, "counts": counts}))
    assert data.problems["odd_outline"] == ("annotations.json: annotation 1",)
    convert(data, tmp_path / "out", target)
    objects = [len(picture.objects or ()) for picture in read_annotated(tmp_path / "out").pictures]
    assert sum(objects) == sum(len(picture.objects or ()) for picture in data.pictures) == 4


def test_a_split_leads_nowhere_else(tmp_path):
    damage(set_with(tmp_path), "images", {"split": "../../up"})
    with pytest.raises(BadInputError, match="a split is named by a word"):
        read_annotated(tmp_path / "set")
    for name in ("domain-1_b", "train (1)", ""):
        assert split_name(name) == name


@pytest.mark.parametrize("odd", ["..", " ", "a/b", "a\nb", ".hidden", "a\\b", "a" * 100, None, 7])
def test_a_split_is_the_name_of_a_folder(odd):
    with pytest.raises(ValueError, match="split"):
        split_name(odd)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\0", "a" * 300, None, 1.5, "\u202e"])
def test_a_class_needs_a_name(name):
    with pytest.raises(ValueError, match="class name"):
        class_name(name)


def test_class_names_of_any_script_are_kept(tmp_path):
    root = fake_public_set("opixray", tmp_path / "copy", each=3)
    path = root / "train" / "train_annotation" / "000001.txt"
    path.write_text("000001.jpg 刀 1 2 30 40\n")
    import_public_set(public_set("opixray"), root, tmp_path / "set")
    assert "刀" in read_set(tmp_path / "set").classes


def test_a_yaml_may_not_name_a_trillion_classes(tmp_path):
    convert(read_annotated(set_with(tmp_path)), tmp_path / "yolo", "yolo")
    (tmp_path / "yolo" / "data.yaml").write_text("names:\n  0: gun\n  999999999: knife\n")
    with pytest.raises(BadInputError, match="class number 999999999"):
        read_annotated(tmp_path / "yolo")


@pytest.mark.parametrize("fields", [
    {"bbox": [1, 2, float("nan"), 4]}, {"bbox": None}, {"bbox": [1, 2, -3, 4]}, {"bbox": [1, 2, FAR, 4]},
])  # fmt: skip
def test_our_own_layout_refuses_boxes_that_are_none(fields, tmp_path):
    with pytest.raises(BadInputError, match=r"annotations\.json: not a COCO file"):
        read_set(set_with(tmp_path, **fields))


def test_our_own_layout_refuses_a_damaged_mask(tmp_path):
    opened = read_set(set_with(tmp_path, segmentation={"size": SIZE, "counts": "PP"}))
    with pytest.raises(BadInputError, match=r"annotations\.json: xray_.*run lengths"):
        opened.instances(0)
    assert np.isfinite(opened.scan(0).pixels).all()
