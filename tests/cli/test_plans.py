"""No verb mixes another plan into a folder: seed, split, style, classes and sources are refused by name."""

import json
import shutil

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import STARTER_CLASSES
from beltline.data.public import fake_public_set
from beltline.data.sixray import fake_sixray
from beltline.formats import encode_tiff
from beltline.formats.click_shards import open_click_shards
from beltline.simulate import dataset
from beltline.simulate.library import bake_library


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def files(root):
    """Every file but the report of the last run, with its bytes."""
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refused(capsys, folder, parts, *words):
    """The command ends with 3 and one line that names all parts, and touches nothing."""
    before = files(folder)
    code, out, err = run(capsys, *words)
    assert code == 3, (out, err)
    assert len(err.splitlines()) == 1
    for part in (*parts, "name a new folder"):
        assert part in err
    assert files(folder) == before


@pytest.fixture(scope="module")
def bags(tmp_path_factory):
    """One simulated bag of seed 1."""
    out = tmp_path_factory.mktemp("plans") / "bags"
    assert main(["simulate", str(out), "--bags", "1", "--seed", "1", "--pixel-mm", "8"]) == 0
    return out


SIMULATE = ("--bags", 1, "--seed", 1, "--pixel-mm", 8)


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        (("--seed", 2), ["seed was 1, now 2"]),
        (("--split", "test"), ["recipe.split was train, now test"]),
        (("--style", "white", "--positives", 1), ["style was any, now white", "positives was 0.5, now 1.0"]),
        (("--classes", "gun"), ["recipe.classes was", 'now ["gun"]']),
        (
            ("--pixel-mm", 4, "--views", 2),
            ["scanner.pixel_mm was 8.0, now 4.0", "scanner.views was 1, now 2"],
        ),
    ],
)
@pytest.mark.parametrize("older", [False, True])
def test_simulate_refuses_another_plan(bags, tmp_path, capsys, other, parts, older):
    out = shutil.copytree(bags, tmp_path / "set")
    if older:  # finished before plans were kept
        (out / "plan.json").unlink()
    refused(capsys, out, parts, "simulate", out, *SIMULATE, *other)


def test_a_run_killed_in_its_first_bags_is_guarded(tmp_path, capsys, monkeypatch):
    out, made = tmp_path / "set", []

    def killed(root, plan, index):
        made.append(json.loads((root / "plan.json").read_text())["seed"])
        if len(made) == 2:
            raise KeyboardInterrupt
        return write_bag(root, plan, index)

    write_bag = dataset._write_bag
    monkeypatch.setattr(dataset, "_write_bag", killed)
    assert run(capsys, "simulate", out, *SIMULATE, "--bags", 2)[0] == 130
    monkeypatch.undo()
    assert made == [1, 1]
    assert not (out / "card.json").exists()
    refused(capsys, out, ["seed was 1, now 2"], "simulate", out, *SIMULATE, "--bags", 2, "--seed", 2)


def test_a_set_may_grow_and_its_card_says_so_but_not_shrink(bags, tmp_path, capsys):
    out = shutil.copytree(bags, tmp_path / "set")
    assert run(capsys, "simulate", out, *SIMULATE, "--bags", 2)[0] == 0
    card = json.loads((out / "card.json").read_text())
    assert (card["bags"], card["counts"]["images"]) == (2, 2)
    refused(capsys, out, ["1 items more than the 1 asked for"], "simulate", out, *SIMULATE)


