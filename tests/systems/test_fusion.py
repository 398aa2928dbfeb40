"""Training of fusion networks: no truth is used, any moment can be resumed, refusals have a way out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.models.rwsc import RwscFusion
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.synthesis.fusion import drawn_fuser, learned_fuser
from beltline.systems.fusion.data import FusionBatches
from beltline.systems.fusion.recipe import METHODS, FusionRecipe, narrow_recipe, published_recipe, recipe_name
from beltline.systems.fusion.system import SYSTEM, load_fusion
from beltline.training import run as engine
from beltline.training.checkpoint import CHECKPOINT
from beltline.training.recipe_values import with_values
from beltline.training.run import Watching


def fake_pairs(count: int = 6, size: int = 32, truth: int | None = None) -> FusionPairs:
    rng = np.random.default_rng(0)
    bag = rng.integers(80, 255, (count, size, size, 3)).astype(np.uint8)
    mask = np.zeros((count, size, size), np.uint8)
    mask[:, 8:24, 6:22] = 255
    item = np.where(mask[..., None] > 0, rng.integers(20, 200, bag.shape), 255).astype(np.uint8)
    true = (bag.astype(int) * item // 255).astype(np.uint8) if truth is None else np.full_like(bag, truth)
    dual = np.ones((count, 2, size, size), np.float16)
    labels = np.zeros(count, np.int64)
    return FusionPairs(bag, item, mask, labels, ("gun",), ("white",) * count, true, dual, dual, dual)


RECIPE = with_values(
    FusionRecipe("RWSC", width=4), {"steps": 4, "batch_size": 2, "lr": 1e-3, "precision": "32-true"}
)


def train_fusion(recipe, pairs, out, *, resume=False, checkpoint_steps=200):
    watching = Watching(checkpoint_steps=checkpoint_steps, tensorboard=False)
    return engine.train(SYSTEM, recipe, pairs, out, watching=watching, resume=resume)


def read_recipe(run):
    return engine.load_recipe(SYSTEM, run)


def weights(run: Path):
    return {k: v.clone() for k, v in load_fusion(run).state_dict().items()}


def test_the_truth_is_not_used_except_by_the_method_that_is_taught(tmp_path: Path):
    for name, same in (("RWSC", True), ("RWSC taught", False)):
        for truth in (0, 255):
            train_fusion(replace(RECIPE, method=name), fake_pairs(truth=truth), tmp_path / f"{name}{truth}")
        first, second = (weights(tmp_path / f"{name}{truth}") for truth in (0, 255))
        assert all(torch.equal(first[k], second[k]) for k in first) == same


def test_resume_equals_uninterrupted(tmp_path: Path):
    train_fusion(RECIPE, fake_pairs(), tmp_path / "whole")

    class Stopped(Exception):
        pass

    class Breaking(FusionBatches):
        def build(self, index):
            if index == 2:
                raise Stopped
            return super().build(index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("beltline.systems.fusion.system.FusionBatches", Breaking)
        with pytest.raises(Stopped):
            train_fusion(RECIPE, fake_pairs(), tmp_path / "stopped", checkpoint_steps=1)
    assert (tmp_path / "stopped" / CHECKPOINT).is_file()
    with pytest.raises(BadInputError, match="no finished run"):
        load_fusion(tmp_path / "stopped")
    train_fusion(RECIPE, fake_pairs(), tmp_path / "stopped", resume=True)
    first, second = (weights(tmp_path / name) for name in ("whole", "stopped"))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_bag_and_item_are_paired_by_chance_and_crops_hold_a_piece_of_the_item():
    pairs = fake_pairs(20)
    batch = FusionBatches(pairs, 8, seed=1, crop=12).build(3)
    assert batch.bag.shape == (8, 3, 12, 12)
    assert (batch.mask.amax((1, 2, 3)) == 1).all()
    assert batch.truth is None
    white = (batch.mask == 0).expand_as(batch.item)
    assert (batch.item[white] == 1).all()  # item and mask are cut and turned alike
    again = FusionBatches(pairs, 8, seed=1, crop=12).build(3)
    assert all(torch.equal(a, b) for a, b in zip(batch[:3], again[:3], strict=True))


def test_a_taught_batch_keeps_bag_item_and_truth_together():
    batch = FusionBatches(fake_pairs(20), 8, seed=1, taught=True, crop=16).build(0)
    assert batch.truth is not None
    assert (batch.truth - batch.bag * batch.item).abs().max() < 0.01


def test_refusals(tmp_path: Path):
    with pytest.raises(BadInputError, match="there is RWSC"):
        train_fusion(replace(RECIPE, method="magic"), fake_pairs(), tmp_path / "a")
    train_fusion(with_values(RECIPE, {"steps": 1}), fake_pairs(), tmp_path / "b")
    with pytest.raises(BadInputError, match="holds a run; go on"):
        train_fusion(with_values(RECIPE, {"steps": 1}), fake_pairs(), tmp_path / "b")
    with pytest.raises(BadInputError, match="lr was"):
        train_fusion(with_values(RECIPE, {"lr": 0.5}), fake_pairs(), tmp_path / "b", resume=True)
    with pytest.raises(BadInputError, match="no finished run"):
        load_fusion(tmp_path / "c")
    for name, narrow in (("FusionGAN", 7), ("U2Fusion", 1)):  # a layer would have no channels
        with pytest.raises(BadInputError, match=f"got {narrow}"):
            train_fusion(replace(RECIPE, method=name, width=narrow), fake_pairs(), tmp_path / "d")
    with pytest.raises(BadInputError, match="got none"):
        train_fusion(RECIPE, fake_pairs(0), tmp_path / "d")
    with pytest.raises(BadInputError, match="within 0 and 32"):
        train_fusion(replace(RECIPE, crop=64), fake_pairs(), tmp_path / "d")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "recipe.json").write_text('{"method": "RWSC", "magic": 1}')
    with pytest.raises(BadInputError, match="magic"):
        read_recipe(tmp_path / "d")


def test_a_finished_run_keeps_its_numbers_when_it_is_resumed(tmp_path: Path):
    train_fusion(with_values(RECIPE, {"steps": 1}), fake_pairs(), tmp_path)
    before = json.loads((tmp_path / "result.json").read_text())
    assert before["loss"] > 0
    train_fusion(with_values(RECIPE, {"steps": 1}), fake_pairs(), tmp_path, resume=True)
    assert json.loads((tmp_path / "result.json").read_text()) == before


def test_pairs_without_an_item_are_trained_on_like_others(tmp_path: Path):
    pairs = fake_pairs()
    bare = replace(pairs, mask=np.zeros_like(pairs.mask), item=np.full_like(pairs.item, 255))
    for crop in (0, 16, 32):
        assert FusionBatches(bare, 4, crop=crop).build(0).mask.sum() == 0
    result = train_fusion(with_values(RECIPE, {"crop": 16, "steps": 2}), bare, tmp_path)
    assert np.isfinite(result.values["loss"])


@pytest.mark.parametrize("name", ["RWSC", "RWSC literal", "U2Fusion", "FusionGAN", "DeepFuse", "MEFNet"])
def test_every_method_trains_in_half_precision(name, tmp_path: Path):
    recipe = published_recipe(name, width=8, steps=2, batch_size=2)
    result = train_fusion(recipe, fake_pairs(), tmp_path)
    assert np.isfinite(result.values["loss"])
    assert all(v.isfinite().all() for v in weights(tmp_path).values())


FIELDS = ("width=4", "steps=2", "batch_size=2", "crop=16", "precision=32-true")
NARROW = [word for field in FIELDS for word in ("--set", field)]


def _command(folder: Path, pairs: FusionPairs, out: Path) -> list[str]:
    for name in ("bag", "item", "truth", "mask", "bag_dual", "item_dual", "truth_dual", "labels"):
        np.save(folder / f"{name}.npy", getattr(pairs, name))
    (folder / "card.json").write_text(json.dumps({"classes": pairs.classes, "styles": pairs.styles}))
    return ["train", "fusion", "--data", str(folder), "--out", str(out)]


def test_the_command_trains_resumes_and_refuses(tmp_path: Path, capsys):
    out = tmp_path / "run"
    words = _command(tmp_path, fake_pairs(), out)
    assert main([*words, "--recipe", "deepfuse", *NARROW]) == 0
    assert "2 steps" in capsys.readouterr().out
    assert read_recipe(out) == with_values(
        narrow_recipe("DeepFuse"),
        {"width": 4, "steps": 2, "batch_size": 2, "crop": 16, "precision": "32-true"},
    )
    load_fusion(out)
    assert main([*words, "--resume"]) == 0
    assert main([*words, "--resume", "--set", "method=MEFNet"]) == 3
    assert main([*words, "--recipe", "deepfuse", *NARROW]) == 3
    assert main([*words[:3], str(tmp_path / "none"), "--out", str(out)]) == 3
    assert main([*words[:-1], str(tmp_path / "none"), "--set", "precision=16"]) == 3


def test_every_weight_and_part_of_rwsc_is_a_field_of_its_recipe(tmp_path: Path):
    words = _command(tmp_path, fake_pairs(), tmp_path / "legible")
    sets = ["--set", "weights.bag=0.3", "--set", "weights.outside=2", "--set", "network.edge_pool=5"]
    assert main([*words, "--recipe", "rwsc_literal", *NARROW, *sets]) == 0
    recipe = read_recipe(tmp_path / "legible")
    assert (recipe.weights.bag, recipe.weights.outside, recipe.weights.colour) == (0.3, 2.0, False)
    assert (recipe.network.edge_pool, recipe.network.residual) == (5, False)
    model = load_fusion(tmp_path / "legible")
    assert isinstance(model, RwscFusion)
    assert model.settings == replace(recipe.network, widths=(4, 8, 16))
    assert main([*words, "--resume"]) == 0
    assert main([*words, "--resume", "--set", "weights.bag=0.4"]) == 3
    plain = _command(tmp_path, fake_pairs(), tmp_path / "plain")
    assert main([*plain, "--recipe", "rwsc_literal", *NARROW]) == 0
    first, second = weights(tmp_path / "plain"), weights(tmp_path / "legible")
    assert any(not torch.equal(first[k], second[k]) for k in first)
    assert main([*words[:-1], str(tmp_path / "none"), *NARROW, "--set", "weights.shine=1"]) == 3


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("U2Fusion", "network.residual=false", "it counts for RWSC-Fusion"),
        ("MEFNet", "weights.bag=0.3", "it counts for RWSC-Fusion untaught"),
        ("RWSC taught", "weights.bag=0.3", "it counts for RWSC-Fusion untaught"),
        ("RWSC", "network.widths=4,8,16", "it counts with width=0"),
        ("RWSC", "method=MEFNet", "it counts as --recipe"),
    ],
)
def test_no_change_of_a_fusion_is_passed_over_in_silence(tmp_path: Path, capsys, method, change, message):
    words = _command(tmp_path, fake_pairs(), tmp_path / "run")
    assert main([*words, "--recipe", recipe_name(method), "--set", change]) == 3
    assert f"--set {change.partition('=')[0]} would change nothing: {message}" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_a_narrow_recipe_and_fuses_pictures_of_any_size(name):
    recipe = narrow_recipe(name)
    model = METHODS[name].build(recipe)
    assert sum(p.numel() for p in model.parameters()) < 500_000
    rng = np.random.default_rng(0)
    bag, item = rng.integers(0, 255, (2, 37, 50, 3)).astype(np.uint8)
    mask = np.zeros((37, 50), np.float32)
    mask[10:30, 10:45] = 1
    fused = learned_fuser(model)(bag, item, mask)
    assert fused.shape == bag.shape
    assert fused.dtype == np.uint8
    np.testing.assert_array_equal(fused[mask == 0], bag[mask == 0])
    np.testing.assert_array_equal(drawn_fuser(model)(bag, item, mask)[mask == 1], fused[mask == 1])
