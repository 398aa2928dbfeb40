"""All click segmenters in one table, behind the interface of `beltline.models.segmenter`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from beltline.models.apsam import apsam, apsam_small, apsam_vit_l
from beltline.models.deeplab import deeplab_v3_plus, deeplab_v3_plus_small
from beltline.models.sam import VIT_B, VIT_L, Sam, sam_small
from beltline.models.samus import samus, samus_small
from beltline.models.segmenter import ClickSegmenter

__all__ = ["CLICK_SEGMENTERS", "ClickSegmenter", "build_click_segmenter"]

Build = Callable[[], ClickSegmenter]


def _mask2former(name: str) -> Build:
    # transformers is an extra of its own and takes a second to import
    def build() -> ClickSegmenter:
        from beltline.models import mask2former

        make: Build = getattr(mask2former, name)
        return make()

    return build


#: Name to ``build()``; each has its own side. "Tuned" trains SAM's decoder; the "small" ones are for a CPU.
CLICK_SEGMENTERS: Mapping[str, Build] = MappingProxyType(
    {
        "SAM frozen small": sam_small,
        "SAM tuned small": lambda: sam_small(trainable="decoder"),
        "SAMUS small": samus_small,
        "APSAM small": apsam_small,
        "DeepLabV3+ small": deeplab_v3_plus_small,
        "Mask2Former small": _mask2former("mask2former_small"),
        "SAM frozen": lambda: Sam(VIT_B),
        "SAM tuned": lambda: Sam(VIT_B, trainable="decoder"),
        "SAM frozen ViT-L": lambda: Sam(VIT_L),
        "SAM tuned ViT-L": lambda: Sam(VIT_L, trainable="decoder"),
        "SAMUS": samus,
        "APSAM": apsam,
        "APSAM ViT-L": apsam_vit_l,
        "DeepLabV3+": deeplab_v3_plus,
        "Mask2Former": _mask2former("mask2former"),
    }
)


def build_click_segmenter(name: str) -> ClickSegmenter:
    """A click segmenter with random weights, at its own image size.

    Args:
        name: Key of `CLICK_SEGMENTERS`; the small ones are narrow enough for a CPU.

    Raises:
        ValueError: If the name is not known.
        ModuleNotFoundError: For Mask2Former without the extra ``detr``.

    Example:
        >>> import torch
        >>> segmenter = build_click_segmenter("APSAM small")
        >>> image = torch.rand(1, 3, segmenter.side, segmenter.side)
        >>> segmenter(image, torch.tensor([[[40.0, 60.0]]]), torch.tensor([[1]])).shape
        torch.Size([1, 1, 64, 64])
    """
    if name not in CLICK_SEGMENTERS:
        raise ValueError(f"no click segmenter {name!r}; there is {', '.join(CLICK_SEGMENTERS)}")
    return CLICK_SEGMENTERS[name]()
