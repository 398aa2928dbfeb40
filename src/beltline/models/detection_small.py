"""The starter detector: one stage, no anchors, small enough for two CPU cores, exportable whole.

A timm backbone, a feature pyramid at strides 8, 16 and 32, and a head whose convolutions the levels share,
each level with its own normalisation. At every place it gives the distances to the four sides of a box and a
score for each class that stands for class and overlap at once, so that nothing but suppression follows.

Source:
    Reconstructed from Tian et al., FCOS (2019: distances, levels), Feng et al., TOOD (2021: task-aligned
    assignment and targets) and Lyu et al., RTMDet (2022: shared convolutions, separate normalisation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, relu

from beltline.models.backbones import feature_backbone
from beltline.models.detection_assign import assign, generalized_iou
from beltline.models.detector import Detections, ObjectDetector, Target
from beltline.models.normalisation import Normalisation, normalisation_of
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from torchvision.ops import nms  # noqa: E402  # after the operators

STRIDES = (8, 16, 32)
SCORE_FLOOR, SUPPRESSION_IOU, KEPT = 0.02, 0.6, 100
BOX_WEIGHT = 2.0


class SmallDetector(ObjectDetector):
    """See the module.

    Args:
        classes: K, without background.
        backbone: One whose last levels lie at strides 8, 16, 32: display name, or a name in timm.
        width: Channels of pyramid and head.
        convolutions: Of each branch of the head.
        normalisation: See `beltline.models.normalisation`.
        options: Further arguments of ``timm.create_model``.

    Example:
        >>> detector = SmallDetector(2, backbone="resnet10t", width=16, channels=(8, 8, 8, 8))
        >>> boxes, logits = detector.dense(torch.rand(1, 3, 64, 96))
        >>> boxes.shape, logits.shape  # 8 * 12 + 4 * 6 + 2 * 3 places
        (torch.Size([1, 126, 4]), torch.Size([1, 2, 126]))
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        classes: int,
        *,
        backbone: str = "mobilenetv4_conv_small",
        width: int = 64,
        convolutions: int = 2,
        normalisation: Normalisation = "xray",
        **options: Any,
    ) -> None:
        super().__init__()
        body: Any = feature_backbone(backbone, options=options)
        strides = tuple(body.feature_info.reduction())
        if strides != STRIDES:
            raise ValueError(f"{backbone} has levels at strides {strides} last, expected {STRIDES}")
        self.body = body
        for name, values in zip(("mean", "spread"), normalisation_of(normalisation, backbone), strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.lateral = nn.ModuleList(_block(c, width, 1) for c in body.feature_info.channels())
        self.smooth = nn.ModuleList(_block(width, width, 3) for _ in STRIDES)
        self.score_branch = _Branch(width, convolutions)
        self.box_branch = _Branch(width, convolutions)
        self.score = nn.Conv2d(width, classes, 3, padding=1)
        self.box = nn.Conv2d(width, 4, 3, padding=1)
        self.gain = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.normal_(self.score.weight, std=0.01)
        assert self.score.bias is not None
        assert self.box.bias is not None
        nn.init.constant_(self.score.bias, -math.log(99))  # one place in a hundred, as focal loss has it
        nn.init.normal_(self.box.weight, std=0.01)
        nn.init.constant_(self.box.bias, math.log(2))

    def dense(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, N, 4) xyxy in pixels and class logits (B, K, N) at every place, before suppression.

        Args:
            images: (B, 3, H, W) in [0, 1], H and W multiples of 32.
        """
        boxes, logits = [], []
        for level, (feature, stride) in enumerate(zip(self._pyramid(images), STRIDES, strict=True)):
            raw = self.box(self.box_branch(feature, level)).float() * self.gain[level]
            sides = raw.clamp(-4, 4).exp() * stride  # left, top, right, bottom
            centre = _centres(feature, stride)  # (2, h, w)
            corners = torch.cat([centre - sides[:, :2], centre + sides[:, 2:]], 1)
            boxes.append(corners.flatten(2))
            logits.append(self.score(self.score_branch(feature, level)).float().flatten(2))
        return torch.cat(boxes, 2).transpose(1, 2), torch.cat(logits, 2)

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """See `ObjectDetector`: quality focal loss to the aligned scores, and IoU weighted by them."""
        boxes, logits = self.dense(images)
        height, width = images.shape[2:]
        places = _places(height, width, images.device)
        wanted = torch.zeros_like(logits)  # (B, K, N)
        overlaps, weights = [], []
        for row, target in enumerate(targets):
            found = assign(boxes[row].detach(), logits[row].detach().sigmoid(), places, target)
            wanted[row, target.labels[found.object], found.place] = found.score
            overlaps.append(generalized_iou(boxes[row, found.place], target.boxes[found.object]))
            weights.append(found.score)
        overlap, weight = torch.cat(overlaps), torch.cat(weights)
        total = weight.sum().clamp(min=1.0)
        score_loss = quality_focal_loss(logits, wanted) / total
        box_loss = ((1 - overlap) * weight).sum() / total + 0 * boxes.sum()  # a graph without objects too
        return {"score": score_loss, "box": BOX_WEIGHT * box_loss}

    def predict(self, images: Tensor) -> list[Detections]:
        """See `ObjectDetector`."""
        self.eval()
        with torch.inference_mode():
            boxes, logits = self.dense(images)
            return [suppressed(b, s) for b, s in zip(boxes, logits.sigmoid(), strict=True)]

    def _pyramid(self, images: Tensor) -> list[Tensor]:
        levels = self.body((images - self.mean) / self.spread)
        sides = [lateral(level) for lateral, level in zip(self.lateral, levels, strict=True)]
        for finer in (1, 0):
            sides[finer] = sides[finer] + interpolate(sides[finer + 1], scale_factor=2.0, mode="nearest")
        return [smooth(side) for smooth, side in zip(self.smooth, sides, strict=True)]


class _Branch(nn.Module):
    """Convolutions that the levels share, each with its own normalisation."""

    def __init__(self, width: int, convolutions: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(convolutions)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(width) for _ in range(convolutions)) for _ in STRIDES
        )

    def forward(self, feature: Tensor, level: int) -> Tensor:
        norms: Any = self.norms[level]
        for convolution, norm in zip(self.convolutions, norms, strict=True):
            feature = relu(norm(convolution(feature)))
        return feature


def quality_focal_loss(logits: Tensor, wanted: Tensor, *, power: float = 2.0) -> Tensor:
    """Sum over all places and classes of ``|wanted - score|^power`` times the cross-entropy to ``wanted``.

    Places that are already right, most of the thousands that are no object, count next to nothing, so that
    they do not outweigh the few objects of a rare class.

    Args:
        logits: Any shape.
        wanted: Same, in [0, 1].
        power: 0 is plain cross-entropy.

    Source:
        Li et al., Generalized Focal Loss (2020), equation 2, beta 2.

    Example:
        >>> quality_focal_loss(torch.zeros(1), torch.ones(1)).item()  # 0.5^2 ln 2
        0.1732867956161499
    """
    cross_entropy = binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return ((wanted - logits.sigmoid()).abs().pow(power) * cross_entropy).sum()


def suppressed(
    boxes: Tensor,
    scores: Tensor,
    *,
    floor: float = SCORE_FLOOR,
    iou: float = SUPPRESSION_IOU,
    kept: int = KEPT,
) -> Detections:
    """The boxes of each class that no better one of the class overlaps.

    Args:
        boxes: (N, 4) xyxy.
        scores: (K, N) in [0, 1].
        floor: Scores must exceed this.
        iou: Largest overlap of two boxes of a class.
        kept: Most boxes of a class, and of an image.
    """
    rows, labels, values = [], [], []
    for label, score in enumerate(scores):
        able = (score > floor).nonzero()[:, 0]
        chosen = able[nms(boxes[able], score[able], iou)[:kept]]
        rows.append(chosen)
        labels.append(torch.full_like(chosen, label))
        values.append(score[chosen])
    row, value = torch.cat(rows), torch.cat(values)
    order = value.argsort(descending=True, stable=True)[:kept]
    return Detections(boxes[row[order]], torch.cat(labels)[order], value[order])


def _block(inside: int, outside: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())


def _centres(feature: Tensor, stride: int) -> Tensor:
    y = (torch.arange(feature.shape[2], device=feature.device) + 0.5) * stride
    x = (torch.arange(feature.shape[3], device=feature.device) + 0.5) * stride
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))


def _places(height: int, width: int, device: torch.device) -> Tensor:
    """(N, 3): centre x, y and stride of every place, in the order of `SmallDetector.dense`."""
    levels = []
    for stride in STRIDES:
        centre = _centres(torch.empty(1, 1, height // stride, width // stride, device=device), stride)
        levels.append(torch.cat([centre, torch.full_like(centre[:1], stride)]).flatten(1))
    return torch.cat(levels, 1).T
