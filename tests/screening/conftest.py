"""The fake classifier, detector and click model, as files and as loaded sessions."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from beltline.screening import Clicker, ScreeningModel, load_clicker, load_model


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    return _module("fake_model")


@pytest.fixture(scope="session")
def model_file(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.build(tmp_path_factory.mktemp("model") / "fake.onnx")


@pytest.fixture(scope="session")
def model(model_file: Path) -> ScreeningModel:
    return load_model(model_file, trust=True)


@pytest.fixture(scope="session")
def fake_detector() -> ModuleType:
    return _module("fake_detector")


@pytest.fixture(scope="session")
def detector(fake_detector: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> ScreeningModel:
    return load_model(fake_detector.build(tmp_path_factory.mktemp("detector") / "fake.onnx"), trust=True)


@pytest.fixture(scope="session")
def fake_click() -> ModuleType:
    return _module("fake_click")


@pytest.fixture(scope="session")
def click_file(fake_click: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_click.build(tmp_path_factory.mktemp("click") / "fake-click.onnx")


@pytest.fixture(scope="session")
def clicker(click_file: Path) -> Clicker:
    return load_clicker(click_file, trust=True)


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
