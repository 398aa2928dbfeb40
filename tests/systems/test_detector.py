"""Detectors from a set or shards to a run, its figures and its ONNX file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from beltline.core import BadInputError, Instances
from beltline.formats import SetWriter
from beltline.metrics.detections import Boxes
from beltline.models.detection_small import SmallDetector
from beltline.screening import make_card
from beltline.systems import system_of
from beltline.systems.detector.data import SourceBatches, apply_to_boxes
from beltline.systems.detector.export import export_detector
from beltline.systems.detector.figures import Evaluation, Thresholds, chosen_thresholds, figures
from beltline.systems.detector.recipe import build_model
from beltline.systems.detector.system import SYSTEM
from beltline.training import run as engine
from beltline.training.augment import NO_AUGMENTATION, AugmentationRange, apply_to_pixels, sample_augmentation
from beltline.training.checkpoint import WEIGHTS
from beltline.training.recipe_values import read_recipe, recipe_values, with_values
from beltline.training.run import Watching
from beltline.training.sides import padded, to_long_side
from beltline.training.sources import as_picture, boxes_of_coverage, open_source

CLASSES = ("gun", "knife")
TINY = [
    "backbone=resnet10t", "backbone_channels=8,8,8,8", "width=8", "convolutions=1", "long_side=96",
    "crop_height=64", "crop_width=96", "batch_size=2", "steps=3", "precision=32-true",
]  # fmt: skip


def load_detector_recipe(name_or_file, changes=()):
    return read_recipe(name_or_file, changes, SYSTEM.recipes).recipe


def train_detector(recipe, data, out, *, validation=None, resume=False):
    return engine.train(SYSTEM, recipe, data, out, watching=Watching(validation), resume=resume)


def write_set(folder: Path, count: int = 4) -> Path:
    """Grey boxes on white, 96 x 60; every second scan is benign, one object is occluded, one difficult."""
    writer = SetWriter(folder, classes=CLASSES)
    for row in range(count):
        image = np.full((60, 96, 3), 255, np.uint8)
        found, extras = Instances(np.zeros((0, 4)), ()), []
        if row % 2 == 0:
            image[10:40, 20:60] = 90
            found = Instances(np.array([[20, 10, 60, 40], [70, 5, 90, 25]]), (CLASSES[row // 2 % 2], "belt"))
            extras = [{"occlusion": 0.4, "difficult": row == 2}, {}]
        writer.add(f"bag{row}", image=image, instances=found, instance_extras=extras or None)
    writer.finish()
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("detector") / "set")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("detector") / "run"
    train_detector(load_detector_recipe("detector_starter", TINY), data, out, validation=data)
    return out


def test_a_set_gives_boxes_of_its_classes(data):
    source = open_source(data)
    assert source.classes == CLASSES
    found = source[0].instances
    assert (found.boxes.tolist(), found.labels) == ([[20, 10, 60, 40]], ("gun",))  # the belt is background
    assert found.occlusion.tolist() == [pytest.approx(0.4)]
    assert source[2].instances.ignored.tolist() == [True]
    assert len(source[1].instances) == 0
    assert open_source(data, ("belt",))[0].instances.boxes.tolist() == [[70, 5, 90, 25]]


def test_shards_give_stored_boxes_or_those_of_their_coverage(tiny_shards, tmp_path):
    source = open_source(tiny_shards)
    assert source.classes == CLASSES
    shard = source.shards[0]
    for row in range(4):
        found, pixels = source[row].instances, as_picture(source[row].scan)
        assert set(found.labels) == {CLASSES[k] for k in np.flatnonzero(shard.labels[row])}
        for (x1, y1, x2, y2), label in zip(found.boxes.astype(int), found.labels, strict=True):
            colored = pixels[y1:y2, x1:x2] == ((60, 60, 60), (40, 80, 220))[CLASSES.index(label)]
            assert colored.all(2).any()
    assert len(source) == 20
    np.testing.assert_array_equal(as_picture(source[19].scan), np.moveaxis(source.shards[1].images[9], 0, 2))
    with pytest.raises(IndexError):
        source[20]


def test_boxes_stored_beside_a_shard_are_taken(tmp_path, write_tiny_shards):
    folder = write_tiny_shards(tmp_path / "shards", shards=1)
    np.save(folder / "shard_00000" / "objects.npy", np.array([[3, 1, 5, 6, 7, 8], [3, 0, 1, 2, 3, 4]]))
    source = open_source(folder, ("knife",))
    assert source[3].instances.boxes.tolist() == [[5, 6, 7, 8]]
    assert source[3].instances.labels == ("knife",)
    assert len(source[0].instances) == 0


def test_thin_objects_that_fill_no_cell_have_a_box():
    planes = np.zeros((1, 4, 4), np.uint8)
    planes[0, 2, :3] = 40
    assert boxes_of_coverage(planes).tolist() == [[0, 0, 16, 24, 24]]


@given(seed=st.integers(0, 500))
def test_boxes_move_with_their_pixels(seed):
    rng = np.random.default_rng(seed)
    x1, y1 = rng.integers(4, 40, 2)
    x2, y2 = np.array([x1, y1]) + rng.integers(10, 30, 2)
    pixels = np.full((80, 90, 3), 255, np.uint8)
    pixels[y1:y2, x1:x2] = 0
    ranges = replace(NO_AUGMENTATION, flip=0.5, quarter_turn=0.5, zoom=(0.8, 1.3), aspect=0.2)
    aug = sample_augmentation(rng, ranges, source=(80, 90), output=(160, 160))
    (box,), (there,) = apply_to_boxes(np.array([[x1, y1, x2, y2]], np.float32), aug, (160, 160))
    dark = np.argwhere(apply_to_pixels(pixels, aug, (160, 160))[..., 0] < 128)
    if not there:
        return
    expected = [*dark.min(0)[::-1], *(dark.max(0)[::-1] + 1)]
    np.testing.assert_allclose(box, expected, atol=1.01)


def test_boxes_that_leave_the_frame_are_dropped():
    aug = sample_augmentation(np.random.default_rng(0), NO_AUGMENTATION, source=(64, 64), output=(64, 64))
    boxes = np.array([[-30, 0, 10, 20], [-10, 0, 30, 20], [70, 0, 90, 9]], np.float32)
    cut, there = apply_to_boxes(boxes, aug, (64, 64))
    assert there.tolist() == [False, True, False]  # a quarter, three quarters and nothing are left
    assert cut[1].tolist() == [0, 0, 30, 20]


def test_scans_are_scaled_and_padded(data):
    pixels, factor = to_long_side(as_picture(open_source(data)[0].scan), 192)
    assert (factor, pixels.shape) == (2, (120, 192, 3))
    square = padded(pixels)
    assert square.shape == (128, 192, 3)
    assert (square[120:] == 255).all()


def test_a_batch_depends_on_nothing_but_seed_and_index(data):
    source = open_source(data)
    batches = SourceBatches(source, 2, 96, (64, 96), AugmentationRange(tilt_deg=0.0), seed=3)
    stream = batches(1)
    ahead = next(iter(stream))
    again = batches.build(1)
    assert torch.equal(ahead.image, again.image)
    assert all(torch.equal(a.boxes, b.boxes) for a, b in zip(ahead.targets, again.targets, strict=True))
    assert not torch.equal(again.image, batches.build(2).image)


def test_from_a_set_to_figures(run, data):
    assert system_of(run) is SYSTEM
    loaded = engine.load(SYSTEM, run)
    assert loaded.recipe.classes == CLASSES
    assert not loaded.model.training
    assert "whole_scan" not in engine.evaluate(SYSTEM, run, data)
    chosen = engine.calibrate(SYSTEM, run, data)
    assert {len(values) for values in chosen["thresholds"].values()} == {2}
    found = engine.evaluate(SYSTEM, run, data)
    assert (found["scans"], found["objects"]) == (4, 1)  # the difficult one does not count
    assert found["whole_scan"]["0.05"]["pfa"]["trials"] == 2
    assert sum(row["scan"]["positives"] for row in found["classes"].values()) == 1
    assert json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["scans"] == 4


def test_a_detector_starts_from_a_classifier_or_an_earlier_detector(run, data, tmp_path):
    recipe = engine.load_recipe(SYSTEM, run)
    changes = [*TINY, "steps=1", "lr=0", "ema_decay=0"]
    torch.manual_seed(1)
    body = build_model(recipe).body
    before = {f"classifier.backbone.{name}": value for name, value in body.state_dict().items()}
    (tmp_path / "classifier").mkdir()
    save_file(before, tmp_path / "classifier" / WEIGHTS)
    (tmp_path / "classifier" / "recipe.json").write_text(json.dumps({"classes": ["gun"]}))
    for origin, same in ((tmp_path / "classifier", "body"), (run, "")):
        out = tmp_path / f"from-{origin.name}"
        started = load_detector_recipe("detector_starter", [*changes, f"init={origin}", "seed=5"])
        train_detector(started, data, out)
        found, wanted = load_file(out / WEIGHTS), load_file(origin / WEIGHTS)
        wanted = {name.replace("classifier.backbone", "body"): value for name, value in wanted.items()}
        for name, value in found.items():
            if name.startswith(same) and not name.endswith(("running_mean", "running_var", "tracked")):
                assert torch.equal(value, wanted[name]), name
    other = load_detector_recipe("detector_starter", [*changes, f"init={tmp_path / 'classifier'}"])
    with pytest.raises(BadInputError, match="backbone"):
        train_detector(replace(other, backbone_channels=(8, 8, 8, 16)), data, tmp_path / "wide")
    with pytest.raises(BadInputError, match="run folder"):
        train_detector(with_values(other, {"init": str(tmp_path)}), data, tmp_path / "none")
    fcos = replace(other, detector="FCOS small")
    with pytest.raises(BadInputError, match="Starter only"):
        train_detector(fcos, data, tmp_path / "fcos")
    train_detector(with_values(fcos, {"init": ""}), data, tmp_path / "fcos")
    train_detector(with_values(fcos, {"init": str(tmp_path / "fcos"), "seed": 6}), data, tmp_path / "again")
    before, after = (load_file(tmp_path / name / WEIGHTS) for name in ("fcos", "again"))
    trained = [name for name in before if name.endswith("weight")]
    assert all(torch.equal(before[name], after[name]) for name in trained)


def test_figures_by_hand():
    """Three scans: gun found; knife found twice and a false gun; benign with a weak false gun."""
    objects = Boxes([0, 1], [0, 1], [[0, 0, 10, 10], [0, 0, 20, 20]], ignored=np.zeros(2, bool))
    boxes = [[0, 0, 10, 10], [0, 0, 20, 20], [1, 0, 20, 20], [50, 50, 60, 60], [5, 5, 9, 9]]
    found = Boxes([0, 1, 1, 1, 2], [0, 1, 1, 0, 0], boxes, np.array([0.9, 0.8, 0.7, 0.6, 0.3]))
    seen = Evaluation(found, objects, 3, np.array([0.01, 0.04]), np.array([0.05, np.nan]))
    out = figures(seen, CLASSES, Thresholds({"0.05": [0.5, 0.5]}, {"0.05": [0.5, 0.9]}))
    for name in CLASSES:
        row = out["classes"][name]
        assert {key: row[key] for key in ("objects", "ap", "recall", "precision")} == {
            "objects": 1, "ap": 1, "recall": 1, "precision": 0.5,
        }  # fmt: skip
    gun, knife = (out["classes"][name]["scan"] for name in CLASSES)
    assert (gun["positives"], gun["auc"], knife["auc"]) == (1, 1.0, 1.0)
    at = gun["operating_points"]["0.05"]
    assert (at["pd"]["hits"], at["pfa"]["hits"], at["pfa"]["trials"]) == (1, 1, 2)  # 0.6 in the knife's scan
    assert knife["operating_points"]["0.05"]["pd"]["hits"] == 0
    assert out["froc"]["0.25"] == 1  # both found before the first false alarm
    assert out["misses"]["size"]["objects"] == [1, 1, 0]
    assert out["misses"]["size"]["missed"] == [0, 0, 0]
    assert out["misses"]["occlusion"]["not_known"] == 1
    point = out["whole_scan"]["0.05"]
    assert (point["pd"]["hits"], point["pd"]["trials"]) == (2, 2)
    assert (point["pfa"]["hits"], point["pfa"]["trials"]) == (0, 1)
    strict = figures(seen, CLASSES, Thresholds({"0.05": [0.95, 0.5]}, {}))
    assert strict["misses"]["size"]["missed"] == [1, 0, 0]  # the gun, 1 % of its scan
    limits = chosen_thresholds(seen, 2)
    assert limits.scan["0.05"][0] > 0.3  # the benign scan must not alarm
    assert limits.by_class["0.05"][0] > 0.6  # nor the knife's for a gun


@pytest.mark.slow
def test_the_file_gives_what_torch_gives(tmp_path):
    torch.manual_seed(0)
    detector = SmallDetector(2, backbone="resnet10t", width=8, convolutions=1, channels=(8, 8, 8, 8))
    with torch.no_grad():
        detector.score.bias.fill_(-2.0)
        detector.score.weight.mul_(40)
    card = make_card("tiny", CLASSES, 96, thresholds={"0.05": [0.5, 0.5]}, task="detection")
    path = tmp_path / "tiny.onnx"
    found = export_detector(detector, path, card, check_sizes=((64, 96), (96, 64)))
    assert found["score_difference"] < 1e-4
    from beltline.screening.runtime import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).random((1, 3, 128, 64), dtype=np.float32)
    boxes, labels, scores, best = session.run(None, {"image": image})
    (expected,) = detector.predict(torch.from_numpy(image))
    assert 0 < len(scores) == len(expected.scores)
    np.testing.assert_allclose(scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(best[0].max(), scores[0])
    assert set(labels) <= {0, 1}
    assert boxes.shape == (len(scores), 4)
    kept = json.loads(session.get_modelmeta().custom_metadata_map["beltline"])
    assert (kept["classes"], kept["task"]) == (list(CLASSES), "detection")
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) == kept


def test_refusals_name_the_way_out(run, data, tmp_path):
    recipe = load_detector_recipe("detector_starter", TINY)
    with pytest.raises(BadInputError, match="--resume or choose"):
        train_detector(recipe, data, run)
    with pytest.raises(BadInputError, match="width was"):
        train_detector(replace(recipe, width=16), data, run, resume=True)
    with pytest.raises(BadInputError, match="multiple of 32, got 100"):
        train_detector(replace(recipe, crop_height=100), data, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(
        BadInputError, match="has no class saw; it has belt, gun, knife; train with --set classes=gun"
    ):
        open_source(data, ("saw",))
    with pytest.raises(BadInputError, match="expected a set"):
        open_source(tmp_path)
    with pytest.raises(BadInputError, match="not a run folder"):
        system_of(tmp_path)


@pytest.mark.parametrize("name", SYSTEM.recipes)
def test_recipes_are_read_back_as_written(name, tmp_path):
    recipe = load_detector_recipe(name, ["classes=gun,knife", "augmentation.flip=0.25"])
    assert (recipe.classes, recipe.augmentation.flip, recipe.augmentation.tilt_deg) == (CLASSES, 0.25, 0)
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps({"recipe": name, **recipe_values(recipe)}), encoding="utf-8")
    assert load_detector_recipe(str(file)) == recipe
    with pytest.raises(BadInputError, match="no field 'side'"):
        load_detector_recipe(name, ["side=3"])
