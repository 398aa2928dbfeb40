"""Difference to the nearest benign exemplar: what an operator does who has a picture of the same device.

Devices are brought to one square, aspect kept, on white; they are not turned, so each way to lie wants
exemplars of its own. The nearest by pooled features of a frozen backbone is subtracted.

Source:
    Reconstructed; nearest exemplars of frozen features as in Cohen and Hoshen, Sub-image anomaly detection
    with deep pyramid correspondences (2020), pixels in place of its patch features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, normalize

from beltline.models.backbones import Pretrained
from beltline.models.frozen_features import FrozenFeatures, check_masks

GREYS = 255
AT_ONCE = 32  # exemplars that the backbone sees at a time
_SIZED = ("bank", "keys")


class Exemplars(nn.Module):
    """A bank of benign devices; see the module.

    Args:
        side: Of the square, pixels, a multiple of 16.
        most: Exemplars; of more, as many are drawn at random.
        top: Share of a device's pixels whose mean is its score, in (0, 1].
        smoothing: Side of the mean filter over differences, odd pixels of the square.
        seed: Of what is drawn at random.
        backbone: See `FrozenFeatures`.
        pretrained: See `FrozenFeatures`.
        options: Further arguments of `FrozenFeatures`.

    Attributes:
        bank: (N, 3, side, side) uint8, without rows before `fit`; like ``keys`` of any size in a state dict.
        keys: (N, C) pooled features, of length 1.
        unit: What benign exemplars differ by: median over exemplars of the median difference of the device's
            pixels to the nearest other exemplar, in [0, 1]; at least one grey value of 255.

    Raises:
        ValueError: If an argument is out of its range, or as `FrozenFeatures`.

    Example:
        >>> tiny = {"backbone": "resnet10t", "pretrained": False, "channels": (8, 8, 8, 8)}
        >>> benign, everywhere = torch.rand(2, 3, 40, 60), torch.ones(2, 1, 40, 60)
        >>> difference, scores = Exemplars(side=32, **tiny).fit([(benign, everywhere)])(benign, everywhere)
        >>> difference.shape, scores.tolist()
        (torch.Size([2, 40, 60]), [0.0, 0.0])
    """

    bank: Tensor
    keys: Tensor
    unit: Tensor

    def __init__(
        self,
        *,
        side: int = 128,
        most: int = 1000,
        top: float = 0.01,
        smoothing: int = 5,
        seed: int = 0,
        backbone: str = "EfficientNet-Lite0",
        pretrained: Pretrained = "package",
        **options: Any,
    ) -> None:
        super().__init__()
        if side < 16 or side % 16 or most < 1 or not 0 < top <= 1 or smoothing < 1 or smoothing % 2 == 0:
            raise ValueError(
                "expected side a multiple of 16, most of 1 or more, top in (0, 1] and an odd smoothing,"
                f" got {side}, {most}, {top} and {smoothing}"
            )
        self.side, self.most, self.top, self.smoothing, self.seed = side, most, top, smoothing, seed
        self.features = FrozenFeatures(backbone, pretrained=pretrained, **options)
        self.register_buffer("bank", torch.empty(0, 3, side, side, dtype=torch.uint8))
        self.register_buffer("keys", torch.empty(0, self.features.channels))
        self.register_buffer("unit", torch.tensor(1 / GREYS))

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Exemplars:
        """Fill the bank anew; at most ``most`` squares and a batch are held at once.

        Args:
            batches: Pictures (B, 3, H, W) and masks (B, 1, H, W) of benign devices, see `forward`. Pictures
                without a device are left out.

        Raises:
            ValueError: If no picture has a device.
        """
        drawn = torch.Generator().manual_seed(self.seed)
        kept: list[tuple[float, Tensor]] = []
        for images, masks in batches:
            found = [square for square in self._squares(images, masks) if square is not None]
            kept += [(torch.rand(1, generator=drawn).item(), square.content) for square in found]
            # the smallest of random keys are a fair draw of all that came so far
            kept = sorted(kept, key=lambda pair: pair[0])[: self.most]
        if not kept:
            raise ValueError("Exemplars needs benign devices, got none; are the masks all zero?")
        both = torch.stack([content for _, content in kept])  # (N, 4, side, side)
        self.bank = both[:, :3]
        self.keys = torch.cat([self._pooled(part) for part in self.bank.split(AT_ONCE)])
        self.unit = self._own_difference(both[:, 3] > 0)
        return self

    @torch.no_grad()
    def forward(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Difference of each pixel and of each picture, in units of what benign exemplars differ by.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air.
            masks: (B, 1, H, W), bool or in [0, 1]: 1 on the device.

        Returns:
            Map (B, H, W), 0 or more, 0 in air; and scores (B,), NaN for a picture without a device,
            or with one so thin that the square shows nothing of it.

        Raises:
            ValueError: If the bank is empty.
            ShapeError: If a shape is another.
        """
        if not len(self.bank):
            raise ValueError("the bank of Exemplars is empty; call fit, or load_state_dict of a fitted one")
        maps = images.new_zeros(len(images), *images.shape[-2:])
        scores = images.new_full((len(images),), float("nan"))
        for row, square in enumerate(self._squares(images, masks)):
            if square is None:
                continue
            picture, device = square.content[:3], square.content[3] > 0
            index = (self.keys @ self._pooled(picture[None])[0]).argmax()
            difference = self._difference(picture, self.bank[index]) * device / self.unit
            on_device = difference[device]
            scores[row] = on_device.topk(max(1, round(self.top * len(on_device)))).values.mean()
            maps[row] = square.frame.put_back(difference, maps[row]) * (masks[row, 0] >= 0.5)
        return maps, scores

    def _squares(self, images: Tensor, masks: Tensor) -> list[_Square | None]:
        check_masks(images, masks)
        return [_square(image, mask[0] >= 0.5, self.side) for image, mask in zip(images, masks, strict=True)]

    def _pooled(self, squares: Tensor) -> Tensor:
        features: Tensor = self.features(squares.to(self.keys.dtype) / GREYS)
        return normalize(features.mean((2, 3)), dim=1)

    def _difference(self, one: Tensor, other: Tensor) -> Tensor:
        """(side, side) in [0, 1]: mean over colours, smoothed."""
        apart = (one.to(self.keys.dtype) - other.to(self.keys.dtype)).abs().mean(0, keepdim=True) / GREYS
        return avg_pool2d(apart, self.smoothing, 1, self.smoothing // 2, count_include_pad=False)[0]

    def _own_difference(self, devices: Tensor) -> Tensor:
        least = self.keys.new_tensor(1 / GREYS)
        if len(self.bank) < 2:
            return least
        alike = self.keys @ self.keys.T
        alike.fill_diagonal_(-2)  # below every cosine
        others = alike.argmax(1)
        medians = [
            self._difference(own, self.bank[other])[device].median()
            for own, other, device in zip(self.bank, others, devices, strict=True)
        ]
        return torch.maximum(torch.stack(medians).median(), least)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name in _SIZED:  # how many rows only a fit knows
            saved, own = state_dict.get(prefix + name), getattr(self, name)
            if isinstance(saved, Tensor) and saved.shape[1:] == own.shape[1:]:
                setattr(self, name, own.new_empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)


@dataclass(frozen=True)
class _Frame:
    """Where a device stands: slices of rows and columns of its picture, and of the square."""

    picture: tuple[slice, slice]
    square: tuple[slice, slice]

    def put_back(self, values: Tensor, canvas: Tensor) -> Tensor:
        """Values of the square (S, S) resized into a canvas like the picture (H, W)."""
        part = values[self.square][None, None]
        target = canvas.clone()
        target[self.picture] = interpolate(part, target[self.picture].shape, mode="bilinear")[0, 0]
        return target


@dataclass(frozen=True, eq=False)
class _Square:
    content: Tensor  # (4, S, S) uint8: RGB, white in air, and the device
    frame: _Frame


def _square(image: Tensor, device: Tensor, side: int) -> _Square | None:
    """The device's box fitted into the square, in its middle; None where too little device is to be seen."""
    if not device.any():
        return None
    frame = _frame(device, side)
    cut = torch.where(device, image, 1.0)[(slice(None), *frame.picture)]
    both = torch.cat([cut, device[frame.picture][None].to(cut.dtype)])
    size = [span.stop - span.start for span in frame.square]
    small = interpolate(both[None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)
    if not (small[3] >= 0.5).any():
        return None
    content = torch.full((4, side, side), GREYS, dtype=torch.uint8, device=image.device)
    content[3] = 0
    content[(slice(0, 3), *frame.square)] = (GREYS * small[:3]).round().to(torch.uint8)
    content[(slice(3, 4), *frame.square)] = (small[3:] >= 0.5).to(torch.uint8)
    return _Square(content, frame)


def _frame(device: Tensor, side: int) -> _Frame:
    """From the box about a device's pixels (H, W), bool and not empty, to the middle of the square."""
    spans = [torch.nonzero(device.any(axis))[[0, -1], 0].tolist() for axis in (1, 0)]  # first and last
    longest = max(last - first + 1 for first, last in spans)
    inside = [max(1, round((last - first + 1) * side / longest)) for first, last in spans]
    (top, bottom), (left, right) = spans
    down, across = ((side - length) // 2 for length in inside)
    return _Frame(
        (slice(top, bottom + 1), slice(left, right + 1)),
        (slice(down, down + inside[0]), slice(across, across + inside[1])),
    )
