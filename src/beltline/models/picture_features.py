"""Features of whole pictures, by which sets of them are compared: EfficientNet-Lite0 as ImageNet left it.

A distance of these features is named after them (`FEATURES`): "FID" and "KID" mean Inception-v3's, and no
figure of one network can be compared with a figure of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from beltline.core.errors import ShapeError
from beltline.models.backbones import BACKBONES
from beltline.models.packaged_weights import find_packaged, packaged_state

BACKBONE = "EfficientNet-Lite0"
FEATURES = f"{BACKBONE} features"
CHANNELS = 1280


class PictureFeatures(nn.Module):
    """Pictures to their pooled last features; always in eval mode, never with gradients.

    Args:
        pretrained: ImageNet weights out of their package; False for random ones, which tell little.

    Raises:
        MissingExtraError: If the package with the weights is not installed.
        UntrustedWeightsError: If that package's file is not the one that is known.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        entry = BACKBONES[BACKBONE]
        self.network: Any = timm.create_model(entry.timm_name, pretrained=False)
        packaged = find_packaged(entry.timm_name)
        if pretrained and packaged is not None:
            self.network.load_state_dict(packaged_state(packaged, self.network.state_dict()))
        for name, values in (("mean", entry.mean), ("spread", entry.std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> PictureFeatures:
        """Stays in eval mode whatever is asked: batch statistics of a few pictures are no ImageNet's."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 1280), before the classifier.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air.

        Raises:
            ShapeError: If the shape is another.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(f"expected images (B, 3, H, W), got {tuple(images.shape)}")
        maps = self.network.forward_features((images - self.mean) / self.spread)
        pooled: Tensor = self.network.forward_head(maps, pre_logits=True)
        return pooled


def picture_features(
    pictures: NDArray[np.uint8],
    network: PictureFeatures | None = None,
    *,
    batch: int = 32,
    side: int | None = BACKBONES[BACKBONE].input_size,
) -> NDArray[np.float32]:
    """Features of many pictures, (N, 1280).

    Args:
        pictures: (N, H, W, 3) RGB, white is air; may be memory-mapped.
        network: Made once for several calls; None makes the pretrained one.
        batch: Pictures at a time.
        side: Side that pictures are resized to, pixels, smoothed where they shrink; by default that of
            ImageNet. None keeps their size. Features of one size are not comparable with those of another.

    Raises:
        ShapeError: If the pictures are not (N, H, W, 3) uint8.
        MissingExtraError: See `PictureFeatures`.
        UntrustedWeightsError: See `PictureFeatures`.

    Source:
        Resizing before features matters as much as they do: Parmar et al., On aliased resizing (2022).
    """
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
        raise ShapeError(f"expected pictures (N, H, W, 3) uint8, got {pictures.dtype} {pictures.shape}")
    network = network or PictureFeatures()
    found = np.empty((len(pictures), CHANNELS), np.float32)
    for start in range(0, len(pictures), batch):
        rows = slice(start, start + batch)
        images = torch.from_numpy(np.array(pictures[rows])).permute(0, 3, 1, 2).float() / 255
        if side is not None and tuple(images.shape[-2:]) != (side, side):
            images = interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
        found[rows] = network(images.to(network.mean.device)).cpu().numpy()
    return found
