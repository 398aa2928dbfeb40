"""What reaches the terminal: escaped, and told in time."""

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from beltline.cli.app import main
from beltline.cli.context import Ticker, note, print_json, progress, progress_bar, say
from beltline.formats import read_set

LATIN = os.fsdecode(b"caf\xe9")


def test_a_long_work_off_a_terminal_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    tick = Ticker("screening", clock=lambda: now)
    for done in range(2000):
        now = done * 0.05
        tick(done, 2000, "a.png")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["beltline: screening: 200 of 2000", "beltline: screening: 400 of 2000"]
    assert len(lines) == 9


def test_a_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("simulating") as step:
        for done in range(50):
            step(done, 50, "")
    assert list(progress(range(50), label="x")) == list(range(50))
    assert capsys.readouterr().err == ""


def test_any_verb_s_progress_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beltline.cli.context.TELL_EVERY_S", 0.0)
    assert list(progress([1, 2], label="reading")) == [1, 2]
    assert capsys.readouterr().err.splitlines() == [f"beltline: reading: {n} of 2" for n in (0, 1, 2)]


def test_messages_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b]0;title\x07\nb")
    note("\x1b[2Jgone")
    out, err = capsys.readouterr()
    assert out == "a\\x1b]0;title\\x07\nb\n"
    assert err == "\\x1b[2Jgone\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_no_encoding_of_the_terminal_ends_a_verb(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    assert main(["models", "list"]) == 0
    say(f"{LATIN} · Gepäck")
    print_json({"path": f"{LATIN} · Gepäck"})
    line = streams[0].buffer.getvalue().decode(encoding).splitlines()[-1]  # type: ignore[attr-defined]
    assert json.loads(line) == {"path": f"{LATIN} · Gepäck"}


@pytest.mark.parametrize(
    "verb",
    [
        ["screen", LATIN, "--out", LATIN], ["models", "import", LATIN], ["models", "verify", LATIN],
        ["models", "show", LATIN], ["data", "verify", "pidray", LATIN],
        ["data", "import", "pidray", LATIN, "--out", "o"], ["synthesize", "census", LATIN],
    ],
)  # fmt: skip
def test_names_of_foreign_bytes_in_errors(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(verb) in (2, 3, 4)
    message = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "UnicodeEncodeError" not in message
    assert "caf" in message


def test_a_set_in_a_folder_of_foreign_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = str(tmp_path / LATIN), str(tmp_path / f"{LATIN}-set")
    assert main(["data", "fake", "opixray", source]) == 0
    first = next(path for path in Path(source).rglob("*.jpg"))
    shutil.copy(first, first.with_name(os.fsdecode(b"\xff\x1b[31m.jpg")))
    assert main(["data", "verify", "opixray", source]) == 0
    assert main(["data", "import", "opixray", source, "--out", out]) == 0
    told = capsys.readouterr().out
    assert r"\xff\x1b[31m.jpg" in told, "a file that no list names"
    assert "\x1b" not in told
    assert len(read_set(out).records) > 0
