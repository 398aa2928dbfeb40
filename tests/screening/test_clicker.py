"""Clicks on scans: of any kind and size, on strips, with masks; which models do it."""

import numpy as np
import pytest

import beltline.screening.clicker as module
from beltline.cli.app import main
from beltline.core import BadInputError, MissingExtraError, Scan, ShapeError, UntrustedWeightsError
from beltline.screening import ModelFailure, find_weights, load_clicker, load_model
from beltline.screening.click_view import view_of

QUALITIES = [("part", 0.9), ("object", 0.8), ("group", 0.3)]
KNIFE, PHONE = (300, 200, 400, 220), (200, 300, 260, 340)  # xyxy


def pixels(*boxes, size=(400, 600), value=0.1) -> np.ndarray:
    bag = np.ones(size, np.float32)
    bag[40:360, 50:550] = 0.9
    for x1, y1, x2, y2 in boxes:
        bag[y1:y2, x1:x2] = value
    return bag


def color(*boxes, **more) -> Scan:
    return Scan(np.stack([pixels(*boxes, **more)] * 3), "color", ("r", "g", "b"))


def drawn(*boxes, size=(400, 600)) -> np.ndarray:
    return pixels(*boxes, size=size) < 0.5


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def test_three_lines_from_python(click_file):
    clicker = load_clicker(click_file, trust=True)
    found = clicker.cut(color(KNIFE, PHONE), [(350, 210)])
    assert iou(found.mask, drawn(KNIFE)) > 0.85
    assert (found.which, found.quality) == ("object", pytest.approx(0.8))
    assert [(name, c.quality) for name, c in found.candidates.items()] == QUALITIES
    assert clicker.cut(color(KNIFE, PHONE), [(350, 210)], which="surest").which == "part"


@pytest.mark.parametrize("kind", ["gray", "transmission", "attenuation"])
def test_scans_of_other_quantities(clicker, kind):
    plane = pixels(KNIFE, value=0.02)
    scan = {
        "gray": lambda: Scan(plane[None], "color", ("gray",)),
        "transmission": lambda: Scan(np.stack([plane, plane]), "transmission", ("low", "high")),
        "attenuation": lambda: Scan(-np.log(np.stack([plane, plane])), "attenuation", ("low", "high")),
    }[kind]()
    assert iou(clicker.cut(scan, [(350, 210)]).mask, drawn(KNIFE)) > 0.85


def test_energies_are_the_transmissions_high_first_where_the_scan_has_them():
    low, high = pixels(KNIFE, value=0.2), pixels(KNIFE, value=0.4)
    dual = view_of(Scan(np.stack([low, high]), "transmission", ("low", "high")))
    assert dual.energies[:, 210, 350].tolist() == [102, 51]
    assert dual.energies[:, 0, 0].tolist() == [255, 255]
    logs = view_of(Scan(-np.log(np.stack([low, high])), "attenuation", ("low", "high")))
    assert np.abs(logs.energies.astype(int) - dual.energies).max() <= 1
    orange = np.stack([pixels(KNIFE, value=v) for v in (0.9, 0.6, 0.2)])
    proxy = view_of(Scan(orange, "color", ("r", "g", "b")))
    most, least = proxy.energies[:, 210, 350].astype(int)
    assert most - least > 150


def test_a_large_dual_energy_scan_comes_back_at_its_own_size(clicker):
    big = tuple(2 * v for v in KNIFE)
    plane = np.ones((800, 1200), np.float32)
    plane[big[1] : big[3], big[0] : big[2]] = 0.02
    scan = Scan(np.stack([plane, plane]), "transmission", ("low", "high"))
    assert view_of(scan).picture.shape[2] < 1200
    found = clicker.cut(scan, [(700, 420)], box=tuple(float(v) for v in big))
    assert found.mask.shape == (800, 1200)
    assert iou(found.mask, plane < 0.5) > 0.8
    more = clicker.cut(scan, [(700, 420)], mask=found.mask)
    assert iou(more.mask, plane < 0.5) > 0.8


def test_on_a_strip_the_bag_that_holds_the_click_counts(clicker):
    strip = np.ones((200, 1600), np.float32)
    for left in (100, 1100):
        strip[20:180, left : left + 300] = 0.9
    strip[90:110, 1200:1300] = 0.1
    scan = Scan(np.stack([strip] * 3), "color", ("r", "g", "b"))
    bags = view_of(scan).bags
    assert len(bags) == 2
    assert view_of(scan).bag_at((1250, 100)) == bags[1]
    assert iou(clicker.cut(scan, [(1250, 100)]).mask, strip < 0.5) > 0.85


