"""The backbones of the CHR paper and a few smaller or newer ones: names, taps, normalisation, weights.

Source:
    Miao et al., SIXray (CVPR 2019): ResNet-34/50/101, Inception-v3 and DenseNet, and ResNet-18 on ILSVRC.
    Which layers are the three stages: released models.py for ResNet-101; reconstructed for the others from
    the paper's resolutions.
"""

import hashlib
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.packaged_weights import find_packaged, packaged_state
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
import timm  # noqa: E402

Triple = tuple[float, float, float]
Pretrained = Literal[False, True, "package"]
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
HALF: Triple = (0.5, 0.5, 0.5)
NAMES_SHOWN = 6


@dataclass(frozen=True)
class Backbone:
    """A backbone as Beltline taps it.

    Attributes:
        timm_name: Name in timm, with the tag of its ImageNet weights; the paper's backbones carry the weights
            of torchvision, which the released code starts from.
        layers: The layers of the three stages, fine to coarse, for a reader.
        channels: Channels of the three stages.
        taps: Indices of the three stages among timm's feature levels.
        input_size: Side of the square image that the ImageNet weights expect, pixels.
        mean: Per-channel mean that normalises an RGB image in [0, 1] for these weights.
        std: Per-channel standard deviation, likewise.
    """

    timm_name: str
    layers: tuple[str, str, str]
    channels: tuple[int, int, int]
    taps: tuple[int, int, int] = (2, 3, 4)
    input_size: int = 224
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD


_RESNET = ("layer2", "layer3", "layer4")
_CONVNEXT = ("stage 2", "stage 3", "stage 4")

BACKBONES: dict[str, Backbone] = {
    # of the paper
    "ResNet18": Backbone("resnet18.tv_in1k", _RESNET, (128, 256, 512)),
    "ResNet34": Backbone("resnet34.tv_in1k", _RESNET, (128, 256, 512)),
    "ResNet50": Backbone("resnet50.tv_in1k", _RESNET, (512, 1024, 2048)),
    "ResNet101": Backbone("resnet101.tv_in1k", _RESNET, (512, 1024, 2048)),
    "Inception-v3": Backbone(
        "inception_v3.tv_in1k",
        ("Mixed_5d", "Mixed_6e", "Mixed_7c"),
        (288, 768, 2048),
        input_size=299,
        mean=HALF,
        std=HALF,
    ),
    "DenseNet-121": Backbone(
        "densenet121.tv_in1k", ("denseblock2", "denseblock3", "denseblock4 and its norm"), (512, 1024, 1024)
    ),
    # smaller or newer; the first has its ImageNet weights in a package, see `packaged_weights`
    "EfficientNet-Lite0": Backbone(
        "tf_efficientnet_lite0.in1k", ("stage 3", "stage 5", "stage 7"), (40, 112, 320), mean=HALF, std=HALF
    ),
    "MobileNetV4": Backbone(
        "mobilenetv4_conv_small.e2400_r224_in1k", ("stage 2", "stage 3", "last 1x1"), (64, 96, 960)
    ),
    "ConvNeXt-Atto": Backbone("convnext_atto.d2_in1k", _CONVNEXT, (80, 160, 320), (1, 2, 3)),
    "ConvNeXt-Tiny": Backbone("convnext_tiny.in12k_ft_in1k", _CONVNEXT, (192, 384, 768), (1, 2, 3)),
}


def find_backbone(name: str) -> Backbone | None:
    """The table's entry of a display name, None for names that only timm knows.

    Case and hyphens do not matter, so ``ResNet-34`` is ``ResNet34``; names of timm stay timm's.

    Example:
        >>> find_backbone("DenseNet121").channels
        (512, 1024, 1024)
        >>> find_backbone("resnet10t") is None
        True
    """
    if timm.is_model(name) and name not in BACKBONES:
        return None
    folded = _fold_display(name)
    return next((entry for known, entry in BACKBONES.items() if _fold_display(known) == folded), None)


