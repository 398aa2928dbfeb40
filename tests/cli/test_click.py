"""`beltline click`: the mask as a picture, the facts as JSON, and one line for each thing that is wrong."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import Masks
from beltline.core.polygons import drawn_polygons
from beltline.formats import read_scan, write_png


def module(name: str) -> ModuleType:
    source = Path(__file__).parent.parent / "screening" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None
    assert spec.loader is not None
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    return fake


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = module("fake_click").build(tmp_path_factory.mktemp("model") / "fake-click.onnx")
    return ["--model", str(path), "--trust"]


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[10:110, 10:150] = 220
    picture[40:80, 50:110] = 60
    picture[95:105, 20:40] = 60
    write_png(tmp_path / "bag.png", picture)
    return tmp_path / "bag.png"


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> dict[str, Any]:
    assert main(["click", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_mask_and_facts(bag, tmp_path, trusted, capsys):
    out = tmp_path / "mask.png"
    facts = run(capsys, bag, "--at", "80,60", "--out", out, *trusted)
    drawn = read_scan(out).pixels
    assert drawn.shape == (1, 120, 160)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    mask = drawn[0] > 0
    assert np.array_equal(Masks.from_coco([facts["segmentation"]], (120, 160))[0], mask)
    assert facts["area"] == mask.sum()
    assert facts["box"] == pytest.approx([50, 40, 110, 80], abs=3)
    assert (facts["which"], facts["quality"]) == ("object", 0.8)
    assert set(facts["candidates"]) == {"part", "object", "group"}
    assert facts["model"]["name"] == "fake-click"
    assert facts["ms"] > 0
    assert "polygons" not in facts


def test_without_json_one_line(bag, tmp_path, trusted, capsys):
    out = tmp_path / "mask.png"
    assert main(["click", str(bag), "--at", "80,60", "--out", str(out), *trusted]) == 0
    text, err = capsys.readouterr()
    assert text.count("\n") == 1
    assert text.startswith("object: ")
    assert "expected IoU 0.80" in text
    assert err == ""


def test_polygons_of_few_points_and_their_price(bag, tmp_path, trusted, capsys):
    out = tmp_path / "mask.png"
    assert main(["click", str(bag), "--at", "80,60", "--out", str(out), "--polygon", *trusted]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["polygon"]["points"] == sum(len(ring) for part in facts["polygons"] for ring in part) <= 200
    mask = read_scan(out).pixels[0] > 0
    drawn = drawn_polygons(facts["polygons"], mask.shape)
    assert facts["polygon"]["iou"] == pytest.approx((drawn & mask).sum() / (drawn | mask).sum(), abs=1e-4)


def test_a_given_mask_changes_only_around_the_clicks(bag, tmp_path, trusted, capsys):
    given = np.zeros((120, 160), np.uint8)
    given[40:80, 50:80] = given[15:30, 100:140] = 255  # a half of it, and something else
    write_png(tmp_path / "given.png", given)
    out = tmp_path / "mask.png"
    facts = run(capsys, bag, "--at", "100,60", "--mask", tmp_path / "given.png", "--out", out, *trusted)
    mask = read_scan(out).pixels[0] > 0
    assert mask[60, 100]
    assert np.array_equal(mask[:36], given[:36] > 0)
    assert facts["changed_px"] == (mask != (given > 0)).sum() > 0


def test_a_box_alone_and_a_click_beside(bag, tmp_path, trusted, capsys):
    out = tmp_path / "mask.png"
    assert run(capsys, bag, "--box", "45,35,115,85", "--out", out, *trusted)["box"] == pytest.approx(
        [50, 40, 110, 80], abs=3
    )
    less = run(capsys, bag, "--at", "60,60", "--not", "105,60", "--out", out, *trusted)
    assert not read_scan(out).pixels[0, 60, 105]
    whole = run(capsys, bag, "--at", "60,60", "--out", out, *trusted)
    assert read_scan(out).pixels[0, 60, 105]
    assert less["area"] < whole["area"]


def test_the_overlay_shows_outline_and_clicks(bag, tmp_path, trusted, capsys):
    seen = tmp_path / "seen.png"
    words = ["--at", "80,60", "--not", "30,100", "--out", tmp_path / "mask.png", "--overlay", seen]
    run(capsys, bag, *words, *trusted)
    picture = (read_scan(seen).pixels * 255).round().astype(int)
    assert picture.shape == (3, 120, 160)
    magenta = (picture[0] > 180) & (picture[1] < 60) & (picture[2] < 140)
    assert magenta[38:43, 60:100].any(axis=0).all()  # the upper edge
    assert magenta[60, 80]
    assert magenta[100, 30]
    assert not magenta[55, 60]  # inside nothing is drawn


def test_nothing_found_is_said(bag, tmp_path, trusted, capsys):
    assert main(["click", str(bag), "--at", "130,100", "--out", str(tmp_path / "m.png"), *trusted]) == 0
    text, err = capsys.readouterr()
    assert "0 px nowhere" in text
    assert "nothing found there; click elsewhere" in err
    assert read_scan(tmp_path / "m.png").pixels.max() == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "expected a click on the object, a box or a mask"),
        (["--not", "5,5"], 2, "expected a click on the object, a box or a mask"),
        (["--at", "80"], 2, "must be X,Y in pixels, got '80'"),
        (["--at", "80,six"], 2, "must be X,Y in pixels"),
        (["--at", "nan,6"], 2, "must be X,Y in pixels"),
        (["--at", "160,6"], 2, "click 160,6 lies outside the scan of 160 x 120 pixels"),
        (["--not", "-1,6", "--at", "80,60"], 2, "click -1,6 lies outside the scan"),
        (["--box", "1,2,3"], 2, "must be X1,Y1,X2,Y2 in pixels"),
        (["--box", "50,50,20,20"], 2, "holds nothing of the scan"),
        (["--at", "80,60", "--which", "all"], 2, "must be one of part, object, group, surest, got 'all'"),
        (["--at", "80,60", "--overlay", "seen.jpg"], 2, "must be named .png, got 'seen.jpg'"),
        (
            ["--at", "80,60", "--mask", "small.png"],
            3,
            "a mask of 16 x 12 pixels, expected the scan's 160 x 120",
        ),
        (["--at", "80,60", "--mask", "gone.png"], 3, "gone.png"),
        (["--at", "80,60", "--mask", "text.png"], 3, "text.png"),
    ],
)
def test_bad_input_is_one_line(bag, tmp_path, trusted, capsys, monkeypatch, words, code, says):
    monkeypatch.chdir(tmp_path)
    write_png("small.png", np.zeros((12, 16), np.uint8))
    Path("text.png").write_text("no picture")
    assert main(["click", "bag.png", *words, "--out", "mask.png", *trusted]) == code
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not Path("mask.png").exists()


def test_files_are_not_mixed_up(bag, tmp_path, trusted, capsys):
    def code(*words: Any) -> int:
        return main(["click", *map(str, words), *trusted])

    at = ("--at", "80,60")
    assert code(bag, *at, "--out", bag) == 2
    assert code(bag, *at, "--out", tmp_path / "m.png", "--overlay", tmp_path / "m.png") == 2
    assert code(bag, *at, "--out", tmp_path / "mask.tif") == 2
    assert code(tmp_path, *at, "--out", tmp_path / "m.png") == 3  # a folder
    assert code(tmp_path / "gone.png", *at, "--out", tmp_path / "m.png") == 3
    write_png(tmp_path / "tiny.png", np.zeros((4, 4, 3), np.uint8))
    assert code(tmp_path / "tiny.png", "--at", "1,1", "--out", tmp_path / "m.png") == 3
    assert not (tmp_path / "m.png").exists()
    assert read_scan(bag).width == 160


def test_models_that_cannot_click(bag, tmp_path, capsys, monkeypatch):
    out = ["--at", "80,60", "--out", str(tmp_path / "m.png")]
    monkeypatch.setattr("beltline.screening.clicker.DEFAULT_CLICKER", "none-click")
    assert main(["click", str(bag), *out]) == 5
    assert "none-click is not part of this build" in capsys.readouterr().err
    assert main(["click", str(bag), *out, "--model", "starter-chr-3"]) == 3
    assert "cuts nothing out, it is for classification" in capsys.readouterr().err
    unknown = module("fake_click").build(tmp_path / "unknown.onnx")
    assert main(["click", str(bag), *out, "--model", str(unknown)]) == 4
