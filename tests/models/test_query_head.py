"""The query head: shapes, gradients, what its maps mean, and that it can learn."""

from __future__ import annotations

import pytest
import torch
from tests.tiny_chr import TinyBackbone
from torch.nn import functional as F

from beltline.models.query_head import QueryClassifier, build_query_classifier


def _tiny(**options: int) -> QueryClassifier:
    torch.manual_seed(0)
    return QueryClassifier(TinyBackbone(), (8, 12, 16), 3, width=8, heads=2, **options)


def test_shapes_follow_the_stage() -> None:
    output = _tiny()(torch.rand(2, 3, 64, 96))
    assert output.logits.shape == (2, 1, 3)
    assert output.cams[0].shape == (2, 3, 2, 3)
    assert _tiny(stage=1)(torch.rand(2, 3, 64, 96)).cams[0].shape == (2, 3, 4, 6)


def test_gradients_reach_every_parameter_in_use() -> None:
    model = _tiny()
    model(torch.rand(2, 3, 64, 64)).logits.square().sum().backward()
    dead = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # softmax does not see what is added to every key alike
    assert dead in ([], ["key.bias"])


def test_the_map_points_at_what_decides() -> None:
    torch.manual_seed(3)
    model = _tiny(stage=0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    rng = torch.Generator().manual_seed(0)

    def scene(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        image = torch.ones(count, 3, 64, 64)
        where = torch.randint(0, 4, (count, 2), generator=rng)
        present = torch.rand(count, 3, generator=rng) < 0.5
        for i in range(count):
            for k in range(3):
                if present[i, k]:  # class k is a dark square in colour k, at its own place
                    y, x = (int(v) for v in (where[i] + k) % 4 * 16)
                    image[i, k, y : y + 16, x : x + 16] = 0
        return image, present.float(), where

    for _ in range(120):
        image, target, _ = scene(16)
        loss = F.binary_cross_entropy_with_logits(model((image - 0.8) / 0.25).logits[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.25
    image, target, where = scene(32)
    cams = model((image - 0.8) / 0.25).cams[0]
    hits = []
    for i, k in target.nonzero().tolist():
        row, column = divmod(int(cams[i, k].argmax()), cams.shape[3])
        cell = (where[i] + k) % 4
        hits.append(row // 2 == int(cell[0]) and column // 2 == int(cell[1]))
    assert sum(hits) / len(hits) > 0.7  # chance is 1 in 16


def test_any_timm_backbone_fits() -> None:
    model = build_query_classifier("resnet18", 4, backbone_options={"channels": (8, 8, 16, 16)})
    assert model(torch.rand(1, 3, 64, 64)).logits.shape == (1, 1, 4)


def test_width_must_be_a_multiple_of_heads() -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        QueryClassifier(TinyBackbone(), (8, 12, 16), 3, width=9, heads=2)
