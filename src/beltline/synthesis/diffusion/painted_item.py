"""Where a painted item came from: what stands beside its box in annotations.json."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.synthesis.diffusion.canvas import Canvas
from beltline.synthesis.diffusion.scan_painting import PaintedItem
from beltline.synthesis.diffusion.window_painter import WindowPainter
from beltline.synthesis.domains import optical_depth
from beltline.synthesis.quality import GateScores


def described(
    item: PaintedItem,
    before: Canvas,
    painted: Canvas,
    final: Canvas,
    verdict: GateScores,
    painter: WindowPainter,
) -> dict[str, Any]:
    """Provenance of an item, JSON values.

    ``layout`` and ``refined`` are xywh as ``bbox``; the latter is None where the layout box was kept.
    ``occlusion`` is the share of the optical depth under its mask that is not the item's, where the bag
    without the item is known.

    Args:
        item: The item.
        before: The scan before anything was painted.
        painted: With all items.
        final: Occluded.
        verdict: Of the quality gate.
        painter: Which painted.
    """
    found: dict[str, Any] = {
        "seed": item.seed,
        "prompt": painter.prompt(item.wanted.task.label),
        "layout": _xywh(item.wanted.task.box),
        "refined": _xywh(item.box) if item.refined else None,
        "tries": item.tries,
        "quality": round(verdict.score, 3),
        "checks": {check: round(value, 3) for check, value in verdict.checks.items()},
    }
    if item.mask is not None and not item.wanted.over:
        found["occlusion"] = round(_hidden(item.mask, before, painted, final), 4)
    return found


def _hidden(mask: NDArray[np.bool_], before: Canvas, painted: Canvas, final: Canvas) -> float:
    bag, with_it, seen = (
        float(optical_depth(canvas.pixels, canvas.domain)[mask].mean()) for canvas in (before, painted, final)
    )
    return float(np.clip(1 - (with_it - bag) / max(seen, 1e-6), 0, 1))


def _xywh(box: tuple[float, float, float, float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [round(value, 3) for value in (x1, y1, x2 - x1, y2 - y1)]
