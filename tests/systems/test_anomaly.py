"""Anomaly models: what a batch holds, what is learned, what is chosen, and the figures by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.systems.device_toys import write_toy_devices

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.models.dense_anomaly import DEVICE, HIDDEN, DenseAnomaly, dense_loss, device_logits
from beltline.models.part_classifiers import build_part_classifier
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.data import AnomalyBatches, framed_masks, shown
from beltline.systems.anomaly.judge import Judged, judge
from beltline.systems.anomaly.recipe import AnomalyRecipe, anomaly_paper, anomaly_part, build_model
from beltline.systems.anomaly.system import SYSTEM, begin, build_batches, open_data
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.settings import TrainingSettings

SMALL = TrainingSettings(batch_size=8, precision="32-true")
DENSE = AnomalyRecipe(height=96, width_px=96, scans=2, training=SMALL)
PARTS = AnomalyRecipe("DFL", "part", "tiny", 96, 80, training=SMALL)
OBJECTS = AnomalyRecipe("EfficientNet-Lite0", "object", "tiny", 96, 96, training=SMALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_devices(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def shards(folder: Path) -> DeviceShards:
    return open_device_shards(folder)


def test_no_batch_holds_twins_and_both_kinds_are_as_many(shards: DeviceShards) -> None:
    batches = AnomalyBatches(shards, replace(DENSE, augmentation=NO_AUGMENTATION))
    for index in range(4):
        batch = batches.places(index)
        assert batch.images.shape == (8, 3, 96, 96)
        assert batch.hidden.shape == batch.device.shape == (8, 1, 24, 24)
        assert (batch.hidden > 0.5).flatten(1).any(1).tolist() == [False, True] * 4
        bare = batch.images.flatten(1)
        for one in range(8):
            for other in range(one):
                apart = (bare[one] - bare[other]).abs() > 0.02
                assert apart.float().mean() > 0.2, "twins differ in a small part alone"


def test_twins_stand_side_by_side_where_a_first_stage_asks_for_it(shards: DeviceShards) -> None:
    plain = replace(DENSE.augmentation, noise=0.0, jpeg=0.0, blur=0.0, sharpen=0.0)
    batch = AnomalyBatches(shards, replace(DENSE, twins=True, augmentation=plain)).places(3)
    for benign in range(0, 8, 2):
        assert not batch.hidden[benign].any()
        assert batch.hidden[benign + 1].any()
        hidden = torch.nn.functional.interpolate(batch.hidden[benign + 1][None], scale_factor=4)[0, 0]
        reached = torch.nn.functional.max_pool2d(hidden[None], 9, 1, 4)[0] > 0
        apart = (batch.images[benign] - batch.images[benign + 1]).abs().amax(0)
        assert apart[reached].max() > 0.2
        assert apart[~reached].max() < 0.05


def test_both_twins_are_shown_over_time(shards: DeviceShards) -> None:
    few = replace(DENSE, augmentation=NO_AUGMENTATION, kinds=("blade",))
    batches = AnomalyBatches(shards, few)
    seen = {image.numpy().tobytes() for index in range(6) for image in batches.places(index).images}
    assert len(seen) > batches.concealing


def test_what_is_hidden_and_not_shown_does_not_count(shards: DeviceShards) -> None:
    benign, hiding = (shards.planes(row) for row in (0, 1))
    clear = shown([benign, hiding])
    assert clear[hiding[..., 4] == 1].mean() > 250
    assert clear[hiding[..., 4] == 0].max() == 0
    faint = hiding.copy()
    faint[..., :3] = benign[..., :3]
    faint[hiding[..., 4] == 1, 0] -= np.uint8(12)  # a difference of 4 grey values of 16
    hidden, device, unseen = framed_masks(faint, (96, 96), shown([benign, faint]))
    assert unseen[hidden == 255].min() >= 180
    assert not unseen[hidden == 0].any()
    assert not framed_masks(faint, (96, 96))[2].any()
    assert (device[hidden == 255] == 255).all()


def test_what_lies_beside_a_device_stays_white(shards: DeviceShards) -> None:
    plain = replace(
        DENSE, augmentation=replace(DENSE.augmentation, noise=0.0, jpeg=0.0, blur=0.0, sharpen=0.0)
    )
    for index in range(3):
        batch = AnomalyBatches(shards, plain).places(index)
        near = torch.nn.functional.interpolate(batch.device, scale_factor=4)
        beside = torch.nn.functional.max_pool2d(near, 9, 1, 4) == 0
        assert batch.images.amin(1, keepdim=True)[beside].min() == 1


def test_what_is_hidden_lies_where_the_picture_shows_it(shards: DeviceShards) -> None:
    batch = AnomalyBatches(shards, replace(DENSE, augmentation=NO_AUGMENTATION)).places(0)
    dark = torch.nn.functional.avg_pool2d(batch.images.amax(1, keepdim=True), 4) < 0.5
    shared = ((batch.hidden > 0.5) & dark).sum() / ((batch.hidden > 0.5) | dark).sum()
    assert shared > 0.9
    white = torch.nn.functional.avg_pool2d(batch.images.amin(1, keepdim=True), 4) > 0.72
    assert (white == (batch.device < 0.5)).float().mean() > 0.97


def test_whole_scans_show_where_devices_are(shards: DeviceShards) -> None:
    batch = AnomalyBatches(shards, replace(DENSE, augmentation=NO_AUGMENTATION)).places(1)
    assert batch.scans.shape == (2, 3, 96, 96)
    assert batch.found.shape == (2, 1, 24, 24)
    dark = torch.nn.functional.avg_pool2d(batch.scans.amin(1, keepdim=True), 4) < 0.72
    assert (dark == (batch.found > 0.5)).float().mean() > 0.97


def test_devices_without_whole_scans_teach_what_is_hidden(tmp_path: Path) -> None:
    opened = open_device_shards(write_toy_devices(tmp_path, pairs=4, scans=False))
    batch = AnomalyBatches(opened, DENSE).places(0)
    assert len(batch.scans) == 0
    model = DenseAnomaly(backbone="resnet10t", width=16, channels=(8, 8, 8, 8))
    loss = SYSTEM.loss(DENSE)(model, batch)
    assert loss["devices"] == 0
    assert torch.isfinite(loss["loss"])


@pytest.mark.parametrize("recipe", [PARTS, OBJECTS])
def test_pictures_of_both_kinds_are_as_many(shards: DeviceShards, recipe: AnomalyRecipe) -> None:
    batches = AnomalyBatches(shards, recipe)
    batch = batches.pictures(1)
    assert batch.labels.tolist() == [0, 1] * 4
    assert batch.images.shape == (8, 3, *recipe.shape)
    again = AnomalyBatches(shards, recipe).pictures(1)
    assert torch.equal(batch.images, again.images)
    assert not torch.equal(batch.images, batches.pictures(2).images)


def test_ignored_parts_are_never_drawn(shards: DeviceShards) -> None:
    benign, anomalous = AnomalyBatches(shards, PARTS).rows_of
    labels = shards.parts["label"]
    assert (labels[benign] == 0).all()
    assert (labels[anomalous] == 1).all()
    assert len(benign) + len(anomalous) + (labels == -1).sum() == len(labels)


def test_every_parameter_of_the_dense_model_gets_a_gradient(shards: DeviceShards) -> None:
    torch.manual_seed(0)
    # residual branches begin at nothing otherwise, and what is before it gets no gradient in the first step
    model = DenseAnomaly(backbone="resnet10t", width=16, channels=(8, 8, 8, 8), zero_init_last=False)
    batch = AnomalyBatches(shards, DENSE).places(0)
    loss = SYSTEM.loss(DENSE)(model, batch)
    loss["loss"].backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_a_batch_can_be_overfitted(shards: DeviceShards) -> None:
    torch.manual_seed(0)
    model = DenseAnomaly(backbone="resnet10t", width=16, channels=(16, 16, 16, 16))
    batch = AnomalyBatches(shards, DENSE).places(0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        SYSTEM.loss(DENSE)(model, batch)["loss"].backward()
        optimizer.step()
    found = model.eval()(batch.scans)[:, DEVICE, None] > 0
    assert ((found == (batch.found > 0.5)).float().mean()) > 0.95
    logits = model(batch.images)[:, HIDDEN, None]
    scores = device_logits(logits, batch.device)
    assert scores[1::2].min() > scores[0::2].max()


def test_places_beside_the_device_do_not_count() -> None:
    logits, hidden = torch.randn(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    device = torch.ones(1, 1, 8, 8)
    device[..., 4:] = 0
    other = logits.clone()
    other[..., 4:] = 50.0
    one, two = (dense_loss(each, hidden, device)["loss"] for each in (logits, other))
    assert one == two
    assert device_logits(other, torch.zeros_like(device)).item() == 0


def test_a_classifier_begins_from_training_pictures(shards: DeviceShards) -> None:
    model = build_model(PARTS)
    before = model.filters.weight.clone()
    begin(PARTS, model, shards)
    assert not torch.equal(before, model.filters.weight)
    norms = model.filters.weight.flatten(1).norm(dim=1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-4)


class Darkness(torch.nn.Module):
    """Dense logits that know the toy: dark is anomalous."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = torch.nn.functional.avg_pool2d(images.amax(1, keepdim=True), 4)
        return self.scale * (0.5 - pooled).expand(-1, 2, -1, -1)


