"""Export of a trained classifier to ONNX: normalisation inside, metadata inside, parity checked.

Inputs and outputs of the file: ``image`` (1, 3, H, W) float32 in 0..1, RGB, white = air, H and W free;
``logits`` (1, K) before calibration; ``cams`` (1, K, h, w), logits of the positions, mean over the stages at
the finest one.
"""

import copy
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beltline.core import QualityGateError
from beltline.formats import write_atomic, write_json
from beltline.models.chr import ChrOutput, fuse_cams, mean_logits
from beltline.training.journal import without_nan
from beltline.training.recipes.chr_starter import Normalised

METADATA_KEY = "beltline"
PARITY_LIMIT = 1e-4
ROUNDING_LIMIT = 0.02


@dataclass(frozen=True)
class ModelCard:
    """What screening and its users have to know; stored in the file (key ``beltline``) and beside it.

    Attributes:
        name: Of the model.
        classes: K names in the order of the logits.
        long_side: Pixels to which the longer side of a scan is brought.
        calibration: ``scale`` and ``bias``, K each: probability = sigmoid(scale * logit + bias).
        thresholds: K probability thresholds for each false-alarm rate, keys like ``"0.05"``.
        box_threshold: Share of a class map's range above its median that belongs to the box.
        card: For people: recipe and its hash, checksum of the weights, figures, terms.
    """

    name: str
    classes: tuple[str, ...]
    long_side: int
    calibration: Mapping[str, Sequence[float]]
    thresholds: Mapping[str, Sequence[float]]
    box_threshold: float = 0.5
    card: Mapping[str, Any] = field(default_factory=dict)


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
        ``max_abs_difference`` and ``megabytes``; with half weights also ``rounding_difference``.

    Raises:
        QualityGateError: If the outputs of the float32 graph differ by more than 1e-4, those of the half
            weights by more than 0.02 (logits), or the file is too large.
    """
    import onnx

    network = Exported(copy.deepcopy(model)).float().cpu().eval()
    network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    graph = _to_onnx(network, check_sizes[0])
    _forget_origins(graph)
    described = without_nan(asdict(card))
    entry = graph.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(described, allow_nan=False)
    found = _gate(path, "max_abs_difference", network, graph, check_sizes, PARITY_LIMIT)
    if half_weights:
        _store_half(graph)
        found |= _gate(path, "rounding_difference", network, graph, check_sizes, ROUNDING_LIMIT)
    onnx.checker.check_model(graph)
    data = graph.SerializeToString()
    found["megabytes"] = len(data) / 1e6
    if found["megabytes"] > max_megabytes:
        size = f"{found['megabytes']:.1f} MB"
        raise QualityGateError(f"{path.name}: {size}, limit {max_megabytes}; try half weights")
    write_atomic(path, data)
    write_json(path.with_suffix(".json"), described, indent=1)
    return found


def _to_onnx(network: nn.Module, size: tuple[int, int]) -> Any:
    height, width = torch.export.Dim("height", min=64, max=4096), torch.export.Dim("width", min=64, max=4096)
    with warnings.catch_warnings():
        # torch's own exporter copies what it has deprecated
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        program = torch.onnx.export(
            network,
            (torch.rand(1, 3, *size),),
            input_names=["image"],
            output_names=["logits", "cams"],
            dynamic_shapes={"image": {2: height, 3: width}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _forget_origins(graph: Any) -> None:
    """Drop the exporter's notes (stack traces with the paths of the machine that exported)."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    for thing in (*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del thing.metadata_props[:]
        thing.doc_string = ""
    graph.doc_string = graph.graph.doc_string = ""


def _gate(
    path: Path, name: str, network: nn.Module, graph: Any, sizes: Sequence[tuple[int, int]], limit: float
) -> dict[str, float]:
    difference = _difference(network, graph.SerializeToString(), sizes)
    if not difference <= limit:
        raise QualityGateError(f"{path.name}: differs from torch by {difference:.2g}, limit {limit}")
    return {name: difference}


def _store_half(graph: Any) -> None:
    """Keep matrices and kernels as float16 behind a Cast, which ONNX Runtime folds when it loads."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in list(graph.graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}_half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        graph.graph.node.insert(0, node)


def _difference(network: nn.Module, data: bytes, sizes: Sequence[tuple[int, int]]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = 0.0
    rng = np.random.default_rng(0)
    for height, width in sizes:
        image = rng.random((1, 3, height, width), dtype=np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(image))
        for ours, theirs in zip(session.run(["logits", "cams"], {"image": image}), expected, strict=True):
            if ours.shape != tuple(theirs.shape):
                return float("inf")
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    return worst
