"""Export of a trained classifier to ONNX: normalisation inside, metadata inside, parity checked.

Inputs and outputs of the file: ``image`` (1, 3, H, W) float32 in 0..1, RGB, white = air, H and W free;
``logits`` (1, K) before calibration; ``cams`` (1, K, h, w), logits of the positions, mean over the stages at
the finest one.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from beltline.models.chr import ChrOutput, fuse_cams, mean_logits
from beltline.screening import ModelCard
from beltline.systems.chr.recipe import Normalised
from beltline.training.onnx_file import (
    answers,
    exportable,
    largest_difference,
    trace,
    write_agreeing,
)

OUTPUTS = ("logits", "cams")
PARITY_LIMIT = 1e-4
ROUNDING_LIMIT = 0.02


class Exported(nn.Module):
    """The graph that is exported: image in, image logits and fused class maps out."""

    def __init__(self, model: Normalised) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (1, K) and maps (1, K, h, w) of an image (1, 3, H, W) in 0..1."""
        output: ChrOutput = self.model(image)
        return mean_logits(output), fuse_cams(self.model.classifier.cams_with_bias(output))


def export_onnx(
    model: Normalised,
    path: Path,
    card: ModelCard,
    *,
    half_weights: bool = False,
    max_megabytes: float = 25.0,
    check_sizes: Sequence[tuple[int, int]] = ((320, 448), (448, 320), (224, 352)),
) -> dict[str, float]:
    """Write ``path`` (ONNX) and its card ``path.with_suffix(".json")``, then compare with torch.

    Args:
        model: In any mode; a float32 copy in eval mode is exported.
        path: Ends in ``.onnx``.
        card: Stored in both files.
        half_weights: Store weights as float16 (computation stays float32): half the size.
        max_megabytes: Larger files are refused.
        check_sizes: (H, W) at which ONNX Runtime must agree with torch.

    Returns:
        ``difference`` and ``megabytes``; with half weights also ``rounding_difference``.

    Raises:
        QualityGateError: If the outputs of the float32 graph differ by more than 1e-4, those of the half
            weights by more than 0.02 (logits), or the file is too large.
    """
    network = exportable(Exported(model))
    graph = _to_onnx(network, check_sizes[0])
    return write_agreeing(
        path,
        graph,
        card.to_json(),
        partial(_difference, network, graph, check_sizes),
        limit=PARITY_LIMIT,
        rounding_limit=ROUNDING_LIMIT,
        half_weights=half_weights,
        max_megabytes=max_megabytes,
    )


def _to_onnx(network: nn.Module, size: tuple[int, int]) -> Any:
    height, width = torch.export.Dim("height", min=64, max=4096), torch.export.Dim("width", min=64, max=4096)
    return trace(network, size, outputs=OUTPUTS, sides={2: height, 3: width})


def _difference(network: nn.Module, graph: Any, sizes: Sequence[tuple[int, int]]) -> float:
    worst = 0.0
    for image, ours in answers(graph, OUTPUTS, sizes):
        with torch.no_grad():
            theirs = network(image)
        worst = max(worst, *map(largest_difference, ours.values(), theirs))
    return worst