def test_judging_places_gives_each_part_a_logit(shards: DeviceShards) -> None:
    judged = judge(DENSE, Darkness(), shards, range(10))
    counts = shards.devices["parts"][:10]
    assert len(judged.logits) == counts.sum()
    assert (np.bincount(judged.device) == counts).all()
    assert judged.truth.tolist() == [0, 1] * 5
    assert judged.logits[judged.labels == 1].min() > judged.logits[judged.labels == 0].max()


def test_judging_objects_and_parts(shards: DeviceShards) -> None:
    objects = judge(OBJECTS, build_model(OBJECTS).eval(), shards, range(6))
    assert objects.device.tolist() == list(range(6))
    assert (objects.labels == objects.truth).all()
    parts = judge(PARTS, build_model(PARTS).eval(), shards, [3, 1])
    assert len(parts.logits) == shards.devices["parts"][[3, 1]].sum()
    assert parts.devices.tolist() == [3, 1]
    assert (parts.labels[parts.device == 0] == shards.parts[shards.rows(3)]["label"]).all()


def known(seed: int = 0, devices: int = 60, gap: float = 6.0) -> Judged:
    """Four parts a device, one of them telling where it conceals something."""
    rng = np.random.default_rng(seed)
    truth = np.arange(devices) % 2
    labels = np.zeros((devices, 4), np.int64)
    labels[truth == 1, 2] = 1
    logits = rng.normal(0, 1, (devices, 4)) + gap * labels
    device = np.repeat(np.arange(devices), 4)
    rows = np.arange(devices)
    return Judged(rows, logits.ravel(), np.ones(len(device)), device, labels.ravel(), truth, rows // 2)


def test_what_is_chosen_keeps_its_false_alarms(shards: DeviceShards) -> None:
    chosen = figures.calibrate(known(0, 400))
    assert set(chosen["thresholds"]) == {"0.01", "0.02", "0.05", "0.1", "0.2"}
    assert chosen["fusion"] in chosen["fusions"]
    best = max(row["pd"]["value"] for row in chosen["fusions"].values())
    assert chosen["fusions"][chosen["fusion"]]["pd"]["value"] == best
    judged = known(1, 48)
    found = figures.figures(judged, shards, chosen)
    assert found["at"]["0.05"]["pfa"]["value"] <= 0.15
    assert found["at"]["0.05"]["pd"]["value"] > 0.9
    assert found["part_auc"] > 0.99
    assert sum(of for _, of in found["found"]["kind"].values()) == 24
    assert sum(of for _, of in found["found"]["difficulty"].values()) == 24
    assert sum(hits for hits, _ in found["found"]["place"].values()) == found["at"]["0.05"]["pd"]["hits"]
    assert len(figures.table(found)) >= 8


def test_shares_are_of_the_device_and_not_of_its_box(shards: DeviceShards) -> None:
    judged = known(1, 48)
    found = figures.found_by(shards, judged, np.ones(48, bool))["share of the device"]
    for low, high, name in ((0.0, 0.03, "1% to 3%"), (0.03, 0.1, "3% to 10%"), (0.1, 1.0, "10% to 100%")):
        inside = 0
        for row in range(1, 48, 2):
            share = shards.anomaly(row).sum() / shards.device(row).mask.sum()
            inside += low <= share < high
        assert found.get(name, [0, 0])[1] == inside


def test_too_few_benign_devices_promise_no_low_rate() -> None:
    chosen = figures.calibrate(known(0, 40))
    assert set(chosen["thresholds"]) == {"0.05", "0.1", "0.2"}
    with pytest.raises(ValueError, match="too few"):
        figures.calibrate(known(0, 30))


def test_the_table_of_parts_follows_from_one_confusion_matrix() -> None:
    truth = np.array([True] * 10 + [False] * 100)
    alarm = np.array([True] * 9 + [False] + [True] * 5 + [False] * 95)
    found = figures.part_table(truth, alarm)
    assert found["tp"]["value"] == pytest.approx(0.9)
    assert found["fp"]["value"] == pytest.approx(0.05)
    assert found["balanced"]["accuracy"] == pytest.approx((0.9 + 0.95) / 2)
    assert found["balanced"]["precision"] == pytest.approx(0.9 / 0.95)


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["--recipe", "anomaly_part", "--set", "classifier=DFL", "--set", "size=tiny"],
        ["--recipe", "anomaly_object", "--set", "size=tiny"],
    ],
    ids=["places", "part", "object"],
)
def test_a_run_from_the_command_line(folder: Path, tmp_path: Path, settings: list[str]) -> None:
    run = str(tmp_path / "run")
    small = ["--set", "height=64", "--set", "width_px=64", "--set", "batch_size=4", "--set", "steps=2"]
    assert main(["train", "anomaly", "--data", str(folder), "--out", run, *settings, *small]) == 0
    assert main(["evaluate", run, "--data", str(folder), "--calibrate"]) == 0
    assert main(["evaluate", run, "--data", str(folder), "--limit", "44"]) == 0
    found = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert found["devices"] == 44
    assert 0 <= found["part_auc"] <= 1
    assert "0.05" in found["at"]


