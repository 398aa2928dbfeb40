"""What is taken from and divides an image in [0, 1] before a network sees it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from beltline.models.backbones import IMAGENET_MEAN, IMAGENET_STD, Triple, expected_input

Normalisation = Literal["xray", "imagenet", "backbone"]
#: Mean and spread of three channels; simulated and real bags lie near white.
NORMALISATIONS: Mapping[str, tuple[Triple, Triple]] = MappingProxyType(
    {"xray": ((0.8, 0.8, 0.8), (0.25, 0.25, 0.25)), "imagenet": (IMAGENET_MEAN, IMAGENET_STD)}
)


def normalisation_of(kind: Normalisation, backbone: str) -> tuple[Triple, Triple]:
    """Mean and spread.

    Args:
        kind: ``xray`` about the mean of scans, ``backbone`` as its ImageNet weights expect it, or
            ``imagenet``: as most of them do.
        backbone: Display name, or a name in timm.
    """
    if kind == "backbone":
        own = expected_input(backbone)
        return own.mean, own.std
    return NORMALISATIONS[kind]
