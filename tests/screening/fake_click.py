"""A tiny deterministic ONNX model of the click contract: takes what is dark, but nothing at a negative click.

The part is what is very dark, the object what is dark, the group what is not white.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from beltline.screening import make_card

SIZE = 128
NESTED = ("part", "object", "group")
DARKNESS = (0.8, 0.5, 0.2)  # from which on a pixel belongs to part, object, group
QUALITY = (0.9, 0.8, 0.3)


def card(**changes: Any) -> dict[str, Any]:
    details = {"purpose": "Tests only.", "limits": ["Finds dark places, not items."]}
    made = make_card("fake-click", NESTED, SIZE, thresholds={}, task="click", details=details)
    return {**made.to_json(), **changes}


def build(path: Path, *, metadata: dict[str, Any] | None = None, fault: str | None = None) -> Path:
    """Write the model; ``fault`` "nan" makes its logits NaN, "shape" gives them for another size."""
    weights = np.zeros((3, 7, 1, 1), np.float32)  # RGB, then the guide
    weights[:, :3], weights[:, 4] = -20 / 3, -40
    bias = 20 * (1 - np.array(DARKNESS, np.float32)) + (np.nan if fault == "nan" else 0)
    values = {
        "weights": weights,
        "bias": bias.astype(np.float32),
        "expected": np.array([QUALITY], np.float32),
    }
    nodes = [
        helper.make_node("AveragePool", ["image"], ["mean"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Concat", ["mean", "guide"], ["seen"], axis=1),
        helper.make_node("Conv", ["seen", "weights", "bias"], ["all"], kernel_shape=[1, 1],
                         strides=[2, 2] if fault == "shape" else [1, 1]),
        helper.make_node("Identity", ["all"], ["logits"]),
        helper.make_node("Identity", ["expected"], ["quality"]),
    ]  # fmt: skip
    inputs = {"image": [1, 3, "S", "S"], "energy": [1, 2, "S", "S"], "guide": [1, 4, "s", "s"]}
    outputs = {"logits": [1, 3, "a", "b"], "quality": [1, 3]}
    graph = helper.make_graph(
        nodes,
        "fake-click",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"beltline": json.dumps(card() if metadata is None else metadata)})
    onnx.save(model, str(path))
    return path
