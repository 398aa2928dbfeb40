"""The fake model as a file and as a loaded session."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from beltline.screening import ScreeningModel, load_model


def _fake_model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_model", Path(__file__).with_name("fake_model.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    return _fake_model()


@pytest.fixture(scope="session")
def model_file(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake.build(tmp_path_factory.mktemp("model") / "fake.onnx")


@pytest.fixture(scope="session")
def model(model_file: Path) -> ScreeningModel:
    return load_model(model_file, trust=True)


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
