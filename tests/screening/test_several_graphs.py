"""A model of several graphs: one name, one card, one manifest entry that verifies every file."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from beltline.cli.app import main
from beltline.core import BadInputError, Scan, UntrustedWeightsError
from beltline.screening import Screened, Task, find_weights, list_weights, load_model, make_card, screen_scan
from beltline.screening.prepare import prepare_whole
from beltline.screening.task import Names
from beltline.screening.tasks import TASKS


def graph(path: Path, inputs: list[str], output: str, card: dict | None = None) -> Path:
    """The mean of all inputs, as one ONNX file."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs]
    made = helper.make_graph(
        [
            *[helper.make_node("ReduceMean", [name], [f"mean_{name}"], keepdims=0) for name in inputs],
            helper.make_node("Sum", [f"mean_{name}" for name in inputs], [output]),
        ],
        "fake",
        values,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [])],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if card:
        helper.set_model_props(model, {"beltline": json.dumps(card)})
    onnx.save(model, str(path))
    return path


def answer(run, inputs, card):
    found = run("encoder", inputs)
    return run("decoder", {**found, "click": np.array(0.25, np.float32)})["mask"]


TWO = Task(
    name="two",
    graphs={"encoder": Names(("image",), ("map",)), "decoder": Names(("map", "click"), ("mask",))},
    check=lambda card: card,
    prepare=lambda scan, card: prepare_whole(scan, long_side=card.long_side),
    answer=answer,
    decide=lambda entry, prepared, answer, card, thresholds: Screened(entry),
    chances=lambda card, thresholds: thresholds,
    how_to_read="",
)


@pytest.fixture
def pair(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("beltline.screening.tasks.TASKS", {**TASKS, "two": TWO})
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    card = make_card("pair", ("gun",), 64, thresholds={"0.05": [0.5]}, task="two").to_json()
    graph(tmp_path / "pair.decoder.onnx", ["map", "click"], "mask")
    return graph(tmp_path / "pair.onnx", ["image"], "map", card)


def test_the_graphs_run_one_after_the_other_with_inputs_beside_the_image(pair):
    model = load_model(pair, trust=True)
    air = Scan(np.ones((3, 64, 64), np.float32), "color", ("r", "g", "b"))
    assert model.run(TWO.prepare(air, model.card).inputs, timeout_s=30) == pytest.approx(1.25)
    assert screen_scan(air, model).report.reason is None


def test_one_entry_verifies_all_files(pair, capsys):
    assert main(["models", "import", str(pair)]) == 0
    (entry,) = [entry for entry in list_weights() if entry.name == "pair"]
    assert set(entry.graphs) == {"decoder"}
    both = load_model("pair")
    assert both.sha256 not in (entry.sha256, entry.graphs["decoder"][1])
    assert find_weights(pair).sha256 == both.sha256  # the file itself is known now
    assert main(["models", "verify", "pair"]) == 0
    decoder = entry.graphs["decoder"][0]
    decoder.write_bytes(decoder.read_bytes()[:-1] + b"\0")
    with pytest.raises(UntrustedWeightsError, match="the file was changed"):
        load_model("pair")
    assert main(["models", "verify", "pair"]) == 4
    decoder.unlink()
    with pytest.raises(UntrustedWeightsError, match="is missing"):
        load_model("pair")


def test_a_graph_that_is_not_there_is_named(pair):
    pair.with_name("pair.decoder.onnx").unlink()
    with pytest.raises(BadInputError, match=r"two needs the graph decoder .* pair\.decoder\.onnx"):
        load_model(pair, trust=True)
    graph(pair.with_name("pair.decoder.onnx"), ["map"], "mask")
    with pytest.raises(BadInputError, match="needs input map, click and outputs mask"):
        load_model(pair, trust=True)
