"""``beltline data import | verify | subset | stats`` on a fake copy: output, files, exit codes."""

import json

import pytest

from beltline.cli.app import main
from beltline.data import read_subset
from beltline.data.sixray import SixrayTraps, fake_sixray
from beltline.formats import read_set, sha256_of


@pytest.fixture
def copy(tmp_path):
    return fake_sixray(tmp_path / "copy", positives=5, negatives=60, traps=SixrayTraps(missing=0.5))


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_verify_of_half_a_copy_is_0(copy, capsys):
    code, out, err = run(capsys, "data", "verify", copy)
    assert (code, err) == (0, "")
    assert f"{copy}: SIXray, partial" in out
    assert "1,059,231" in out
    assert "30 listed images that are not on disk" in out


def test_verify_of_a_broken_copy_is_7_and_one_line(copy, capsys):
    (copy / "JPEGImage" / "N00001.jpg").write_bytes(b"")
    code, out, err = run(capsys, "data", "verify", copy, "--deep")
    assert code == 7
    assert "FAULT         1 image files of 0 bytes: JPEGImage/N00001.jpg" in out
    assert err.splitlines() == [f"beltline: {copy}: 1 image files of 0 bytes"]


def test_verify_as_json(copy, capsys):
    code, out, _ = run(capsys, "data", "verify", copy, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["ok"] is True
    assert answer["on_disk"]["negative"] == 30


def test_verify_of_something_else_is_3(tmp_path, capsys):
    code, out, err = run(capsys, "data", "verify", tmp_path)
    assert (code, out) == (3, "")
    assert len(err.splitlines()) == 1


def test_subset_prints_the_ratio_and_writes_lists(copy, tmp_path, capsys):
    code, out, err = run(
        capsys, "data", "subset", copy, "--ratio", 10, "--out", tmp_path / "ten", "--seed", 3
    )
    assert code == 0
    assert "30 negatives are there, 50 wanted: SIXray10 is 1:6.0 here" in err
    assert "1 positive to 6.0 negatives" in out
    assert sha256_of(tmp_path / "ten" / "train.csv")[:12] in out
    assert len(read_subset(tmp_path / "ten", "train")) + len(read_subset(tmp_path / "ten", "test")) == 35


def test_a_complete_subset_says_nothing_on_stderr(copy, tmp_path, capsys):
    code, out, err = run(
        capsys, "data", "subset", copy, "--ratio", 10, "--out", tmp_path / "ten", "--listed", "--json"
    )
    card = json.loads(out)
    assert (code, err) == (0, "")
    assert (card["achieved_ratio"], card["complete"]) == (10, True)


def test_published_lists_are_taken_by_name(copy, tmp_path, capsys):
    code, out, err = run(capsys, "data", "subset", copy, "--lists", "10", "--out", tmp_path / "ten")
    assert code == 0
    assert "30 negatives are there, 60 wanted: published lists 10 is 1:6.0 here" in err
    assert "published lists 10, 1 positive to 6.0 negatives" in out


def test_another_ratio_is_wrong_usage(copy, tmp_path, capsys):
    assert run(capsys, "data", "subset", copy, "--ratio", 50, "--out", tmp_path / "x")[0] == 2


def test_stats_writes_three_files(copy, tmp_path, capsys):
    code, out, _ = run(capsys, "data", "stats", copy, "--out", tmp_path / "stats")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "stats").iterdir()) == ["boxes.csv", "stats.json", "stats.png"]
    assert "boxes" in out
    code, out, _ = run(capsys, "data", "stats", copy, "--out", tmp_path / "stats", "--json")
    assert json.loads(out) == json.loads((tmp_path / "stats" / "stats.json").read_text())


def test_import_makes_a_set(copy, tmp_path, capsys):
    code, out, _ = run(capsys, "data", "import", "sixray", copy, "--out", tmp_path / "set")
    assert code == 0
    assert "35 of 65 listed images" in out
    assert len(read_set(tmp_path / "set")) == 35


def test_import_leaves_damaged_images_out_with_6(copy, tmp_path, capsys):
    (copy / "JPEGImage" / "N00001.jpg").write_bytes(b"")
    code, out, err = run(
        capsys, "data", "import", "sixray", copy, "--out", tmp_path / "set", "--copy", "--json"
    )
    assert code == 6
    assert json.loads(out)["counts"]["images"] == 34
    assert "N00001.jpg: empty file" in err


def test_import_of_an_unknown_set_is_wrong_usage(copy, tmp_path, capsys):
    assert run(capsys, "data", "import", "cifar", copy, "--out", tmp_path / "set")[0] == 2


def test_python_is_ten_lines(copy, tmp_path):
    from beltline.data import build_subset, read_index, to_image_list, verify, write_subset

    assert not verify(copy).faults
    index = read_index(copy)
    subset = build_subset(index, 10, seed=0)
    write_subset(tmp_path / "ten", index, subset)
    assert to_image_list(index, subset.test).files == read_subset(tmp_path / "ten", "test").files
