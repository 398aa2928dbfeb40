"""``beltline data fake | verify | import`` for every public set: output, files, exit codes."""

import json

import pytest

from beltline.cli.app import main
from beltline.formats import read_set


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def copy(tmp_path, capsys):
    assert run(capsys, "data", "fake", "opixray", tmp_path / "copy", "--each", 3)[0] == 0
    return tmp_path / "copy"


def test_verify_prints_published_counts_and_marks_recalled_ones(copy, capsys):
    code, out, err = run(capsys, "data", "verify", "opixray", copy)
    assert (code, err) == (0, "")
    assert "OPIXray, partial (ACM MM 2020)" in out
    assert "7,109\n" in out
    assert "548*" in out
    assert "* recalled, not read at the source" in out


def test_a_fault_is_7_and_one_line(copy, capsys):
    (copy / "test/test_image/100001.jpg").write_bytes(b"")
    code, _, err = run(capsys, "data", "verify", "OPIXray", copy, "--deep")
    assert code == 7
    assert err.splitlines() == [f"beltline: {copy}: 1 image files of 0 bytes"]


def test_verify_as_json(copy, capsys):
    code, out, _ = run(capsys, "data", "verify", "opixray", copy, "--json")
    assert code == 0
    assert json.loads(out)["on_disk"] == {"all": 6, "train": 3, "test": 3, "OL1": 1, "OL2": 1, "OL3": 1}


def test_import_of_a_part(copy, tmp_path, capsys):
    out = tmp_path / "set"
    code, printed, _ = run(capsys, "data", "import", "opixray", copy, "--out", out, "--part", "OL2")
    assert code == 0
    assert printed == f"{out}: 1 of 6 listed images, 2 boxes\n"
    assert len(read_set(out)) == 1


def test_a_damaged_image_is_6(copy, tmp_path, capsys):
    (copy / "train/train_image/000002.jpg").write_bytes(b"no image")
    code, _, err = run(capsys, "data", "import", "opixray", copy, "--out", tmp_path / "set")
    assert code == 6
    assert "1 damaged images left out, first train/train_image/000002.jpg: neither JPEG nor PNG" in err


@pytest.mark.parametrize("words", [
    ("import", "cifar", "x", "--out", "y"), ("verify", "cifar", "x"),
    ("verify", "opixray"), ("fake", "cifar", "x"),
    ("import", "opixray", "x", "--out", "y", "--names", "mine"),
    ("import", "opixray", "x", "--out", "y", "--positive"),
    ("import", "sixray", "x", "--out", "y", "--part", "train"),
    ("convert", "x", "y", "--to", "coco", "--from", "z"),
])  # fmt: skip
def test_wrong_usage_is_2(words, capsys):
    code, _, err = run(capsys, "data", *words)
    assert code == 2
    assert len(err.splitlines()) >= 1


def test_another_folder_is_3(tmp_path, capsys):
    code, out, err = run(capsys, "data", "verify", "gdxray", tmp_path)
    assert (code, out) == (3, "")
    assert len(err.splitlines()) == 1


def test_a_fake_of_sixray_is_verified_by_its_own_reader(tmp_path, capsys):
    assert run(capsys, "data", "fake", "sixray", tmp_path / "six")[0] == 0
    code, out, _ = run(capsys, "data", "verify", "sixray", tmp_path / "six")
    assert code == 0
    assert "1,059,231" in out
