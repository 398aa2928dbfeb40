"""Nothing leaves the machine: one import of ONNX Runtime, no look-up, no file in the home folder."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
_SCREEN = """
import sys, time
from beltline.cli.app import main
code = main(["screen", sys.argv[1], "--out", sys.argv[2]])
time.sleep(float(sys.argv[3]))
raise SystemExit(code)
"""


def imported(file: Path) -> Iterator[str]:
    """Names of the modules that a file imports, by statement or by `pytest.importorskip` and the like."""
    text = file.read_text(encoding="utf-8")
    if "onnxruntime" not in text:  # parsing every file takes seconds
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("importorskip", "import_module")
        ):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def test_one_module_imports_onnx_runtime() -> None:
    files = [f for room in ("src", "tests", "benchmarks", "scripts") for f in (ROOT / room).rglob("*.py")]
    importing = [f for f in files if any(n.split(".")[0] == "onnxruntime" for n in imported(f))]
    assert [file.relative_to(ROOT).as_posix() for file in importing] == ["src/beltline/screening/runtime.py"]


def test_telemetry_is_off_whatever_the_environment_says() -> None:
    script = "import os; import beltline.screening.runtime; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert ran.stdout == "1\n", ran.stderr


@pytest.mark.parametrize("wait_s", [0, pytest.param(15, marks=pytest.mark.slow)])  # look-ups come late
def test_a_screening_sends_nothing_and_leaves_nothing_at_home(tmp_path: Path, wait_s: int) -> None:
    home, scans, log = tmp_path / "home", tmp_path / "scans", tmp_path / "calls"
    home.mkdir()
    scans.mkdir()
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 40:90] = 120
    cv2.imwrite(str(scans / "bag.png"), picture)
    command = [sys.executable, "-c", _SCREEN, str(scans), str(tmp_path / "out"), str(wait_s)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "ORT_", "BELTLINE_"))}
    environment = {**kept, "HOME": str(home)}
    ran = subprocess.run(
        [*_watched(log), *command], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=90
    )
    assert ran.returncode == 0, ran.stderr
    assert list(home.rglob("*")) == []
    calls = log.read_text().splitlines() if log.exists() else []
    assert [line for line in calls if re.search(r"AF_INET6?\b|nscd|resolv\.conf|/etc/hosts", line)] == []


def _watched(log: Path) -> list[str]:
    """The words before a command that cut it off the network and list its calls, as far as allowed here."""
    cut_off = ["unshare", "-rn"]
    listed = ["strace", "-f", "-qq", "-e", "trace=network,open,openat", "-o", str(log)]
    words: list[str] = []
    for tool in (cut_off, listed):
        if (
            shutil.which(tool[0])
            and subprocess.run([*words, *tool, "true"], capture_output=True).returncode == 0
        ):
            words += tool
    if not words:
        pytest.skip("neither unshare nor strace may be used here")
    return words
