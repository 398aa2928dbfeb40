"""The click model: a picture and its clicks to three nested masks and the quality of each.

The backbone runs in two halves. What lies below stride 8 sees the picture alone, so that its ImageNet weights
can stay as they are and a further click costs no second run of it; clicks, the mask so far, a box and the
energies enter at strides 4 and 8, and all above sees them. A pyramid of depthwise convolutions brings the
levels together at stride 4.

Source:
    Guide maps and the mask so far: Sofiiuk et al., Reviving iterative training with mask guidance (RITM,
    2021). Nested masks with a predicted quality each: Kirillov et al., Segment anything (2023). Energies as
    the paper of XSeg (CVPR 2026) has them, as channels instead of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from beltline.core.errors import ShapeError
from beltline.models.backbones import feature_backbone
from beltline.models.normalisation import Normalisation, normalisation_of

MASKS, GUIDES, ENERGIES = 3, 4, 2
STRIDES = (4, 8, 16, 32)
ENERGY_WIDTH, ENTRY_WIDTH = 16, 32


class Answer(NamedTuple):
    """Logits (B, 3, h, w) of part, object and group at stride 4, and the IoU (B, 3) in 0..1 to expect."""

    logits: Tensor
    quality: Tensor


class Encoded(NamedTuple):
    """What no click changes: features at strides 4 and 8, and those of the energies at 4, where there are."""

    fine: Tensor
    middle: Tensor
    energy: Tensor | None


Correction = Callable[[Answer, Tensor], Tensor]
"""From an answer and the guide it was given to the next guide."""


class ClickModel(nn.Module):
    """See the module.

    Args:
        backbone: One with levels at strides 4, 8, 16, 32: display name, or a name in timm.
        width: Channels of the pyramid.
        energy: Whether the energies enter; without them the network does not look at what it is given.
        normalisation: See `beltline.models.normalisation`.
        options: Further arguments of ``timm.create_model``.

    Raises:
        ValueError: If the backbone has other levels.

    Example:
        >>> model = ClickModel(backbone="resnet10t", width=16, channels=(8, 8, 8, 8)).eval()
        >>> answer = model(torch.rand(1, 3, 64, 64), torch.rand(1, 2, 64, 64), torch.zeros(1, 4, 16, 16))
        >>> answer.logits.shape, answer.quality.shape
        (torch.Size([1, 3, 16, 16]), torch.Size([1, 3]))
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        backbone: str = "EfficientNet-Lite0",
        width: int = 64,
        energy: bool = True,
        normalisation: Normalisation = "backbone",
        **options: Any,
    ) -> None:
        super().__init__()
        self.body = feature_backbone(backbone, stages=len(STRIDES), options=options)
        self._ends = _level_ends(self.body, backbone)
        for name, values in zip(("mean", "spread"), normalisation_of(normalisation, backbone), strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        info: Any = self.body.feature_info
        channels: list[int] = info.channels()
        entry = GUIDES
        self.energy: nn.Module | None = None
        if energy:
            half = ENERGY_WIDTH // 2
            self.energy = nn.Sequential(_block(ENERGIES, half, 3, 2), _block(half, ENERGY_WIDTH, 3, 2))
            entry += ENERGY_WIDTH
        self.fine_entry = _block(entry, ENTRY_WIDTH, 3)
        self.middle_entry = _block(ENTRY_WIDTH, ENTRY_WIDTH, 3, 2)
        self.to_fine = nn.Conv2d(ENTRY_WIDTH, channels[0], 1)
        self.to_middle = _still_silent(nn.Conv2d(ENTRY_WIDTH, channels[1], 1))
        self.lateral = nn.ModuleList(_block(count, width, 1) for count in channels)
        self.smooth = nn.ModuleList(_separable(width) for _ in STRIDES)
        self.head = nn.Sequential(_separable(width), _separable(width))
        self.masks = nn.Conv2d(width, MASKS, 1)
        self.judge = nn.Linear(2 * width + 1, MASKS)

    def forward(
        self, image: Tensor, energy: Tensor, guide: Tensor, corrections: Sequence[Correction] = ()
    ) -> Answer:
        """The answer to a guide, or to what corrections make of it.

        Args:
            image: (B, 3, S, S) RGB in [0, 1], white is air; S a multiple of 32.
            energy: (B, 2, S, S) in [0, 1], high and low.
            guide: (B, 4, S / 4, S / 4) in [0, 1]: clicks on the object, beside it, the mask so far, a box.
            corrections: Each sees the answer so far, made without gradients in eval mode, and gives the next
                guide: the clicks a user would make to mend it.

        Raises:
            ShapeError: If one of the shapes is another.
        """
        _check(image, energy, guide)
        encoded = self.encode(image, energy)
        for correct in corrections:
            with torch.no_grad(), _in_use(self):
                answer = self.decode(encoded, guide)
            guide = correct(answer, guide)
        return self.decode(encoded, guide)

    def encode(self, image: Tensor, energy: Tensor) -> Encoded:
        """What no click changes; shapes as for `forward`."""
        fine, middle = self._levels((image - self.mean) / self.spread, 0, 2)
        return Encoded(fine, middle, None if self.energy is None else self.energy(energy))

    def decode(self, encoded: Encoded, guide: Tensor) -> Answer:
        """The answer to a guide; shapes as for `forward`."""
        entering = guide if encoded.energy is None else torch.cat([guide, encoded.energy], 1)
        entered = self.fine_entry(entering)
        fine = encoded.fine + self.to_fine(entered)
        middle = encoded.middle + self.to_middle(self.middle_entry(entered))
        levels = [fine, middle, *self._levels(middle, 2, 4)]
        features, coarse = self._pyramid(levels)
        features = self.head(features)
        logits = self.masks(features).float()
        return Answer(logits, self._quality(logits.detach(), features, coarse))

    def _levels(self, feature: Tensor, first: int, last: int) -> list[Tensor]:
        steps = [module for _, module in _steps(self.body)]
        begins = (0, *self._ends)
        levels = []
        for level in range(first, last):
            for module in steps[begins[level] : begins[level + 1]]:
                feature = module(feature)
            levels.append(feature)
        return levels

    def _pyramid(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        sides = [lateral(level) for lateral, level in zip(self.lateral, levels, strict=True)]
        merged = coarse = self.smooth[-1](sides[-1])
        for finer in (2, 1, 0):
            merged = self.smooth[finer](sides[finer] + interpolate(merged, scale_factor=2.0, mode="nearest"))
        return merged, coarse

    def _quality(self, logits: Tensor, features: Tensor, coarse: Tensor) -> Tensor:
        """Of each mask: its mean feature, the window's, and how sure its pixels are."""
        probs = logits.sigmoid().flatten(2)  # (B, 3, P)
        area = probs.sum(2, keepdim=True) + 1
        inside = torch.matmul(probs / area, features.flatten(2).transpose(1, 2))  # (B, 3, width)
        around = coarse.mean((2, 3))[:, None].expand(-1, MASKS, -1)
        sure = probs.square().sum(2, keepdim=True) / area
        seen = torch.cat([inside, around.to(inside.dtype), sure.to(inside.dtype)], 2)
        return torch.diagonal(self.judge(seen), dim1=1, dim2=2).float().sigmoid()


def _check(image: Tensor, energy: Tensor, guide: Tensor) -> None:
    rows, side = len(image), image.shape[-1]
    wanted = ((rows, 3, side, side), (rows, ENERGIES, side, side), (rows, GUIDES, side // 4, side // 4))
    got = tuple(tuple(given.shape) for given in (image, energy, guide))
    if got != wanted or side % STRIDES[-1]:
        raise ShapeError(
            "expected image (B, 3, S, S), energy (B, 2, S, S) and guide (B, 4, S / 4, S / 4), S a multiple"
            f" of {STRIDES[-1]}; got {', '.join(map(str, got))}"
        )


def _steps(body: Any) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a backbone in the order they run, by the names that its levels go by."""
    for name, child in body.named_children():
        if name == "blocks":  # timm's name for a sequence of stages
            yield from ((f"{name}.{number}", stage) for number, stage in child.named_children())
        else:
            yield name, child


def _level_ends(body: Any, backbone: str) -> tuple[int, ...]:
    """After how many modules each level is there."""
    info = body.feature_info
    if tuple(info.reduction()) != STRIDES:
        raise ValueError(f"{backbone} has levels at strides {info.reduction()} last, expected {STRIDES}")
    names = [name for name, _ in _steps(body)]
    modules: list[str] = info.module_name()
    if strangers := [name for name in modules if name not in names]:
        raise ValueError(f"{backbone} is not a sequence of stages: {strangers[0]} is none of its modules")
    return tuple(names.index(name) + 1 for name in modules)


@contextmanager
def _in_use(model: nn.Module) -> Iterator[None]:
    """Eval mode, and back to each module's own: parts that are held still are in eval mode already."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _block(inside: int, outside: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())


def _separable(width: int) -> nn.Sequential:
    depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(width), *_block(width, width, 1))


def _still_silent(convolution: nn.Conv2d) -> nn.Conv2d:
    """Zero at first, so that the backbone begins with the features that its weights know."""
    assert convolution.bias is not None
    nn.init.zeros_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    return convolution
