"""Gradients of depthwise convolutions in bfloat16 on a CPU, where the library has slow paths.

Measured with torch 2.13 on one thread, 16 scans: of a 5x5 convolution of 672 channels at 18x18 the forward
pass takes 2 ms, the gradient of the weights 102 ms, and at stride 2 that of the input 151 ms; those of 3x3
weights take 1 ms. So a 5x5 gradient is put together from four overlapping 3x3 ones (11 ms), and the gradient
of a strided input is computed in float32 (5 ms).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
from timm.layers.conv2d_same import Conv2dSame  # noqa: E402  # after the operators
from timm.layers.padding import pad_same  # noqa: E402

SMALL, LARGE = 3, 5


def quicken(model: nn.Module) -> int:
    """Let the depthwise convolutions of a model with a slow gradient compute it the quick way.

    Names, weights and results stay; only gradients in bfloat16 on a CPU are computed otherwise, to the same
    rounding.

    Args:
        model: Changed in place.

    Returns:
        How many convolutions were changed.
    """
    slow = [m for m in model.modules() if type(m) in _QUICK and _is_slow(m)]
    for module in slow:
        module.__class__ = _QUICK[type(module)]
    return len(slow)


def _is_slow(module: Any) -> bool:
    k, stride = module.kernel_size[0], module.stride[0]
    return (
        module.groups == module.in_channels == module.out_channels
        and module.kernel_size == (k, k)
        and module.stride == (stride, stride)
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and module.bias is None
        and (k == LARGE or (k == SMALL and stride > 1))
    )


class _QuickConv2d(nn.Conv2d):
    def forward(self, image: Tensor) -> Tensor:
        if not _in_bfloat16(image) or isinstance(self.padding, str):
            return super().forward(image)
        down, across = self.padding
        return _convolved(F.pad(image, (across, across, down, down)), self.weight, self.stride[0])


class _QuickConv2dSame(Conv2dSame):
    def forward(self, image: Tensor) -> Tensor:
        if not _in_bfloat16(image):
            plain: Tensor = super().forward(image)
            return plain
        padded = pad_same(image, list(self.kernel_size), list(self.stride))
        return _convolved(padded, self.weight, self.stride[0])


_QUICK: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: _QuickConv2d,
    Conv2dSame: _QuickConv2dSame,
}


def _in_bfloat16(image: Tensor) -> bool:
    if image.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    return image.dtype == torch.bfloat16 or (
        torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    )


def _convolved(padded: Tensor, weight: Tensor, stride: int) -> Tensor:
    found: Tensor = _Depthwise.apply(padded.bfloat16(), weight.bfloat16(), stride)
    return found


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution of an image that is padded already."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(padded, weight)
        ctx.stride = stride
        return F.conv2d(padded, weight, stride=stride, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        padded, weight = ctx.saved_tensors
        (gradient,) = gradients
        to_image = to_weight = None
        if ctx.needs_input_grad[0]:
            to_image = _image_gradient(gradient, padded, weight, ctx.stride)
        if ctx.needs_input_grad[1]:
            to_weight = _weight_gradient(gradient, padded, weight, ctx.stride)
        return to_image, to_weight, None


def _image_gradient(gradient: Tensor, padded: Tensor, weight: Tensor, stride: int) -> Tensor:
    if stride == 1:
        return _library(gradient, padded, weight, stride, (True, False))
    whole = _library(gradient.float(), padded.float(), weight.float(), stride, (True, False))
    return whole.to(padded.dtype)


def _weight_gradient(gradient: Tensor, padded: Tensor, weight: Tensor, stride: int) -> Tensor:
    if weight.shape[-1] == SMALL:
        return _library(gradient, padded, weight, stride, (False, True))
    height, width = ((n - 1) * stride + SMALL for n in gradient.shape[2:])
    small = weight[:, :, :SMALL, :SMALL].contiguous()
    out = torch.empty_like(weight)
    for row in (0, LARGE - SMALL):  # the windows overlap; what both give is the same
        for column in (0, LARGE - SMALL):
            seen = padded[:, :, row : row + height, column : column + width]
            seen = seen.contiguous(memory_format=torch.channels_last)
            part = _library(gradient, seen, small, stride, (False, True))
            out[:, :, row : row + SMALL, column : column + SMALL] = part
    return out


def _library(
    gradient: Tensor, image: Tensor, weight: Tensor, stride: int, which: tuple[bool, bool]
) -> Tensor:
    found = torch.ops.aten.convolution_backward(
        gradient, image, weight, None, [stride, stride], [0, 0], [1, 1], False, [0, 0], len(weight),
        [*which, False],
    )  # fmt: skip
    chosen: Tensor = found[which.index(True)]
    return chosen
