"""Quick gradients of depthwise convolutions are those of the library, to the rounding of bfloat16."""

import copy

import pytest
import torch
from torch import nn

from beltline.models.backbones import feature_backbone
from beltline.training.depthwise import Conv2dSame, quicken

LAYERS = {
    "5x5": lambda: nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=False),
    "5x5 by 2": lambda: nn.Conv2d(6, 6, 5, stride=2, padding=2, groups=6, bias=False),
    "3x3 by 2": lambda: nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, bias=False),
    "5x5 by 2, padded as needed": lambda: Conv2dSame(6, 6, 5, stride=2, groups=6, bias=False),
    "3x3 by 2, padded as needed": lambda: Conv2dSame(6, 6, 3, stride=2, groups=6, bias=False),
}


def gradients(layer, image, *, autocast):
    image = image.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = layer(image)
    (out.float() * torch.linspace(-1, 1, out.numel()).reshape(out.shape)).sum().backward()
    return out.float(), image.grad, layer.weight.grad


@pytest.mark.parametrize("size", [(2, 6, 18, 12), (1, 6, 9, 17), (3, 6, 7, 7)])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_the_librarys(name, size):
    torch.manual_seed(0)
    plain = LAYERS[name]()
    quick = copy.deepcopy(plain)
    assert quicken(quick) == 1
    image = torch.rand(size)
    for found, wanted in zip(
        gradients(quick, image, autocast=True), gradients(plain, image, autocast=False), strict=True
    ):
        assert found.shape == wanted.shape
        assert (found - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_without_bfloat16_nothing_changes_at_all():
    torch.manual_seed(0)
    plain = LAYERS["5x5 by 2"]()
    quick = copy.deepcopy(plain)
    quicken(quick)
    image = torch.rand(2, 6, 16, 16)
    pairs = zip(gradients(quick, image, autocast=False), gradients(plain, image, autocast=False), strict=True)
    assert all(torch.equal(found, wanted) for found, wanted in pairs)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False),
        nn.Conv2d(6, 6, 5, padding=2, bias=False),
        nn.Conv2d(6, 12, 5, padding=2, groups=6, bias=False),
        nn.Conv2d(6, 6, 5, padding=2, groups=6),
        nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=False, padding_mode="replicate"),
    ],
)
def test_other_convolutions_are_left_alone(layer):
    assert quicken(layer) == 0
    assert type(layer) is nn.Conv2d


def test_a_backbone_keeps_names_and_answers_and_its_copies_are_quick_too():
    body = feature_backbone("EfficientNet-Lite0").eval()
    names = list(body.state_dict())
    image = torch.rand(1, 3, 64, 64)
    before = [level.clone() for level in body(image)]
    assert quicken(body) == 11
    assert list(body.state_dict()) == names
    assert quicken(body) == 0  # they are quick already
    for level, wanted in zip(copy.deepcopy(body)(image), before, strict=True):
        assert torch.equal(level, wanted)
