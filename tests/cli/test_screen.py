import hashlib
import importlib.util
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.formats import write_png


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).parent.parent / "screening" / "fake_model.py"
    spec = importlib.util.spec_from_file_location("fake_model", source)
    assert spec is not None
    assert spec.loader is not None
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    return fake.build(tmp_path_factory.mktemp("model") / "fake.onnx")


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 50:110] = 5
    write_png(tmp_path / "bags" / "a.png", picture)
    return tmp_path / "bags"


def trusted(model_file: Path) -> list[str]:
    return ["--model", str(model_file), "--trust"]


def test_screen_writes_report_and_overlays(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["screen", str(bags), "--out", str(tmp_path / "out"), *trusted(model_file)]) == 0
    out, err = capsys.readouterr()
    assert "1 scan: 1 alarm, 0 clear, 0 no machine result" in out
    assert err == ""
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"report.json", "report.html", "overlays"}


def test_json_is_the_report(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["screen", str(bags), "--out", str(tmp_path / "out"), "--json", *trusted(model_file)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((tmp_path / "out" / "report.json").read_text())


def test_unknown_weights_exit_with_4(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["screen", str(bags), "--out", str(tmp_path / "out"), "--model", str(model_file)]) == 4
    assert "models import" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_some_bad_files_exit_with_6_and_all_bad_with_3(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bags / "broken.png").write_bytes(b"no picture")
    assert main(["screen", str(bags), "--out", str(tmp_path / "a"), *trusted(model_file)]) == 6
    assert "broken.png" in capsys.readouterr().err
    only = str(bags / "broken.png")
    assert main(["screen", only, "--out", str(tmp_path / "b"), *trusted(model_file)]) == 3
    assert (tmp_path / "b" / "report.json").is_file()
    assert main(["screen", str(tmp_path / "gone"), "--out", str(tmp_path / "c"), *trusted(model_file)]) == 3


def test_files_that_are_no_scans_are_counted_and_do_not_fail(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Thumbs.db", "1.dcm", "2.dcm"):
        (bags / name).write_bytes(b"no picture")
    assert main(["screen", str(bags), "--out", str(tmp_path / "out"), *trusted(model_file)]) == 0
    out, err = capsys.readouterr()
    assert "1 scan: 1 alarm, 0 clear, 0 no machine result, 3 not screened" in out
    assert err == "beltline: not screened: 2 .dcm, 1 .db\n"
    (bags / "a.png").unlink()
    assert main(["screen", str(bags), "--out", str(tmp_path / "none"), *trusted(model_file)]) == 3
    assert "only 2 .dcm, 1 .db" in capsys.readouterr().err


def test_names_with_escape_sequences_do_not_reach_the_terminal(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bags / "x\x1b[2J\nbeltline: all clear.png").write_bytes(b"")
    (bags / os.fsdecode(b"y\xff.png")).write_bytes(b"")
    options = ["--out", str(tmp_path / "out"), *trusted(model_file)]
    assert main(["screen", str(bags), *options]) == 6
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 3
    assert r"x\x1b[2J\x0abeltline: all clear.png: empty file" in err
    assert r"y\xff.png" in err
    assert main(["screen", str(bags), "--json", *options]) == 6
    assert r"y\xff.png" in json.loads(capsys.readouterr().out)["failed"][1]["path"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_a_report_that_says_interrupted(
    bags: Path, tmp_path: Path, model_file: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in "bcd":
        shutil.copy(bags / "a.png", bags / f"{name}.png")
    monkeypatch.setattr("beltline.cli.context.Ticker.__call__", lambda self, done, total, path: (
        os.kill(os.getpid(), number) if done == 2 else None
    ))  # fmt: skip
    before = signal.getsignal(signal.SIGTERM)
    assert main(["screen", str(bags), "--out", str(tmp_path / "out"), *trusted(model_file)]) == 130
    assert signal.getsignal(signal.SIGTERM) is before
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["interrupted"] == {"screened": len(record["scans"]), "of": 4}
    assert len(record["scans"]) in (2, 3)
    assert f"interrupted, {len(record['scans'])} of 4 screened" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--pfa", "0.5"], ["--overlays", "gif"], ["--limit", "0"]])
def test_bad_options_exit_with_2(bags: Path, tmp_path: Path, model_file: Path, option: list[str]) -> None:
    assert main(["screen", str(bags), "--out", str(tmp_path / "o"), *option, *trusted(model_file)]) == 2


def test_too_short_a_deadline_is_no_machine_result(
    bags: Path, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(bags / "large.png", np.full((2500, 3000, 3), 240, np.uint8))
    options = ["--deadline-ms", "1", "--out", str(tmp_path / "o"), *trusted(model_file)]
    assert main(["screen", str(bags / "large.png"), *options]) == 0
    assert "1 no machine result" in capsys.readouterr().out


def test_models_import_list_show_verify(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "import", str(model_file), "--name", "mine"]) == 0
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])["models"]
    assert [m["name"] for m in listed if m["origin"] == "imported"] == ["mine"]
    assert main(["models", "show", "mine"]) == 0
    assert "gun, knife, liquid" in capsys.readouterr().out
    assert main(["models", "verify", "mine"]) == 0
    stored = Path(next(m["path"] for m in listed if m["name"] == "mine"))
    stored.write_bytes(stored.read_bytes() + b"\0")
    assert main(["models", "verify", "mine"]) == 4
    assert main(["models", "verify", "nobody"]) == 4


def test_imports_refuse_a_wrong_sum_or_a_foreign_file(model_file: Path, tmp_path: Path) -> None:
    assert main(["models", "import", str(model_file), "--sha256", "00" * 32]) == 4
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    assert main(["models", "import", str(tmp_path / "x.onnx")]) == 3


def test_demo_simulates_screens_and_names_the_page(
    tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain only; the simulator has its own tests."""
    seen: dict[str, Any] = {}

    def few_bags(out: Path, bags: int, seed: int, classes: tuple[str, ...], on_progress: Any) -> None:
        seen.update(bags=bags, classes=classes)
        for index in range(bags):
            write_png(out / "images" / f"{index}.png", np.full((90, 120, 3), 240, np.uint8))

    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "fake.onnx").write_bytes(model_file.read_bytes())
    line = {
        "name": "fake",
        "file": "fake.onnx",
        "sha256": hashlib.sha256(model_file.read_bytes()).hexdigest(),
    }
    (shipped / "manifest.json").write_text(json.dumps({"default": "fake", "models": [line]}))
    monkeypatch.setattr("beltline.screening.weights.SHIPPED", shipped)
    monkeypatch.setattr("beltline.cli.demo.simulate_bags", few_bags)
    assert main(["demo", "--bags", "2", "--out", str(tmp_path / "demo"), "--no-browser"]) == 0
    out = capsys.readouterr().out
    assert "2 scans" in out
    assert out.strip().endswith("report.html")
    assert seen == {"bags": 2, "classes": ("gun", "knife", "liquid")}