def test_simulate_leaves_other_folders_alone(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    refused(capsys, tmp_path, ["something else than a set"], "simulate", tmp_path, *SIMULATE)


@pytest.fixture(scope="module")
def lone(tmp_path_factory):
    """Two benign bags and a knife over air."""
    root = tmp_path_factory.mktemp("tip")
    for name in ("bags", "others", "lone/knife"):
        (root / name).mkdir(parents=True)
    for number in range(2):
        bag = np.ones((160, 200), np.float32)
        bag[10:150, 15:185] = 0.6
        bag[40:100, 30 : 120 + 20 * number] *= 0.7
        for name in ("bags", "others")[: 2 - number]:
            data = encode_tiff(bag, np.sqrt(bag), pixel_mm=1.0)
            (root / name / f"b{number}.tif").write_bytes(data)
    item = np.ones((50, 90), np.float32)
    item[12:22, 12:70] = 0.4
    (root / "lone/knife/0.tif").write_bytes(encode_tiff(item, np.sqrt(item), pixel_mm=1.0))
    return root


def test_tip_refuses_another_plan_other_bags_and_other_threats(lone, tmp_path, capsys):
    out = tmp_path / "set"
    words = ("synthesize", "tip", "--bags", lone / "bags", "--threats", lone / "lone", "--out", out,
             "--count", 1, "--benign", 1, "--gate", 0)  # fmt: skip
    assert run(capsys, *words)[0] == 0
    assert run(capsys, *words)[0] == 0
    other = ("--seed", 3, "--style", "tray", "--difficulty", "0:0.5")
    parts = [
        "plan.seed was 0, now 3",
        "style was white, now tray",
        "difficulty was [0.0, 0.8], now [0.0, 0.5]",
    ]
    refused(capsys, out, parts, *words, *other)
    refused(capsys, out, ["bags was 2 scans", "now 1 scans"], *words, "--bags", lone / "others")
    refused(capsys, out, ["pixel_mm was [], now [2.0]"], *words, "--pixel-mm", 2)
    more = shutil.copytree(lone / "lone", tmp_path / "more")
    shutil.copy(more / "knife" / "0.tif", more / "knife" / "1.tif")
    refused(capsys, out, ["threats was 1 exemplars", "now 2 exemplars"], *words, "--threats", more)
    # a benign scan of the shorter set would stay between the longer set's threats
    refused(capsys, out, ["1 items more than the 3 asked for, first bag_000001"], *words, "--count", 2)
    assert run(capsys, *words, "--benign", 2)[0] == 0


def test_library_refuses_another_plan_and_takes_nothing_twice(bags, tmp_path, capsys):
    found = tmp_path / "set"
    simulate = ("simulate", found, "--bags", 1, "--seed", 3, "--pixel-mm", 4, "--positives", 1)
    assert run(capsys, *simulate)[0] == 0
    out = tmp_path / "threats"
    words = ("synthesize", "library", found, "--out", out, "--clutter", 9)
    assert run(capsys, *words)[0] == 0
    first = files(out)
    assert run(capsys, *words)[0] == 0
    assert files(out) == first
    refused(capsys, out, ["clutter was 9.0, now 0.5"], *words, "--clutter", 0.5)
    annotations = json.loads((found / "annotations.json").read_text())
    for record in annotations["images"]:
        record["split"] = "test"
    (found / "annotations.json").write_text(json.dumps(annotations))
    refused(capsys, out, ["split was train, now test"], *words)
    # a library of an earlier version has no plan: it goes on, and has one from then on
    (out / "plan.json").unlink()
    assert run(capsys, *words)[0] == 0
    refused(capsys, out, ["clutter was 9.0, now 0.5"], *words, "--clutter", 0.5)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    bake_library(root, seed=1, split="train", pixel_mm=5.0, each=1, threats_each=1)
    return root


def test_shards_refuse_another_plan(library, tmp_path, capsys):
    out = tmp_path / "shards"
    words = ("data", "shards", out, "--library", library, "--pixel-mm", 5, "--shards", 1, "--count", 2,
             "--width", 96, "--height", 64, "--classes", "gun,knife", "--seed", 1)  # fmt: skip
    assert run(capsys, *words)[0] == 0
    refused(capsys, out, ["classes gun,knife, now knife,gun"], *words, "--first", 1, "--classes", "knife,gun")
    other = ("--seed", 2, "--styles", "white", "--count", 3)
    parts = ["seed was 1, now 2", "plan.styles was", "plan.count was 2, now 3"]
    refused(capsys, out, parts, *words, "--first", 1, *other)
    assert run(capsys, *words, "--first", 1)[0] == 0
    code, _, err = run(capsys, *words, "--split", "test", "--pixel-mm", 4)
    assert code == 3
    assert "split was train, now test; pixel_mm was 5.0, now 4.0" in err
    (out / "plan.json").unlink()  # shards of an earlier version: nobody knows their seed
    refused(capsys, out, ["something else than a set"], *words, "--first", 2)


def test_click_shards_are_made_and_go_on_with_the_same_plan_only(library, tmp_path, capsys):
    out = tmp_path / "clicks"
    words = ("data", "clicks", out, "--library", library, "--pixel-mm", 5, "--shards", 1, "--count", 2,
             "--width", 160, "--height", 112, "--seed", 1)  # fmt: skip
    code, printed, err = run(capsys, *words)
    assert code == 0, err
    made = open_click_shards(out)
    assert len(made) == 2
    assert printed.splitlines()[-1] == (
        f"objects to click: {len(made.objects)}, prohibited {made.objects['threat'].sum()}"
    )
    parts = ["seed was 1, now 2", "plan.twins was 0.25, now 0"]
    refused(capsys, out, parts, *words, "--first", 1, "--seed", 2, "--twins", 0)
    assert run(capsys, *words, "--first", 1)[0] == 0
    assert len(open_click_shards(out)) == 4


def test_a_baked_library_is_not_taken_for_another(library, tmp_path, capsys):
    """Without --library its options are those of this call: they were passed over in silence."""
    shutil.copytree(library, tmp_path / "shards-library")
    words = ("data", "shards", tmp_path / "shards", "--pixel-mm", 5, "--seed", 2, "--each", 3,
             "--threats-each", 1)  # fmt: skip
    code, _, err = run(capsys, *words)
    assert code == 3
    assert "seed was 1, now 2; each was 1, now 3; give its options" in err


def test_shards_count_their_exemplars_and_draw_what_is_asked_for_more_often(library, tmp_path, capsys):
    words = ("data", "shards", tmp_path / "shards", "--library", library, "--pixel-mm", 5, "--shards", 1,
             "--count", 2, "--width", 96, "--height", 64, "--classes", "gun,bat,power_bank,bat")  # fmt: skip
    code, out, _ = run(capsys, *words, "--often", "baton,bat")
    assert code == 0
    assert out.splitlines()[-1] == "exemplars: gun 2, baton 2, battery 3"
    recipe = json.loads((tmp_path / "shards/plan.json").read_text())["recipe"]
    assert recipe["classes"] == ["gun", "baton", "battery", "baton", "baton"]
    code, _, err = run(capsys, *words, "--often", "gun,knife")
    assert code == 2
    assert "must be among the classes, got knife" in err


def test_the_default_library_of_shards_is_balanced(tmp_path, capsys):
    words = ("data", "shards", tmp_path / "shards", "--pixel-mm", 9, "--shards", 1, "--count", 1,
             "--width", 96, "--height", 64, "--each", 1, "--per-class", 2)  # fmt: skip
    code, out, err = run(capsys, *words)
    assert code == 0, err
    found = dict(item.rsplit(" ", 1) for item in out.splitlines()[-1].removeprefix("exemplars: ").split(", "))
    assert tuple(found) == STARTER_CLASSES
    assert {name: found[name] for name in ("gun", "hammer", "dart")} == dict.fromkeys(
        ("gun", "hammer", "dart"), "2"
    )
    code, _, err = run(capsys, *words[:-2], "--threats-each", 2)
    assert code == 3
    assert "threats_each was null, now 2" in err


def test_imports_refuse_another_part_source_or_names(tmp_path, capsys):
    root = fake_public_set("pidray", tmp_path / "copy", each=1)
    words = ("data", "import", "pidray", root, "--out", tmp_path / "set", "--part", "train")
    assert run(capsys, *words)[0] == 0
    parts = ["part was train, now hidden", "names was taxonomy, now published"]
    refused(capsys, tmp_path / "set", parts, *words, "--part", "hidden", "--names", "published")
    assert run(capsys, *words)[0] == 0
    sixray = fake_sixray(tmp_path / "six", positives=5, negatives=20)
    words = ("data", "import", "sixray", sixray)
    refused(capsys, tmp_path / "set", ["kind was pidray, now sixray"], *words, "--out", tmp_path / "set")
    assert run(capsys, *words, "--out", tmp_path / "six-set", "--positive")[0] == 0
    refused(capsys, tmp_path / "six-set", ["only_positive was true, now false"], *words, "--out",
            tmp_path / "six-set")  # fmt: skip


def test_subsets_refuse_another_draw(tmp_path, capsys):
    root, out = fake_sixray(tmp_path / "six", positives=5, negatives=60), tmp_path / "ten"
    words = ("data", "subset", root, "--out", out, "--ratio", 10)
    assert run(capsys, *words)[0] == 0
    assert run(capsys, *words)[0] == 0
    parts = ["seed was 0, now 1", "test_share was 0.2, now 0.4"]
    refused(capsys, out, parts, *words, "--seed", 1, "--test-share", 0.4)


@pytest.mark.parametrize("name", ["sixray", "pidray"])
def test_a_fake_is_not_written_over_another(tmp_path, capsys, name):
    words = ("data", "fake", name, tmp_path / "copy", "--each", 2)
    assert run(capsys, *words)[0] == 0
    refused(capsys, tmp_path / "copy", ["holds something already"], *words, "--each", 1)
