"""All part classifiers in one table, behind the interface of `beltline.models.part_classifier`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from beltline.core.device_parts import OBJECT_SIZE, PART_SIZE
from beltline.models.backbones import load_backbone_weights
from beltline.models.bcnn import Bcnn
from beltline.models.dfl import Dfl, DflOptions
from beltline.models.macnn import MaCnn, MaCnnOptions
from beltline.models.part_classifier import PartClassifier
from beltline.models.part_trunks import (
    Packaged,
    Trunk,
    lite0_trunk,
    resnet_trunk,
    squeezenet_trunk,
    tiny_trunk,
    vgg_trunk,
    whole_vgg16,
)
from beltline.models.plain_classifiers import convolved, fully_connected, linear, pooled

__all__ = [
    "PART_CLASSIFIERS",
    "PartClassifier",
    "PART_SIZE",
    "OBJECT_SIZE",
    "DflOptions",
    "MaCnnOptions",
    "build_part_classifier",
]

Size = Literal["published", "small", "tiny"]


class Design(NamedTuple):
    """A trunk, and the head that is put on it."""

    trunk: Callable[[Packaged], Trunk]
    head: Callable[[Trunk], PartClassifier]


def _vgg(depth: Literal[16, 19], *stages: int, narrow: int = 1) -> Callable[[Packaged], Trunk]:
    return lambda pretrained: vgg_trunk(depth, stages=stages, narrow=narrow, pretrained=pretrained)


_LITE0_TO_16 = partial(lite0_trunk, coarsest=16)
_NARROW = 16

#: Published name to its sizes. "small" puts the head on EfficientNet-Lite0, that a CPU trains in minutes;
#: what would be ResNet's is EfficientNet-Lite0's own. "tiny" is for tests.
PART_CLASSIFIERS: Mapping[str, Mapping[Size, Design]] = MappingProxyType(
    {
        "VGG-16": {
            "published": Design(whole_vgg16, linear),
            "small": Design(lite0_trunk, fully_connected),
            "tiny": Design(_vgg(16, 5, narrow=_NARROW), partial(fully_connected, width=32)),
        },
        "SqueezeNet": {
            "published": Design(squeezenet_trunk, convolved),
            "small": Design(lite0_trunk, convolved),
            "tiny": Design(tiny_trunk, convolved),
        },
        "ResNet-18": {
            "published": Design(partial(resnet_trunk, 18), linear),
            "tiny": Design(tiny_trunk, pooled),
        },
        "ResNet-50": {
            "published": Design(partial(resnet_trunk, 50), linear),
            "tiny": Design(tiny_trunk, pooled),
        },
        "EfficientNet-Lite0": {
            "published": Design(lite0_trunk, pooled),
            "small": Design(lite0_trunk, pooled),
            "tiny": Design(tiny_trunk, pooled),
        },
        "BCNN": {
            "published": Design(_vgg(16, 5), Bcnn),
            "small": Design(_LITE0_TO_16, Bcnn),
            "tiny": Design(tiny_trunk, Bcnn),
        },
        "MA-CNN": {
            "published": Design(_vgg(19, 5), MaCnn),
            "small": Design(_LITE0_TO_16, MaCnn),
            "tiny": Design(_vgg(19, 5, narrow=_NARROW), MaCnn),
        },
        "DFL": {
            "published": Design(_vgg(16, 4, 5), Dfl),
            "small": Design(lite0_trunk, Dfl),
            "tiny": Design(_vgg(16, 4, 5, narrow=_NARROW), partial(Dfl, options=DflOptions(filters=2))),
        },
    }
)


def build_part_classifier(
    name: str,
    *,
    size: Size = "published",
    pretrained: Packaged | Path = None,
    options: DflOptions | MaCnnOptions | None = None,
) -> PartClassifier:
    """A part classifier; what is not pretrained is drawn by torch's generator. Never reaches for the network.

    Args:
        name: Key of `PART_CLASSIFIERS`.
        size: ``published``, ``small`` for a CPU, or ``tiny`` for tests.
        pretrained: A file with the trunk's ImageNet weights by torchvision's names (timm's for
            EfficientNet-Lite0); ``package`` takes those of a package, which has EfficientNet-Lite0's alone;
            None does where it can and draws at random where not; False always draws.
        options: Of DFL or MA-CNN, for ablations; None leaves the paper's.

    Raises:
        ValueError: If the name is not known, does not come in that size, or has no such options.
        BadInputError: If no package has the weights, or the file does not fit.
        MissingExtraError: If the package is not installed.
        UntrustedWeightsError: If the file holds more than tensors and plain values.

    Example:
        >>> import torch
        >>> model = build_part_classifier("BCNN", size="tiny").eval()
        >>> model(torch.rand(2, 3, *PART_SIZE)).shape
        torch.Size([2, 2])
    """
    design = _design(name, size)
    head = design.head if options is None else _with_options(name, options)
    start = False if isinstance(pretrained, Path) else pretrained
    model = head(design.trunk(start))
    if isinstance(pretrained, Path):
        load_backbone_weights(model.trunk, pretrained)
    return model


def _design(name: str, size: Size) -> Design:
    if name not in PART_CLASSIFIERS:
        raise ValueError(f"no part classifier {name!r}; there is {', '.join(PART_CLASSIFIERS)}")
    sizes = PART_CLASSIFIERS[name]
    if size not in sizes:
        raise ValueError(f"{name} comes in {', '.join(sizes)}, not in {size!r}")
    return sizes[size]


def _with_options(name: str, options: DflOptions | MaCnnOptions) -> Callable[[Trunk], PartClassifier]:
    if name == "DFL" and isinstance(options, DflOptions):
        return partial(Dfl, options=options)
    if name == "MA-CNN" and isinstance(options, MaCnnOptions):
        return partial(MaCnn, options=options)
    raise ValueError(f"{name} has no {type(options).__name__}")
