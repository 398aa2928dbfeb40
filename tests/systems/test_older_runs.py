"""Runs of before the systems had a room go on working: small ones lie in runs_before/, with their figures."""

import json
import shutil
from pathlib import Path

import pytest

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.systems import find_system, system_of
from beltline.systems.fusion.system import load_fusion
from beltline.training import run as engine
from beltline.training.recipe_values import recipe_values, with_values
from beltline.training.run_folder import require_same_recipe

BEFORE = Path(__file__).with_name("runs_before")


@pytest.fixture
def run_of(tmp_path):
    """A copy of an older run that may be written to."""

    def copy(name):
        return Path(shutil.copytree(BEFORE / name, tmp_path / name))

    return copy


def rates_as_lists(value):
    """Figures as they were written before: a rate was a list of value, low and high in a classifier's run."""
    if isinstance(value, dict):
        if {"value", "low", "high"} <= value.keys():
            return [value["value"], value["low"], value["high"]]
        return {key: rates_as_lists(inner) for key, inner in value.items()}
    return [rates_as_lists(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["chr", "detector", "fusion"])
def test_an_older_recipe_names_its_system_and_can_go_on(name):
    run = BEFORE / name
    assert "system" not in json.loads((run / "recipe.json").read_text())
    system = system_of(run)
    assert system.name == name
    recipe = engine.load_recipe(system, run)
    written = {"system": name, **recipe_values(recipe)}
    require_same_recipe(run, written)
    with pytest.raises(BadInputError, match="lr was"):
        require_same_recipe(run, {"system": name, **recipe_values(with_values(recipe, {"lr": 0.5}))})


@pytest.mark.parametrize("name", ["chr", "detector"])
def test_older_runs_have_the_figures_they_had(name, run_of, tiny_shards):
    run = run_of(name)
    before = json.loads((run / "evaluation.json").read_text())
    assert main(["evaluate", str(run), "--data", str(tiny_shards)]) == 0
    after = json.loads((run / "evaluation.json").read_text())
    flat = [rates_as_lists(json.loads(json.dumps(found))) for found in (before, after)]
    assert leaves(flat[0]) == pytest.approx(leaves(flat[1]), abs=1e-6, nan_ok=True)


def leaves(value, path=""):
    """Every number by its path."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in leaves(inner, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {k: v for n, inner in enumerate(value) for k, v in leaves(inner, f"{path}/{n}").items()}
    return {path: float("nan") if value is None else value}


@pytest.mark.parametrize("name", ["chr", "detector"])
def test_older_calibrations_are_taken(name, run_of):
    run = run_of(name)
    system = find_system(name)
    loaded = engine.load(system, run)
    assert engine.read_calibration(run, loaded.digest)["scans"] == 20


def test_an_older_fusion_run_fuses_and_says_what_it_cannot(run_of, capsys):
    run = run_of("fusion")
    assert sum(p.numel() for p in load_fusion(run).parameters()) > 1000
    assert main(["evaluate", str(run), "--data", "anything", "--calibrate"]) == 3
    assert "fusion runs cannot be calibrated" in capsys.readouterr().err
    assert main(["export", str(run)]) == 3
    assert "--format safetensors" in capsys.readouterr().err
    assert main(["export", str(run), "--format", "safetensors"]) == 0
    assert (run / "model.safetensors").stat().st_size > 10_000
