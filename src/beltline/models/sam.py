"""SAM (Segment Anything) as a click segmenter, frozen or with its decoder trained; official weights.

Source:
    Kirillov et al., Segment Anything (arXiv 2304.02643).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.core.errors import BadInputError, UntrustedWeightsError
from beltline.models.backbones import IMAGENET_MEAN, IMAGENET_STD, read_tensors
from beltline.models.sam_decoder import MaskDecoder, PromptEncoder
from beltline.models.sam_encoder import PATCH, SMALL, VIT_B, VIT_L, ImageEncoder, SamSize
from beltline.models.segmenter import ClickSegmenter

__all__ = [
    "VIT_B",
    "VIT_L",
    "LoadedSam",
    "Sam",
    "SamSize",
    "check_official",
    "copy_sam_parts",
    "load_sam_weights",
    "official_shapes",
    "sam_small",
]

SIDE = 1024  # of the images that the official weights were trained on


class Sam(ClickSegmenter):
    """SAM.

    Args:
        size: `VIT_B`, `VIT_L` or another.
        side: Side of the square images, a multiple of 16 pixels.
        trainable: ``decoder`` trains the mask decoder, ``nothing`` freezes all.

    Raises:
        ValueError: If the side is no multiple of 16.
    """

    def __init__(self, size: SamSize, side: int = SIDE, *, trainable: str = "nothing") -> None:
        super().__init__()
        if side % PATCH:
            raise ValueError(f"side must be a multiple of {PATCH}, got {side}")
        if trainable not in ("nothing", "decoder"):
            raise ValueError(f"trainable must be 'nothing' or 'decoder', got {trainable!r}")
        self.size, self.side = size, side
        grid = side // PATCH
        self.image_encoder = ImageEncoder(size, grid)
        self.prompt_encoder = PromptEncoder(size.out, grid, side)
        self.mask_decoder = MaskDecoder(size.out, size.mlp)
        # untrained: the best of three masks is SAM's own way with one click; trained: the single mask
        self.best_of_three = trainable == "nothing"
        self.requires_grad_(False)
        self.mask_decoder.requires_grad_(trainable == "decoder")

    def encode(self, image: Tensor) -> Tensor:
        """Image features (B, out, side / 16, side / 16)."""
        mean, std = (image.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        features: Tensor = self.image_encoder((image - mean) / std)
        return features

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; a quarter of the side."""
        prompts = self.prompt_encoder(points, labels)
        masks, quality = self.mask_decoder(embedding, self.prompt_encoder.positions(), prompts)
        if not self.best_of_three:
            return masks[:, :1]  # type: ignore[no-any-return]
        best = 1 + quality[:, 1:].argmax(1)
        return masks[torch.arange(len(masks), device=masks.device), best][:, None]  # type: ignore[no-any-return]


def sam_small(side: int = 128, *, trainable: str = "nothing") -> Sam:
    """SAM, four narrow blocks, for a CPU."""
    return Sam(SMALL, side, trainable=trainable)


@dataclass(frozen=True)
class LoadedSam:
    """What a checkpoint gave.

    Attributes:
        copied: Number of tensors copied as they are.
        resized: Names of the tables of positions that were interpolated to the model's grid.
        unused: Names in the file that the model has no place for.
        sha256: Of the file, hexadecimal.
    """

    copied: int
    resized: tuple[str, ...]
    unused: tuple[str, ...]
    sha256: str


def official_shapes(size: SamSize) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors in an official checkpoint.

    Example:
        >>> shapes = official_shapes(VIT_B)
        >>> len(shapes), shapes["image_encoder.blocks.2.attn.rel_pos_h"]
        (314, (127, 64))
    """
    with torch.device("meta"):
        whole = Sam(size, size.table * PATCH)
    return {name: tuple(tensor.shape) for name, tensor in whole.state_dict().items()}


def load_sam_weights(model: nn.Module, path: Path, *, sha256: str | None = None) -> LoadedSam:
    """Load an official SAM checkpoint: every tensor checked by name and shape, nothing executed.

    Tables of positions are interpolated where the model has another grid. Parts that SAM has not (adapters,
    encoders of its followers) keep their values.

    Args:
        model: `Sam`, or a model that holds its parts under the same names and has a ``size``.
        path: Checkpoint such as ``sam_vit_b_01ec64.pth``, or the same as ``.safetensors``.
        sha256: Expected checksum; None does not check.

    Raises:
        BadInputError: If the file is missing or unreadable, or a tensor is missing, unknown or of another
            shape; the message names the first. The model is unchanged.
        UntrustedWeightsError: If the checksum differs or the file holds more than tensors.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; download the official SAM checkpoint first")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 is not None and digest != sha256.lower():
        raise UntrustedWeightsError(f"{path}: SHA-256 is {digest}, expected {sha256}")
    size = model.size
    assert isinstance(size, SamSize)
    found = read_tensors(path)
    check_official(path, found, official_shapes(size))
    copied, resized, unused = copy_sam_parts(model, found)
    return LoadedSam(copied, resized, unused, digest)


def copy_sam_parts(
    model: nn.Module, found: Mapping[str, Tensor]
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Copy the tensors of a SAM to a model that holds its parts under the same names.

    Args:
        model: See `load_sam_weights`.
        found: ``state_dict`` of a SAM of the same size, on any grid.

    Returns:
        As in `LoadedSam`: how many are copied as they are, which are resized, which have no place.
    """
    wanted = model.state_dict()
    shared = {name: tensor for name, tensor in found.items() if name in wanted}
    fitted = {name: _fit(tensor, wanted[name].shape) for name, tensor in shared.items()}
    model.load_state_dict({**wanted, **fitted})
    resized = tuple(name for name, tensor in shared.items() if tensor.shape != wanted[name].shape)
    unused = tuple(name for name in found if name not in wanted)
    return len(shared) - len(resized), resized, unused


def check_official(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare every tensor of a file with the official names and shapes.

    Raises:
        BadInputError: If one is missing, unknown or of another shape; it names the first.
    """
    wrong = ""
    for name, shape in expected.items():
        if name not in found:
            wrong = f"lacks {name}"
        elif tuple(found[name].shape) != shape:
            wrong = f"{name} is {tuple(found[name].shape)}, expected {shape}"
        if wrong:
            break
    unknown = next((name for name in found if name not in expected), None)
    if not wrong and unknown is not None:
        wrong = f"has an unknown {unknown}"
    if wrong:
        raise BadInputError(f"{path}: {wrong}; take the official SAM checkpoint of the model's size")


def _fit(tensor: Tensor, shape: torch.Size) -> Tensor:
    if tensor.shape == shape:
        return tensor
    if tensor.ndim == 2:  # relative positions (2 * grid - 1, d)
        return F.interpolate(tensor.T[None], shape[0], mode="linear")[0].T
    grid = (shape[1], shape[2])  # absolute positions (1, grid, grid, C)
    return F.interpolate(tensor.movedim(-1, 1), grid, mode="bilinear", antialias=True).movedim(1, -1)
