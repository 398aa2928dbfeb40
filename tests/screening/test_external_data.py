"""A model's weights are all in the file whose sum was checked, or it is refused."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from beltline.cli.app import main
from beltline.core import BadInputError, UntrustedWeightsError
from beltline.screening import load_model, weights
from beltline.screening.external_data import refuse_external_data


def elsewhere(name: str = "w") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def inside(name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.ones(4, np.float32), name)


def graph_of(nodes: list[onnx.NodeProto], tensors: list[TensorProto]) -> onnx.GraphProto:
    return helper.make_graph(nodes, "g", [], [], tensors)


def of_graph(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph)


def sparse(values: TensorProto, indices: TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[9])


def in_branch(tensor: TensorProto, depth: int = 1) -> onnx.GraphProto:
    graph = graph_of([], [tensor])
    for _ in range(depth):
        graph = graph_of(
            [helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph_of([], []))], []
        )
    return graph


def function(tensor: TensorProto) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["y"], value=tensor)
    made = helper.make_function("local", "f", [], ["y"], [node], [helper.make_opsetid("", 17)])
    return helper.make_model(graph_of([], []), functions=[made])


def training(tensor: TensorProto) -> onnx.ModelProto:
    model = of_graph(graph_of([], []))
    model.training_info.add().algorithm.CopyFrom(graph_of([], [tensor]))
    return model


def attribute(**kind: object) -> onnx.ModelProto:
    node = onnx.NodeProto(op_type="Custom")
    node.attribute.add(name="a", **kind)
    return of_graph(graph_of([node], []))


PLACES: dict[str, Callable[[TensorProto], onnx.ModelProto]] = {
    "initializer": lambda t: of_graph(graph_of([], [inside("first"), t])),
    "Constant": lambda t: of_graph(graph_of([helper.make_node("Constant", [], ["y"], value=t)], [])),
    "branch of If": lambda t: of_graph(in_branch(t)),
    "branches within branches": lambda t: of_graph(in_branch(t, depth=10)),
    "body of Loop": lambda t: of_graph(
        graph_of([helper.make_node("Loop", ["n", "c"], ["y"], body=graph_of([], [t]))], [])
    ),
    "list of tensors": lambda t: attribute(tensors=[inside(), t]),
    "list of graphs": lambda t: attribute(graphs=[graph_of([], [t])]),
    "values of a sparse attribute": lambda t: attribute(sparse_tensor=sparse(t, inside())),
    "list of sparse tensors": lambda t: attribute(sparse_tensors=[sparse(inside(), t)]),
    "sparse initializer": lambda t: of_graph(
        helper.make_graph([], "g", [], [], [], sparse_initializer=[sparse(inside(), t)])
    ),
    "function": function,
    "training": training,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_in_another_file_is_refused_wherever_it_hides(place: str) -> None:
    refuse_external_data(PLACES[place](inside()).SerializeToString(), "good")
    with pytest.raises(
        UntrustedWeightsError, match=r"bad: keeps weights in other files.*save_as_external_data"
    ):
        refuse_external_data(PLACES[place](elsewhere()).SerializeToString(), "bad")


@pytest.fixture
def outside(model_file: Path, tmp_path: Path) -> Path:
    """The fake model as `onnx.save` writes it with weights beside the graph."""
    path = tmp_path / "outside.onnx"
    onnx.save(
        onnx.load(str(model_file)), str(path),
        save_as_external_data=True, location="outside.bin", size_threshold=0,
    )  # fmt: skip
    assert (tmp_path / "outside.bin").stat().st_size > 0
    return path


def test_it_is_refused_at_loading_at_importing_and_by_the_command(
    outside: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outside.parent)  # where ONNX Runtime would look for the weights
    with pytest.raises(UntrustedWeightsError, match="other files"):
        load_model(outside, trust=True)
    with pytest.raises(UntrustedWeightsError, match="other files"):
        weights.import_weights(outside, name="mine")
    assert main(["models", "import", str(outside), "--name", "mine"]) == 4
    assert "save_as_external_data=False" in capsys.readouterr().err
    assert [entry.name for entry in weights.list_weights() if entry.origin == "imported"] == []


def test_the_way_out_works(outside: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.onnx"
    onnx.save(onnx.load(str(outside)), str(whole), save_as_external_data=False)
    assert load_model(whole, trust=True).card.name == "fake-darkness"


def test_models_in_the_runtimes_own_format_are_refused() -> None:
    with pytest.raises(BadInputError, match="ORT format"):
        refuse_external_data(b"\0\0\0\0ORTM" + bytes(64), "x")


def test_a_long_tag_is_cut_as_protobuf_cuts_it() -> None:
    tensor = bytes([0x80 | 14 << 3 & 0x7F, 0x80, 0x80, 0x80, 0x10, 1])  # field 14, and a bit above the 32nd
    assert TensorProto.FromString(bytes([14 << 3, 1])).data_location == TensorProto.EXTERNAL
    graph = bytes([5 << 3 | 2, len(tensor)]) + tensor
    with pytest.raises(UntrustedWeightsError):
        refuse_external_data(bytes([7 << 3 | 2, len(graph)]) + graph, "x")


@given(cut=st.integers(0, 10**6), at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_broken_files_raise_only_our_own_errors(fake_bytes: bytes, cut: int, at: int, byte: int) -> None:
    broken = bytearray(fake_bytes[: cut % len(fake_bytes) + 1])
    broken[at % len(broken)] = byte
    with contextlib.suppress(BadInputError, UntrustedWeightsError):
        refuse_external_data(bytes(broken), "x")


@pytest.fixture(scope="session")
def fake_bytes(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = fake.build(tmp_path_factory.mktemp("bytes") / "fake.onnx")
    return path.read_bytes()
