"""The pretrained trunks of the part classifiers: VGG, torchvision's whole nets, EfficientNet-Lite0.

Every trunk keeps the names of the file that its ImageNet weights come in (torchvision's, timm's for
EfficientNet-Lite0), so that `beltline.models.backbones.load_backbone_weights` reads it. None of them touches
the network.

Source:
    Architectures: torchvision's of Simonyan and Zisserman (2015), Iandola et al. (2016), He et al. (2016).
    Which layers are tapped: the paper of each head, named where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.models.backbones import IMAGENET_MEAN, IMAGENET_STD, Triple, expected_input, feature_backbone
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from torchvision import models  # noqa: E402  # after the operators
from torchvision.models.vgg import make_layers  # noqa: E402

#: ``package`` as in `feature_backbone`, False draws at random, None takes a package's where there are.
#: Most trunks have none; they take the argument to say so.
Packaged = Literal["package", False] | None
LITE0, TINY = "EfficientNet-Lite0", "resnet10t"
_PLANS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions of a stage
_WIDTHS = (64, 128, 256, 512, 512)


class Trunk(nn.Module):
    """A pretrained net and what one must know of it.

    Args:
        backbone: From normalised images to its levels, fine to coarse, or to the only one.
        channels: Of the levels.
        mean: Per-channel mean that normalises an RGB image in [0, 1] for the ImageNet weights.
        spread: Per-channel standard deviation, likewise.

    Example:
        >>> import torch
        >>> trunk = vgg_trunk(16, stages=(4, 5), narrow=16)
        >>> [tuple(level.shape) for level in trunk(torch.rand(1, 3, 190, 150))]
        [(1, 32, 23, 18), (1, 32, 11, 9)]
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: Sequence[int],
        *,
        mean: Triple = IMAGENET_MEAN,
        spread: Triple = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.channels = tuple(channels)
        self.mean, self.spread = mean, spread

    def forward(self, normalised: Tensor) -> list[Tensor]:
        """The levels, (B, C, h, w) each, or (B, C) where the backbone ends in a vector."""
        found = self.backbone(normalised)
        return found if isinstance(found, list) else [found]


class TappedFeatures(nn.Module):
    """A sequence of layers that gives what stands behind some of them; torchvision's name: ``features``."""

    def __init__(self, features: nn.Sequential, taps: Sequence[int]) -> None:
        super().__init__()
        self.features = nn.Sequential(*list(features)[: max(taps) + 1])
        self.taps = tuple(taps)

    def forward(self, normalised: Tensor) -> list[Tensor]:
        """The levels (B, C, h, w), fine to coarse."""
        levels, feature = [], normalised
        for index, layer in enumerate(self.features):
            feature = layer(feature)
            if index in self.taps:
                levels.append(feature)
        return levels


def vgg_trunk(
    depth: Literal[16, 19], *, stages: Sequence[int], narrow: int = 1, pretrained: Packaged = None
) -> Trunk:
    """VGG to the last ReLU of some stages, each before its pooling: of VGG-16, 4 is conv4_3, 5 is conv5_3.

    Args:
        depth: 16 or 19.
        stages: In 1..5, ascending; stage s has stride ``2 ** (s - 1)``. What follows the last is left out.
        narrow: Divides all channels; for tests.
        pretrained: No package has its weights: ``package`` is refused.

    Raises:
        BadInputError: For ``package``.
    """
    _no_package(f"VGG-{depth}", pretrained)
    plan: list[int | str] = []
    for count, width in zip(_PLANS[depth], _WIDTHS, strict=True):
        plan += [width // narrow] * count + ["M"]
    features: nn.Sequential = make_layers(plan, batch_norm=False)
    pools = [index for index, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            _draw(layer)
    tapped = TappedFeatures(features, [pools[stage - 1] - 1 for stage in stages])
    return Trunk(tapped, [_WIDTHS[stage - 1] // narrow for stage in stages])


def whole_vgg16(pretrained: Packaged = None) -> Trunk:
    """VGG-16 to its second fully connected layer of 4096, pooled to 7x7 whatever the picture's size."""
    _no_package("VGG-16", pretrained)
    net: Any = models.vgg16(weights=None)
    net.classifier[-1] = nn.Identity()
    return Trunk(net, [4096])


def squeezenet_trunk(pretrained: Packaged = None) -> Trunk:
    """SqueezeNet 1.1 without its last convolution."""
    _no_package("SqueezeNet", pretrained)
    features = models.squeezenet1_1(weights=None).features
    return Trunk(TappedFeatures(features, [len(features) - 1]), [512])


def resnet_trunk(depth: Literal[18, 50], pretrained: Packaged = None) -> Trunk:
    """ResNet to its pooled vector, 512 or 2048 long."""
    _no_package(f"ResNet-{depth}", pretrained)
    net: Any = (models.resnet18 if depth == 18 else models.resnet50)(weights=None)
    width: int = net.fc.in_features
    net.fc = nn.Identity()
    return Trunk(net, [width])


def lite0_trunk(pretrained: Packaged = None, *, coarsest: Literal[16, 32] = 32) -> Trunk:
    """EfficientNet-Lite0: levels of stride 8, 16 and 32 with 40, 112 and 320 channels.

    Args:
        pretrained: None and ``package`` take the ImageNet weights of the package, see `feature_backbone`.
        coarsest: Stride of the last level that is kept.

    Raises:
        MissingExtraError: If the package with its weights is not installed.

    Example:
        >>> lite0_trunk(False, coarsest=16).channels
        (40, 112)
    """
    start: Literal["package", False] = "package" if pretrained is None else pretrained
    body: Any = feature_backbone(LITE0, pretrained=start)
    info = body.feature_info
    levels = info.reduction().index(coarsest) + 1
    if coarsest != info.reduction()[-1]:  # timm runs what nobody asked for, and nothing would train it
        del body.blocks[int(info.module_name()[levels - 1].rpartition(".")[2]) + 1 :]
    expected = expected_input(LITE0)
    return Trunk(body, info.channels()[:levels], mean=expected.mean, spread=expected.std)


def tiny_trunk(pretrained: Packaged = None) -> Trunk:
    """A ResNet of 8 channels, for tests."""
    _no_package(TINY, pretrained)
    body: Any = feature_backbone(TINY, options={"channels": (8, 8, 8, 8)})
    return Trunk(body, body.feature_info.channels())


def _no_package(name: str, pretrained: Packaged) -> None:
    if pretrained:
        raise BadInputError(
            f"no package has ImageNet weights of {name}: name a file of them, or pretrained=False"
        )


def _draw(layer: nn.Conv2d) -> None:
    """As torchvision draws VGG."""
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
