"""FCOS, RetinaNet and Faster R-CNN of torchvision on timm backbones, narrow and in the published sizes.

Source:
    Lin et al., Feature Pyramid Networks and RetinaNet (2017); Ren et al., Faster R-CNN (2015); Tian et al.,
    FCOS (2019). The published sizes are torchvision's ``*_resnet50_fpn`` (v1) with batch normalisation as the
    backbone has it, not frozen; the small ones are reconstructed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal

import timm
import torch
from torch import Tensor, nn

from beltline.models.detector import MEAN, SPREAD, Detections, ObjectDetector, Target
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet  # noqa: E402  # after the operators
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead  # noqa: E402
from torchvision.models.detection.fcos import FCOSHead  # noqa: E402
from torchvision.models.detection.retinanet import RetinaNetHead  # noqa: E402
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign  # noqa: E402
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7  # noqa: E402

_NARROW: dict[str, Any] = {"channels": (32, 64, 128, 256)}


class TorchvisionDetector(ObjectDetector):
    """One of torchvision's detectors; label 0 is its background.

    Args:
        net: FCOS, RetinaNet or FasterRCNN, made without resizing.
        offset: What to add to labels for the net: 1 where its class 0 is the background.
    """

    def __init__(self, net: nn.Module, *, offset: int) -> None:
        super().__init__()
        self.net, self.offset = net, offset

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """See `ObjectDetector`."""
        self.net.train()
        given = [{"boxes": t.boxes, "labels": t.labels + self.offset} for t in targets]
        found: dict[str, Tensor] = self.net(list(images), given)
        return found

    def predict(self, images: Tensor) -> list[Detections]:
        """See `ObjectDetector`."""
        self.net.eval()
        with torch.inference_mode():
            found = self.net(list(images))
        return [Detections(f["boxes"], f["labels"] - self.offset, f["scores"]) for f in found]


class Pyramid(nn.Module):
    """A timm backbone with a feature pyramid.

    Args:
        backbone: timm name.
        width: Channels of every level.
        stages: Indices of the backbone's stages; strides 2, 4, 8, 16, 32 for 0 to 4.
        extra: One level more by max pooling, as Faster R-CNN has it; two more by convolutions (``p6p7``), as
            RetinaNet and FCOS have them; or none.
        options: Further arguments of ``timm.create_model``.
    """

    def __init__(
        self,
        backbone: str,
        width: int,
        *,
        stages: tuple[int, ...] = (2, 3, 4),
        extra: Literal["pool", "p6p7"] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        body: Any = timm.create_model(backbone, features_only=True, out_indices=stages, **options)
        self.body = body
        blocks = {"pool": LastLevelMaxPool, "p6p7": lambda: LastLevelP6P7(width, width)}
        extra_levels = blocks[extra]() if extra else None
        self.pyramid = FeaturePyramidNetwork(body.feature_info.channels(), width, extra_levels)
        self.out_channels = width

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, 3, H, W) to levels by name, finest first."""
        levels = self.body(images)
        found: OrderedDict[str, Tensor] = self.pyramid(
            OrderedDict((str(i), level) for i, level in enumerate(levels))
        )
        return found


def fcos(classes: int, side: int) -> ObjectDetector:
    """FCOS, ResNet-50, P3 to P7 of 256 channels."""
    pyramid = Pyramid("resnet50", 256, extra="p6p7")
    return _fcos(pyramid, classes, side, (8, 16, 32, 64, 128), convolutions=4)


def fcos_small(classes: int, side: int) -> ObjectDetector:
    """FCOS, narrow ResNet-18, P3 to P5 of 64 channels, two convolutions a branch."""
    pyramid = Pyramid("resnet18", 64, **_NARROW)
    return _fcos(pyramid, classes, side, (16, 32, 64), convolutions=2, **_FEW)


def retinanet(classes: int, side: int) -> ObjectDetector:
    """RetinaNet, ResNet-50, P3 to P7 of 256 channels, nine anchors a place."""
    pyramid = Pyramid("resnet50", 256, extra="p6p7")
    return _retinanet(pyramid, classes, side, (32, 64, 128, 256, 512))


def retinanet_small(classes: int, side: int) -> ObjectDetector:
    """RetinaNet, narrow ResNet-18, P3 to P5 of 64 channels."""
    return _retinanet(Pyramid("resnet18", 64, **_NARROW), classes, side, (24, 48, 96), **_FEW)


def faster_rcnn(classes: int, side: int) -> ObjectDetector:
    """Faster R-CNN, ResNet-50, P2 to P6 of 256 channels, head of 1024."""
    pyramid = Pyramid("resnet50", 256, stages=(1, 2, 3, 4), extra="pool")
    return _faster_rcnn(pyramid, classes, side, (32, 64, 128, 256, 512), hidden=1024)


def faster_rcnn_small(classes: int, side: int) -> ObjectDetector:
    """Faster R-CNN, narrow ResNet-18, P3 to P6 of 64 channels, head of 256, few proposals."""
    pyramid = Pyramid("resnet18", 64, extra="pool", **_NARROW)
    return _faster_rcnn(
        pyramid,
        classes,
        side,
        (16, 32, 64, 128),
        hidden=256,
        rpn_pre_nms_top_n_train=300,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=200,
        rpn_post_nms_top_n_test=100,
        box_batch_size_per_image=64,
        box_detections_per_img=50,
    )


_FEW: dict[str, Any] = {"topk_candidates": 200, "detections_per_img": 50}


def _size(side: int) -> dict[str, Any]:
    return {"min_size": side, "max_size": side, "image_mean": [MEAN] * 3, "image_std": [SPREAD] * 3}


def _fcos(
    pyramid: Pyramid, classes: int, side: int, anchors: Sequence[int], *, convolutions: int, **options: Any
) -> ObjectDetector:
    generator = AnchorGenerator(tuple((a,) for a in anchors), ((1.0,),) * len(anchors))
    head = FCOSHead(pyramid.out_channels, 1, classes, convolutions)
    net = FCOS(pyramid, classes, anchor_generator=generator, head=head, **options, **_size(side))
    return TorchvisionDetector(net, offset=0)


def _retinanet(
    pyramid: Pyramid, classes: int, side: int, anchors: Sequence[int], **options: Any
) -> ObjectDetector:
    octaves = tuple((a, int(a * 2 ** (1 / 3)), int(a * 2 ** (2 / 3))) for a in anchors)
    generator = AnchorGenerator(octaves, ((0.5, 1.0, 2.0),) * len(octaves))
    head = RetinaNetHead(pyramid.out_channels, generator.num_anchors_per_location()[0], classes)
    net = RetinaNet(pyramid, classes, anchor_generator=generator, head=head, **options, **_size(side))
    return TorchvisionDetector(net, offset=0)


def _faster_rcnn(
    pyramid: Pyramid, classes: int, side: int, anchors: Sequence[int], *, hidden: int, **options: Any
) -> ObjectDetector:
    generator = AnchorGenerator(tuple((a,) for a in anchors), ((0.5, 1.0, 2.0),) * len(anchors))
    levels = [str(i) for i in range(len(anchors) - 1)]  # the pooled one proposes only
    net = FasterRCNN(
        pyramid,
        None,
        rpn_anchor_generator=generator,
        box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        box_head=TwoMLPHead(pyramid.out_channels * 49, hidden),
        box_predictor=FastRCNNPredictor(hidden, classes + 1),
        **options,
        **_size(side),
    )
    return TorchvisionDetector(net, offset=1)
