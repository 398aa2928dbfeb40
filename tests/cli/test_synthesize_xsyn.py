"""``beltline synthesize xsyn``: a tiny trained painter, whole sets, what is refused, one line each."""

import json

import numpy as np
import pytest
from tests.tiny_painter import tiny_painter

from beltline.cli.app import main
from beltline.core import Instances
from beltline.formats import SetWriter, encode_tiff, read_set, verify_set, write_png
from beltline.models.gligen_folder import save_gligen
from beltline.models.gligen_tiny import gligen_tiny
from beltline.physics import colorize

QUICK = ("--steps", 2, "--count", 2, "--classes", "gun,knife", "--tries", 8)


def bag(number):
    rng = np.random.default_rng(number)
    depth = np.zeros((2, 160, 200), np.float32)
    depth[:, 10:150, 12:188] = 0.3
    for _ in range(5):
        y, x = int(rng.integers(16, 90)), int(rng.integers(16, 120))
        depth[:, y : y + 34, x : x + 40] += 0.25
    return np.exp(-depth).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two painters, and three bags in two energies, in colour and in grey."""
    root = tmp_path_factory.mktemp("xsyn")
    tiny_painter(root)
    (root / "colour").mkdir()
    tiny_painter(root / "colour", channels=3, recipe="xsyn_painter")
    for name in ("bags", "pictures", "grey"):
        (root / name).mkdir()
    for number in range(3):
        planes = bag(number)
        (root / "bags" / f"b{number}.tif").write_bytes(encode_tiff(*planes, pixel_mm=1.0))
        write_png(root / "pictures" / f"b{number}.png", colorize(*planes))
        write_png(root / "grey" / f"b{number}.png", np.round(255 * planes[0]).astype(np.uint8))
    return root


def run(capsys, *words):
    code = main(["synthesize", "xsyn", *(str(word) for word in words)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("bags", "model"),
    [
        ("bags", "painter"),
        ("pictures", "painter"),
        ("pictures", "colour/painter"),
        ("bags", "colour/painter"),
    ],
)
def test_a_set_is_painted_in_every_domain(folder, tmp_path, capsys, bags, model):
    out = tmp_path / "set"
    words = ("--bags", folder / bags, "--model", folder / model, "--out", out, *QUICK, "--benign", 1)
    code, said, err = run(capsys, *words, "--json")
    assert code == 0, err
    card = json.loads(said)
    assert card["counts"] == {"images": 3, "annotations": 2, "positives": 2}
    assert card["thrown_away"] >= 0
    assert card["model"]["name"] == "painter"
    assert card["plan"]["classes"] == ["gun", "knife"]
    assert verify_set(out) == []
    made = read_set(out)
    assert ("raw" in made.records[1]) == ((bags, model) == ("bags", "painter"))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, said, _ = run(capsys, *words)
    assert code == 0
    assert "3 scans, 2 threats, 2 positive" in said
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_detector_opens_the_set(folder, tmp_path, capsys):
    out = tmp_path / "set"
    assert run(capsys, "--bags", folder / "bags", "--model", folder / "painter", "--out", out, *QUICK)[0] == 0
    sizes = ["--set", "detector=FCOS small", "--set", "steps=1", "--set", "batch_size=2"]
    words = ["train", "detector", "--data", str(out), "--out", str(tmp_path / "run"), *sizes]
    assert main([*words, "--set", "long_side=128"]) == 0, capsys.readouterr().err


def test_boxes_repainting_and_projections(folder, tmp_path, capsys):
    common = ("--model", folder / "painter", *QUICK, "--car", "off", "--occlusion", "latent")
    coco = {
        "categories": [{"id": 7, "name": "Gun"}],
        "images": [{"id": 1, "file_name": "b1.tif", "width": 200, "height": 160}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [30, 40, 60, 50]}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(coco))
    first = tmp_path / "first"
    words = ("--bags", folder / "bags", "--boxes", tmp_path / "boxes.json", "--out", first)
    assert run(capsys, *words, *common)[0] == 0
    assert [items[0]["bbox"] for items in read_set(first).annotations] == [[30, 40, 60, 50]] * 2
    second = tmp_path / "second"
    assert run(capsys, "--bags", first, "--repaint", "--out", second, *common)[0] == 0
    assert [record["bag"] for record in read_set(second).records] == ["xsyn_000000", "xsyn_000001"]
    third = tmp_path / "third"
    assert run(capsys, "--bags", first, "--onto", "all", "--out", third, *common)[0] == 0
    assert {len(items) for items in read_set(third).annotations} == {2}
    item = np.ones((2, 50, 60), np.float32)
    item[:, 14:34, 12:40] = 0.4
    (tmp_path / "lone" / "gun").mkdir(parents=True)
    (tmp_path / "lone" / "gun" / "0.tif").write_bytes(encode_tiff(*item, pixel_mm=1.0))
    fourth = tmp_path / "fourth"
    words = (
        "--bags",
        folder / "bags",
        "--from-threats",
        tmp_path / "lone",
        "--strength",
        0.5,
        "--out",
        fourth,
    )
    assert run(capsys, *words, *common, "--steps", 4)[0] == 0
    assert {item["label"] for items in read_set(fourth).annotations for item in items} == {"gun"}


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("--classes", "axe"), 2, "paints gun, knife, got axe"),
        (("--model", "nothing"), 3, "expected the run folder of a painter"),
        (("--bags", "nowhere"), 3, "nowhere"),
        (("--bags", "{folder}/grey"), 3, "a grey scan shows no materials"),
        (("--repaint",), 3, "no annotations.json"),
        (("--repaint", "--boxes", "b.json"), 2, "give one"),
        (("--repaint", "--onto", "all"), 2, "is for threats that are added"),
        (("--repaint", "--car", "change"), 2, "not told by change"),
        (("--boxes", "missing.json"), 3, "missing.json"),
        (("--count", 0), 2, "at least 1"),
        (("--style", "pink"), 2, "style must be"),
        (("--guidance", 0.5), 2, "guidance"),
        (("--occlusion", "some"), 2, "occlusion"),
        (("--strength", 0.5), 2, "counts with --from-threats alone"),
        (("--occlusion", "off", "--alpha", 0.5), 2, "counts with an --occlusion alone"),
        (("--from-threats", "nothing"), 3, "nothing"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, tmp_path, capsys, words, code, part):
    given = {"--bags": folder / "bags", "--model": folder / "painter", "--out": tmp_path / "set"}
    shown = [str(word).replace("{folder}", str(folder)) for word in words]
    common = [part for option, value in given.items() if option not in shown for part in (option, value)]
    found, _, err = run(capsys, *common, *shown)
    assert found == code, err
    assert part in " ".join(err.split())
    assert "Traceback" not in err
    assert not (tmp_path / "set" / "card.json").exists()


def test_a_missing_extra_is_one_line(folder, tmp_path, capsys, monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("beltline.s") and "diffusion" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    monkeypatch.setitem(sys.modules, "diffusers.schedulers", None)
    words = ("--bags", folder / "bags", "--model", folder / "painter", "--out", tmp_path / "set")
    code, _, err = run(capsys, *words)
    assert code == 5
    assert "pip install 'beltline[diffusion]'" in err
    assert len(err.splitlines()) == 1


def test_an_imported_gligen_repaints_a_set(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    save_gligen(gligen_tiny(), tmp_path / "gligen")
    assert main(["models", "import", str(tmp_path / "gligen"), "--name", "mine"]) == 0
    capsys.readouterr()
    planes = bag(0)
    writer = SetWriter(tmp_path / "set", classes=("gun",))
    known = Instances(np.array([[40, 40, 90, 90]], np.float32), ("gun",))
    writer.add("a", image=colorize(*planes), raw=(planes[0], planes[1]), instances=known)
    writer.finish()
    words = ("--bags", tmp_path / "set", "--repaint", "--model", "mine", "--count", 1, "--steps", 2)
    code, _, err = run(capsys, *words, "--out", tmp_path / "bare")
    assert code == 2
    assert "reads any word" in err
    method = ("--classes", "gun", "--method", "plms", "--guidance", 7.5)
    method += ("--car", "off", "--occlusion", "latent")
    code, out, err = run(capsys, *words, *method, "--out", tmp_path / "made", "--json")
    assert code == 0, err
    assert json.loads(out)["model"]["name"] == "mine"
    made = read_set(tmp_path / "made")
    (item,) = made.annotations[0]
    assert (item["prompt"], item["bbox"]) == ("one gun", [40, 40, 50, 50])
    before = colorize(*planes)
    after = np.moveaxis(np.round(255 * made.scan(0).pixels), 0, 2).astype(np.uint8)
    assert (after != before)[50:80, 50:80].any(2).mean() > 0.5
