"""Gated attention: the formula, padding without effect, gradients, the odd part found."""

import pytest
import torch
from torch.testing import assert_close

from beltline.core import ShapeError
from beltline.models.gated_attention import GatedAttention


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GatedAttention(6, hidden=5)


def devices():
    drawn = torch.Generator().manual_seed(1)
    present = torch.tensor([[True] * 4, [True, True, False, False]])
    return torch.randn(2, 4, 6, generator=drawn), present


def test_the_formula_part_by_part(model):
    features, present = devices()
    logits, weights = model(features, present)
    part = features[1, :2]
    energy = model.attention(torch.tanh(model.content(part)) * torch.sigmoid(model.gate(part)))
    share = energy[:, 0].exp() / energy.exp().sum()
    assert_close(weights[1, :2], share)
    assert_close(logits[1], model.head((share[:, None] * part).sum(0))[0])


@pytest.mark.parametrize("filling", [0.0, 1e4, float("nan"), float("inf")])
def test_padding_has_no_effect(model, filling):
    features, present = devices()
    logits, weights = model(features, present)
    longer = torch.cat([features, torch.full((2, 3, 6), filling)], 1)
    longer[1, 2:] = filling
    more = torch.cat([present, torch.zeros(2, 3, dtype=torch.bool)], 1)
    padded_logits, padded_weights = model(longer, more)
    assert_close(padded_logits, logits)
    assert_close(padded_weights[:, :4], weights)
    assert (padded_weights[~more] == 0).all()


def test_weights_are_a_share_and_order_does_not_count(model):
    features, present = devices()
    logits, weights = model(features, present)
    assert_close(weights.sum(1), torch.ones(2))
    turned, of_turned = model(features.flip(1), present.flip(1))
    assert_close(turned, logits)
    assert_close(of_turned.flip(1), weights)


def test_gradients_reach_every_parameter_and_no_padding(model):
    features, present = devices()
    features.requires_grad_()
    model(features, present)[0].square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
    assert (features.grad[~present] == 0).all()
    assert (features.grad[present].abs().sum(1) > 0).all()


def test_a_device_without_parts_has_the_bias(model):
    logits, weights = model(torch.randn(1, 3, 6), torch.zeros(1, 3, dtype=torch.bool))
    assert logits.item() == model.head.bias.item()
    assert (weights == 0).all()
    assert torch.isfinite(weights).all()


def test_the_label_of_the_whole_teaches_which_part_decides():
    torch.manual_seed(0)
    model = GatedAttention(4, hidden=8)
    features, labels = 0.3 * torch.randn(32, 5, 4), (torch.arange(32) % 2).float()
    features[1::2, 3, 0] += 4  # the odd part
    present = torch.ones(32, 5, dtype=torch.bool)
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features, present)[0], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits, weights = model(features, present)
    assert ((logits > 0) == (labels > 0)).all()
    assert (weights[1::2].argmax(1) == 3).all()


def test_other_shapes_are_refused(model):
    with pytest.raises(ShapeError, match="bool"):
        model(torch.randn(1, 3, 6), torch.ones(1, 3))
    with pytest.raises(ShapeError, match="B, N"):
        model(torch.randn(1, 3, 6), torch.ones(1, 4, dtype=torch.bool))
