"""Bad input and wrong usage are 2, 3, 4 or 5 with one line, never 1: that is for defects of ours."""

import errno
import json
import os

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import Instances
from beltline.formats import SetWriter, encode_png, write_atomic

USAGE, BAD, NO_ROOM = 2, 3, 5


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A set of two scans, fakes of public sets, a library of one threat, a file, and a link to itself."""
    root = tmp_path_factory.mktemp("place")
    (root / "file").write_text("no folder")
    (root / "loop").symlink_to(root / "loop")
    write_set(root / "set")
    for name in ("opixray", "sixray"):
        assert main(["data", "fake", name, str(root / name), "--each", "3"]) == 0
    (root / "lone" / "gun").mkdir(parents=True)
    image = np.full((64, 64, 3), 255, np.uint8)
    image[20:40, 16:48] = (40, 60, 160)
    (root / "lone" / "gun" / "a.png").write_bytes(encode_png(image))
    return root


def write_set(root):
    writer = SetWriter(root, classes=("gun", "knife"))
    for name in ("a", "b"):
        found = Instances(np.array([[8, 8, 40, 40]], np.float32), ("gun",)) if name == "a" else None
        writer.add(name, image=np.full((64, 96, 3), 255, np.uint8), instances=found)
    writer.finish()


def run(words, place, capsys):
    """Exit code and the last line of stderr; a run of underscores stands for the folder."""
    capsys.readouterr()
    code = main([word.replace("__", str(place)) for word in words.split()])
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return code, (err.strip().splitlines() or [""])[-1]


# One command a verb that writes; OUT is where.
WRITERS = [
    "simulate OUT --bags 1 --pixel-mm 8",
    "simulate OUT --scene electronics --bags 1 --pixel-mm 8",
    "screen __/set --out OUT --limit 1",
    "demo --out OUT --bags 1 --no-browser",
    "data fake opixray OUT",
    "data fake sixray OUT",
    "data import opixray __/opixray --out OUT --copy",
    "data import sixray __/sixray --out OUT --copy",
    "data convert __/set OUT --to coco --copy",
    "data convert __/set OUT --to voc --no-images",
    "data subset __/sixray --out OUT --ratio 10",
    "data stats __/sixray --out OUT",
    "data shards OUT --shards 1 --count 1 --library OUT",
    "data clicks OUT --shards 1 --count 1 --library OUT",
    "data electronics OUT --shards 1 --pairs 1 --library OUT",
    "data devices OUT --out OUT",
    "data curate __/set --out OUT --copy --min-side 8",
    "click __/lone/gun/a.png --at 30,30 --out OUT/mask.png",
    "synthesize library __/lone --out OUT",
    "synthesize tip --bags __/set/images --threats __/lone --out OUT --count 1 --pixel-mm 1",
    "train detector --data __/set --out OUT --set steps=1",
    "reproduce sixray --out OUT --max-minutes 0",
    "reproduce rwsc --out OUT --max-minutes 0",
    "reproduce xseg --out OUT --max-minutes 0",
    "rounds new OUT __/set",
    "rounds simulate OUT --rounds 1 --bags 1",
    "checks --folder OUT",
]
NO_PLACES = {
    "a file": "__/file",
    "below a file": "__/file/out",
    "a loop": "__/loop/out",
    "a long name": "n" * 300,
}


@pytest.mark.parametrize("where", NO_PLACES.values(), ids=NO_PLACES)
@pytest.mark.parametrize("words", WRITERS)
def test_a_place_that_cannot_be_written_is_no_defect(words, where, place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    code, line = run(words.replace("OUT", where), place, capsys)
    assert code in (USAGE, BAD, NO_ROOM), line
    assert any(part in line for part in ("/file", "/loop", "n" * 300)), line


REFUSALS = [
    (errno.EROFS, BAD, "read-only file system; name a folder that can be written"),
    (errno.EACCES, BAD, "permission denied; mind its owner and permissions"),
    (errno.ENOTDIR, BAD, "not a directory"),
    (errno.EISDIR, BAD, "is a directory"),
    (errno.ENAMETOOLONG, BAD, "file name too long"),
    (errno.ENOENT, BAD, "no such file or directory"),
    (errno.ENOSPC, NO_ROOM, "no space left on device; make room, or name a folder on another disk"),
    (errno.EDQUOT, NO_ROOM, "disk quota exceeded"),
    (errno.EMFILE, NO_ROOM, "too many open files"),
    (errno.EIO, 1, "unexpected"),
]


@pytest.mark.parametrize(("number", "code", "words"), REFUSALS, ids=[errno.errorcode[r[0]] for r in REFUSALS])
def test_what_the_file_system_refuses_is_one_line(number, code, words, place, tmp_path, monkeypatch, capsys):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("beltline.formats.atomic.os.fsync", refuse)
    got, line = run(f"data convert __/set {tmp_path}/out --to coco --copy", place, capsys)
    assert (got, words in line) == (code, True), line
    assert str(tmp_path / "out") in line
    assert capsys.readouterr().err == ""


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("beltline.formats.atomic.os.fsync", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomic(tmp_path / "a.txt", "text")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_half_copy(place, tmp_path, monkeypatch, capsys):
    def fill_up(source, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("beltline.data.annotations.set_files.shutil.copyfile", fill_up)
    got, line = run(f"data convert __/set {tmp_path}/out --to coco --copy", place, capsys)
    assert (got, "no space left" in line) == (NO_ROOM, True), line
    assert list((tmp_path / "out" / "images").iterdir()) == []


VALUES = [
    ("simulate __/s --style foo", USAGE, "--style"),
    ("simulate __/s --split foo", USAGE, "--split"),
    ("simulate __/s --classes foo", USAGE, "--classes"),
    ("simulate __/s --views 3", USAGE, "--views"),
    ("simulate __/s --scene houses", USAGE, "must be bags or electronics"),
    ("simulate __/s --scene electronics --classes gun", USAGE, "is for --scene bags"),
    ("simulate __/s --scene electronics --positives 0.1", USAGE, "is for --scene bags"),
    ("simulate __/s --twins", USAGE, "is for --scene electronics"),
    ("simulate __/s --kinds blade", USAGE, "is for --scene electronics"),
    ("simulate __/s --anomalies 0", USAGE, "is for --scene electronics"),
    ("simulate __/s --scene electronics --families car", USAGE, "one or more of laptop"),
    ("simulate __/s --scene electronics --twins --anomalies 0.3", USAGE, "must be 0.5"),
    ("simulate __/s --bags -1", USAGE, "--bags"),
    ("simulate __/s --seed -1", USAGE, "--seed"),
    ("simulate __/s --workers 0", USAGE, "--workers"),
    ("screen __/set --out __/o --pfa 7", USAGE, "--pfa"),
    ("screen __/set --out __/o --overlays gif", USAGE, "--overlays"),
    ("screen __/set --out __/o --model nobody", 4, "nobody"),
    ("data devices . --out __/s --distance foo", USAGE, "--distance"),
    ("data electronics __/s --families car", USAGE, "one or more of laptop"),
    ("data electronics __/s --styles foo", USAGE, "--styles"),
    ("data electronics __/s --in-bags 2", USAGE, "--in-bags"),
    ("data devices . --out __/s --part-mm 0", USAGE, "--part-mm"),
    ("data devices . --out __/s --families ,-", USAGE, "--families"),
    ("data shards __/s --split foo", USAGE, "--split"),
    ("data shards __/s --styles foo", USAGE, "--styles"),
    ("data shards __/s --styles white:x", USAGE, "--styles"),
    ("data shards __/s --styles white:0", USAGE, "--styles"),
    ("data shards __/s --styles white:nan", USAGE, "--styles"),
    ("data shards __/s --classes foo", USAGE, "--classes"),
    ("data shards __/s --classes ,", USAGE, "--classes"),
    ("data shards __/s --width 65", USAGE, "--width"),
    ("data clicks __/s --split foo", USAGE, "--split"),
    ("data clicks __/s --styles foo", USAGE, "--styles"),
    ("data clicks __/s --styles white:0", USAGE, "--styles"),
    ("data clicks __/s --height 65", USAGE, "--width"),
    ("data clicks __/s --twins 2", USAGE, "--twins"),
    ("data subset __/sixray --out __/o --ratio 7", USAGE, "--ratio"),
    ("data subset __/sixray --out __/o --lists foo", BAD, "foo"),
    ("data import opixray __/opixray --out __/o --part foo", BAD, "foo"),
    ("data convert __/set __/o --to foo", USAGE, "--to"),
    ("data curate __/set", USAGE, "--dry-run"),
    ("data curate __/set --out __/s --dry-run", USAGE, "--dry-run"),
    ("data curate __/set --dry-run --only foo", USAGE, "unjudged, resolution"),
    ("data curate __/set --dry-run --max-aspect nan", USAGE, "--max-aspect"),
    ("data curate __/set --dry-run --code-bits 16", USAGE, "--code-bits"),
    ("data curate __/set --dry-run --against __/set", BAD, "its own twin"),
    ("data curate __/file --dry-run", BAD, "is no folder"),
    ("data curate __/set --out __/o --min-side 5000", BAD, "no picture is left"),
    ("synthesize tip --bags __/set --threats __/lone --out __/t --style foo", USAGE, "--style"),
    ("synthesize tip --bags __/set --threats __/lone --out __/t --count 0", USAGE, "--count"),
    ("synthesize tip --bags __/set --threats __/lone --out __/t --difficulty 2", USAGE, "--difficulty"),
    ("synthesize tip --bags __/set --threats __/lone --out __/t --fusion foo", USAGE, "--fusion"),
    ("synthesize library __/set --out __/l --labels foo", BAD, ""),
    ("train detector --data __/set --out __/r --set backbone=foo", BAD, "foo"),
    ("train detector --data __/set --out __/r --set detector=foo", BAD, "foo"),
    ("train detector --data __/set --out __/r --set precision=foo", BAD, "foo"),
    ("train detector --data __/set --out __/r --set steps=0", BAD, "steps"),
    ("train detector --data __/set --out __/r --set batch_size=0", BAD, "batch_size"),
    ("train detector --data __/set --out __/r --set seed=-1", BAD, "seed"),
    ("train detector --data __/set --out __/r --set lr=-1", BAD, "lr"),
    ("train detector --data __/set --out __/r --set width=0", BAD, "width"),
    ("train detector --data __/set --out __/r --set max_minutes=0", BAD, "max_minutes"),
    ("train detector --data __/set --out __/r --set foo", BAD, "foo"),
    ("train detector --data __/set --out __/r --recipe foo", BAD, "foo"),
    ("rounds status __/set", BAD, "no project of rounds"),
    ("rounds pick __/set --weights 1,2", USAGE, "--weights"),
    ("rounds pick __/set --weights 1,1,1,-1", USAGE, "--weights"),
    ("rounds pick __/set", BAD, "no project of rounds"),
    ("rounds train __/set", BAD, "no project of rounds"),
    ("rounds promote __/set", BAD, "no project of rounds"),
    ("rounds out __/set __/o --to voc", USAGE, "--to"),
    ("rounds out __/set __/o --to coco --purpose play", USAGE, "--purpose"),
    ("rounds out __/set __/o --to coco", BAD, "no project of rounds"),
    ("rounds back __/set __/o --from voc", USAGE, "--from"),
    ("rounds back __/set __/o", BAD, "no project of rounds"),
    ("rounds freeze __/set v1 --out __/o", BAD, "no project of rounds"),
    ("rounds simulate __/r --arms best", BAD, "best"),
    ("rounds simulate __/r --bags 9 --pool 8", BAD, "pool"),
    ("reproduce sixray --out __/e --scale foo", USAGE, "--scale"),
    ("reproduce sixray --out __/e --nets foo", USAGE, "foo"),
    ("reproduce sixray --out __/e --seeds foo", USAGE, "foo"),
    ("reproduce rwsc --out __/e --scale foo", USAGE, "--scale"),
    ("reproduce xseg --out __/e --scale foo", USAGE, "--scale"),
    ("reproduce xseg --out __/e --methods foo", USAGE, "foo"),
    ("reproduce xseg --out __/e --seeds foo", USAGE, "foo"),
    ("reproduce xseg --out __/e --sam foo", BAD, "foo"),
    ("reproduce xseg --out __/e --data __/e", BAD, "no such folder"),
    ("models show nobody", 4, "nobody"),
    ("models import __/file", BAD, "file"),
    ("evaluate __/set --data __/set", BAD, "set"),
]


@pytest.mark.parametrize(("words", "code", "part"), VALUES, ids=[row[0] for row in VALUES])
def test_a_nonsense_value_is_no_defect(words, code, part, place, capsys):
    got, line = run(words, place, capsys)
    assert got == code, line
    assert part in line
    assert not any((place / name).exists() for name in ("s", "t", "r", "e"))


def test_a_recipe_file_with_nonsense_is_bad_input(place, tmp_path, capsys):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"recipe": "detector_starter", "steps": -1}))
    got, line = run(f"train detector --data __/set --out __/r --recipe {path}", place, capsys)
    assert (got, "steps must be at least 1" in line) == (BAD, True)


def test_a_model_of_nan_is_not_imported(place, tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnx")
    from tests.screening.fake_model import build

    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "own"))
    model = build(tmp_path / "nan.onnx", fault="nan")
    for words in (f"models import {model}", f"screen __/set --out {tmp_path}/o --model {model} --trust"):
        got, line = run(words, place, capsys)
        assert (got, "not finite" in line) == (BAD, True), line
    assert not (tmp_path / "own").exists()