def test_a_run_goes_on_with_its_filters(folder: Path, tmp_path: Path) -> None:
    words = ["train", "anomaly", "--data", str(folder), "--threads", "1", "--recipe", "anomaly_part"]
    words += ["--set", "classifier=DFL", "--set", "size=tiny", "--set", "height=64", "--set", "width_px=64"]
    words += ["--set", "batch_size=4", "--set", "precision=32-true", "--set", "schedule=constant"]
    assert main([*words, "--out", str(tmp_path / "whole"), "--set", "steps=4"]) == 0
    assert main([*words, "--out", str(tmp_path / "parts"), "--set", "steps=2"]) == 0
    again = ["train", "anomaly", "--data", str(folder), "--out", str(tmp_path / "parts"), "--resume"]
    assert main([*again, "--threads", "1", "--set", "steps=4"]) == 0
    whole, parts = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="multiples of 32 from 64"):
        open_data(folder, replace(DENSE, height=100))
    with pytest.raises(BadInputError, match="must be the same"):
        open_data(folder, replace(DENSE, height=128))
    with pytest.raises(BadInputError, match="from 64"):
        open_data(folder, replace(PARTS, width_px=40))
    with pytest.raises(ValueError, match="level places with classifier dense and"):
        build_model(replace(DENSE, level="part"))
    benign = write_toy_devices(tmp_path / "benign", pairs=2)
    table = np.load(benign / "shard_00000" / "devices.npy")
    parts = np.load(benign / "shard_00000" / "parts.npy")
    table["positive"], table["masked"], parts["label"] = False, False, 0
    np.save(benign / "shard_00000" / "devices.npy", table)
    np.save(benign / "shard_00000" / "parts.npy", parts)
    opened = open_device_shards(benign)
    opened.devices["masked"] = True  # as of a user's benign pictures
    with pytest.raises(BadInputError, match="train anomaly_object"):
        build_batches(DENSE, opened)
    for recipe in (PARTS, OBJECTS):
        with pytest.raises(BadInputError, match="of both kinds"):
            build_batches(recipe, opened)


