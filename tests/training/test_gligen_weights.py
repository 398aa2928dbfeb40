"""A GLIGEN of the user's: imported once, its pickles converted, found by name, refused in one line."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from beltline.cli.app import main
from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.gligen_folder import save_gligen
from beltline.models.gligen_tiny import gligen_tiny
from beltline.training import unpickle
from beltline.training.gligen_weights import import_gligen, read_gligen
from beltline.training.unpickle import convert

PICKLES = {
    "unet/diffusion_pytorch_model.safetensors": "unet/diffusion_pytorch_model.bin",
    "text_encoder/model.safetensors": "text_encoder/pytorch_model.bin",
}


class Bomb:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    save_gligen(gligen_tiny(latents=8), folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "gligen-tiny"))


@pytest.fixture
def pickled(folder):
    """As published."""
    for safe, pickle in PICKLES.items():
        torch.save(load_file(folder / safe), folder / pickle)
        (folder / safe).unlink()
    return folder


def test_a_folder_of_pickles_is_imported_and_found_by_name(pickled, capsys):
    folder = pickled
    (folder / "unet" / "code.py").write_text("raise SystemExit")
    assert main(["models", "import", str(folder), "--name", "tiny", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    kept = Path(said["path"])
    assert said["name"] == "tiny"
    assert sorted(file.name for file in (kept / "unet").iterdir()) == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
    ]
    shutil.rmtree(folder)
    found, expected = read_gligen("tiny").unet.state_dict(), gligen_tiny(latents=8).unet.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert [entry.name for entry in kept.parent.iterdir()] == ["tiny"]  # nothing half-made beside it


def test_importing_again_replaces_and_a_failure_does_not(folder):
    first = import_gligen(folder)
    assert first.name == "gligen-tiny"
    assert import_gligen(folder).sha256 == first.sha256
    save_file({"conv_in.weight": torch.zeros(3)}, folder / "unet/diffusion_pytorch_model.safetensors")
    with pytest.raises(BadInputError, match=r"size mismatch for conv_in\.weight"):
        import_gligen(folder)
    assert read_gligen("gligen-tiny").unet.config.in_channels == 9
    assert [entry.name for entry in first.path.parent.iterdir()] == ["gligen-tiny"]


def test_a_pickle_that_would_run_code_is_refused(pickled, tmp_path, capsys):
    folder = pickled
    torch.save({"conv_in.weight": Bomb(tmp_path / "ran")}, folder / "unet/diffusion_pytorch_model.bin")
    assert main(["models", "import", str(folder)]) == UntrustedWeightsError.exit_code
    assert "holds more than tensors and plain values" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    with pytest.raises(BadInputError, match=r"no GLIGEN of the name 'gligen-tiny' \(imported: none\)"):
        read_gligen("gligen-tiny")


def test_a_folder_that_is_not_whole_is_refused(folder):
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BadInputError, match="neither diffusion_pytorch_model"):
        import_gligen(folder)
    shutil.rmtree(folder / "vae")
    with pytest.raises(BadInputError, match="lacks vae; expected a GLIGEN in the layout of diffusers"):
        import_gligen(folder)
    with pytest.raises(BadInputError, match="lacks unet"):
        import_gligen(folder / "nowhere")


def test_a_file_that_is_no_state_dict_is_refused(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"")
    with pytest.raises(BadInputError, match="not a readable checkpoint"):
        convert({tmp_path / "x.bin": tmp_path / "x.safetensors"})


def test_a_conversion_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(unpickle.sys, "executable", shutil.which("false"))
    with pytest.raises(BadInputError, match=r"x\.bin: conversion ended with 1: out of memory\?"):
        convert({tmp_path / "x.bin": tmp_path / "x.safetensors"})


def test_what_was_changed_since_is_refused(folder):
    kept = import_gligen(folder, name="tiny").path
    (kept / "unet" / "config.json").write_text("{}")
    with pytest.raises(UntrustedWeightsError, match="changed since it was imported"):
        read_gligen("tiny")


def test_a_sum_and_a_hidden_name_are_refused(folder, capsys):
    assert main(["models", "import", str(folder), "--sha256", "0" * 64]) == 2
    with pytest.raises(BadInputError, match="is no plain name"):
        import_gligen(folder, name="../tiny")


def test_names_of_one_memory_are_kept_apart(tmp_path):
    shared = torch.arange(6.0)
    torch.save({"a": shared, "b": shared.reshape(2, 3).T}, tmp_path / "x.bin")
    unpickle._convert_here(tmp_path / "x.bin", tmp_path / "x.safetensors")
    found = load_file(tmp_path / "x.safetensors")
    assert torch.equal(found["b"], shared.reshape(2, 3).T)
    assert torch.equal(found["a"], shared)
