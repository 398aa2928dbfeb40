"""A tiny deterministic ONNX model of the screening contract; no torch, no training.

Its class maps are averages of darkness over 16 x 16 pixels, one class per channel mix, and a logit is the
map's maximum, so a test knows where each class must point: `gun` at what is dark in every channel, `knife`
at what is dark in red (blue things), `liquid` at what is dark in blue (orange things).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("gun", "knife", "liquid")
_MIX = [[1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]]


def card(**changes: Any) -> dict[str, Any]:
    """The metadata of the fake model."""
    k = len(CLASSES)
    return {
        "name": "fake-darkness",
        "classes": list(CLASSES),
        "long_side": 448,
        "calibration": {"scale": [12.0] * k, "bias": [-6.0] * k},
        "thresholds": {"0.05": [0.9] * k, "0.10": [0.5] * k},
        "box_threshold": 0.4,
        "card": {
            "purpose": "Tests only.",
            "limits": ["Finds dark places, not items."],
            "figures": {"PD": "none"},
        },
        **changes,
    }


def build(path: Path, *, metadata: dict[str, Any] | None = None, fault: str | None = None) -> Path:
    """Write the model; ``fault`` "nan" makes its outputs NaN."""
    shift = np.nan if fault == "nan" else 0.0
    weights = {
        "one": np.array(1.0, np.float32),
        "mix": np.array(_MIX, np.float32).reshape(len(CLASSES), 3, 1, 1),
        "shift": np.full(len(CLASSES), shift, np.float32),
    }
    nodes = [
        helper.make_node("Sub", ["one", "image"], ["dark"]),
        helper.make_node("AveragePool", ["dark"], ["mean"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Conv", ["mean", "mix", "shift"], ["cams"], kernel_shape=[1, 1]),
        helper.make_node("GlobalMaxPool", ["cams"], ["top"]),
        helper.make_node("Flatten", ["top"], ["logits"]),
    ]
    k = len(CLASSES)
    graph = helper.make_graph(
        nodes,
        "fake",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, k]),
            helper.make_tensor_value_info("cams", TensorProto.FLOAT, [1, k, "h", "w"]),
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"beltline": json.dumps(card() if metadata is None else metadata)})
    onnx.save(model, str(path))
    return path
