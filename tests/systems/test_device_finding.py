"""Finding devices in whole scans: Mask R-CNN as a recipe, and what is counted as found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.systems.device_toys import write_toy_devices

from beltline.core import BadInputError
from beltline.core.errors import ShapeError
from beltline.formats.device_shards import DeviceShards, devices_in, open_device_shards
from beltline.models.mask_rcnn import SIZES, MaskRcnn
from beltline.systems.anomaly.data import AnomalyBatches
from beltline.systems.anomaly.finding import everything_dark, finder_of, finding_figures, finding_table
from beltline.systems.anomaly.recipe import anomaly_scan, build_model
from beltline.systems.anomaly.system import SYSTEM, open_data
from beltline.training.augment import NO_AUGMENTATION

SIDE = 64
RECIPE = replace(
    anomaly_scan(), size="tiny", height=SIDE, width_px=SIDE,
    training=replace(anomaly_scan().training, batch_size=4),
)  # fmt: skip


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> DeviceShards:
    return open_device_shards(write_toy_devices(tmp_path_factory.mktemp("devices"), pairs=6))


def test_a_batch_shows_each_device_with_its_mask(shards: DeviceShards) -> None:
    batch = AnomalyBatches(shards, replace(RECIPE, augmentation=NO_AUGMENTATION)).whole_scans(0)
    assert batch.images.shape == (4, 3, SIDE, SIDE)
    for image, masks in zip(batch.images, batch.masks, strict=True):
        assert masks.shape == (1, SIDE, SIDE)
        dark = image.amin(0) < 0.72
        assert (dark == masks[0]).float().mean() > 0.97


def test_every_parameter_gets_a_gradient_and_a_batch_can_be_overfitted(shards: DeviceShards) -> None:
    batch = AnomalyBatches(shards, replace(RECIPE, augmentation=NO_AUGMENTATION)).whole_scans(0)
    model = build_model(RECIPE)
    assert isinstance(model, MaskRcnn)
    loss = SYSTEM.loss(RECIPE)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    reached: set[str] = set()
    for _ in range(120):
        optimizer.zero_grad()
        loss(model, batch)["loss"].backward()
        reached |= {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        optimizer.step()
    assert reached == {name for name, _ in model.named_parameters()}
    found = model.eval()(batch.images)
    overlaps = [
        float((a[0] & b[0]).sum() / (a[0] | b[0]).sum()) if len(a) else 0.0
        for a, b in zip(found, batch.masks, strict=True)
    ]
    assert np.mean(overlaps) > 0.6


def test_a_scan_without_a_device_teaches_that_there_is_none() -> None:
    model = MaskRcnn("tiny", side=SIDE)
    found = model.losses(torch.ones(2, 3, SIDE, SIDE), [torch.zeros(0, SIDE, SIDE, dtype=torch.bool)] * 2)
    assert all(torch.isfinite(value) for value in found.values())
    with pytest.raises(ShapeError, match=f"expected images \\(B, 3, {SIDE}, {SIDE}\\)"):
        model(torch.ones(1, 3, 32, 32))


def test_the_published_size_is_torchvisions() -> None:
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    ours = MaskRcnn("published", side=320)
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)

    def heads(net: torch.nn.Module) -> dict[str, torch.Size]:
        return {n: p.shape for n, p in net.named_parameters() if not n.startswith("backbone.body")}

    renamed = {n.replace("backbone.pyramid", "backbone.fpn"): shape for n, shape in heads(ours.net).items()}
    assert renamed == heads(theirs)
    assert set(SIZES) == {"published", "small", "tiny"}


def halves(picture: np.ndarray) -> list[np.ndarray]:
    """Finds the left half of every scan."""
    mask = np.zeros(picture.shape[:2], bool)
    mask[:, : mask.shape[1] // 2] = True
    return [mask]


def test_what_counts_as_found(shards: DeviceShards) -> None:
    perfect = {shards.scan(n)[..., :3].tobytes(): shards.scan(n)[..., 3] for n in range(shards.scans)}
    found = finding_figures(lambda picture: devices_in(perfect[picture.tobytes()]), shards)
    assert found["found"]["value"] == 1
    assert found["iou"] == 1
    assert found["false"] == 0
    poor = finding_figures(halves, shards, 4)
    assert poor["scans"] == 4
    assert poor["found"]["hits"] == 0
    assert 0 < poor["iou"] < 0.5
    assert poor["false"] == 1
    assert poor["empty"] is None
    assert "devices found: 0.000" in "\n".join(finding_table(poor))


def test_the_dark_rule_finds_the_toys_or_nothing(shards: DeviceShards) -> None:
    found = finding_figures(everything_dark, shards)
    assert set(found) == {"scans", "found", "iou", "false", "empty"}


def test_train_and_evaluate(tmp_path: Path) -> None:
    from beltline.training import run as engine

    data = write_toy_devices(tmp_path / "devices", pairs=4)
    recipe = replace(RECIPE, training=replace(RECIPE.training, steps=2))
    opened, checked = open_data(data, recipe)
    engine.train(SYSTEM, checked, opened, tmp_path / "run")
    loaded = engine.load(SYSTEM, tmp_path / "run")
    assert len(list(finder_of(recipe, loaded.model)(np.full((90, 120, 3), 255, np.uint8)))) >= 0
    found = engine.evaluate(SYSTEM, tmp_path / "run", data)
    assert found["finding"]["scans"] == 8
    with pytest.raises(BadInputError, match="finds devices and judges none"):
        engine.calibrate(SYSTEM, tmp_path / "run", data)


def test_data_without_whole_scans_is_refused(tmp_path: Path) -> None:
    write_toy_devices(tmp_path, pairs=2, scans=False)
    with pytest.raises(BadInputError, match="holds no whole scans"):
        open_data(tmp_path, RECIPE)
    with pytest.raises(ValueError, match="level scan with classifier Mask R-CNN alone go together"):
        build_model(replace(RECIPE, level="part"))