def test_the_mask_changes_only_around_the_new_click(clicker):
    given = drawn((300, 200, 340, 220), (100, 300, 150, 350))  # a stump, and what is not dark at all
    scan = color(KNIFE, PHONE)
    found = clicker.cut(scan, [(390, 210)], mask=given).mask
    assert found[210, 390]
    assert np.array_equal(found[250:], given[250:])
    assert iou(found[:250], drawn(KNIFE)[:250]) > 0.8
    less = clicker.cut(scan, [(125, 325)], [0], mask=given).mask
    assert not less[325, 125]
    assert np.array_equal(less[:250], given[:250])


def test_the_same_scan_is_prepared_once(clicker, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "view_of", lambda scan: seen.append(scan) or view_of(scan))
    one, other = color(KNIFE), color(PHONE)
    for scan in (one, one, other, one):
        clicker.cut(scan, [(350, 210)])
    assert len(seen) == 3


def test_what_cannot_be_clicked_is_said(clicker):
    scan = color(KNIFE)
    with pytest.raises(ValueError, match="click 600,10 lies outside the scan of 600 x 400 pixels"):
        clicker.cut(scan, [(600, 10)])
    with pytest.raises(ValueError, match="lies outside the scan"):
        clicker.cut(scan, [(10, float("nan"))])
    with pytest.raises(ValueError, match="box 700,10,800,20 holds nothing of the scan"):
        clicker.cut(scan, box=(700, 10, 800, 20))
    with pytest.raises(ShapeError, match="expected a mask of 600 x 400 pixels, as the scan, got 60 x 40"):
        clicker.cut(scan, [(10, 10)], mask=np.zeros((40, 60), bool))
    with pytest.raises(ShapeError, match="a label for each point"):
        clicker.cut(scan, [(10, 10)], [1, 0])
    with pytest.raises(ValueError, match="labels must be 1 on the object or 0 beside it"):
        clicker.cut(scan, [(10, 10)], [2])
    with pytest.raises(ValueError, match="expected a click on the object, a box or a mask"):
        clicker.cut(scan)
    with pytest.raises(BadInputError, match="at least 8 x 8 pixels"):
        clicker.cut(Scan(np.ones((3, 4, 4), np.float32), "color", ("r", "g", "b")), [(1, 1)])
    assert not clicker.cut(scan, [(80, 80)]).mask.any()  # air of the bag: nothing there


def test_a_late_or_broken_model_is_a_failure(clicker, fake_click, tmp_path):
    with pytest.raises(ModelFailure, match="deadline passed"):
        clicker.cut(color(KNIFE), [(350, 210)], timeout_s=0.0)
    for fault, says in (("nan", "logits is not finite"), ("shape", "outputs have shapes")):
        broken = fake_click.build(tmp_path / f"{fault}.onnx", fault=fault)
        with pytest.raises(BadInputError, match=f"cannot run here: .*{says}"):
            load_clicker(broken, trust=True)


def test_models_are_verified_and_of_the_right_task(click_file, model_file, fake_click, tmp_path, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr("beltline.screening.clicker.DEFAULT_CLICKER", "none")
        with pytest.raises(MissingExtraError, match="none is not part of this build; name one"):
            load_clicker()
    with pytest.raises(UntrustedWeightsError, match="stands in no manifest"):
        load_clicker(click_file)
    with pytest.raises(BadInputError, match="'fake-click' does not screen, it is for click: use it"):
        load_model(click_file, trust=True)
    with pytest.raises(BadInputError, match="'fake-darkness' cuts nothing out, it is for classification"):
        load_clicker(model_file, trust=True)
    other = fake_click.build(tmp_path / "o.onnx", metadata=fake_click.card(classes=["a", "b", "c"]))
    with pytest.raises(BadInputError, match="classes of a click model must be part, object, group"):
        load_clicker(other, trust=True)


def test_the_models_verbs_know_it(click_file, capsys, monkeypatch):
    monkeypatch.setattr("beltline.screening.clicker.DEFAULT_CLICKER", "own-click")
    assert main(["models", "import", str(click_file), "--name", "own-click"]) == 0
    assert load_clicker().model.sha256 == find_weights("own-click").sha256
    capsys.readouterr()
    assert main(["models", "list"]) == 0
    assert "own-click" in capsys.readouterr().out
    assert main(["models", "verify", "own-click"]) == 0
    capsys.readouterr()
    assert main(["models", "show", "own-click"]) == 0
    shown = capsys.readouterr().out
    assert "task: click" in shown
    assert "part, object, group" in shown
    assert "operating points" not in shown
    assert main(["screen", ".", "--out", "nowhere", "--model", "own-click"]) == 3
    assert main(["calibrate", "own-click", "--benign", ".", "--out", "lane"]) == 3
