"""A tiny deterministic ONNX detector of the screening contract; no torch, no training.

A class's score is the darkness of the darkest pixel in its channel (`gun` red, `knife` green, `liquid` blue),
one box a class, always at the same pixels of the network's image; and a second, weaker box of `gun`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("gun", "knife", "liquid")
BOXES = [[8, 12, 40, 28], [16, 4, 24, 44], [0, 0, 10, 10], [50, 20, 60, 30]]
LABELS = [0, 1, 2, 0]
SHARES = [1.0, 1.0, 1.0, 0.75]  # of the class's best score


def card(**changes: Any) -> dict[str, Any]:
    """The metadata as `beltline export` writes it for a calibrated run."""
    return {
        "name": "fake-detector",
        "classes": list(CLASSES),
        "long_side": 64,
        "thresholds": {"0.05": [0.9, 0.9, 5e-324], "0.1": [0.5, 0.5, 0.5]},
        "card": {"terms": "Tests only."},
        "task": "detection",
        **changes,
    }


def build(path: Path, metadata: dict[str, Any] | None = None, *, boxes: str = "boxes") -> Path:
    """Write the model; ``boxes`` is the name of that output."""
    weights = {
        "one": np.array(1.0, np.float32),
        "where": np.array(BOXES, np.float32),
        "which": np.array(LABELS, np.int64),
        "shares": np.array(SHARES, np.float32),
        "places": np.array([2, 3], np.int64),
        "first": np.array([0], np.int64),
    }
    nodes = [
        helper.make_node("Sub", ["one", "image"], ["dark"]),
        helper.make_node("ReduceMax", ["dark", "places"], ["best"], keepdims=0),
        helper.make_node("Squeeze", ["best", "first"], ["top"]),
        helper.make_node("Gather", ["top", "which"], ["whole"]),
        helper.make_node("Mul", ["whole", "shares"], ["scores"]),
        helper.make_node("Identity", ["where"], [boxes]),
        helper.make_node("Identity", ["which"], ["labels"]),
    ]
    m, k = len(BOXES), len(CLASSES)
    graph = helper.make_graph(
        nodes,
        "fake",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [
            helper.make_tensor_value_info(boxes, TensorProto.FLOAT, [m, 4]),
            helper.make_tensor_value_info("labels", TensorProto.INT64, [m]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [m]),
            helper.make_tensor_value_info("best", TensorProto.FLOAT, [1, k]),
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"beltline": json.dumps(card() if metadata is None else metadata)})
    onnx.save(model, str(path))
    return path
