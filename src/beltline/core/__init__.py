"""What flows through Beltline: scans, objects, samples, reports; boxes, masks, class names, errors."""

from beltline.core.boxes import (
    as_boxes,
    box_area,
    box_iou,
    clip_boxes,
    mask_window,
    overlap,
    xywh_to_xyxy,
    xyxy_to_xywh,
)
from beltline.core.errors import (
    BadInputError,
    BeltlineError,
    MissingExtraError,
    PartialFailureError,
    QualityGateError,
    ShapeError,
    UntrustedWeightsError,
)
from beltline.core.instances import Instances, Sample
from beltline.core.masks import Masks
from beltline.core.printable import path_text, printable, printable_lines
from beltline.core.progress import Progress, counted
from beltline.core.report import (
    ClassFinding,
    Decision,
    FailedScan,
    InstanceFinding,
    Interrupted,
    ModelRef,
    Report,
    ScanReport,
)
from beltline.core.scan import Quantity, Scan
from beltline.core.taxonomy import (
    ANOMALY,
    ELECTRONICS,
    FORMER,
    LABELS,
    PROHIBITED,
    STARTER_CLASSES,
    canonical,
    is_threat,
    with_former,
)

__all__ = [
    # records
    "Scan", "Quantity", "Instances", "Sample", "Masks",
    # reports
    "Report", "ScanReport", "ClassFinding", "InstanceFinding", "FailedScan", "ModelRef", "Decision",
    "Interrupted",
    # text from outside
    "printable", "printable_lines", "path_text",
    # progress
    "Progress", "counted",
    # boxes
    "as_boxes", "box_area", "box_iou", "clip_boxes", "xywh_to_xyxy", "xyxy_to_xywh",
    "mask_window", "overlap",
    # class names
    "ANOMALY", "ELECTRONICS", "FORMER", "LABELS", "PROHIBITED", "STARTER_CLASSES",
    "canonical", "is_threat", "with_former",
    # errors
    "BeltlineError", "BadInputError", "UntrustedWeightsError", "MissingExtraError",
    "PartialFailureError", "QualityGateError", "ShapeError",
]  # fmt: skip
