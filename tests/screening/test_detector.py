"""Screening with a detector: the same decisions, deadlines and reports, with a box for every object."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from beltline.core import BadInputError, Report, Scan
from beltline.formats import read_scan, write_png
from beltline.screening import (
    RunOptions,
    ScreeningModel,
    load_model,
    prepare_whole,
    read_card,
    screen_files,
    screen_scan,
)
from beltline.screening.localize import boxes_on_scan
from beltline.screening.tasks.detection import SCORE_FLOOR

OPTIONS = RunOptions(pfa=0.1)


def scan_of(dark: tuple[float, float, float], *, width: int = 128, height: int = 96) -> Scan:
    """White, with a block of the given darkness of red, green and blue."""
    pixels = np.ones((3, height, width), np.float32)
    pixels[:, 40:60, 30:70] -= np.array(dark, np.float32)[:, None, None]
    return Scan(pixels, "color", ("r", "g", "b"))


class Runner:
    """Gives what a test wants, as late as it wants."""

    def __init__(self, outputs: list[Any], *, sleep_s: float = 0.0) -> None:
        self.outputs, self.sleep_s = outputs, sleep_s

    def run(self, output_names: list[str], feed: dict[str, Any], options: Any = None) -> list[Any]:
        assert output_names == ["best", "boxes", "labels", "scores"]
        time.sleep(self.sleep_s)
        return self.outputs


def outputs(best: Any, boxes: Any = (), labels: Any = (), scores: Any = ()) -> list[Any]:
    return [
        np.array([best], np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(scores, np.float32),
    ]


def screened(detector: ScreeningModel, answer: list[Any], **options: Any) -> Any:
    model = ScreeningModel(detector.card, detector.sha256, {"model": Runner(answer)})
    return screen_scan(scan_of((0, 0, 0)), model, pfa=0.1, **options).report


def test_boxes_of_every_class_that_alarms_are_given_in_pixels_of_the_scan(detector: ScreeningModel) -> None:
    entry = screen_scan(scan_of((0.8, 0.3, 0)), detector, pfa=0.1).report
    assert entry.decision == "alarm"
    assert [(c.label, c.alarm) for c in entry.classes] == [("gun", True), ("knife", False), ("liquid", False)]
    gun = entry.classes[0]
    assert gun.probability == pytest.approx(0.8, abs=1 / 255)
    assert (gun.box, gun.point) == ((16, 24, 80, 56), (48, 40))  # 128 pixels were seen at 64
    assert [(i.label, i.box) for i in entry.instances] == [
        ("gun", (16, 24, 80, 56)), ("gun", (100, 40, 120, 60)),
    ]  # fmt: skip
    assert entry.instances[1].score == pytest.approx(0.6, abs=1 / 255)


def test_weaker_boxes_than_the_threshold_are_left_out(detector: ScreeningModel) -> None:
    entry = screen_scan(scan_of((0.6, 0, 0)), detector, pfa=0.1).report
    assert [i.label for i in entry.instances] == ["gun"]  # the second has 0.45


def test_operating_point_moves_the_decision(detector: ScreeningModel) -> None:
    scan = scan_of((0.8, 0, 0))
    assert screen_scan(scan, detector, pfa=0.05).report.decision == "clear"
    assert screen_scan(scan, detector, pfa=0.10).report.decision == "alarm"
    with pytest.raises(ValueError, match=r"operating points 0\.05, 0\.1, not 0\.2"):
        screen_scan(scan, detector, pfa=0.2)


def test_what_calibration_never_saw_does_not_alarm_below_the_floor(detector: ScreeningModel) -> None:
    floor = pytest.importorskip("beltline.models.detection_small").SCORE_FLOOR
    assert floor == SCORE_FLOOR
    assert detector.card.thresholds_at(0.05).tolist() == [0.9, 0.9, SCORE_FLOOR]
    assert screen_scan(scan_of((0, 0, 0.01)), detector).report.decision == "clear"
    assert screen_scan(scan_of((0, 0, 0.04)), detector).report.decision == "alarm"


def test_scores_are_shown_as_the_chance_that_calibration_found(detector: ScreeningModel) -> None:
    raw = {
        "name": "d", "classes": list(detector.card.classes), "long_side": 64, "task": "detection",
        "thresholds": {"0.1": [0.5, 0.5, 0.5]}, "calibration": {"scale": [2, 1, 1], "bias": [1, 0, 0]},
    }  # fmt: skip
    card = read_card(json.dumps(raw), "d")
    model = ScreeningModel(card, "", {"model": Runner(outputs([0.6, 0.6, 0.1], [[0, 0, 9, 9]], [0], [0.6]))})
    entry = screen_scan(scan_of((0, 0, 0)), model, pfa=0.1).report
    expected = 1 / (1 + np.exp(-(2 * np.log(0.6 / 0.4) + 1)))
    assert entry.classes[0].probability == pytest.approx(expected, abs=1e-6)
    assert entry.instances[0].score == pytest.approx(expected, abs=1e-6)
    assert entry.classes[1].probability == pytest.approx(0.6)  # slope 1, offset 0
    assert [c.alarm for c in entry.classes] == [True, True, False]
    at_threshold = ScreeningModel(card, "", {"model": Runner(outputs([0.5, 0.0, 0.0]))})
    assert screen_scan(scan_of((0, 0, 0)), at_threshold, pfa=0.1).report.classes[0].alarm
    with pytest.raises(BadInputError, match="positive slopes"):
        read_card(json.dumps({**raw, "calibration": {"scale": [0, 1, 1], "bias": [0, 0, 0]}}), "d")


def test_the_best_score_decides_even_where_no_box_of_the_class_was_kept(detector: ScreeningModel) -> None:
    entry = screened(detector, outputs([0.7, 0.1, 0.1], [[0, 0, 9, 9]], [1], [0.1]))
    assert entry.decision == "alarm"
    assert (entry.classes[0].alarm, entry.classes[0].box, entry.instances) == (True, None, ())
    assert screened(detector, outputs([0.1, 0.1, 0.1])).decision == "clear"


def test_boxes_are_cut_to_the_scan(detector: ScreeningModel) -> None:
    boxes = [[-9, 40, 20, 64], [0, 50, 9, 60]]  # half, and wholly, in the white below 48 rows
    entry = screened(detector, outputs([0.7, 0.1, 0.1], boxes, [0, 0], [0.7, 0.6]))
    assert [i.box for i in entry.instances] == [(0, 80, 40, 96)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (outputs([np.nan, 0, 0]), "finite"),
        (outputs([0, 0, 0], [[0, 0, np.inf, 1]], [0], [0.5]), "finite"),
        (outputs([0, 0]), "shapes"),
        (outputs([0, 0, 0], [[0, 0, 1, 1]], [0, 1], [0.5]), "shapes"),
        (outputs([0, 0, 0], [[0, 0, 1, 1]], [3], [0.5]), r"labels outside 0\.\.2"),
        (outputs([1.5, 0, 0]), r"outside 0\.\.1"),
    ],
)
def test_no_usable_answer_is_no_machine_result(
    detector: ScreeningModel, answer: list[Any], reason: str
) -> None:
    entry = screened(detector, answer)
    assert (entry.decision, entry.classes, entry.instances) == ("no_machine_result", (), ())
    assert re.search(reason, entry.reason)


def test_a_late_detector_is_no_machine_result(detector: ScreeningModel) -> None:
    model = ScreeningModel(detector.card, detector.sha256, {"model": Runner(outputs([0, 0, 0]), sleep_s=0.4)})
    entry = screen_scan(scan_of((0, 0, 0)), model, deadline_ms=100).report
    assert entry.decision == "no_machine_result"
    assert "deadline" in (entry.reason or "")


@given(
    width=st.integers(8, 900),
    height=st.integers(8, 900),
    long_side=st.sampled_from([64, 320, 640]),
    seed=st.integers(0, 999),
)
def test_boxes_come_back_exactly(width: int, height: int, long_side: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scan = Scan(np.ones((1, height, width), np.float32), "color", ("gray",))
    letterbox = prepare_whole(scan, long_side=long_side).letterbox
    assert (letterbox.origin, letterbox.region, letterbox.pad) == ((0, 0), (width, height), (0, 0))
    assert (np.mod(letterbox.size, 32) == 0).all()
    assert (np.array(letterbox.size) >= letterbox.content).all()
    corners = rng.uniform(0, 1, (5, 2, 2)) * [width, height]
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    seen = boxes * (np.divide(letterbox.content, letterbox.region).tolist() * 2)  # nothing is cut, nor padded
    np.testing.assert_allclose(boxes_on_scan(seen, letterbox), boxes, atol=1e-9)
    whole = np.array([[0, 0, *letterbox.content]])
    np.testing.assert_allclose(boxes_on_scan(whole, letterbox), [[0, 0, width, height]])


@pytest.mark.parametrize("size", [(30, 2000), (2000, 30), (8, 8), (301, 200), (200, 640), (640, 480)])
@pytest.mark.parametrize("air", [255, 225])
def test_the_scan_is_prepared_as_in_calibration(tmp_path: Path, size: tuple[int, int], air: int) -> None:
    """Detection, from picture to tensor: screening and training give the same numbers."""
    arrays, files, sides = (
        pytest.importorskip(f"beltline.training.{name}") for name in ("arrays", "files", "sides")
    )
    from beltline.physics import whiten_background

    rng = np.random.default_rng(0)
    picture = np.full((size[1], size[0], 3), air, np.uint8)
    picture[2:-2, 2 : size[0] // 2] = rng.integers(0, 256, (size[1] - 4, size[0] // 2 - 2, 3))
    write_png(tmp_path / "bag.png", picture)
    pixels = whiten_background(files.read_pixels(tmp_path / "bag.png", 10**9))
    expected = arrays.as_input(sides.padded(sides.to_long_side(pixels, 320)[0])[None]).numpy()
    got = prepare_whole(read_scan(tmp_path / "bag.png"), long_side=320).image
    height, width = expected.shape[2:]  # narrow scans are seen at least 64 pixels wide
    np.testing.assert_array_equal(got[:, :, :height, :width], expected)
    assert (got[:, :, height:] == 1).all()
    assert (got[:, :, :, width:] == 1).all()


@pytest.mark.parametrize(
    ("quantity", "channels"),
    [("transmission", ("low", "high")), ("attenuation", ("low", "high")), ("transmission", ("gray",))],
)
def test_every_quantity_is_seen(detector: ScreeningModel, quantity: Any, channels: tuple[str, ...]) -> None:
    pixels = np.maximum(scan_of((0.99, 0.99, 0.99)).pixels[: len(channels)], 0.005)
    pixels = -np.log(pixels) if quantity == "attenuation" else pixels
    entry = screen_scan(Scan(pixels, quantity, channels), detector, pfa=0.1).report
    assert entry.decision == "alarm"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": {}}, r"without thresholds; run beltline evaluate RUN --calibrate .* beltline export"),
        ({"thresholds": None}, "without thresholds"),
        ({"thresholds": {"0.05": [0.5, None, 0.5]}}, "expected 3 finite"),
        ({"thresholds": {"0.05": [0.5]}}, "expected 3 finite"),
        ({"long_side": 100}, "multiple of 32"),
        ({"task": "fusion"}, "task must be one of classification, detection, anomaly, click, got 'fusion'"),
        ({"task": "classification"}, "outputs logits, cams"),
        ({"classes": []}, "metadata"),
    ],
)
def test_bad_cards_are_refused(
    fake_detector: ModuleType, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = fake_detector.build(tmp_path / "x.onnx", fake_detector.card(**change))
    with pytest.raises(BadInputError, match=message) as caught:
        load_model(path, trust=True)
    assert "\n" not in str(caught.value)


def test_missing_fields_and_outputs_are_named(
    fake: ModuleType, fake_detector: ModuleType, tmp_path: Path
) -> None:
    card = fake_detector.card()
    del card["long_side"]
    with pytest.raises(BadInputError, match="long_side"):
        load_model(fake_detector.build(tmp_path / "a.onnx", card), trust=True)
    with pytest.raises(BadInputError, match="outputs best, boxes, labels, scores; has"):
        load_model(fake_detector.build(tmp_path / "b.onnx", boxes="other"), trust=True)
    with pytest.raises(BadInputError, match="outputs best, boxes, labels, scores; has"):
        load_model(fake.build(tmp_path / "c.onnx", metadata=fake_detector.card()), trust=True)


def bag_file(path: Path) -> Path:
    picture = np.rint(np.moveaxis(scan_of((0.8, 0.6, 0)).pixels, 0, 2) * 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, picture)
    return path


def test_files_to_reports(detector: ScreeningModel, tmp_path: Path) -> None:
    report = screen_files([bag_file(tmp_path / "bag.png")], tmp_path / "out", detector, options=OPTIONS)
    text = (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    assert Report.from_json(text) == report
    record = json.loads(text)
    assert record["schema_version"] == 1
    assert [set(found) for found in record["scans"][0]["instances"]] == [{"label", "score", "box"}] * 3
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count('<rect class="casing"') == 3
    assert 'data-labels="gun knife "' in page
    assert "the chance that the scan holds the class" in page
    tags = re.findall(r'class="tag tag-mark[^>]*>(\w+) (\d+) %', page)
    assert [label for label, _ in tags] == ["gun", "knife", "gun"]
    assert int(tags[0][1]) < int(tags[2][1])  # the best of a class is drawn last, over the others
    (overlay,) = (tmp_path / "out" / "overlays").iterdir()
    drawn = read_scan(overlay).pixels
    magenta = (drawn[0] > 0.7) & (drawn[1] < 0.3) & (drawn[2] > 0.2)
    assert magenta[42:58, 119:121].any()  # the second gun's right edge


def test_an_alarm_without_a_box_is_reported(detector: ScreeningModel, tmp_path: Path) -> None:
    model = replace(detector, graphs={"model": Runner(outputs([0.7, 0, 0]))})
    screen_files([bag_file(tmp_path / "bag.png")], tmp_path / "out", model, options=OPTIONS)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert '<rect class="casing"' not in page
    assert 'data-labels="gun "' in page


@pytest.mark.slow
def test_a_trained_detector_screens_a_simulated_set(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from beltline.cli.app import app
    from beltline.simulate import BagRecipe, Scanner, SetPlan, simulate_set

    classes = ("gun", "knife")
    plan = SetPlan(8, 1, BagRecipe(classes, positives=0.5), Scanner(), "any")
    simulate_set(tmp_path / "set", plan, workers=1)
    tiny = [
        "backbone=resnet10t", "backbone_channels=8,8,8,8", "width=8", "convolutions=1", "long_side=128",
        "crop_height=96", "crop_width=128", "batch_size=2", "steps=20", "precision=32-true",
    ]  # fmt: skip
    run, data, file = str(tmp_path / "run"), str(tmp_path / "set"), str(tmp_path / "tiny.onnx")

    def beltline(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    changes = [word for change in tiny for word in ("--set", change)]
    beltline("train", "detector", "--recipe", "detector_starter", "--data", data, "--out", run, *changes)
    _make_bold(tmp_path / "run")
    beltline("evaluate", run, "--calibrate", "--data", data)
    beltline("export", run, "--out", file, "--name", "tiny")
    out = tmp_path / "out"
    found = beltline("screen", data, "--model", file, "--trust", "--out", str(out), "--pfa", "0.1", "--json")
    report = Report.from_json((out / "report.json").read_text(encoding="utf-8"))
    assert json.loads(found)["scans"][0]["decision"] == report.scans[0].decision
    assert (report.model.name, len(report.scans), report.failed) == ("tiny", 8, ())
    _same_as_torch(tmp_path / "run", tmp_path / "set", report)


def _make_bold(run: Path) -> None:
    """Scores of all sizes, which a few steps of training do not give."""
    from beltline.systems.detector.system import SYSTEM
    from beltline.training.checkpoint import WEIGHTS, save_weights
    from beltline.training.run import load

    state = load(SYSTEM, run).model.state_dict()
    state["score.bias"].fill_(-2)
    state["score.weight"].mul_(20)
    save_weights(run / WEIGHTS, state)


def _same_as_torch(run: Path, folder: Path, report: Report) -> None:
    """Decisions and boxes are those of the thresholds that torch's own evaluation chose, scan by scan."""
    from beltline.metrics.detections import scan_scores
    from beltline.systems.detector.figures import detect
    from beltline.systems.detector.system import SYSTEM
    from beltline.training.run import load
    from beltline.training.run_folder import read_calibration
    from beltline.training.sources import open_source

    def logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(share / (1 - share))

    loaded = load(SYSTEM, run)
    recipe, chosen = loaded.recipe, read_calibration(run, loaded.digest)
    source = open_source(folder, recipe.classes)
    seen = detect(loaded.model, source, recipe.long_side)
    best = scan_scores(seen.found, seen.scans, len(recipe.classes))
    thresholds, fitted = np.array(chosen["thresholds"]["0.1"]), chosen["calibration"]
    scale, bias = np.array(fitted["scale"]), np.array(fitted["bias"])
    odds = scale[seen.found.label] * logit(seen.found.score) + bias[seen.found.label]
    by_name = {Path(scan.path).name: scan for scan in report.scans}
    clear = 0
    for row in range(seen.scans):
        scan = by_name[source.data.path(row).name]  # type: ignore[attr-defined]
        if np.abs(best[row] - thresholds).min() < 1e-5:
            continue  # a scan that chose the threshold: rounding decides
        assert (scan.decision == "alarm") == bool((best[row] >= thresholds).any())
        clear += scan.decision == "clear"
        kept = (seen.found.image == row) & (seen.found.score >= thresholds[seen.found.label])
        assert len(scan.instances) == kept.sum()
        got = np.array([found.score for found in scan.instances])
        chances = 1 / (1 + np.exp(-odds[kept]))
        np.testing.assert_allclose(np.sort(got), np.sort(chances), atol=2e-3)
        # evaluation scales by the factor, screening by the picture's size in whole pixels
        half_a_pixel = 0.5 * max(scan.width, scan.height) / recipe.long_side + 0.1
        boxes = np.array([found.box for found in scan.instances]).reshape(-1, 4)
        for box in seen.found.box[kept]:
            assert np.abs(boxes - box).max(1).min() <= half_a_pixel
    assert any(scan.instances for scan in report.scans)
    assert clear  # at least the scans that chose the thresholds
