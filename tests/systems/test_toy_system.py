"""The wall between systems and engine: a new system is one file and a line in each of two tables.

`toy.py` is trained, calibrated, evaluated, exported and screens by the commands of every system, and nothing
in the engine knows of it.
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from beltline.cli.app import main
from beltline.screening.tasks import TASKS
from beltline.systems import SYSTEMS
from beltline.training.checkpoint import WEIGHTS

FILE = Path(__file__).with_name("toy.py")


@pytest.fixture
def toy(monkeypatch):
    """The two lines."""
    spec = importlib.util.spec_from_file_location("toy", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "toy", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr("beltline.systems.SYSTEMS", {**SYSTEMS, "toy": "toy"})
    monkeypatch.setattr("beltline.screening.tasks.TASKS", {**TASKS, "toy": module.TASK})
    return module


def test_a_new_system_goes_all_the_way(toy, tiny_shards, tmp_path, capsys):
    run, model, bags = tmp_path / "run", tmp_path / "dark.onnx", tmp_path / "set"
    data = ["--data", str(tiny_shards)]
    assert main(["train", "toy", *data, "--out", str(run), "--set", "lr=0.2"]) == 0
    written = json.loads((run / "recipe.json").read_text())
    assert (written["system"], written["recipe"], written["lr"]) == ("toy", "toy", 0.2)
    assert main(["export", str(run)]) == 3
    assert "--calibrate" in capsys.readouterr().err
    assert main(["evaluate", str(run), *data, "--calibrate"]) == 0
    assert main(["evaluate", str(run), *data]) == 0
    assert "alarms 0.5" in capsys.readouterr().out  # the threshold is the median
    assert main(["export", str(run), "--out", str(model), "--name", "dark"]) == 0
    assert main(["simulate", str(bags), "--bags", "2", "--seed", "3", "--pixel-mm", "4"]) == 0
    capsys.readouterr()
    screened = ["screen", str(bags), "--model", str(model), "--trust", "--out", str(tmp_path / "out")]
    assert main([*screened, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["model"]["name"] == "dark"
    assert [len(scan["classes"]) for scan in report["scans"]] == [2, 2]
    assert all(scan["decision"] in ("alarm", "clear") for scan in report["scans"])
    assert "Dark bags alarm." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    # a run goes on, and gives its bare weights
    again = ["train", "toy", *data, "--out", str(run), "--resume", "--set", "steps=41"]
    assert main(again) == 0
    assert "41 steps" in capsys.readouterr().out
    assert main(["export", str(run), "--format", "safetensors"]) == 0
    assert (run / WEIGHTS).is_file()


def test_what_a_system_cannot_do_is_one_line(toy, tiny_shards, tmp_path, capsys):
    words = ["train", "toy", "--data", str(tiny_shards), "--out", str(tmp_path / "run")]
    assert main([*words, "--validation", str(tiny_shards)]) == 3
    assert "toy runs cannot be watched on validation data" in capsys.readouterr().err
    assert main([*words[:1], "boy", *words[2:]]) == 3
    assert (
        "no system 'boy'; there is anomaly, chr, click, detector, fusion, xsyn, toy"
        in capsys.readouterr().err
    )


def test_no_file_of_the_engine_knows_of_it():
    package = Path(importlib.util.find_spec("beltline").origin).parent
    files = [
        path
        for room in ("cli", "screening", "systems", "training")
        for path in (package / room).rglob("*.py")
    ]
    assert len(files) > 60
    assert not [path for path in files if "toy" in path.read_text(encoding="utf-8").lower()]
    assert len(FILE.read_text().splitlines()) < 130
