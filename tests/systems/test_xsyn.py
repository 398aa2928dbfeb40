"""Painters in the engine: batches, latents kept beside the data, a run that goes on, what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.formats.inpainting_shards import (
    InpaintingWindow,
    InpaintingWindows,
    open_inpainting_shards,
    write_inpainting_classes,
    write_inpainting_shard,
)
from beltline.systems.xsyn.data import XsynBatches, turned_boxes
from beltline.systems.xsyn.latents import encoded, turned
from beltline.systems.xsyn.recipe import XsynRecipe, autoencoder_of, xsyn_autoencoder
from beltline.systems.xsyn.system import open_data
from beltline.training.settings import TrainingSettings

SMALL = ["--set", "latent_widths=8,8,8,8", "--set", "batch_size=4", "--set", "precision=32-true"]
TINY = [*SMALL, "--set", "widths=8,16,16", "--set", "turns=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright squares of two classes on grey."""
    out, rng = tmp_path_factory.mktemp("windows"), np.random.default_rng(0)
    windows = []
    for number in range(12):
        bag = np.full((2, 64, 64), 60, np.uint8) + rng.integers(0, 9, (2, 64, 64), np.uint8)
        mask = np.zeros((64, 64), bool)
        x, y = (int(v) for v in rng.integers(8, 30, 2))
        mask[y : y + 24, x : x + 16] = True
        painted = np.where(mask, bag + np.uint8(80 + 40 * (number % 2)), bag)
        facts = (number % 2, (x, y, x + 16, y + 24), 1.0, 0.3)
        windows.append(InpaintingWindow(painted, bag, mask, facts))
    write_inpainting_shard(out, 0, windows)
    write_inpainting_classes(out, ("gun", "knife"))
    return out


@pytest.fixture(scope="module")
def data(folder: Path) -> InpaintingWindows:
    return open_inpainting_shards(folder)


@pytest.fixture(scope="module")
def autoencoder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "autoencoder"
    words = ["train", "xsyn", "--recipe", "xsyn_autoencoder", "--data", str(folder), "--out", str(run)]
    assert main([*words, *SMALL, "--set", "steps=3"]) == 0
    return run


def recipe_of(autoencoder: Path, **changes: object) -> XsynRecipe:
    recipe = XsynRecipe(
        autoencoder=str(autoencoder), classes=("gun", "knife"), latent_widths=(8, 8, 8, 8), turns=2,
        widths=(8, 16, 16), training=TrainingSettings(batch_size=6),
    )  # fmt: skip
    return replace(recipe, **changes)


def test_latents_are_those_of_the_turned_window(data: InpaintingWindows, autoencoder: Path) -> None:
    recipe = recipe_of(autoencoder)
    kept, net = encoded(data, recipe), autoencoder_of(recipe)
    assert len(kept) == 2
    for turn, latents in enumerate(kept):
        assert latents.painted.shape == latents.bag.shape == (12, 4, 8, 8)
        window = torch.from_numpy(turned(data.painted([5]), turn)).float() / 255
        with torch.no_grad():
            own = net.encode(window)[0]
        np.testing.assert_allclose(latents.painted[5], own, atol=0.05 * float(own.std()) + 0.02)
    files = sorted((data.folder / "latents").rglob("*.npy"))
    before = [file.stat().st_mtime_ns for file in files]
    encoded(data, recipe)
    assert [file.stat().st_mtime_ns for file in files] == before, "they are encoded once"
    assert len(files) == 4


def test_a_batch_of_paintings_belongs_together(data: InpaintingWindows, autoencoder: Path) -> None:
    batches = XsynBatches(data, recipe_of(autoencoder, nameless=0.5))
    batch, again = next(iter(batches(7))), batches.paintings(7)
    assert all(torch.equal(one, other) for one, other in zip(batch, again, strict=True))
    named = set(torch.cat([batches.paintings(n).labels for n in range(6)]).tolist())
    assert named == {0, 1, 2}
    # the box is where painted and bag differ
    apart = (batch.painted - batch.bag).abs().sum(1)
    for difference, (x1, y1, x2, y2) in zip(apart, (8 * batch.boxes).tolist(), strict=True):
        row, column = divmod(int(difference.argmax()), 8)
        assert x1 - 1.5 <= column <= x2 + 0.5
        assert y1 - 1.5 <= row <= y2 + 0.5


