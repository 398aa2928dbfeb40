"""The experiment on files: a fake copy of SIXray, its own lists or built ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from beltline.core import BadInputError
from beltline.data.sixray import SixrayTraps, fake_sixray, read_index
from beltline.models.backbones import expected_input, feature_backbone
from beltline.protocols.sixray import experiment
from beltline.protocols.sixray.plan import SCALES, Cell, Net
from beltline.protocols.sixray.real import real_part, real_parts, subset_rows
from beltline.training.checkpoint import save_weights

TINY = replace(
    SCALES["paper"],
    nets={"tiny": Net("resnet18", {"channels": (8, 8, 16, 16)})},
    ablation="tiny",
    methods=("plain", "balanced"),
    subsets=("SIXray10",),
    seeds=(0,),
    size=48,
    warp=56,
    batch_size=8,
    accumulate=2,
    epochs=1,
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sixray")
    fake_sixray(root, positives=20, negatives=60)
    return root


def test_a_part_holds_labels_boxes_and_images(copy: Path) -> None:
    part = real_part(read_index(copy), "SIXray10", TINY, expected_input("resnet18"))
    assert part.classes == ("gun", "knife", "wrench", "pliers", "scissors")
    assert len(part.objects) > 0
    assert (part.test_labels[part.objects[:, 0].astype(int), part.objects[:, 1].astype(int)] == 1).any()
    assert part.objects[:, 2:6].max() <= 48
    rows = np.concatenate([rows for rows, _ in part.whole(7)])
    assert rows.tolist() == list(range(len(part.test_labels)))
    batch = next(iter(part.batches("natural", 0)(0)))
    assert batch.image.shape == (8, 3, 48, 48)
    assert not torch.isnan(batch.labels).any()


def test_published_lists_come_before_built_ones(copy: Path, tmp_path: Path) -> None:
    index = read_index(copy)
    train, test = subset_rows(index, 10)
    np.testing.assert_array_equal(train, index.lists["10/train"])
    assert not set(train) & set(test)
    fake_sixray(tmp_path, positives=20, negatives=60, traps=SixrayTraps(lists="none"))
    built = read_index(tmp_path)
    train, test = subset_rows(built, 10)
    assert len(train) > len(test) > 0
    assert not set(train) & set(test)


def test_each_backbone_sees_its_own_size_and_normalisation(copy: Path) -> None:
    """Weights of Inception-v3 are for 299 pixels about a half, of ResNet for 224 in ImageNet's colours."""
    parts = real_parts(copy, replace(SCALES["paper"], epochs=1, batch_size=2))
    seen = {}
    for net in ("ResNet34", "Inception-v3"):
        part = parts(Cell(net, "plain", "SIXray10", 0))
        _, whole = next(iter(part.whole(2)))
        assert part.test_size == whole.shape[2:]
        assert next(iter(part.batches("natural", 0)(0))).image.shape[2:] == part.test_size
        seen[net] = (part.test_size, part.normalise(torch.ones(1, 3, 2, 2))[0, :, 0, 0].tolist())
    assert seen["Inception-v3"] == ((299, 299), [1, 1, 1])
    assert seen["ResNet34"][0] == (224, 224)
    assert seen["ResNet34"][1] == pytest.approx(
        [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    )


def test_the_experiment_runs_on_files(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "SCALES", {"paper": TINY})
    weights = tmp_path / "weights"
    weights.mkdir()
    body = feature_backbone("resnet18", options={"channels": (8, 8, 16, 16)})
    save_weights(weights / "tiny.safetensors", body.state_dict())
    out = tmp_path / "out"
    report = experiment.reproduce_sixray(out, data=str(copy), scale="paper", weights=weights)
    text = report.read_text(encoding="utf-8")
    assert "2 of 2 cells" in text
    assert "Simulated" not in text


def test_missing_weights_are_named(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "SCALES", {"paper": TINY})
    with pytest.raises(BadInputError, match=r"tiny\.safetensors"):
        experiment.reproduce_sixray(tmp_path / "out", data=str(copy), scale="paper", weights=tmp_path)
