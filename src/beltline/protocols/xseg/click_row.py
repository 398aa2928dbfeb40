"""The one place where the experiment meets Beltline's own click model, the plain baseline of its tables."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from beltline.models.segmenter import ClickSegmenter
from beltline.screening.click_windows import NESTED, ClickWindow

CLICK = "beltline.models.click"  # not every build has it
OBJECT = NESTED.index("object")


def has_click_row() -> bool:
    """Whether this build has the click model."""
    return find_spec(CLICK) is not None


class ClickRow(ClickSegmenter):
    """The click model on whole pictures, its mask of the object; the energies are the colours' max and min.

    Args:
        net: `beltline.models.click.ClickModel`.
        side: Of the pictures, a multiple of 32.
    """

    def __init__(self, net: Any, side: int) -> None:
        super().__init__()
        self.net, self.side = net, side

    def encode(self, image: Tensor) -> Any:
        """What no click changes."""
        return self.net.encode(image, torch.stack([image.amax(1), image.amin(1)], 1))

    def decode(self, embedding: Any, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; a quarter of the side."""
        window = ClickWindow(0, 0, self.side, self.side)
        rows = zip(points.float().cpu().numpy(), labels.cpu().numpy(), strict=True)
        guide = np.stack([window.guide(xy, known) for xy, known in rows])
        answer = self.net.decode(embedding, torch.from_numpy(guide).to(points.device))
        logits: Tensor = answer.logits[:, OBJECT : OBJECT + 1]
        return logits


def build_click_row(side: int, *, energy: bool) -> ClickSegmenter:
    """The click model as it is shipped, from ImageNet weights of a package, its energies in or out."""
    from beltline.models.backbones import feature_backbone

    click: Any = import_module(CLICK)
    net = click.ClickModel(energy=energy)
    whole = feature_backbone("EfficientNet-Lite0", stages=len(click.STRIDES), pretrained="package")
    net.body.load_state_dict(whole.state_dict())
    return ClickRow(net, side)
