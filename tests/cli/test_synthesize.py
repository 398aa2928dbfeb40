"""``beltline synthesize library | census | tip | gate``: output, files, exit codes, one-line errors."""

import json

import numpy as np
import pytest
from PIL import Image

from beltline.cli.app import main
from beltline.core import Instances, Masks
from beltline.formats import SetWriter, encode_tiff, read_set, verify_set, write_png
from beltline.physics import Detector, basis_vector, colorize, detect, dual_energy_transmission
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.systems.fusion.recipe import published_recipe
from beltline.systems.fusion.system import SYSTEM
from beltline.training.run import train


def scanned(basis, seed):
    clean = dual_energy_transmission(np.asarray(basis, np.float32))
    return detect(*clean, Detector(), np.random.default_rng(seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six benign bags and two articles of two classes, as dual-energy TIFF and as colour PNG."""
    root = tmp_path_factory.mktemp("synthesize")
    for name in ("bags", "pictures"):
        (root / name).mkdir()
    for number in range(6):
        water = np.zeros((160, 200), np.float32)
        water[10:150, 15:185] = 15
        water[30:90, 30 + 10 * number : 120 + 10 * number] += 25
        low, high = scanned(basis_vector("water")[:, None, None] * water, number)
        (root / "bags" / f"b{number}.tif").write_bytes(encode_tiff(low, high, pixel_mm=1.0))
        write_png(root / "pictures" / f"b{number}.png", colorize(low, high))
    for label, width in (("knife", 10), ("hammer", 24)):
        for kind in ("lone", "lone_pictures"):
            (root / kind / label).mkdir(parents=True)
        for number in range(2):
            iron = np.zeros((50, 90), np.float32)
            iron[12 : 12 + width, 12 : 70 + 4 * number] = 1.5 + 0.1 * number
            low, high = scanned(basis_vector("fe")[:, None, None] * iron, 50 + number)
            (root / "lone" / label / f"{number}.tif").write_bytes(encode_tiff(low, high, pixel_mm=1.0))
            write_png(root / "lone_pictures" / label / f"{number}.png", colorize(low, high))
    return root


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_library_is_cut_and_counted(folder, tmp_path, capsys):
    code, out, err = run(capsys, "synthesize", "library", folder / "lone", "--out", tmp_path / "lib")
    assert (code, err) == (0, "")
    assert "4 exemplars of 4 articles" in out
    assert "4 of 6000 images" in out
    code, out, _ = run(capsys, "synthesize", "census", tmp_path / "lib", "--json")
    assert code == 0
    assert json.loads(out)["by_label"]["knife"] == [2, 2, 1.0]


@pytest.mark.parametrize(
    ("bags", "threats"), [("bags", "lone"), ("pictures", "lone_pictures"), ("pictures", "lone")]
)
def test_a_set_is_made_from_bags_and_threats_alone(folder, tmp_path, capsys, bags, threats):
    words = ["--bags", folder / bags, "--threats", folder / threats, "--count", 4, "--benign", 1, "--gate", 0]
    code, out, err = run(capsys, "synthesize", "tip", *words, "--out", tmp_path / "set")
    assert (code, err) == (0, "")
    assert "5 scans, 4 threats, 4 positive" in out
    assert verify_set(tmp_path / "set") == []
    made = read_set(tmp_path / "set")
    assert made.classes == ("hammer", "knife")
    for index in range(len(made)):
        objects = made.instances(index)
        record = made.annotations[index]
        assert objects is not None
        assert objects.masks is not None
        assert len(objects) == (1 if made.names[index].startswith("tip") else 0)
        assert np.allclose(objects.boxes, objects.masks.boxes())
        assert all(0 <= item["quality"] <= 1 and item["article"] for item in record)
        assert [made.classes[k] for k in np.flatnonzero(made.labels[index] == 1)] == sorted(objects.labels)


def test_only_what_is_under_the_mask_changes_and_gets_darker(folder, tmp_path, capsys):
    words = ["--bags", folder / "bags", "--threats", folder / "lone", "--count", 3, "--gate", 0]
    assert run(capsys, "synthesize", "tip", *words, "--out", tmp_path / "set", "--seed", 4)[0] == 0
    made = read_set(tmp_path / "set", pixels="transmission")
    from beltline.formats import read_scan

    for index, record in enumerate(made.records):
        before = read_scan(folder / "bags" / f"{record['bag']}.tif").pixels
        after, mask = made.scan(index).pixels, made.instances(index).masks[0]
        wide = np.zeros_like(mask)
        rows, columns = np.nonzero(mask)
        wide[max(rows.min() - 3, 0) : rows.max() + 4, max(columns.min() - 3, 0) : columns.max() + 4] = True
        assert np.abs(after - before)[:, ~wide].max() < 2e-5
        assert after[0][mask].mean() < 0.6 * before[0][mask].mean()


def test_colours_are_fused_by_name_or_by_a_trained_network(folder, tmp_path, capsys):
    words = ("synthesize", "tip", "--bags", folder / "pictures", "--threats", folder / "lone_pictures",
             "--count", 2, "--gate", 0, "--seed", 5)  # fmt: skip
    pairs = FusionPairs(*(np.full((2, 16, 16, 3), 200, np.uint8),) * 2, np.full((2, 16, 16), 255, np.uint8),
                        np.zeros(2, np.int64), ("gun",), ("white",) * 2, None, None, None, None)  # fmt: skip
    recipe = published_recipe("RWSC", width=4, steps=1, batch_size=2)
    train(SYSTEM, recipe, pairs, tmp_path / "run")
    images = {}
    for name in ("", "product", "copy-paste", str(tmp_path / "run")):
        out = tmp_path / f"set{len(images)}"
        assert run(capsys, *words, "--out", out, "--fusion", name)[0] == 0
        assert json.loads((out / "card.json").read_text())["plan"]["fusion"] == name
        found = read_set(out)
        images[name] = [np.asarray(Image.open(found.path(row))) for row in range(2)]
    kinds = list(images.values())
    assert all(not np.array_equal(kinds[a][0], kinds[b][0]) for a in range(4) for b in range(a))
    boxes = read_set(tmp_path / "set0").annotations[0][0]["bbox"]
    assert read_set(tmp_path / "set3").annotations[0][0]["bbox"] == boxes  # the same place, another fusion
    assert run(capsys, *words, "--out", tmp_path / "no", "--fusion", "magic")[0] == 2
    dual = (*words[:3], folder / "bags", "--threats", folder / "lone", "--gate", 0)
    code, _, err = run(capsys, *dual, "--out", tmp_path / "no", "--fusion", "product")
    assert code == 3
    assert "colour" in err


def test_the_same_seed_gives_the_same_set_and_a_half_made_one_goes_on(folder, tmp_path, capsys):
    words = ["--bags", folder / "bags", "--threats", folder / "lone", "--gate", 0, "--most", 2]
    run(capsys, "synthesize", "tip", *words, "--out", tmp_path / "a", "--count", 3)
    run(capsys, "synthesize", "tip", *words, "--out", tmp_path / "b", "--count", 1)
    run(capsys, "synthesize", "tip", *words, "--out", tmp_path / "b", "--count", 3)
    card = [json.loads((tmp_path / name / "card.json").read_text()) for name in "ab"]
    assert card[0]["sha256"] == card[1]["sha256"]


def of_every_kind(root):
    """A set of one scan over a tray: a knife and a gun alone, a speck, a knife among clutter, a belt."""
    pixels = np.full((120, 200), 0.8, np.float32)
    corners = {"knife": (10, 10), "gun": (10, 80), "speck": (50, 100), "busy": (80, 20), "belt": (80, 120)}
    masks = []
    for name, (row, column) in corners.items():
        mask = np.zeros(pixels.shape, bool)
        mask[row : row + (2 if name == "speck" else 14), column : column + (2 if name == "speck" else 40)] = (
            True
        )
        if name == "busy":
            pixels[row - 9 : row, column : column + 40 : 3] *= 0.05
            pixels[row + 14 : row + 23, column : column + 40 : 3] *= 0.05
        pixels[mask] *= 0.4
        masks.append(mask)
    stack = np.stack(masks)
    held = Instances(Masks.encode(stack).boxes(), ("knife", "gun", "knife", "knife", "belt"),
                     masks=Masks.encode(stack))  # fmt: skip
    writer = SetWriter(root, classes=("gun", "knife"))
    shown = np.round(255 * np.repeat(pixels[..., None], 3, 2)).astype(np.uint8)
    writer.add("a", image=shown, raw=(pixels, np.sqrt(pixels)), instances=held)
    writer.finish()


def test_a_library_says_what_it_dropped_and_why(tmp_path, capsys):
    of_every_kind(tmp_path / "set")
    words = ("synthesize", "library", tmp_path / "set", "--labels", "knife", "--out", tmp_path / "lib")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "1 exemplars of 1 articles" in out
    reasons = {
        "of classes not asked for": 2,
        "too small, or filling their scan": 1,
        "lying among too much (--clutter)": 1,
    }
    for reason, count in reasons.items():
        assert f"  dropped {count} {reason}\n" in out
    written = json.loads((tmp_path / "lib" / "library.json").read_text())
    assert written["history"] == [{"kept": 1, "dropped": reasons, "clutter": 1.0}]
    code, out, _ = run(capsys, *words, "--json")
    assert json.loads(out)["dropped"] == {**reasons, "in the library already": 1}
    code, _, err = run(capsys, *words[:4], "saw", "--out", tmp_path / "none")
    assert code == 3
    assert "no threat to keep (5 dropped: 5 of classes not asked for)" in err


def test_a_folder_per_class_says_what_it_dropped_too(folder, tmp_path, capsys):
    words = ("synthesize", "library", folder / "lone", "--out", tmp_path / "lib", "--labels", "knife")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "  dropped 2 of classes not asked for\n" in out


def test_the_gate_is_printed(folder, capsys):
    words = ["--bags", folder / "bags", "--threats", folder / "lone", "--count", 4]
    code, out, err = run(capsys, "synthesize", "gate", *words)
    assert (code, err) == (0, "")
    assert out.startswith("dual: 4 good projections")
    assert "hard edges" in out
    code, out, _ = run(capsys, "synthesize", "gate", *words, "--json")
    assert json.loads(out)["counts"]["too thick"] == 4


def test_errors_are_one_line_with_a_way_out(folder, tmp_path, capsys):
    bags, threats = folder / "bags", folder / "lone"

    def fails(code, text, *words):
        found, _, err = run(capsys, "synthesize", *words)
        assert found == code
        assert len(err.splitlines()) == 1
        assert text in err

    out = tmp_path / "set"
    fails(3, "make a threat library with", "tip", "--bags", bags, "--threats", tmp_path / "no", "--out", out)
    fails(3, "knife/a.png", "tip", "--bags", bags, "--threats", bags, "--out", out)
    fails(3, "no such file", "tip", "--bags", tmp_path / "no", "--threats", threats, "--out", out)
    fails(3, "something else than a set", "tip", "--bags", bags, "--threats", threats, "--out", folder)
    pictures = folder / "lone_pictures"
    fails(3, "cannot become dual", "tip", "--bags", bags, "--threats", pictures, "--out", out)
    words = ["--bags", bags, "--threats", threats, "--out", out, "--count", 1]
    fails(3, "no place for a threat", "tip", *words, "--difficulty", "0.99:1")
    fails(3, "lower --gate", "tip", *words, "--gate", 2)


def test_ranges_are_checked(folder, tmp_path, capsys):
    words = ["--bags", folder / "bags", "--threats", folder / "lone", "--out", tmp_path / "set"]
    code, _, err = run(capsys, "synthesize", "tip", *words, "--difficulty", "0.7:0.2")
    assert code == 2
    assert "LOW:HIGH" in err


@pytest.mark.parametrize("verb", ["tip", "library", "census", "gate"])
def test_help_has_an_example(capsys, verb):
    code, out, _ = run(capsys, "synthesize", verb, "--help")
    assert code == 0
    assert f"beltline synthesize {verb}" in out.replace("\n", " ")


def test_from_simulated_bags_to_a_detector_by_commands_alone(tmp_path, capsys):
    """The way of docs/synthesis.md: positives give threats, benign bags a set, the set trains at once."""
    for name, seed, share in (("positives", 1, 1), ("benign", 2, 0)):
        words = ("--bags", 4, "--seed", seed, "--positives", share, "--pixel-mm", 4)
        assert run(capsys, "simulate", tmp_path / name, *words)[0] == 0
    threats, made, trained = (tmp_path / name for name in ("threats", "made", "trained"))
    code, _, err = run(
        capsys, "synthesize", "library", tmp_path / "positives", "--out", threats, "--clutter", 0
    )
    assert code == 3
    assert "take --clutter" in err
    assert not threats.exists()
    words = ("--out", threats, "--clutter", 2)  # simulated bags are full
    assert run(capsys, "synthesize", "library", tmp_path / "positives", *words)[0] == 0
    bags = ("--bags", tmp_path / "benign", "--threats", threats)
    assert run(capsys, "synthesize", "tip", *bags, "--out", made)[0] == 0
    small = ("backbone=resnet10t", "backbone_channels=8,8,8,8", "width=8", "long_side=96", "crop_height=64",
             "crop_width=96", "batch_size=2", "steps=2", "precision=32-true")  # fmt: skip
    sets = [word for field in small for word in ("--set", field)]
    words = ("--recipe", "detector_starter", "--data", made, "--out", trained)
    assert run(capsys, "train", "detector", *words, *sets)[0] == 0
    code, out, _ = run(capsys, "evaluate", trained, "--data", made, "--json")
    assert code == 0
    assert json.loads(out)["objects"] > 0


def test_a_set_of_an_earlier_version_is_cut_by_either_name(tmp_path, capsys):
    found = tmp_path / "set"
    words = (
        "simulate",
        found,
        "--bags",
        2,
        "--seed",
        4,
        "--pixel-mm",
        4,
        "--positives",
        1,
        "--classes",
        "bat",
    )
    assert run(capsys, *words)[0] == 0
    table = found / "annotations.json"
    annotations = json.loads(table.read_text())
    batons = [c for c in annotations["categories"] if c["name"] == "baton"]
    assert batons, "bat is an alias of baton"
    batons[0]["name"] = "bat"
    table.write_text(json.dumps(annotations))
    for asked in ("", "baton", "bat"):
        code, out, err = run(capsys, "synthesize", "library", found, "--out", tmp_path / f"cut{asked}",
                             "--labels", asked, "--clutter", 99, "--json")  # fmt: skip
        assert code == 0, err
        assert json.loads(out)["images"] >= 1
