"""The networks of the rows, all on pictures of one side, and what they start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.core import BadInputError
from beltline.models.apsam import Apsam, Selection
from beltline.models.deeplab import deeplab_v3_plus, deeplab_v3_plus_small
from beltline.models.sam import Sam, copy_sam_parts
from beltline.models.samus import STEM, Samus
from beltline.models.segmenter import ClickSegmenter
from beltline.protocols.xseg.click_row import build_click_row, has_click_row
from beltline.protocols.xseg.plan import METHODS, Method, Model, XsegScale

SHARES_SAM: tuple[Model, ...] = ("SAM", "SAMUS", "APSAM")  # start from one pretrained SAM


class AtSide(ClickSegmenter):
    """A segmenter of another side on pictures of this one: pictures are resized, clicks come along.

    Args:
        inner: The segmenter.
        side: Of the pictures, pixels.
    """

    def __init__(self, inner: ClickSegmenter, side: int) -> None:
        super().__init__()
        self.inner, self.side = inner, side
        self.promptable = inner.promptable  # type: ignore[misc]

    def encode(self, image: Tensor) -> Any:
        """See `ClickSegmenter`."""
        size = (self.inner.side, self.inner.side)
        if size != image.shape[2:]:
            image = F.interpolate(image, size, mode="bilinear", align_corners=False)
        return self.inner.encode(image)

    def decode(self, embedding: Any, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`."""
        factor = self.inner.side / self.side
        return self.inner.decode(embedding, (points + 0.5) * factor - 0.5, labels)


def sam_of(scale: XsegScale, *, trainable: str = "decoder") -> Sam:
    """SAM with as many tokens as SAMUS and APSAM have: sixteen pixels a token, theirs eight."""
    return Sam(scale.sam, 2 * scale.side, trainable=trainable)


def _sam(method: Method, scale: XsegScale) -> ClickSegmenter:
    return sam_of(scale, trainable="nothing" if method.trains == "nothing" else "decoder")


def _samus(method: Method, scale: XsegScale) -> ClickSegmenter:
    return Samus(scale.sam, stem=STEM if scale.full else 16)


def _apsam(method: Method, scale: XsegScale) -> ClickSegmenter:
    selection: Selection = "released" if method.released else "fixed"
    return Apsam(scale.sam, scale.side, selection=selection, energy=method.energy)


def _deeplab(method: Method, scale: XsegScale) -> ClickSegmenter:
    return deeplab_v3_plus() if scale.full else deeplab_v3_plus_small(scale.side)


def _mask2former(method: Method, scale: XsegScale) -> ClickSegmenter:
    from beltline.models.mask2former import mask2former, mask2former_small  # an extra of its own

    return mask2former() if scale.full else mask2former_small(scale.side)


BUILDERS: Mapping[Model, Callable[[Method, XsegScale], ClickSegmenter]] = MappingProxyType(
    {
        "SAM": _sam,
        "SAMUS": _samus,
        "APSAM": _apsam,
        "DeepLabV3+": _deeplab,
        "Mask2Former": _mask2former,
        "click model": lambda method, scale: build_click_row(scale.side, energy=method.energy),
    }
)


def available(scale: XsegScale) -> tuple[str, ...]:
    """The rows of a scale whose network is there."""
    return tuple(name for name in scale.methods if METHODS[name].model != "click model" or has_click_row())


def build_network(method: Method, scale: XsegScale, seed: int, start: Mapping[str, Tensor] | None) -> AtSide:
    """A row's network.

    Args:
        method: Row.
        scale: Sizes.
        seed: Of random weights.
        start: Weights of a SAM of the scale's size, for the networks that hold its parts.

    Raises:
        BadInputError: If ``start`` has none of the network's tensors.
    """
    torch.manual_seed(seed)
    inner = BUILDERS[method.model](method, scale)
    if start is not None and method.model in SHARES_SAM:
        copied, resized, _ = copy_sam_parts(inner, start)
        if not copied + len(resized):
            raise BadInputError("the weights to start from hold no tensor of SAM's names")
    return AtSide(inner, scale.side)


def trained_parameters(model: nn.Module) -> int:
    """How many parameters get gradients."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