def test_the_papers_recipe_is_the_papers() -> None:
    recipe = anomaly_paper()
    training = recipe.training
    assert (recipe.classifier, recipe.level, recipe.size, recipe.shape) == (
        "DFL",
        "part",
        "published",
        (190, 150),
    )
    assert (training.batch_size, training.optimizer, training.lr) == (64, "sgd", 1e-3)


def test_fields_that_do_not_count_are_refused(folder: Path, tmp_path: Path, capsys) -> None:
    words = ["train", "anomaly", "--data", str(folder), "--out", str(tmp_path / "run")]
    assert main([*words, "--set", "size=published"]) == 3
    assert "with any classifier but dense" in capsys.readouterr().err
    assert main([*words, "--set", "augmentation.montage=0.5"]) == 3


def test_weights_of_the_trunk_come_from_a_file(tmp_path: Path) -> None:
    donor = build_part_classifier("ResNet-18", size="published", pretrained=False)
    file = tmp_path / "resnet18.pth"
    torch.save({**donor.trunk.backbone.state_dict(), "fc.weight": torch.zeros(2, 2)}, file)
    recipe = replace(anomaly_part(), classifier="ResNet-18", size="published", weights=str(file))
    model = build_model(recipe)
    assert SYSTEM.start is not None
    SYSTEM.start(recipe, model)
    assert torch.equal(model.trunk.backbone.conv1.weight, donor.trunk.backbone.conv1.weight)


