"""Mask R-CNN of torchvision that finds devices in scans: in the published size, and small enough for a CPU.

Source:
    He et al., Mask R-CNN (2017), which Durham's anomaly detection cuts its devices out with. The published
    size is torchvision's ``maskrcnn_resnet50_fpn`` (v1) with batch normalisation as the backbone has it; the
    paper does not name its trunk. The small one is reconstructed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from beltline.core.errors import ShapeError
from beltline.models.backbones import Pretrained, expected_input, feature_backbone
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from torchvision.models.detection import MaskRCNN  # noqa: E402  # after the operators
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead  # noqa: E402
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor  # noqa: E402
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign  # noqa: E402
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool  # noqa: E402

CLASSES = 2  # 0 is the background, 1 a device
SURE = 0.5  # score from which a device counts as found, and probability from which a pixel is its


class _Size(NamedTuple):
    """What a size is made of."""

    backbone: str
    options: dict[str, Any]
    width: int
    hidden: int
    mask_layers: tuple[int, ...]
    anchors: tuple[int, ...]
    few: dict[str, int]


_FEW = {
    "rpn_pre_nms_top_n_train": 300,
    "rpn_pre_nms_top_n_test": 200,
    "rpn_post_nms_top_n_train": 100,
    "rpn_post_nms_top_n_test": 50,
    "box_batch_size_per_image": 32,
    "box_detections_per_img": 10,
}
_TINY = {"channels": (8, 8, 8, 8)}
MaskSize = Literal["published", "small", "tiny"]
SIZES: dict[MaskSize, _Size] = {
    "published": _Size("resnet50", {}, 256, 1024, (256, 256, 256, 256), (32, 64, 128, 256, 512), {}),
    "small": _Size("EfficientNet-Lite0", {}, 64, 128, (64, 64), (32, 64, 96, 160, 240), _FEW),
    "tiny": _Size("resnet10t", _TINY, 8, 16, (8,), (16, 24, 32, 48, 64), _FEW),
}


class MaskRcnn(nn.Module):
    """See the module.

    Args:
        size: A key of ``SIZES``.
        side: Of the square scans that it sees, pixels.
        pretrained: Of the trunk, see `feature_backbone`.

    Example:
        >>> model = MaskRcnn("tiny", side=64).eval()
        >>> model(torch.ones(1, 3, 64, 64))[0].shape[1:]
        torch.Size([64, 64])
    """

    def __init__(self, size: MaskSize, *, side: int, pretrained: Pretrained = False) -> None:
        super().__init__()
        made, self.side = SIZES[size], side
        trunk = _Trunk(made, pretrained)
        levels = [str(n) for n in range(len(made.anchors) - 1)]  # the pooled one proposes only
        expected = expected_input(made.backbone)
        self.net = MaskRCNN(
            trunk,
            None,
            min_size=side,
            max_size=side,
            image_mean=list(expected.mean),
            image_std=list(expected.std),
            rpn_anchor_generator=AnchorGenerator(
                tuple((a,) for a in made.anchors), ((0.5, 1.0, 2.0),) * len(made.anchors)
            ),
            box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
            box_head=TwoMLPHead(made.width * 49, made.hidden),
            box_predictor=FastRCNNPredictor(made.hidden, CLASSES),
            mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
            mask_head=MaskRCNNHeads(made.width, list(made.mask_layers), 1),
            mask_predictor=MaskRCNNPredictor(made.mask_layers[-1], made.mask_layers[-1], CLASSES),
            **made.few,
        )

    @property
    def body(self) -> nn.Module:
        """The trunk, which begins with ImageNet weights."""
        trunk: Any = self.net.backbone
        body: nn.Module = trunk.body
        return body

    def losses(self, images: Tensor, masks: list[Tensor]) -> dict[str, Tensor]:
        """Torchvision's losses by name.

        Args:
            images: (B, 3, side, side) RGB in [0, 1].
            masks: Of each image (N, side, side) bool, one device each, none of them empty; N may be 0.

        Raises:
            ShapeError: If images are of another side.
        """
        self._check(images)
        self.net.train()
        targets = [_target(each.to(images.device)) for each in masks]
        found: dict[str, Tensor] = self.net(list(images), targets)
        return found

    def forward(self, images: Tensor) -> list[Tensor]:
        """Masks (N, side, side) bool of the devices in each image, the surest first.

        Args:
            images: (B, 3, side, side) RGB in [0, 1].

        Raises:
            ShapeError: If images are of another side.
        """
        self._check(images)
        self.net.eval()
        with torch.no_grad():
            found = self.net(list(images))
        return [each["masks"][each["scores"] >= SURE, 0] >= SURE for each in found]

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1:] != (3, self.side, self.side):
            raise ShapeError(f"expected images (B, 3, {self.side}, {self.side}), got {tuple(images.shape)}")


class _Trunk(nn.Module):
    def __init__(self, made: _Size, pretrained: Pretrained) -> None:
        super().__init__()
        self.body = feature_backbone(made.backbone, stages=4, pretrained=pretrained, options=made.options)
        info: Any = self.body.feature_info
        self.pyramid = FeaturePyramidNetwork(info.channels(), made.width, LastLevelMaxPool())
        self.out_channels = made.width

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        levels = OrderedDict((str(n), level) for n, level in enumerate(self.body(images)))
        found: OrderedDict[str, Tensor] = self.pyramid(levels)
        return found


def _target(masks: Tensor) -> dict[str, Tensor]:
    """What torchvision wants to know of the devices of an image."""
    boxes = torch.zeros(len(masks), 4, device=masks.device)
    for box, mask in zip(boxes, masks, strict=True):
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        box[:] = torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    labels = torch.ones(len(masks), dtype=torch.int64, device=masks.device)
    return {"boxes": boxes, "labels": labels, "masks": masks.to(torch.uint8)}
