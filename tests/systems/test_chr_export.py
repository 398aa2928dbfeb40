"""Export: ONNX Runtime agrees with torch, screening can load the file, gates hold."""

import copy
import json
import math

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from beltline.core import QualityGateError
from beltline.models.chr import fuse_cams, mean_logits
from beltline.screening import load_model, make_card
from beltline.screening.cards import METADATA_KEY
from beltline.screening.runtime import onnxruntime
from beltline.screening.tasks.classification import probabilities
from beltline.systems.chr import export
from beltline.systems.chr.export import export_onnx
from beltline.systems.chr.recipe import build_model
from beltline.training import onnx_file
from beltline.training.onnx_file import SMALL, largest_difference
from beltline.training.recipe_values import with_values

CARD = make_card(
    "tiny",
    ("gun", "knife"),
    96,
    calibration={"scale": [1.5, 0.5], "bias": [-0.25, 0.0]},
    thresholds={"0.05": [0.6, 0.7], "0.1": [0.5, 0.6]},
    box_threshold=0.4,
    details={"terms": "Apache-2.0", "figures": {"auc": math.nan}},
)
SIZES = ((64, 96), (128, 64))


@pytest.fixture(scope="module")
def model(tiny_recipe):
    """Weights and statistics as after training: nothing at its initial zero or one."""
    model = build_model(tiny_recipe)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(0.05 * torch.rand(value.shape, generator=generator))
    return model.eval()


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "deep" / "tiny.onnx"
    return path, export_onnx(model, path, CARD, half_weights=True, check_sizes=SIZES)


@pytest.fixture(scope="module")
def graph(exported):
    return onnx.load(exported[0])


@pytest.fixture
def no_export(monkeypatch, graph):
    """The slow step is done once: later exports start from that graph."""
    bare = copy.deepcopy(graph)
    del bare.metadata_props[:]
    monkeypatch.setattr(export, "_to_onnx", lambda network, size: copy.deepcopy(bare))


def test_parity_is_far_inside_the_gate(exported):
    found = exported[1]
    assert found["difference"] < 1e-5
    assert 0 < found["rounding_difference"] < 0.02
    assert found["megabytes"] == pytest.approx(exported[0].stat().st_size / 1e6)


@pytest.mark.parametrize("size", [(64, 64), (96, 160), (448, 320)])
def test_onnx_runtime_agrees_with_torch_at_sizes_not_checked_before(exported, model, size):
    image = np.random.default_rng(0).random((1, 3, *size), dtype=np.float32)
    session = onnxruntime.InferenceSession(exported[0].read_bytes(), providers=["CPUExecutionProvider"])
    logits, cams = session.run(["logits", "cams"], {"image": image})
    with torch.no_grad():
        output = model(torch.from_numpy(image))
        expected = fuse_cams(model.classifier.cams_with_bias(output)).numpy()
    assert cams.shape == expected.shape == (1, 2, size[0] // 8, size[1] // 8)
    assert logits == pytest.approx(mean_logits(output).numpy(), abs=0.02)  # half weights
    assert np.abs(cams - expected).max() < 0.02


def test_half_weights_are_the_large_matrices_and_nothing_else(graph):
    half = [t for t in graph.graph.initializer if t.data_type == TensorProto.FLOAT16]
    full = [t for t in graph.graph.initializer if t.data_type == TensorProto.FLOAT]
    assert half
    assert all(len(tensor.dims) >= 2 and np.prod(tensor.dims) >= SMALL for tensor in half)
    assert all(len(tensor.dims) < 2 or np.prod(tensor.dims) < SMALL for tensor in full)


def test_screening_loads_the_file_and_reads_the_card(exported):
    loaded = load_model(exported[0], trust=True)
    card = loaded.card
    assert (card.name, card.classes, card.long_side, card.box_threshold) == ("tiny", CARD.classes, 96, 0.4)
    assert card.thresholds_at(0.05).tolist() == [0.6, 0.7]
    assert card.thresholds_at(0.1).tolist() == [0.5, 0.6]
    expected = 1 / (1 + np.exp(-(1.5 * 2.0 - 0.25)))
    assert probabilities(card, np.array([2.0, 0.0])) == pytest.approx([expected, 0.5])
    assert card.details["figures"] == {"auc": None}  # JSON has no NaN
    output = loaded.run({"image": np.ones((1, 3, 64, 96), np.float32)})
    assert output.logits.shape == (2,)


def test_the_card_beside_the_file_is_the_card_inside(exported, graph):
    inside = {entry.key: entry.value for entry in graph.metadata_props}[METADATA_KEY]

    def refuse(constant):
        raise AssertionError(constant)

    beside = json.loads(exported[0].with_suffix(".json").read_text(), parse_constant=refuse)
    assert json.loads(inside, parse_constant=refuse) == beside
    assert beside["classes"] == ["gun", "knife"]


@pytest.mark.usefixtures("no_export")
def test_the_model_is_left_as_it_was(tiny_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_difference", lambda *arguments: 0.0)
    model = build_model(tiny_recipe).train()
    before = copy.deepcopy(model.state_dict())
    export_onnx(model, tmp_path / "x.onnx", CARD)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.usefixtures("no_export")
def test_a_graph_of_other_weights_does_not_pass(tiny_recipe, tmp_path):
    other = build_model(with_values(tiny_recipe, {"seed": 5}))
    with pytest.raises(QualityGateError, match=r"x\.onnx: differs from torch by .*, limit 0\.0001") as caught:
        export_onnx(other, tmp_path / "x.onnx", CARD, check_sizes=SIZES)
    assert caught.value.exit_code == 7
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_export")
@pytest.mark.parametrize("difference", [2e-4, math.inf, math.nan])
def test_a_difference_above_the_gate_writes_nothing(model, tmp_path, monkeypatch, difference):
    monkeypatch.setattr(export, "_difference", lambda *arguments: difference)
    with pytest.raises(QualityGateError, match="differs from torch"):
        export_onnx(model, tmp_path / "x.onnx", CARD)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_are_no_numbers_are_infinitely_far_off():
    """max(0.0, nan) is 0.0: a graph that gives NaN would pass."""
    assert largest_difference(np.array([1.0, math.nan]), torch.ones(2)) == math.inf
    assert largest_difference(np.ones(2), torch.ones(3)) == math.inf
    assert largest_difference(np.zeros((0, 4)), torch.zeros(0, 4)) == 0


@pytest.mark.usefixtures("no_export")
def test_rounding_has_its_own_gate(model, tmp_path, monkeypatch):
    answers = iter([0.0, 0.5])
    monkeypatch.setattr(export, "_difference", lambda *arguments: next(answers))
    monkeypatch.setattr(onnx_file, "store_half", lambda graph: None)
    with pytest.raises(QualityGateError, match=r"limit 0\.02"):
        export_onnx(model, tmp_path / "x.onnx", CARD, half_weights=True)


@pytest.mark.usefixtures("no_export")
def test_a_file_that_is_too_large_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_difference", lambda *arguments: 0.0)
    with pytest.raises(QualityGateError, match=r"0\.\d MB, limit 0\.01; try half weights"):
        export_onnx(model, tmp_path / "x.onnx", CARD, max_megabytes=0.01)
    assert list(tmp_path.iterdir()) == []
