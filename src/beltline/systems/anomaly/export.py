"""Export of a dense anomaly model to ONNX: normalisation inside, card inside, parity checked.

Input ``image`` (1, 3, S, S) float32 in 0..1, RGB, white = air, S the side of training; output ``logits``
(1, 2, S / 4, S / 4), where devices are and where something is hidden. One size, because both looks are framed
to it; a free one takes twenty times as long to export.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from beltline.models.dense_anomaly import DenseAnomaly
from beltline.screening import ModelCard
from beltline.training.onnx_file import (
    answers,
    exportable,
    largest_difference,
    trace,
    write_agreeing,
)

OUTPUTS = ("logits",)
PARITY_LIMIT, ROUNDING_LIMIT = 1e-3, 0.1  # of logits, which reach 10
MEGABYTES = 20.0
CHECKS = 2  # random images on which ONNX Runtime must agree with torch


def export_anomaly(
    model: DenseAnomaly,
    path: Path,
    card: ModelCard,
    *,
    half_weights: bool = False,
    max_megabytes: float = MEGABYTES,
) -> dict[str, float]:
    """Write ``path`` (ONNX) and its card ``path.with_suffix(".json")``, after a comparison with torch.

    Args:
        model: In any mode; a float32 copy in eval mode is exported.
        path: Ends in ``.onnx``.
        card: Stored in both files.
        half_weights: Store weights as float16 (computation stays float32): half the size.
        max_megabytes: Larger files are refused.

    Returns:
        ``difference`` and ``megabytes``; with half weights also ``rounding_difference``.

    Raises:
        QualityGateError: If answers differ, or the file is too large.
    """
    network = exportable(model)
    size = (card.long_side, card.long_side)
    graph = trace(network, size, outputs=OUTPUTS, sides={})
    return write_agreeing(
        path,
        graph,
        card.to_json(),
        partial(_difference, network, graph, size),
        limit=PARITY_LIMIT,
        rounding_limit=ROUNDING_LIMIT,
        half_weights=half_weights,
        max_megabytes=max_megabytes,
    )


def _difference(network: nn.Module, graph: Any, size: tuple[int, int]) -> float:
    worst = 0.0
    for image, ours in answers(graph, OUTPUTS, [size] * CHECKS):
        with torch.no_grad():
            worst = max(worst, largest_difference(ours["logits"], network(image)))
    return worst
