"""Starting from an earlier run: whole tensors and the rows of shared classes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.tiny_chr import chr_tiny

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.chr import Chr, mean_logits
from beltline.screening import load_model
from beltline.systems.chr.recipe import ChrRecipe, build_model
from beltline.systems.detector.recipe import DetectorRecipe
from beltline.systems.detector.recipe import build_model as build_detector
from beltline.training.initial import read_start, take_over, write_start
from beltline.training.recipe_values import with_values


def _run(folder: Path, classes: list[str]) -> Chr:
    torch.manual_seed(1)
    model = chr_tiny(len(classes), pooling="lse")
    torch.nn.init.normal_(model.offset)
    folder.mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps({"classes": classes}))
    save_file(model.state_dict(), folder / "weights.safetensors")
    return model


def test_shared_classes_keep_their_rows(tmp_path: Path) -> None:
    old = _run(tmp_path, ["gun", "knife", "bat"])
    torch.manual_seed(2)
    new = chr_tiny(2, pooling="lse")
    fresh = [head.weight[1].detach().clone() for head in new.heads]
    found = take_over(new, read_start(tmp_path), ["knife", "axe"])
    assert found.classes == ("knife",)
    assert found.fresh == ()
    assert found.tensors == len(new.state_dict())
    for head, before, start in zip(new.heads, old.heads, fresh, strict=True):
        assert torch.equal(head.weight[0], before.weight[1])
        assert torch.equal(head.weight[1], start)
    assert torch.equal(new.offset[:, 0], old.offset[:, 1])
    assert torch.equal(new.backbone.stem.weight, old.backbone.stem.weight)


def test_the_order_of_classes_is_followed(tmp_path: Path) -> None:
    old = _run(tmp_path, ["gun", "knife", "bat"])
    new = chr_tiny(3, pooling="lse")
    take_over(new, read_start(tmp_path), ["bat", "gun", "knife"])
    assert torch.equal(new.heads[0].weight, old.heads[0].weight[[2, 0, 1]])


@pytest.mark.parametrize(("before", "now"), [("bat", "baton"), ("baton", "bat")])
def test_a_class_that_was_called_otherwise_keeps_its_row(tmp_path: Path, before: str, now: str) -> None:
    old = _run(tmp_path, ["gun", before])
    new = chr_tiny(3, pooling="lse")
    found = take_over(new, read_start(tmp_path), [now, "gun", "saw_blade"])
    assert found.classes == (now, "gun")
    assert torch.equal(new.heads[0].weight[:2], old.heads[0].weight[[1, 0]])


def test_a_class_goes_by_its_very_name_where_both_names_are_known(tmp_path: Path) -> None:
    old = _run(tmp_path, ["baton", "bat"])
    new = chr_tiny(2, pooling="lse")
    take_over(new, read_start(tmp_path), ["bat", "baton"])
    assert torch.equal(new.heads[0].weight, old.heads[0].weight[[1, 0]])


def test_what_is_no_run_or_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"recipe\.json"):
        read_start(tmp_path / "none")
    _run(tmp_path, ["gun", "knife", "bat"])
    with pytest.raises(BadInputError, match="no tensor"):
        take_over(torch.nn.Sequential(torch.nn.Linear(3, 7)), read_start(tmp_path), ["gun", "knife"])


def test_a_shipped_model_is_a_start_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _run(tmp_path / "run", ["gun", "knife"])
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    megabytes = write_start(tmp_path / "run", folder / "small.safetensors", half=True)
    assert megabytes == (folder / "small.safetensors").stat().st_size / 1e6
    (folder / "small.onnx").write_bytes(b"not looked at")
    sums = {
        name: sha256((folder / f"small.{name}").read_bytes()).hexdigest() for name in ("onnx", "safetensors")
    }
    start = {"file": "small.safetensors", "sha256": sums["safetensors"]}
    model = {"name": "small", "file": "small.onnx", "sha256": sums["onnx"], "start": start}
    manifest = {"schema_version": 1, "default": None, "models": [model]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    new = chr_tiny(2, pooling="lse")
    take_over(new, read_start("small"), ["gun", "knife"])
    for (name, after), before in zip(new.state_dict().items(), old.state_dict().values(), strict=True):
        rounded = before.half().float() if before.is_floating_point() and before.ndim >= 2 else before
        assert torch.equal(after, rounded), name
    with pytest.raises(BadInputError, match=r"a model to start from \(.*small"):
        read_start("large")
    (folder / "small.safetensors").write_bytes(b"swapped")
    with pytest.raises(UntrustedWeightsError, match="SHA-256"):
        read_start("small")


def test_the_shipped_start_is_the_shipped_model() -> None:
    shipped = load_model("starter-chr-3")
    recipe = with_values(ChrRecipe(), {**shipped.card.details["recipe"], "classes": shipped.card.classes})
    model = build_model(recipe)
    found = take_over(model, read_start("starter-chr-3"), recipe.classes)
    assert found.fresh == ()
    image = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    with torch.no_grad():
        ours = mean_logits(model.eval()(torch.from_numpy(image)))[0].numpy()
    np.testing.assert_allclose(ours, shipped.run({"image": image}, timeout_s=60).logits, atol=0.02)


def test_the_shipped_detector_starts_what_it_is() -> None:
    shipped = load_model("starter-detector-2")
    values = {**shipped.card.details["recipe"], "classes": shipped.card.classes}
    detector = build_detector(with_values(DetectorRecipe(), values))
    start = read_start("starter-detector-2")
    assert not start.has("classifier.")
    assert take_over(detector, start, shipped.card.classes).fresh == ()
    image = np.random.default_rng(0).random((1, 3, 96, 128), np.float32)
    with torch.no_grad():
        _, logits = detector.eval().dense(torch.from_numpy(image))
    best = logits.sigmoid().amax(2)[0].numpy()
    np.testing.assert_allclose(best, shipped.run({"image": image}, timeout_s=60).best, atol=0.005)
