"""ONNX files of trained networks: how a network becomes a graph, and the graph a file with its card."""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.core import QualityGateError
from beltline.formats import write_atomic, write_json
from beltline.screening.cards import METADATA_KEY
from beltline.training.journal import without_nan

SMALL = 8192  # numbers of a tensor that is not worth rounding


def exportable(network: nn.Module) -> nn.Module:
    """A float32 copy on the CPU in eval mode, its weights laid out plainly."""
    copied = copy.deepcopy(network).float().cpu().eval()
    return copied.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload,no-any-return]


def answers(
    graph: Any, outputs: Sequence[str], sizes: Sequence[tuple[int, int]]
) -> Iterator[tuple[Tensor, dict[str, NDArray[Any]]]]:
    """What ONNX Runtime makes of random images, for a comparison with torch.

    Args:
        graph: ONNX model with the input ``image``.
        outputs: Their names.
        sizes: (H, W) of each image.

    Yields:
        The image (1, 3, H, W), and the outputs by name.
    """
    from beltline.screening.runtime import onnxruntime

    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for height, width in sizes:
        image = rng.random((1, 3, height, width), dtype=np.float32)
        found = session.run(list(outputs), {"image": image})
        yield torch.from_numpy(image), dict(zip(outputs, found, strict=True))


def largest_difference(ours: NDArray[Any], theirs: Tensor) -> float:
    """Between two arrays; infinite where shapes differ or an entry is NaN, 0 where they are empty."""
    if ours.shape != tuple(theirs.shape):
        return float("inf")
    largest = float(np.abs(ours - theirs.numpy()).max(initial=0))
    return float("inf") if math.isnan(largest) else largest  # max() would pass a NaN over


def trace(
    network: nn.Module, size: tuple[int, int], *, outputs: Sequence[str], sides: Mapping[int, Any]
) -> Any:
    """A network as an ONNX model with the input ``image``.

    Args:
        network: Takes (1, 3, H, W), in eval mode.
        size: (H, W) at which it is traced.
        outputs: Names of what it returns.
        sides: What H (axis 2) and W (axis 3) may be, see `torch.export.Dim`.
    """
    return trace_inputs(network, {"image": torch.rand(1, 3, *size)}, outputs=outputs, sides={"image": sides})


def trace_inputs(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    *,
    outputs: Sequence[str],
    sides: Mapping[str, Mapping[int, Any]],
) -> Any:
    """A network as an ONNX model with several inputs.

    Args:
        network: Takes the inputs in their order, in eval mode.
        inputs: Examples by name.
        outputs: Names of what it returns.
        sides: Of each input, what its axes may be, see `torch.export.Dim`.
    """
    with warnings.catch_warnings():
        # inputs of one side on purpose
        warnings.filterwarnings("ignore", r"# The axis name: .* will not be used", UserWarning)
        # torch's own exporter copies what it has deprecated
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(dict(sides[name]) for name in inputs),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    _forget_origins(graph)
    return graph


def store_half(graph: Any) -> None:
    """Keep matrices and kernels as float16 behind a Cast, which ONNX Runtime folds when it loads.

    Small ones, as of depthwise convolutions, stay as they are: rounding them would save next to nothing.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in list(graph.graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or math.prod(tensor.dims) < SMALL:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}_half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        graph.graph.node.insert(0, node)


def write_agreeing(
    path: Path,
    graph: Any,
    card: Mapping[str, Any],
    difference: Callable[[], float],
    *,
    limit: float,
    rounding_limit: float,
    half_weights: bool,
    max_megabytes: float,
) -> dict[str, float]:
    """Write a model whose outputs agree with torch's; with half weights, once more after rounding.

    Args:
        path: See `write_onnx`.
        graph: ONNX model; rounded in place.
        card: See `write_onnx`.
        difference: Largest of the graph's outputs, as it is at that moment, to the network's.
        limit: Most that it may be.
        rounding_limit: With half weights.
        half_weights: Store weights as float16 (computation stays float32): half the size.
        max_megabytes: See `write_onnx`.

    Returns:
        ``difference`` and ``megabytes``; with half weights also ``rounding_difference``.

    Raises:
        QualityGateError: If outputs differ, or the file is too large.
    """
    found = {"difference": _within(limit, difference(), path)}
    if half_weights:
        store_half(graph)
        found["rounding_difference"] = _within(rounding_limit, difference(), path)
    found["megabytes"] = write_onnx(
        path, graph, card, max_megabytes=max_megabytes, way_out="" if half_weights else "; try half weights"
    )
    return found


def _within(limit: float, difference: float, path: Path) -> float:
    if not difference <= limit:  # NaN neither
        raise QualityGateError(f"{path.name}: differs from torch by {difference:.2g}, limit {limit}")
    return difference


def write_onnx(
    path: Path, graph: Any, card: Mapping[str, Any], *, max_megabytes: float, way_out: str = ""
) -> float:
    """Write a model and its card, which goes inside (key ``beltline``) and beside, ``path`` with ``.json``.

    Args:
        path: Ends in ``.onnx``.
        graph: ONNX model; receives the card.
        card: JSON object; NaN becomes null.
        max_megabytes: Larger files are refused.
        way_out: Said to whoever made too large a file.

    Returns:
        Size in megabytes.

    Raises:
        QualityGateError: If the file is too large; nothing is written then.
    """
    import onnx

    described = without_nan(card)
    entry = graph.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(described, allow_nan=False)
    onnx.checker.check_model(graph)
    data = graph.SerializeToString()
    megabytes = len(data) / 1e6
    if megabytes > max_megabytes:
        raise QualityGateError(f"{path.name}: {megabytes:.1f} MB, limit {max_megabytes}{way_out}")
    write_atomic(path, data)
    write_json(path.with_suffix(".json"), described, indent=1)
    return megabytes


def _forget_origins(graph: Any) -> None:
    """Drop the exporter's notes (stack traces with the paths of the machine that exported)."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    for thing in (*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del thing.metadata_props[:]
        thing.doc_string = ""
    graph.doc_string = graph.graph.doc_string = ""
