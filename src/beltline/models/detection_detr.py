"""RT-DETRv2 and D-FINE of transformers, narrow and in a published size, with random weights.

They take images whose sides are multiples of 32.

Source:
    Lv et al., RT-DETRv2 (arXiv 2407.17140), r18vd; Peng et al., D-FINE (arXiv 2410.13842), size S. Sizes of
    the published ones from their released configurations; the small ones are reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from beltline.models.detector import MEAN, SPREAD, Detections, ObjectDetector, Target
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from transformers import (  # noqa: E402  # after the operators
    DFineConfig,
    DFineForObjectDetection,
    HGNetV2Config,
    RTDetrResNetConfig,
    RTDetrV2Config,
    RTDetrV2ForObjectDetection,
)

KEPT = 100


class DetrDetector(ObjectDetector):
    """A set predictor of transformers: no anchors, no suppression.

    Args:
        net: Takes ``pixel_values`` and ``labels`` with boxes as shares of the image (centre, size).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """See `ObjectDetector`; named losses of the last decoder layer, all others as ``auxiliary``."""
        self.net.train()
        size = images.new_tensor([images.shape[3], images.shape[2]] * 2)
        labels = [{"class_labels": t.labels, "boxes": _centred(t.boxes) / size} for t in targets]
        # the matching and its losses want 32 bits
        with torch.autocast(images.device.type, enabled=False):
            output = self.net(pixel_values=(images.float() - MEAN) / SPREAD, labels=labels)
        named = {k: v for k, v in output.loss_dict.items() if k.count("_") == 1}
        rest = output.loss - torch.stack(list(named.values())).sum()
        return {**named, "auxiliary": rest}

    def predict(self, images: Tensor) -> list[Detections]:
        """See `ObjectDetector`; the best hundred pairs of query and class."""
        self.net.eval()
        size = images.new_tensor([images.shape[3], images.shape[2]] * 2)
        with torch.inference_mode(), torch.autocast(images.device.type, enabled=False):
            output = self.net(pixel_values=(images.float() - MEAN) / SPREAD)
        classes = output.logits.shape[2]
        scores, order = output.logits.sigmoid().flatten(1).sort(1, descending=True)
        found = []
        for row in range(len(images)):
            best = order[row, :KEPT]
            x, y, w, h = output.pred_boxes[row, best // classes].unbind(1)
            boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1).clamp(0, 1) * size
            found.append(Detections(boxes, best % classes, scores[row, :KEPT]))
        return found


def _centred(boxes: Tensor) -> Tensor:
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)


def rtdetr_v2(classes: int) -> ObjectDetector:
    """RT-DETRv2-S: ResNet-18vd, 256 channels, three decoder layers."""
    return _rtdetr_v2(classes, (64, 128, 256, 512), depth=2, hidden_expansion=0.5, decoder_layers=3)


def rtdetr_v2_small(classes: int) -> ObjectDetector:
    """RT-DETRv2, narrow ResNet, 64 channels, two decoder layers, 50 queries."""
    return _rtdetr_v2(classes, (24, 48, 96, 192), depth=1, **_SMALL)


def _rtdetr_v2(classes: int, widths: tuple[int, ...], *, depth: int, **options: Any) -> ObjectDetector:
    backbone = RTDetrResNetConfig(
        embedding_size=widths[0],
        hidden_sizes=list(widths),
        depths=[depth] * 4,
        layer_type="basic",
        **_STAGES,
    )
    config = RTDetrV2Config(
        backbone_config=backbone, encoder_in_channels=list(widths[1:]), **options, **_common(classes)
    )
    return DetrDetector(RTDetrV2ForObjectDetection(config))


def dfine(classes: int) -> ObjectDetector:
    """D-FINE-S: HGNetV2-B0, 256 channels, three decoder layers."""
    return _dfine(
        classes,
        (64, 256, 512, 1024),
        middle=(16, 32, 64, 128),
        blocks=(1, 1, 2, 1),
        layers=3,
        hidden_expansion=0.5,
        decoder_layers=3,
        decoder_n_points=[3, 6, 3],
    )


def dfine_small(classes: int) -> ObjectDetector:
    """D-FINE, narrow HGNetV2, 64 channels, two decoder layers, 50 queries."""
    return _dfine(
        classes, (32, 64, 128, 256), middle=(16, 16, 32, 64), blocks=(1, 1, 1, 1), layers=2, **_SMALL
    )


def _dfine(
    classes: int,
    widths: tuple[int, ...],
    *,
    middle: tuple[int, ...],
    blocks: tuple[int, ...],
    layers: int,
    **options: Any,
) -> ObjectDetector:
    backbone = HGNetV2Config(
        stem_channels=[3, 16, 16],
        stage_in_channels=[16, *widths[:-1]],
        stage_mid_channels=list(middle),
        stage_out_channels=list(widths),
        hidden_sizes=list(widths),  # what the backbone says its channels are
        stage_num_blocks=list(blocks),
        stage_numb_of_layers=[layers] * 4,
        use_learnable_affine_block=True,
        **_STAGES,
    )
    config = DFineConfig(
        backbone_config=backbone,
        encoder_in_channels=list(widths[1:]),
        depth_mult=0.34,
        **options,
        **_common(classes),
    )
    return DetrDetector(DFineForObjectDetection(config))


def _common(classes: int) -> dict[str, Any]:
    # batch normalisation is trained too, since the weights are random
    return {"freeze_backbone_batch_norms": False, "num_labels": classes}


_STAGES: dict[str, Any] = {"out_features": ["stage2", "stage3", "stage4"]}
_SMALL: dict[str, Any] = {
    "encoder_hidden_dim": 64,
    "encoder_ffn_dim": 128,
    "encoder_attention_heads": 4,
    "hidden_expansion": 0.5,
    "d_model": 64,
    "decoder_in_channels": [64, 64, 64],
    "decoder_ffn_dim": 128,
    "decoder_attention_heads": 4,
    "decoder_layers": 2,
    "num_queries": 50,
    "num_denoising": 20,
}
