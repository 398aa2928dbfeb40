"""All detectors in one table, behind the interface of `beltline.models.detector`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from beltline.models.detection_small import SmallDetector
from beltline.models.detection_torchvision import (
    faster_rcnn,
    faster_rcnn_small,
    fcos,
    fcos_small,
    retinanet,
    retinanet_small,
)
from beltline.models.detector import Detections, ObjectDetector, Target

__all__ = ["DETECTORS", "Detections", "ObjectDetector", "Target", "build_detector"]

Build = Callable[[int, int], ObjectDetector]


def _transformers(name: str) -> Build:
    # transformers is an extra of its own and takes a second to import
    def build(classes: int, side: int) -> ObjectDetector:
        from beltline.models import detection_detr

        make: Callable[[int], ObjectDetector] = getattr(detection_detr, name)
        return make(classes)

    return build


#: Name to ``build(classes, side)``, side of the square images in pixels; "small" ones are for a CPU.
DETECTORS: Mapping[str, Build] = MappingProxyType(
    {
        "FCOS small": fcos_small,
        "RetinaNet small": retinanet_small,
        "Faster R-CNN small": faster_rcnn_small,
        "RT-DETRv2 small": _transformers("rtdetr_v2_small"),
        "D-FINE small": _transformers("dfine_small"),
        "Starter": lambda classes, side: SmallDetector(classes),
        "FCOS": fcos,
        "RetinaNet": retinanet,
        "Faster R-CNN": faster_rcnn,
        "RT-DETRv2": _transformers("rtdetr_v2"),
        "D-FINE": _transformers("dfine"),
    }
)


def build_detector(name: str, classes: int, side: int) -> ObjectDetector:
    """A detector with random weights.

    Args:
        name: Key of `DETECTORS`; the small ones are narrow enough for a CPU.
        classes: Number of classes, without background.
        side: Side of the square images, pixels.

    Raises:
        ValueError: If the name is not known.
        ModuleNotFoundError: For RT-DETRv2 and D-FINE without the extra ``detr``.

    Example:
        >>> detector = build_detector("FCOS small", classes=2, side=64)
        >>> import torch
        >>> target = Target(torch.tensor([[8.0, 8.0, 40.0, 40.0]]), torch.tensor([1]))
        >>> sorted(detector.loss(torch.rand(1, 3, 64, 64), [target]))
        ['bbox_ctrness', 'bbox_regression', 'classification']
    """
    if name not in DETECTORS:
        raise ValueError(f"no detector {name!r}; there is {', '.join(DETECTORS)}")
    return DETECTORS[name](classes, side)
