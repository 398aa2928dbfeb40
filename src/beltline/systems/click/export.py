"""Export of a click model to ONNX: normalisation inside, card inside, parity checked.

Inputs ``image`` (1, 3, S, S) float32 RGB in 0..1, white = air; ``energy`` (1, 2, S, S) float32 in 0..1;
``guide`` (1, 4, S/4, S/4) float32; S a multiple of 32. Outputs ``logits`` (1, 3, S/4, S/4) of part, object
and group, and ``quality`` (1, 3), the IoU to expect of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beltline.models.click import ENERGIES, GUIDES, ClickModel
from beltline.screening import ModelCard
from beltline.screening.click_windows import STRIDE
from beltline.screening.tasks.click import INPUTS
from beltline.training.onnx_file import (
    exportable,
    largest_difference,
    trace_inputs,
    write_agreeing,
)

OUTPUTS = ("logits", "quality")
PARITY_LIMIT, ROUNDING_LIMIT = 1e-3, 0.1  # of logits, which reach 10
MEGABYTES = 8.0


class _Exported(nn.Module):
    def __init__(self, model: ClickModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, energy: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        logits, quality = self.model.decode(self.model.encode(image, energy), guide)
        return logits, quality


def export_click(
    model: ClickModel,
    path: Path,
    card: ModelCard,
    *,
    half_weights: bool = False,
    max_megabytes: float = MEGABYTES,
    check_sides: Sequence[int] = (256, 192),
    free_sides: bool = True,
) -> dict[str, float]:
    """Write ``path`` (ONNX) and its card ``path.with_suffix(".json")``, after a comparison with torch.

    Args:
        model: In any mode; a float32 copy in eval mode is exported.
        path: Ends in ``.onnx``.
        card: Stored in both files.
        half_weights: Store weights as float16 (computation stays float32): half the size.
        max_megabytes: Larger files are refused.
        check_sides: At which ONNX Runtime must agree with torch.
        free_sides: Whether the graph takes any side; tracing for one side alone, the first to check, takes
            seconds instead of minutes, and use knows no other than the card's.

    Returns:
        ``difference`` and ``megabytes``; with half weights also ``rounding_difference``.

    Raises:
        QualityGateError: If answers differ, or the file is too large.
    """
    network = exportable(_Exported(model))
    check_sides = check_sides if free_sides else check_sides[:1]
    graph = _graph(network, check_sides[0], free=free_sides)
    return write_agreeing(
        path,
        graph,
        card.to_json(),
        partial(_difference, network, graph, check_sides),
        limit=PARITY_LIMIT,
        rounding_limit=ROUNDING_LIMIT,
        half_weights=half_weights,
        max_megabytes=max_megabytes,
    )


def _graph(network: nn.Module, side: int, *, free: bool) -> Any:
    tiles = torch.export.Dim("tiles", min=2, max=64)
    image, guide = {2: 32 * tiles, 3: 32 * tiles}, {2: 8 * tiles, 3: 8 * tiles}
    sides = {"image": image, "energy": image, "guide": guide} if free else {name: {} for name in INPUTS}
    return trace_inputs(network, _inputs(side, 0), outputs=OUTPUTS, sides=sides)


def _inputs(side: int, seed: int) -> Mapping[str, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    cells = side // STRIDE
    shapes = {"image": (3, side), "energy": (ENERGIES, side), "guide": (GUIDES, cells)}
    return {name: torch.rand(1, c, s, s, generator=drawn) for name, (c, s) in shapes.items()}


def _difference(network: nn.Module, graph: Any, sides: Sequence[int]) -> float:
    from beltline.screening.runtime import onnxruntime

    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    worst = 0.0
    for seed, side in enumerate(sides, 1):
        inputs = _inputs(side, seed)
        ours = session.run(list(OUTPUTS), {name: np.asarray(tensor) for name, tensor in inputs.items()})
        with torch.no_grad():
            theirs = network(*inputs.values())
        worst = max(worst, *map(largest_difference, ours, theirs))
    return worst
