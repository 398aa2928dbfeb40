"""``beltline data curate``: what it prints, writes and does not write."""

import json

import cv2
import numpy as np
import pytest
from tests.data.curate.drawn import bag, write, write_bags

from beltline.cli.app import main
from beltline.formats import read_set


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def heap(tmp_path):
    write_bags(tmp_path / "in", 5)
    write(tmp_path / "in/small.png", bag(50)[:150])
    write(tmp_path / "in/black.png", np.zeros((240, 320, 3), np.uint8))
    write(tmp_path / "in/twice.png", cv2.resize(bag(3)[:, ::-1], None, fx=0.9, fy=0.9))
    (tmp_path / "in/broken.png").write_bytes(b"x")
    return tmp_path


def test_a_dry_run_tells_and_writes_nothing(heap, capsys):
    before = sorted(heap.rglob("*"))
    code, out, _ = run(capsys, "data", "curate", heap / "in", "--dry-run")
    assert code == 0
    assert f"{heap / 'in'}: 9 pictures, 5 kept, 4 left out" in out
    for reason in ("unreadable", "unjudged", "resolution", "duplicate"):
        assert f"         1 {reason}" in out
    assert "at least 200 px" in out
    assert sorted(heap.rglob("*")) == before


def test_out_makes_a_set_and_the_same_again_changes_nothing(heap, capsys):
    words = ("data", "curate", heap / "in", "--out", heap / "out")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert f"{heap / 'out'}: a set of 5; {heap / 'out/report.html'} shows what was left out" in out
    assert len(read_set(heap / "out")) == 5
    assert {path.name for path in (heap / "out").iterdir()} == {
        "images", "annotations.json", "labels.csv", "card.json", "plan.json", "curation.json", "curation.csv",
        "report.html",
    }  # fmt: skip
    card = (heap / "out/card.json").read_bytes()
    assert run(capsys, *words)[0] == 0
    assert (heap / "out/card.json").read_bytes() == card
    code, out, err = run(capsys, *words, "--min-side", 10)
    assert (code, out) == (3, "")
    assert "name a new folder" in err.splitlines()[-1]


def test_only_duplicates_of_another_set_as_json(heap, capsys):
    write(heap / "test/x.png", bag(1)[2:])
    words = ("--only", "duplicate", "--against", heap / "test", "--json")
    code, out, _ = run(capsys, "data", "curate", heap / "in", "--dry-run", *words)
    assert code == 0
    told = json.loads(out)
    assert told["rule"]["only"] == ["duplicate"]
    assert {(row["file"], row["twin"]) for row in told["rejected"] if row["reason"] == "duplicate"} == {
        ("bag01.png", "x.png"), ("twice.png", "bag03.png"),
    }  # fmt: skip
    assert told["counts"]["unreadable"] == 1