@dataclass(frozen=True)
class ExpectedInput:
    """What the ImageNet weights of a backbone expect.

    Attributes:
        size: Side of the square image, pixels.
        mean: Per-channel mean that normalises an RGB image in [0, 1].
        std: Per-channel standard deviation, likewise.
    """

    size: int
    mean: Triple
    std: Triple


def expected_input(name: str) -> ExpectedInput:
    """Size and normalisation of a backbone's ImageNet weights, ImageNet's usual ones where it has none.

    Args:
        name: Display name in `BACKBONES`, or a name in timm.

    Example:
        >>> expected_input("Inception-v3").size, expected_input("ResNet34").size
        (299, 224)
    """
    known = find_backbone(name)
    if known is not None:
        return ExpectedInput(known.input_size, known.mean, known.std)
    found = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if found is None:
        return ExpectedInput(224, IMAGENET_MEAN, IMAGENET_STD)
    mean, std = ((float(a), float(b), float(c)) for a, b, c in (found.mean, found.std))
    return ExpectedInput(int(found.input_size[-1]), mean, std)


def feature_backbone(
    name: str,
    *,
    stages: int = 3,
    pretrained: Pretrained = False,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A backbone that returns its last feature stages, fine to coarse; their channels in ``feature_info``.

    Args:
        name: Display name in `BACKBONES`, or a name in timm.
        stages: How many stages.
        pretrained: Start from ImageNet weights: ``"package"`` takes those of a package (`packaged_weights`)
            and never touches the network; True fetches through timm what no package has. Without network:
            `load_backbone_weights`.
        options: Further arguments of ``timm.create_model``, for example ``{"channels": (...)}``.

    Raises:
        BadInputError: If neither the table nor timm has the backbone, it has fewer stages, or its weights can
            be had nowhere.
        MissingExtraError: If the package with its weights is not installed.
        UntrustedWeightsError: If that package's file is not the one that is known.
    """
    known = find_backbone(name)
    timm_name = known.timm_name if known else name
    if not timm.is_model(timm_name):  # names of other sources (hf-hub:...) would reach for the network
        raise BadInputError(
            f"no backbone {name!r}: expected one of {', '.join(BACKBONES)}, "
            "or a name that timm.list_models() names"
        )
    extra = dict(options or {})
    if known and stages == len(known.taps):
        taps: tuple[int, ...] = known.taps
    else:
        probe: Any = timm.create_model(timm_name, features_only=True, **extra)
        levels = len(probe.feature_info.channels())
        if not 1 <= stages <= levels:
            raise BadInputError(f"{name}: stages must be in 1..{levels}, got {stages}")
        taps = tuple(range(levels - stages, levels))
    packaged = find_packaged(timm_name) if pretrained else None
    if pretrained == "package" and packaged is None:
        raise BadInputError(
            f"no package has ImageNet weights of {name}: pretrained=false starts at random, pretrained=true"
            " fetches them, backbone_weights=FILE reads them"
        )
    fetched = bool(pretrained) and packaged is None
    try:
        body: nn.Module = timm.create_model(
            timm_name, features_only=True, out_indices=taps, pretrained=fetched, **extra
        )
    except (OSError, RuntimeError) as error:
        if not fetched:
            raise
        raise BadInputError(
            f"{name}: its ImageNet weights could not be fetched ({type(error).__name__}); without network"
            " name a file by backbone_weights=FILE, or take EfficientNet-Lite0: its weights lie in a package"
        ) from error
    if packaged is not None:
        whole = timm.create_model(timm_name, pretrained=False).state_dict()
        found = packaged_state(packaged, whole)
        body.load_state_dict({key: found[key] for key in body.state_dict()})
    return body


@dataclass(frozen=True)
class LoadedBackbone:
    """What a weight file gave.

    Attributes:
        tensors: Number of tensors copied.
        unused: Names in the file that the feature stages have no place for, such as the ImageNet classifier.
        sha256: Of the file, hexadecimal.
    """

    tensors: int
    unused: tuple[str, ...]
    sha256: str


def load_backbone_weights(model: nn.Module, path: Path, *, sha256: str | None = None) -> LoadedBackbone:
    """Load weights of a backbone from a file: every tensor the backbone has, nothing executed.

    Names as in timm, of the full classifier or of its feature stages alone (``stages.0.`` and ``stages_0.``
    are the same), with or without ``backbone.`` or ``module.`` before them; a file of a whole CHR works too.

    Args:
        model: Receives the weights: a module with a ``backbone``, or the backbone itself.
        path: ``.safetensors``, or a checkpoint of ``torch.save`` that holds tensors and plain values only.
        sha256: Expected checksum; None does not check.

    Raises:
        BadInputError: If the file is missing or unreadable, lacks a tensor, or one has another shape. The
            model is unchanged.
        UntrustedWeightsError: If the checksum differs or the file holds more than tensors and plain values.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; download the weights on a machine with network first")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 is not None and digest != sha256.lower():
        raise UntrustedWeightsError(f"{path}: SHA-256 is {digest}, expected {sha256}")
    body = getattr(model, "backbone", model)
    found = _strip_prefix(read_tensors(path))
    by_key = {_fold_key(name): name for name in found}
    wanted: dict[str, Tensor] = body.state_dict()
    sources = {name: by_key.get(_fold_key(name)) for name in wanted}
    # older files of torch lack the counters of batch normalisation, which inference never reads
    missing = [n for n, s in sources.items() if s is None and not n.endswith("num_batches_tracked")]
    shapes = [
        f"{name} {tuple(found[source].shape)} for {tuple(wanted[name].shape)}"
        for name, source in sources.items()
        if source is not None and found[source].shape != wanted[name].shape
    ]
    used = {source for source in sources.values() if source is not None}
    unused = tuple(name for name in found if name not in used)
    if missing or shapes:
        raise BadInputError(_mismatch(path, missing, unused, shapes))
    body.load_state_dict({**wanted, **{name: found[s] for name, s in sources.items() if s is not None}})
    return LoadedBackbone(len(used), unused, digest)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The named tensors of a weight file, nothing executed.

    Args:
        path: ``.safetensors``, or a checkpoint of ``torch.save`` that holds tensors and plain values only.

    Raises:
        BadInputError: If the file is not readable or holds no state dict.
        UntrustedWeightsError: If it holds more than tensors and plain values.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors: dict[str, Tensor] = load_file(path)
        except SafetensorError as error:
            raise BadInputError(f"{path}: not readable as safetensors: {error}") from error
        return tensors
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UntrustedWeightsError(
            f"{path}: holds more than tensors and plain values; save its state_dict() as safetensors"
        ) from error
    except (RuntimeError, EOFError) as error:
        raise BadInputError(f"{path}: not a readable checkpoint: {error}") from error
    for key in ("state_dict", "model"):  # how timm's and others' training scripts nest it
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BadInputError(f"{path}: expected a state dict of named tensors, got {type(state).__name__}")
    return state


def _strip_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if tensors and all(name.startswith("module.") for name in tensors):  # of DataParallel
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return {name.removeprefix("backbone."): value for name, value in tensors.items()}


def _mismatch(path: Path, missing: list[str], unused: tuple[str, ...], shapes: list[str]) -> str:
    parts = [("lacks", missing), ("has but the backbone does not", list(unused)), ("other shapes", shapes)]
    text = "; ".join(f"{what}: {_short(names)}" for what, names in parts if names)
    return f"{path}: does not fit the backbone; {text}. Expected the names of timm for the same backbone"


def _short(names: list[str]) -> str:
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _fold_key(name: str) -> str:
    return name.replace(".", "_")  # timm flattens "stages.0" to "stages_0" where it returns features


def _fold_display(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
