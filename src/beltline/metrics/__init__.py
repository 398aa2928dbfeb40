"""Metrics: pure functions of NumPy arrays."""

from beltline.metrics.box_truth import BoxAgreement, box_agreement, box_agreement_by_class, row_iou
from beltline.metrics.calibration import (
    Calibration,
    expected_calibration_error,
    fit_platt,
    fit_temperature,
    sigmoid,
)
from beltline.metrics.click_curves import (
    ClicksNeeded,
    ClickSpread,
    click_spread,
    clicks_needed,
    miou_after,
)
from beltline.metrics.clicks import (
    CLICKS,
    Click,
    Segment,
    centre_click,
    click_curve,
    next_click,
    random_clicks,
)
from beltline.metrics.conformal import conformal_rank, fewest, true_rate_range
from beltline.metrics.confusion import Confusion, ImpliedRates, confusion_of, implied
from beltline.metrics.detections import (
    Boxes,
    Matched,
    detection_ap,
    detection_ap_of_counts,
    froc,
    iou_matrix,
    match_detections,
    recall_and_precision,
    scan_scores,
)
from beltline.metrics.feature_neighbours import Memorisation, Nearest, memorisation, nearest
from beltline.metrics.fusion_edges import EdgeConstants, edge_intensity, luminance, qabf
from beltline.metrics.fusion_errors import (
    luminance_error,
    mean_absolute_error,
    psnr,
    saturation,
    saturation_error,
    source_psnr,
)
from beltline.metrics.fusion_structure import mef_ssim, piella_q, piella_qe, ssim
from beltline.metrics.image_sets import (
    KernelDistance,
    PrecisionRecall,
    diversity,
    frechet_distance,
    kernel_distance,
    precision_and_recall,
)
from beltline.metrics.localization import (
    best_iou,
    box_from_cam,
    corloc,
    peak_over_stages,
    peak_point,
    peak_points,
    peaks_over_stages,
    pointing_accuracy,
    pointing_hit,
    pointing_share,
)
from beltline.metrics.misses import AREA_EDGES, OCCLUSION_EDGES, MissTable, miss_table, object_misses
from beltline.metrics.operating_points import (
    OperatingPoint,
    PdPfaCurve,
    Rate,
    bootstrap_interval,
    choose_thresholds,
    pd_pfa_curve,
    rates_at_threshold,
    scan_thresholds,
    threshold_at_pfa,
    wilson,
)
from beltline.metrics.paired import (
    PairedDifference,
    mean_ap_of_counts,
    metric_of_counts,
    paired_bootstrap,
    paired_bootstrap_of_counts,
    seed_interval,
)
from beltline.metrics.part_fusion import (
    FUSIONS,
    Fusion,
    FusionFigures,
    choose_fusion,
    compare_fusions,
    expected_false_alarms,
    fuse_log_odds,
    fuse_max,
    fuse_noisy_or,
    fuse_top_mean,
)
from beltline.metrics.ranking import (
    average_precision,
    known_mean,
    mean_average_precision,
    roc_auc,
    weighted_average_precision,
)
from beltline.metrics.segmentation import (
    DAVIS_TOLERANCE,
    RELEASE_SMOOTH,
    boundary_f,
    instance_overlaps,
    mask_dice,
    mask_iou,
    miou_of_counts,
    paired_miou,
    scan_overlap,
)
from beltline.metrics.top_k import top_k_error

__all__ = [
    # ranking
    "average_precision", "known_mean", "mean_average_precision", "roc_auc", "top_k_error",
    "weighted_average_precision",
    # operating points
    "OperatingPoint", "PdPfaCurve", "Rate", "bootstrap_interval", "choose_thresholds", "pd_pfa_curve",
    "rates_at_threshold", "scan_thresholds", "threshold_at_pfa", "wilson",
    "conformal_rank", "fewest", "true_rate_range",
    "Confusion", "ImpliedRates", "confusion_of", "implied",
    # one decision of many parts
    "FUSIONS", "Fusion", "FusionFigures", "choose_fusion", "compare_fusions", "expected_false_alarms",
    "fuse_log_odds", "fuse_max", "fuse_noisy_or", "fuse_top_mean",
    # misses by class and property
    "AREA_EDGES", "OCCLUSION_EDGES", "MissTable", "miss_table", "object_misses",
    # is one model better
    "PairedDifference", "mean_ap_of_counts", "metric_of_counts", "paired_bootstrap",
    "paired_bootstrap_of_counts", "seed_interval",
    # calibration
    "Calibration", "expected_calibration_error", "fit_platt", "fit_temperature", "sigmoid",
    # detections
    "Boxes", "Matched", "detection_ap", "detection_ap_of_counts", "froc", "iou_matrix", "match_detections",
    "recall_and_precision", "scan_scores",
    # masks, and the clicks that give them
    "DAVIS_TOLERANCE", "RELEASE_SMOOTH", "boundary_f", "instance_overlaps", "mask_dice", "mask_iou",
    "miou_of_counts", "paired_miou", "scan_overlap",
    "CLICKS", "Click", "ClickSpread", "ClicksNeeded", "Segment", "centre_click", "click_curve",
    "click_spread", "clicks_needed", "miou_after", "next_click", "random_clicks",
    # fusion of two images
    "EdgeConstants", "edge_intensity", "luminance", "luminance_error", "mean_absolute_error", "mef_ssim",
    "piella_q", "piella_qe", "psnr", "qabf", "saturation", "saturation_error", "source_psnr", "ssim",
    # sets of pictures by their features
    "KernelDistance", "Memorisation", "Nearest", "PrecisionRecall", "diversity", "frechet_distance",
    "kernel_distance", "memorisation", "nearest", "precision_and_recall",
    # boxes of several sources against the true extent
    "BoxAgreement", "box_agreement", "box_agreement_by_class", "row_iou",
    # localization
    "best_iou", "box_from_cam", "corloc", "peak_over_stages", "peak_point", "peak_points",
    "peaks_over_stages", "pointing_accuracy", "pointing_hit", "pointing_share",
]  # fmt: skip
