"""Starting from an earlier run: whole tensors and the rows of shared classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from beltline.core import BadInputError
from beltline.models.chr import Chr, chr_tiny
from beltline.training.initial import take_over


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
    found = take_over(new, tmp_path, ["knife", "axe"])
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
    take_over(new, tmp_path, ["bat", "gun", "knife"])
    assert torch.equal(new.heads[0].weight, old.heads[0].weight[[2, 0, 1]])


def test_what_is_no_run_or_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"recipe\.json"):
        take_over(chr_tiny(2), tmp_path / "none", ["gun", "knife"])
    _run(tmp_path, ["gun", "knife", "bat"])
    with pytest.raises(BadInputError, match="no tensor"):
        take_over(torch.nn.Sequential(torch.nn.Linear(3, 7)), tmp_path, ["gun", "knife"])
