"""The Xsyn experiment: smoke from nothing to report, what arms look at, what is kept, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from beltline.cli.app import app
from beltline.core import BadInputError
from beltline.core.square_window import SquareWindow
from beltline.metrics import row_iou
from beltline.metrics.detections import Boxes
from beltline.models.painter import Painter
from beltline.protocols.xsyn import SCALES, narrow, reproduce_xsyn
from beltline.protocols.xsyn.arms import Bom, Car, arm_of
from beltline.protocols.xsyn.cell import LooksBatches
from beltline.protocols.xsyn.data import Scans, XsynData, simulated_data
from beltline.protocols.xsyn.finishing import Painted, hidden, made_set, refined
from beltline.protocols.xsyn.painted import Makers, changed
from beltline.protocols.xsyn.painters import PainterInUse, require_fit
from beltline.protocols.xsyn.tasks import jittered
from beltline.protocols.xsyn.views import View
from beltline.synthesis.threat import Threat
from beltline.systems.detector.arrays import DetectionSet

SIDE = 64
CLASSES = ("gun", "knife")
TINY = replace(
    SCALES["smoke"], real=8, bags=6, size=SIDE, shown=32, sampler_steps=1, guidance=1.0, percents=(25, 100)
)


def tiny_painter(
    channels: int = 2, *, seen: bool = False, classes: tuple[str, ...] = CLASSES
) -> PainterInUse:
    painter = Painter(len(classes), channels, (8, 8, 8, 8), (8, 8, 8)).eval()
    return PainterInUse(painter, classes, "none", "not trained")


def bar_scans(rng: np.random.Generator, count: int, *, items: bool) -> Scans:
    """Bags of two energies with a dense bar in each; with items, a square beside it."""
    planes = np.ones((count, 2, SIDE, SIDE), np.float32)
    planes[:, :, 6:58, 6:58] = 0.8
    planes[:, :, 40:50, 10:54] = 0.4
    rows = []
    for number in range(count if items else 0):
        x, y = rng.integers(8, 40), rng.integers(8, 24)
        planes[number, :, y : y + 12, x : x + 16] *= 0.5
        rows.append((number, number % 2, x, y, x + 16, y + 12))
    return Scans(planes, Boxes.of_rows(rows))


@pytest.fixture
def data() -> XsynData:
    rng = np.random.default_rng(0)
    real, bags = bar_scans(rng, 8, items=True), bar_scans(rng, 6, items=False)
    item = np.full((2, 12, 16), 0.5, np.float32)
    threats = tuple(
        Threat(item, np.ones((12, 16), np.float32), "dual", CLASSES[n % 2], str(n)) for n in range(8)
    )
    test = DetectionSet(np.zeros((2, 32, 32, 3), np.uint8), Boxes.of_rows([(0, 0, 1, 1, 9, 9)]))
    return XsynData(CLASSES, View("dual"), real, bags, threats, test)


@pytest.fixture
def makers(data: XsynData, tmp_path: Path) -> Makers:
    return Makers(data, TINY, tiny_painter(), tmp_path)


def never(picture, box, points):
    """A segmenter that finds nothing."""
    return np.zeros(picture.shape[:2], bool)


def test_projected_items_lie_in_their_boxes_and_painted_ones_in_the_same_bags(makers: Makers):
    projected = next(iter(makers.pieces("TIP", 5, maps="conditional", percent=100)))
    painted = next(iter(makers.pieces("A", 5, maps="conditional", percent=100)))
    assert len(projected) == len(painted) == 5
    assert (projected.source == painted.source).all()
    assert (projected.label == painted.label).all()
    assert (projected.square == 0).all()
    assert (painted.square[:, 2] > 0).all()
    for image, (x1, y1, x2, y2) in enumerate(projected.layout.astype(int)):
        bag = makers.data.view.codes(makers.data.bags.window(int(projected.source[image])))
        change = projected.codes[image] / 255 - bag
        assert (change[:, y1:y2, x1:x2] > 0.05).all()
        change[:, y1:y2, x1:x2] = 0
        assert np.abs(change).max() < 0.01
        assert projected.layout[image].tolist() == [x1, y1, x2, y2]
        # painted in the layout, the projected item around its middle
        assert np.abs(painted.layout[image].reshape(2, 2).mean(0) - [(x1 + x2) / 2, (y1 + y2) / 2]).max() < 24


def test_made_windows_are_kept_and_a_smaller_share_is_the_first_of_a_larger_one(makers: Makers):
    arm = arm_of("TIP")
    few, many = (made_set("TIP", arm, percent, makers, never) for percent in (25, 100))
    assert (len(few), len(many)) == (2, 8)
    assert (few.images == many.images[:2]).all()
    assert few.objects.box.tolist() == many.objects.box[:2].tolist()
    path = makers.folder / "TIP" / "0000.npz"
    before = path.stat().st_mtime_ns
    next(iter(makers.pieces("TIP", 3, maps="conditional", percent=100)))
    assert path.stat().st_mtime_ns == before


def test_without_a_generator_the_bags_come_as_they_are(makers: Makers):
    made = made_set("real", arm_of("real"), 25, makers, never)
    assert len(made) == 2
    assert len(made.objects) == 0


def test_items_of_the_fraction_are_of_its_windows_alone(makers: Makers):
    lighter = replace(makers.data.items[0], pixels=np.full((2, 12, 16), 0.9, np.float32))
    items = (*(lighter for _ in range(2)), *makers.data.items[2:])
    data = replace(makers.data, items=items)
    whole = replace(makers, data=data)
    own = made_set("own", arm_of("TIP, items of the fraction"), 25, whole, never)
    every = made_set("TIP", arm_of("TIP"), 25, whole, never)
    assert set(own.objects.label) == {0}  # the first two windows hold guns, by their items
    assert own.images.min() > every.images.min()


def test_an_object_painted_anew_keeps_class_and_the_layout_box_where_nothing_is_cut_out(makers: Makers):
    made = made_set("GLIGEN", arm_of("GLIGEN"), 100, makers, never)
    real = makers.data.real
    assert made.objects.label.tolist() == real.objects.label.tolist()
    assert np.allclose(made.objects.box, real.objects.box / 2, atol=0.01)
    refined_too = made_set("Xsyn-M", arm_of("Xsyn-M"), 100, makers, never)
    assert np.allclose(refined_too.objects.box, made.objects.box, atol=0.01)
    assert (refined_too.images != made.images).any()  # hidden in part


def test_every_arm_has_equal_looks_at_real_and_made_windows():
    rng = np.random.default_rng(0)
    real, made = (
        DetectionSet(np.full((n, 32, 32, 3), value, np.uint8), Boxes.of_rows([]))
        for n, value in ((3, 40), (50, 200))
    )
    batches = LooksBatches(real, made, 8, 0.5, seed=int(rng.integers(9)))
    for number in range(5):
        levels = (255 * batches.build(number).image.mean((1, 2, 3))).round().int().tolist()
        assert sorted(levels) == [40] * 4 + [200] * 4
    assert LooksBatches(real, made, 8, 0.0).build(0).image.shape[0] == 8
    assert LooksBatches(real, made, 8, 0.99).made_of_batch == 7


def test_jitter_is_what_the_report_says_it_is():
    boxes = np.tile([100.0, 90.0, 160.0, 150.0], (4000, 1))
    found = jittered(boxes, 256, np.random.default_rng(0))
    sides = np.log((found[:, 2:] - found[:, :2]) / 60)
    middle = (found[:, 2:] + found[:, :2]) / 2 - [130, 120]
    assert sides.mean() == pytest.approx(0.1, abs=0.01)
    assert sides.std() == pytest.approx(0.2, abs=0.01)
    assert middle.std() == pytest.approx(6, abs=0.3)
    assert 0.6 < row_iou(found, boxes).mean() < 0.8
    edge = jittered(np.tile([0.0, 0.0, 250.0, 4.0], (200, 1)), 256, np.random.default_rng(0))
    assert edge.min() >= 0
    assert edge.max() <= 256
    assert (edge[:, 3] - edge[:, 1]).min() >= 8


def one_painted() -> Painted:
    before = np.full((2, 256, 256), 0.2, np.float32)
    before[:, 20:60, 20:200] = 0.6
    after = before.copy()
    after[:, 110:150, 100:170] = 0.7
    attention = np.zeros((16, 16), np.float32)
    attention[6:10, 6:11] = 1
    return Painted(before, after, (80.0, 90.0, 190.0, 170.0), attention)


@pytest.mark.parametrize(("by", "least"), [("heat", 0.5), ("change", 0.75), ("points", 0.95)])
def test_refinements_come_nearer_to_the_item(by, least):
    one, view = one_painted(), View("dual")

    def segment(picture, box, points):
        assert len(points) > 1
        inside = np.zeros(picture.shape[:2], bool)
        inside[110:150, 100:170] = True
        return inside

    box = refined(one, Car(by, 2 if by == "points" else 0), view, segment)
    true = np.array([[100.0, 110.0, 170.0, 150.0]])
    assert row_iou([box], true)[0] >= least > row_iou([one.layout], true)[0]
    assert refined(one, Car("none", 0), view, never) == one.layout


@pytest.mark.parametrize("bom", [Bom(), Bom("mask"), Bom("product", 0.0)])
def test_occlusion_changes_the_item_and_not_the_whole_window(bom):
    one, use = one_painted(), tiny_painter()
    after = hidden(one, bom, View("dual"), use.painter, np.random.default_rng(3))
    changed_there = np.abs(after - one.after).max(0) > 1e-4
    assert changed_there[90:170, 80:190].any()
    assert changed_there.mean() < 0.5
    same = hidden(one, Bom("off", 0.0), View("dual"), use.painter, np.random.default_rng(3))
    assert same is one.after


def test_a_change_is_laid_on_where_it_is_and_nowhere_else():
    codes = np.random.default_rng(0).random((2, 80, 80)).astype(np.float32) / 2
    window = SquareWindow(-10, 20, 40, 256)
    change = np.zeros((2, 256, 256), np.float32)
    change[:, 128:160, 64:96] = 0.25
    found = changed(codes, window, change)
    rows, columns = np.nonzero((found != codes).any(0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 14, 30, 34)
    assert np.allclose(found[:, 11:14, 31:34] - codes[:, 11:14, 31:34], 0.25, atol=1e-5)


def test_a_painter_that_does_not_fit_is_refused(data: XsynData):
    with pytest.raises(BadInputError, match="3 channels, the data have 2"):
        require_fit(tiny_painter(3), data)
    with pytest.raises(BadInputError, match="not trained on knife, only on gun"):
        require_fit(tiny_painter(classes=("gun",)), data)
    assert require_fit(use := tiny_painter(), data) is use


def test_bad_input_is_refused_with_a_way_out(tmp_path: Path):
    with pytest.raises(ValueError, match="smoke, small"):
        reproduce_xsyn(tmp_path, scale="huge")
    with pytest.raises(BadInputError, match="expected the run folder of a painter"):
        reproduce_xsyn(tmp_path / "x", model=str(tmp_path / "nothing"))
    assert not (tmp_path / "x").exists()
    with pytest.raises(ValueError, match="magic: not in this scale, which has real; GLIGEN"):
        narrow(SCALES["small"], methods=["magic"])
    asked = ["reproduce", "xsyn", "--out", str(tmp_path / "y")]
    run = CliRunner().invoke(app, [*asked, "--data", str(tmp_path)])
    assert run.exit_code == 2
    assert "--test" in run.output
    run = CliRunner().invoke(app, [*asked, "--methods", "magic"])
    assert run.exit_code == 2


def test_a_narrower_scale_keeps_the_order():
    chosen = narrow(
        SCALES["small"], methods=["TIP", "real", "Xsyn-A, no BOM"], percents=[25], seeds=[3, 4],
        detectors=["FCOS small"],
    )  # fmt: skip
    assert chosen.arms == ("real", "TIP")
    assert chosen.ablations == ("Xsyn-A, no BOM",)
    assert chosen.seeds == chosen.deciding_seeds == (3, 4)
    assert (chosen.percents, chosen.detectors) == ((25,), ("FCOS small",))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("xsyn")
    reproduce_xsyn(out, scale="smoke")
    return out


@pytest.mark.slow
def test_smoke_runs_from_nothing_to_a_report(run: Path):
    facts = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert facts["cells"]["done"] == facts["cells"]["planned"] == 19
    text = (run / "report.md").read_text(encoding="utf-8")
    assert text.index(facts["verdicts"][0]) < text.index("## ")
    assert facts["verdicts"][0].startswith("**Not decided**: Xsyn-A over TIP at 25 %")
    assert "(printed -0.1); 5 seeds are asked for" in facts["verdicts"][0]
    for name in ("fractions", "differences", "by_class", "per_seed", "boxes", "occlusions"):
        assert (run / "tables" / f"{name}.csv").is_file()
    assert {path.name for path in (run / "figures").iterdir()} == {"fractions.png", "painted.jpg"}
    assert facts["judged"]["car"] in text
    assert str(run) not in text + (run / "card.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_detector_looked_as_often(run: Path):
    looks = [json.loads(path.read_text())["looks"] for path in (run / "cells").glob("*/result.json")]
    assert len(looks) == 19
    assert all(one == {"real": 8, "made": 8} for one in looks)


@pytest.mark.slow
def test_no_test_article_is_in_anything_that_is_trained_on(run: Path):
    articles = {}
    for name in ("train", "test"):
        index = json.loads((run / "data" / f"items-{name}" / "index.json").read_text(encoding="utf-8"))
        articles[name] = {(one["family"], one["seed"]) for one in index["objects"]}
    assert articles["train"]
    assert not articles["train"] & articles["test"]
    made_of = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (run / "data").glob("*/card.json")
    }
    assert {name: card["plan"]["split"] for name, card in made_of.items()} == {
        "real": "train", "bags": "train", "test": "test",
    }  # fmt: skip
    plans = {
        name: json.loads((run / "data" / f"windows-{name}" / "plan.json").read_text(encoding="utf-8"))
        for name in ("trained", "held", "judged")
    }
    assert "train" in json.dumps(plans["trained"])
    assert '"test"' in json.dumps(plans["held"])
    assert '"test"' in json.dumps(plans["judged"])


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_another_scale_is_refused(run: Path):
    kept = sorted((run / "cells").glob("*/result.json"))
    before = {path: path.stat().st_mtime_ns for path in kept}
    again = kept[0]
    again.unlink()
    reproduce_xsyn(run, scale="smoke")
    assert {path for path in kept if path.stat().st_mtime_ns != before[path]} == {again}
    reproduce_xsyn(run, scale=narrow(SCALES["smoke"], percents=[25]))
    assert "12 of 12 detectors trained" in (run / "report.md").read_text(encoding="utf-8")
    with pytest.raises(BadInputError, match="sampler_steps was 2, now 3"):
        reproduce_xsyn(run, scale=replace(SCALES["smoke"], sampler_steps=3))


@pytest.mark.slow
def test_the_sets_are_the_same_when_they_are_opened_again(run: Path):
    first, second = (simulated_data(run / "data", SCALES["smoke"], lambda text: None) for _ in range(2))
    assert (first.test.images == second.test.images).all()
    assert len(first.items) == len(first.real) == SCALES["smoke"].real
    for item, label in zip(first.items, first.real.objects.label, strict=True):
        assert item.label == first.classes[label]