def test_what_is_not_taught_is_never_drawn(shards: DeviceShards) -> None:
    chosen = AnomalyBatches(shards, replace(OBJECTS, kinds=("screws",)))
    benign, anomalous = chosen.rows_of
    kinds = shards.devices["kind"]
    assert len(anomalous)
    assert {shards.kinds[k] for k in kinds[anomalous]} == {"screws"}
    pairs = set(shards.devices["pair"][anomalous])
    assert set(shards.devices["pair"][benign]) == pairs, "twins of what is left out are left out"
    parts = AnomalyBatches(shards, replace(PARTS, kinds=("screws",))).rows_of[1]
    assert set(shards.devices["pair"][shards.parts["device"][parts]]) <= pairs
    easy = AnomalyBatches(shards, replace(DENSE, hardest=0.2))
    assert easy.concealing == 0, "the toys have difficulty 0.3"
    assert AnomalyBatches(shards, DENSE).concealing == 24


def test_kinds_that_the_set_does_not_know_are_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match="kinds: swords is none of blade, screws, organic_block"):
        open_data(folder, replace(DENSE, kinds=("swords",)))
    shards, recipe = open_data(folder, replace(DENSE, hardest=0.1))
    with pytest.raises(BadInputError, match="it is known of no device"):
        SYSTEM.batches(recipe, shards)
