"""Export of the starter detector to ONNX: normalisation, decoding and suppression inside, parity checked.

Input ``image`` (1, 3, H, W) float32 in 0..1, RGB, white = air, H and W multiples of 32. Outputs, best first:
``boxes`` (M, 4) float32 xyxy in pixels of the input, ``labels`` (M,) int64, ``scores`` (M,) float32; and
``best`` (1, K), the highest score of each class anywhere. M is at most 100.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beltline.core import QualityGateError
from beltline.models.detection_small import KEPT, SCORE_FLOOR, SUPPRESSION_IOU, SmallDetector, suppressed
from beltline.screening import ModelCard
from beltline.training.onnx_file import answers, exportable, largest_difference, trace, write_onnx

BOX_LIMIT, SCORE_LIMIT = 0.05, 1e-4  # pixels; in [0, 1]
OUTPUTS = ("boxes", "labels", "scores", "best")


class _Dense(nn.Module):
    def __init__(self, detector: SmallDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.detector.dense(image)
        return boxes, logits.sigmoid()


def export_detector(
    model: SmallDetector,
    path: Path,
    card: ModelCard,
    *,
    max_megabytes: float = 20.0,
    check_sizes: Sequence[tuple[int, int]] = ((448, 640), (640, 320)),
) -> dict[str, float]:
    """Write ``path`` (ONNX) and its card ``path.with_suffix(".json")``, after a comparison with torch.

    Returns:
        ``box_difference`` (pixels), ``score_difference`` and ``megabytes``.

    Raises:
        QualityGateError: If places differ by more than 0.05 pixels or 1e-4 of score, if the suppressed
            detections differ, or the file is too large.
    """
    network = exportable(_Dense(model))
    graph = onnx_graph(network, check_sizes[0])
    found = _difference(network, graph, check_sizes)
    if not (found["box_difference"] <= BOX_LIMIT and found["score_difference"] <= SCORE_LIMIT):
        raise QualityGateError(f"{path.name}: differs from torch: {found}")
    found["megabytes"] = write_onnx(path, graph, card.to_json(), max_megabytes=max_megabytes)
    return found


def onnx_graph(network: nn.Module, size: tuple[int, int]) -> Any:
    """The dense network as an ONNX model with suppression appended."""
    height, width = (torch.export.Dim(name, min=2, max=128) for name in ("rows", "columns"))
    graph = trace(network, size, outputs=["all_boxes", "all_scores"], sides={2: 32 * height, 3: 32 * width})
    _append_suppression(graph)
    return graph


def _append_suppression(graph: Any) -> None:
    """Per-class non-maximum suppression, then the best `KEPT`, in place of the dense outputs."""
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, value: Any, kind: Any) -> str:
        graph.graph.initializer.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    most = constant("nms_most", [KEPT], np.int64)
    iou = constant("nms_iou", [SUPPRESSION_IOU], np.float32)
    floor = constant("nms_floor", [SCORE_FLOOR], np.float32)
    first = constant("nms_first", [0], np.int64)
    one, two, three = (constant(f"nms_{n}", [n], np.int64) for n in (1, 2, 3))
    class_column, box_column = (constant(f"nms_column_{n}", n, np.int64) for n in (1, 2))
    node = helper.make_node
    graph.graph.node.extend([
        node("NonMaxSuppression", ["all_boxes", "all_scores", most, iou, floor], ["chosen"]),  # (M, 3)
        node("Gather", ["chosen", class_column], ["chosen_class"], axis=1),
        node("Gather", ["chosen", box_column], ["chosen_box"], axis=1),
        node("Slice", ["chosen", one, three, one], ["chosen_pair"]),
        node("Squeeze", ["all_scores", first], ["class_scores"]),
        node("Squeeze", ["all_boxes", first], ["place_boxes"]),
        node("GatherND", ["class_scores", "chosen_pair"], ["chosen_score"]),
        node("Shape", ["chosen_score"], ["chosen_count"]),
        node("Min", ["chosen_count", most], ["kept_count"]),
        node("TopK", ["chosen_score", "kept_count"], ["scores", "order"], axis=0, largest=1, sorted=1),
        node("Gather", ["chosen_class", "order"], ["labels"], axis=0),
        node("Gather", ["chosen_box", "order"], ["kept_box"], axis=0),
        node("Gather", ["place_boxes", "kept_box"], ["boxes"], axis=0),
        node("ReduceMax", ["all_scores", two], ["best"], keepdims=0),
    ])  # fmt: skip
    classes = graph.graph.output[1].type.tensor_type.shape.dim[1].dim_value
    del graph.graph.output[:]
    kinds: dict[str, tuple[int, list[Any]]] = {
        "boxes": (TensorProto.FLOAT, ["M", 4]),
        "labels": (TensorProto.INT64, ["M"]),
    }
    kinds |= {"scores": (TensorProto.FLOAT, ["M"]), "best": (TensorProto.FLOAT, [1, classes])}
    graph.graph.output.extend(helper.make_tensor_value_info(n, *kinds[n]) for n in OUTPUTS)


def _difference(network: nn.Module, graph: Any, sizes: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Dense outputs against torch's, and the suppression against torch's of the same dense outputs."""
    from onnx import TensorProto, helper

    opened = copy.deepcopy(graph)
    dense = ("all_boxes", "all_scores")
    opened.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in dense)
    box, score = 0.0, 0.0
    for image, got in answers(opened, (*OUTPUTS, *dense), sizes):
        with torch.no_grad():
            boxes, probs = network(image)
        kept = suppressed(*(torch.from_numpy(got[name][0]) for name in dense))
        if not np.array_equal(got["labels"], kept.labels.numpy()):
            return {"box_difference": float("inf"), "score_difference": float("inf")}
        pairs = [(got["all_boxes"], boxes), (got["boxes"], kept.boxes)]
        box = max(box, *(largest_difference(a, b) for a, b in pairs))
        pairs = [(got["all_scores"], probs), (got["scores"], kept.scores), (got["best"], probs.amax(2))]
        score = max(score, *(largest_difference(a, b) for a, b in pairs))
    return {"box_difference": box, "score_difference": score}
