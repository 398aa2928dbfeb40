"""Detectors behind one interface: a loss of images and boxes, and boxes of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet  # noqa: E402  # after the operators
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402
from torchvision.models.detection.fcos import FCOSHead  # noqa: E402
from torchvision.models.detection.retinanet import RetinaNetHead  # noqa: E402
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign  # noqa: E402
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool  # noqa: E402

MEAN, SPREAD = 0.8, 0.25  # of scans, which are mostly white


class Target(NamedTuple):
    """What is in one image.

    Attributes:
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels.
        labels: (M,) int64 from 0.
    """

    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best first.

    Attributes:
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels.
        labels: (M,) int64 from 0.
        scores: (M,) float32 in [0, 1].
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor


class Detector(nn.Module, ABC):
    """A detector of any make; images are (B, 3, H, W) in [0, 1], not normalised."""

    def forward(self, images: Tensor, targets: Sequence[Target] | None = None) -> Any:
        """`loss` where targets are given, else `predict`."""
        return self.predict(images) if targets is None else self.loss(images, targets)

    @abstractmethod
    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """Named losses of a batch, scalars; their sum is to be minimised."""

    @abstractmethod
    def predict(self, images: Tensor) -> list[Detections]:
        """Boxes in each image."""


class TorchvisionDetector(Detector):
    """One of torchvision's detectors; label 0 is its background.

    Args:
        net: FCOS, RetinaNet or FasterRCNN, made without resizing.
        offset: What to add to labels for the net: 1 where its class 0 is the background.
    """

    def __init__(self, net: nn.Module, *, offset: int) -> None:
        super().__init__()
        self.net, self.offset = net, offset

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """See `Detector`."""
        self.net.train()
        given = [{"boxes": t.boxes, "labels": t.labels + self.offset} for t in targets]
        found: dict[str, Tensor] = self.net(list(images), given)
        return found

    def predict(self, images: Tensor) -> list[Detections]:
        """See `Detector`."""
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
        extra: Add a level by max pooling, as Faster R-CNN does.
        options: Further arguments of ``timm.create_model``.
    """

    def __init__(
        self,
        backbone: str,
        width: int,
        *,
        stages: tuple[int, ...] = (2, 3, 4),
        extra: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        body: Any = timm.create_model(backbone, features_only=True, out_indices=stages, **options)
        self.body = body
        extra_level = LastLevelMaxPool() if extra else None
        self.pyramid = FeaturePyramidNetwork(body.feature_info.channels(), width, extra_level)
        self.out_channels = width

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, 3, H, W) to levels by name, finest first."""
        levels = self.body(images)
        found: OrderedDict[str, Tensor] = self.pyramid(
            OrderedDict((str(i), level) for i, level in enumerate(levels))
        )
        return found


def _size(side: int) -> dict[str, Any]:
    return {"min_size": side, "max_size": side, "image_mean": [MEAN] * 3, "image_std": [SPREAD] * 3}


def _fcos(pyramid: Pyramid, classes: int, side: int, convolutions: int) -> Detector:
    anchors = AnchorGenerator(((16,), (32,), (64,)), ((1.0,),) * 3)
    head = FCOSHead(pyramid.out_channels, 1, classes, convolutions)
    net = FCOS(
        pyramid,
        classes,
        anchor_generator=anchors,
        head=head,
        topk_candidates=200,
        detections_per_img=50,
        **_size(side),
    )
    return TorchvisionDetector(net, offset=0)


def _retinanet(pyramid: Pyramid, classes: int, side: int) -> Detector:
    sizes = tuple((s, s * 2 ** (1 / 3), s * 2 ** (2 / 3)) for s in (24, 48, 96))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 3)
    head = RetinaNetHead(pyramid.out_channels, anchors.num_anchors_per_location()[0], classes)
    net = RetinaNet(
        pyramid,
        classes,
        anchor_generator=anchors,
        head=head,
        topk_candidates=200,
        detections_per_img=50,
        **_size(side),
    )
    return TorchvisionDetector(net, offset=0)


def _faster_rcnn(pyramid: Pyramid, classes: int, side: int, hidden: int) -> Detector:
    anchors = AnchorGenerator(((16,), (32,), (64,), (128,)), ((0.5, 1.0, 2.0),) * 4)
    pool = MultiScaleRoIAlign(["0", "1", "2"], output_size=7, sampling_ratio=2)
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

    net = FasterRCNN(
        pyramid,
        None,
        rpn_anchor_generator=anchors,
        box_roi_pool=pool,
        box_head=TwoMLPHead(pyramid.out_channels * 49, hidden),
        box_predictor=FastRCNNPredictor(hidden, classes + 1),
        rpn_pre_nms_top_n_train=300,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=200,
        rpn_post_nms_top_n_test=100,
        box_batch_size_per_image=64,
        box_detections_per_img=50,
        **_size(side),
    )
    return TorchvisionDetector(net, offset=1)


_NARROW: dict[str, Any] = {"channels": (32, 64, 128, 256)}
#: Name to ``build(classes, side)``, side of the square images in pixels.
DETECTORS: Mapping[str, Callable[[int, int], Detector]] = MappingProxyType(
    {
        "FCOS small": lambda k, s: _fcos(Pyramid("resnet18", 64, **_NARROW), k, s, 2),
        "RetinaNet small": lambda k, s: _retinanet(Pyramid("resnet18", 64, **_NARROW), k, s),
        "Faster R-CNN small": lambda k, s: _faster_rcnn(
            Pyramid("resnet18", 64, extra=True, **_NARROW), k, s, 256
        ),
        "FCOS": lambda k, s: _fcos(Pyramid("resnet50", 256), k, s, 4),
        "RetinaNet": lambda k, s: _retinanet(Pyramid("resnet50", 256), k, s),
        "Faster R-CNN": lambda k, s: _faster_rcnn(Pyramid("resnet50", 256, extra=True), k, s, 1024),
    }
)


def build_detector(name: str, classes: int, side: int) -> Detector:
    """A detector with random weights.

    Args:
        name: Key of `DETECTORS`; the small ones are narrow enough for a CPU.
        classes: Number of classes, without background.
        side: Side of the square images, pixels.

    Raises:
        ValueError: If the name is not known.

    Example:
        >>> detector = build_detector("FCOS small", classes=2, side=64)
        >>> target = Target(torch.tensor([[8.0, 8.0, 40.0, 40.0]]), torch.tensor([1]))
        >>> sorted(detector.loss(torch.rand(1, 3, 64, 64), [target]))
        ['bbox_ctrness', 'bbox_regression', 'classification']
    """
    if name not in DETECTORS:
        raise ValueError(f"no detector {name!r}; there is {', '.join(DETECTORS)}")
    return DETECTORS[name](classes, side)
