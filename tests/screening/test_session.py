import json
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from beltline.core import BadInputError, MissingExtraError, UntrustedWeightsError
from beltline.screening import ModelFailure, ScreeningModel, find_weights, load_model, weights
from beltline.screening.tasks.classification import probabilities

IMAGE = np.ones((1, 3, 64, 64), np.float32)


class FakeRunner:
    """Gives what a test wants, as late as it wants."""

    def __init__(self, outputs: Any = None, *, sleep_s: float = 0.0, error: Exception | None = None) -> None:
        self.outputs, self.sleep_s, self.error = outputs, sleep_s, error

    def run(self, output_names: list[str], feed: dict[str, Any], options: Any = None) -> list[Any]:
        time.sleep(self.sleep_s)
        if self.error:
            raise self.error
        return self.outputs


def with_runner(model: ScreeningModel, runner: FakeRunner) -> ScreeningModel:
    return ScreeningModel(model.card, model.sha256, {"model": runner})


def good_outputs() -> list[np.ndarray]:
    return [np.zeros((1, 3), np.float32), np.zeros((1, 3, 4, 4), np.float32)]


def test_a_good_model_answers(model: ScreeningModel) -> None:
    output = model.run({"image": IMAGE}, timeout_s=30)
    assert output.logits.shape == (3,)
    assert output.cams.shape == (3, 4, 4)


def test_probabilities_follow_the_calibration(model: ScreeningModel) -> None:
    probs = probabilities(model.card, np.array([0.5, 0.0, 100.0]))
    assert probs == pytest.approx([0.5, 1 / (1 + np.exp(6)), 1.0])


def test_operating_points_are_named(model: ScreeningModel) -> None:
    assert model.card.thresholds_at(0.1) == pytest.approx([0.5] * 3)
    with pytest.raises(ValueError, match=r"operating points 0\.05, 0\.1, not 0\.2"):
        model.card.thresholds_at(0.2)


def test_late_model_fails_and_stays_closed_until_it_is_done(model: ScreeningModel) -> None:
    slow = with_runner(model, FakeRunner(good_outputs(), sleep_s=0.7))
    with pytest.raises(ModelFailure, match="deadline"):
        slow.run({"image": IMAGE}, timeout_s=0.02)
    with pytest.raises(ModelFailure, match="busy"):
        slow.run({"image": IMAGE}, timeout_s=0.02)
    time.sleep(0.7)
    assert slow.run({"image": IMAGE}, timeout_s=5).logits.shape == (3,)


def test_error_of_the_runtime_is_a_failure(model: ScreeningModel) -> None:
    with pytest.raises(ModelFailure, match="no memory"):
        with_runner(model, FakeRunner(error=RuntimeError("no\n memory"))).run({"image": IMAGE}, timeout_s=5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_outputs_that_are_not_finite_are_a_failure(model: ScreeningModel, bad: float, which: int) -> None:
    outputs = good_outputs()
    outputs[which].flat[-1] = bad
    with pytest.raises(ModelFailure, match="finite"):
        with_runner(model, FakeRunner(outputs)).run({"image": IMAGE})


@pytest.mark.parametrize("shape", [(1, 2), (2, 3), (3,)])
def test_outputs_of_another_shape_are_a_failure(model: ScreeningModel, shape: tuple[int, ...]) -> None:
    outputs = [np.zeros(shape, np.float32), good_outputs()[1]]
    with pytest.raises(ModelFailure, match="shapes"):
        with_runner(model, FakeRunner(outputs)).run({"image": IMAGE})


def test_unknown_weights_are_refused_and_trusted_by_hand(model_file: Path) -> None:
    with pytest.raises(UntrustedWeightsError, match="--trust"):
        load_model(model_file)
    assert load_model(model_file, trust=True).card.name == "fake-darkness"


def test_a_name_that_is_no_model_is_refused() -> None:
    with pytest.raises(UntrustedWeightsError, match="no such file"):
        find_weights("nobody")


def test_imported_weights_load_by_name_until_the_file_changes(model_file: Path) -> None:
    entry = weights.import_weights(model_file, name="mine")
    assert load_model("mine").sha256 == entry.sha256
    assert load_model(model_file).sha256 == entry.sha256  # its sum is known now
    entry.path.write_bytes(entry.path.read_bytes() + b"\0")
    with pytest.raises(UntrustedWeightsError, match="was changed"):
        load_model("mine")
    entry.path.unlink()
    with pytest.raises(UntrustedWeightsError, match="missing"):
        load_model("mine")


def test_importing_again_replaces_the_entry(model_file: Path) -> None:
    weights.import_weights(model_file, name="mine")
    weights.import_weights(model_file, name="mine")
    assert [e.name for e in weights.list_weights() if e.origin == "imported"] == ["mine"]


def test_published_sum_is_checked(model_file: Path) -> None:
    with pytest.raises(UntrustedWeightsError, match="you expected"):
        weights.import_weights(model_file, sha256="00" * 32)


def test_no_shipped_model_is_a_missing_resource(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(MissingExtraError, match="no default model"):
        load_model()


def test_shipped_models_are_intact() -> None:
    for entry in weights.list_weights():
        assert weights.verify(entry).sha256 == entry.sha256


def test_broken_manifest_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manifest.json").write_text('{"models": [{}]}')
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(BadInputError, match="manifest"):
        weights.list_weights()


@pytest.fixture
def _successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest: dict[str, object] = {"default": None, "models": [], "retired": {"starter-0": "starter-1"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)


@pytest.mark.usefixtures("_successor")
@pytest.mark.parametrize("find", [find_weights, weights.find_start])
def test_a_retired_name_says_what_took_its_place(find: Callable[[str], object]) -> None:
    with pytest.raises(UntrustedWeightsError, match="no longer ships, 'starter-1' took its place"):
        find("starter-0")


@pytest.mark.usefixtures("_successor")
def test_the_file_of_a_retired_model_goes_on_working_under_its_name(model_file: Path) -> None:
    weights.import_weights(model_file, name="starter-0")
    assert load_model("starter-0").card.name == "fake-darkness"


def test_retired_models_have_a_successor_that_ships() -> None:
    manifest = json.loads((weights.SHIPPED / weights.MANIFEST).read_text())
    shipped = {line["name"] for line in manifest["models"]}
    assert set(manifest.get("retired", {}).values()) <= shipped
    assert not shipped & set(manifest.get("retired", {}))


def test_garbage_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(BadInputError, match="not a usable ONNX"):
        load_model(path, trust=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["gun"]}, "expected 1 finite"),
        ({"long_side": 450}, "multiple of 32"),
        ({"thresholds": {}}, "needs thresholds"),
        ({"classes": [], "calibration": None, "thresholds": {}}, "needs classes"),
        ({"box_threshold": 1.5}, "box_threshold"),
        ({"calibration": {"scale": [1, 1, float("nan")], "bias": [0, 0, 0]}}, "finite"),
    ],
)
def test_bad_cards_are_refused(
    fake: ModuleType, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = fake.build(tmp_path / "x.onnx", metadata=fake.card(**change))
    with pytest.raises(BadInputError, match=message):
        load_model(path, trust=True)


def test_model_that_cannot_run_is_refused_at_loading(fake: ModuleType, tmp_path: Path) -> None:
    path = fake.build(tmp_path / "x.onnx", fault="nan")
    with pytest.raises(BadInputError, match="cannot run here"):
        load_model(path, trust=True)