def test_a_class_is_drawn_as_often_as_it_is_mentioned(data: InpaintingWindows) -> None:
    training = TrainingSettings(batch_size=600)
    recipe = XsynRecipe("autoencoder", often=("knife", "knife"), training=training)
    _, rows = XsynBatches(data, recipe)._drawn(0)
    assert 0.68 < (data.windows["label"][rows] == 1).mean() < 0.82
    with pytest.raises(BadInputError, match="often: axe is none of gun, knife"):
        open_data(data.folder, XsynRecipe(often=("axe",)))


def test_boxes_turn_as_pictures_do() -> None:
    picture = np.zeros((1, 1, 20, 20), np.uint8)
    picture[0, 0, 4:12, 2:6] = 1
    for turn in range(8):
        rows, columns = np.nonzero(turned(picture, turn)[0, 0])
        (box,) = 20 * turned_boxes(np.array([[0.1, 0.2, 0.3, 0.6]], np.float32), turn)
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(box, found, atol=1e-4)


def test_half_of_the_windows_of_an_autoencoder_hold_a_threat(data: InpaintingWindows) -> None:
    recipe = replace(xsyn_autoencoder(), training=TrainingSettings(batch_size=6))
    batch = XsynBatches(data, recipe).windows(0)
    assert batch.dtype == torch.uint8
    assert ((batch > 120).flatten(1).sum(1) > 100).tolist() == [True] * 3 + [False] * 3


def test_a_run_goes_on_as_if_it_had_not_stopped(folder: Path, autoencoder: Path, tmp_path: Path) -> None:
    words = ["train", "xsyn", "--data", str(folder), *TINY, "--set", f"autoencoder={autoencoder}"]
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    calm = ["--set", "schedule=constant"]
    assert main([*words, *calm, "--out", str(whole), "--set", "steps=4"]) == 0
    assert main([*words, *calm, "--out", str(halves), "--set", "steps=2"]) == 0
    assert main([*words, *calm, "--out", str(halves), "--resume", "--set", "steps=4"]) == 0
    assert (whole / "weights.safetensors").read_bytes() == (halves / "weights.safetensors").read_bytes()
    assert main(["evaluate", str(whole), "--data", str(folder)]) == 0
    found = json.loads((whole / "evaluation.json").read_text())
    assert found["windows"] == 12
    assert found["val_loss"] > 0
    # a painter may start from a painter, autoencoder included
    more = ["--set", f"init={whole}", "--set", "steps=1", "--out", str(tmp_path / "more")]
    assert main(["train", "xsyn", "--data", str(folder), *TINY, *more]) == 0


def test_what_does_not_fit_is_refused(
    folder: Path,
    data: InpaintingWindows,
    autoencoder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train", "xsyn", "--data", str(folder), "--out", str(tmp_path / "run")]
    assert main([*words, *TINY]) == 3
    assert "a painter needs an autoencoder" in capsys.readouterr().err
    assert main([*words, "--set", f"autoencoder={autoencoder}"]) == 3
    assert "lacks" in capsys.readouterr().err
    assert main([*words, "--recipe", "xsyn_autoencoder", "--set", "turns=3"]) == 3
    assert "counts with stage=painter" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    with pytest.raises(BadInputError, match="a painter's tokens belong to its classes"):
        open_data(folder, XsynRecipe(classes=("gun",)))
    for wrong in ({"turns": 0}, {"nameless": 1.0}, {"widths": (8, 12, 16)}):
        with pytest.raises(ValueError, match="must be"):
            XsynRecipe(**wrong)
