"""DRAEM as a recipe: taught by devices beside their benign twins, judged place by place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.systems.device_toys import write_toy_devices

from beltline.core import BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.models.draem import Draem, draem
from beltline.systems.anomaly.data import AnomalyBatches
from beltline.systems.anomaly.judge import judge
from beltline.systems.anomaly.recipe import anomaly_draem, build_model, trunk_of
from beltline.systems.anomaly.system import SYSTEM, open_data
from beltline.training import run as engine

RECIPE = replace(
    anomaly_draem(), size="tiny", height=64, width_px=64,
    training=replace(anomaly_draem().training, batch_size=4, steps=3),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_devices(tmp_path_factory.mktemp("devices"), pairs=6)


@pytest.fixture(scope="module")
def shards(folder: Path) -> DeviceShards:
    return open_device_shards(folder)


def test_a_batch_shows_devices_beside_what_they_would_be(shards: DeviceShards) -> None:
    batch = AnomalyBatches(shards, RECIPE).twins(0)
    assert batch.corrupted.shape == batch.clean.shape == (4, 3, 64, 64)
    assert batch.mask.shape == (4, 1, 64, 64)
    for number in range(4):
        apart = (batch.corrupted[number] - batch.clean[number]).abs().amax(0)
        if number % 2:
            assert batch.mask[number].any()
            assert apart[batch.mask[number, 0] > 0].max() > 0.2
        else:
            assert not apart.any()
            assert not batch.mask[number].any()
    again = AnomalyBatches(shards, RECIPE).twins(0)
    assert torch.equal(batch.corrupted, again.corrupted)


def test_every_parameter_gets_a_gradient(shards: DeviceShards) -> None:
    model = build_model(RECIPE)
    assert isinstance(model, Draem)
    assert trunk_of(model) is None
    loss = SYSTEM.loss(RECIPE)(model, AnomalyBatches(shards, RECIPE).twins(1))
    loss["loss"].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_it_is_trained_and_judges_every_part(folder: Path, shards: DeviceShards, tmp_path: Path) -> None:
    opened, recipe = open_data(folder, RECIPE)
    engine.train(SYSTEM, recipe, opened, tmp_path)
    loaded = engine.load(SYSTEM, tmp_path)
    judged = judge(loaded.recipe, loaded.model, shards, np.arange(4))
    assert len(judged.logits) == sum(shards.devices["parts"][:4])
    assert np.isfinite(judged.logits).all()
    with pytest.raises(BadInputError, match="frozen"):
        engine.train(
            SYSTEM,
            replace(recipe, training=replace(recipe.training, frozen_stages=1)),
            opened,
            tmp_path / "x",
        )


def test_devices_without_twins_are_refused(tmp_path: Path) -> None:
    from tests.systems.device_toys import toy_device

    from beltline.formats.device_shards import write_device_names, write_device_shard

    write_device_shard(tmp_path, 0, [toy_device(n, bool(n % 2)) for n in range(4)])
    write_device_names(tmp_path, ["laptop", "phone"], ["blade", "screws", "organic_block"])
    opened, recipe = open_data(tmp_path, RECIPE)
    with pytest.raises(BadInputError, match="learns from devices beside their twins"):
        SYSTEM.batches(recipe, opened)


def test_sizes_by_name() -> None:
    assert sum(p.numel() for p in draem("small").parameters()) < 5e6
    assert sum(p.numel() for p in draem("published").parameters()) > 5e7
    with pytest.raises(ValueError, match="size must be one of published, small, tiny"):
        draem("large")
