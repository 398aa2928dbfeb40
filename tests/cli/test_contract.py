"""The command contract: names, exit codes, one line per error, examples that parse, no torch at the door."""

import json
import os
import shlex
import subprocess
import sys

import pytest
import typer

from beltline import __version__
from beltline.cli import app as application
from beltline.cli.app import VERBS, load_verb, main
from beltline.core import (
    BadInputError,
    BeltlineError,
    MissingExtraError,
    PartialFailureError,
    QualityGateError,
    UntrustedWeightsError,
)


def leaves():
    """Every command that does something: (words, command)."""
    for name in VERBS:
        command = load_verb(name)
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            yield (name,), command
        else:
            yield from (((name, sub), leaf) for sub, leaf in subcommands.items())


LEAVES = dict(leaves())


def help_of(words, capsys):
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


def examples(text):
    """The example commands of a help text; one may be wrapped over lines."""
    parts = text.split("Example:")[1:]
    return [" ".join(part.split("\n\n")[0].split()) for part in parts]


def parse(words):
    """Parse a command line down to its last option without running it."""
    assert words[0] == "beltline"
    group = typer.main.get_command(application.app)
    with group.make_context("beltline", list(words[1:])) as context:
        rest = [*context._protected_args, *context.args]
        assert rest, "a verb is needed"
        command, rest = load_verb(rest[0]), rest[1:]
        if hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        with command.make_context(rest[0] if rest else "verb", rest) as inner:
            return inner.params


def test_the_overview_names_every_verb(capsys):
    overview = help_of((), capsys)
    for name, verb in VERBS.items():
        assert f"  {name} " in overview
        assert verb.help in overview


def test_names_of_the_contract_are_there():
    assert {"demo", "screen", "simulate", "data", "train", "evaluate", "export", "models", "checks"} <= set(
        VERBS
    )
    assert {"list", "show", "verify"} <= set(load_verb("models").commands)
    assert "realism" in load_verb("data").commands


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_has_one_example_and_it_parses(words, capsys):
    found = examples(help_of(words, capsys))
    assert len(found) == 1, f"beltline {' '.join(words)} --help needs exactly one 'Example: beltline ...'"
    example = shlex.split(found[0])
    assert tuple(example[1 : 1 + len(words)]) == words
    parse(example)


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_option_has_a_help_line(words):
    bare = [
        parameter.name
        for parameter in LEAVES[words].params
        if parameter.param_type_name == "option" and not parameter.help
    ]
    assert bare == []


ERRORS = [
    (BadInputError("bag.png: truncated"), 3, "bag.png: truncated"),
    (UntrustedWeightsError("x.onnx: checksum differs"), 4, "checksum"),
    (MissingExtraError("needs [train]"), 5, r"[train]"),
    (PartialFailureError("1 of 2 failed"), 6, "1 of 2"),
    (QualityGateError("AUC 0.5"), 7, "AUC"),
    (BeltlineError("something"), 1, "something"),
    (KeyboardInterrupt(), 130, "interrupted"),
    (ZeroDivisionError("division by zero"), 1, "ZeroDivisionError: division by zero"),
    (PermissionError(13, "Permission denied", "/root/x"), 3, "/root/x: permission denied"),
    (ModuleNotFoundError("No module named 'torch'", name="torch"), 5, "beltline[train]"),
    (typer.BadParameter("no such style"), 2, "no such style"),
    (typer.Exit(6), 6, ""),
]


@pytest.mark.parametrize(("error", "code", "words"), ERRORS, ids=[type(row[0]).__name__ for row in ERRORS])
def test_errors_become_one_line_and_a_code(error, code, words, monkeypatch, capsys):
    def verb() -> None:
        raise error

    monkeypatch.setattr("beltline.cli.checks.checks", verb)
    assert main(["checks"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err
    if code not in (2, 6) or words:
        lines = [line for line in err.splitlines() if line]
        assert len(lines) == 1 or code == 2


@pytest.mark.parametrize("args", [["chekcs"], ["checks", "--colour"], ["--frobnicate"], ["screen"]])
def test_wrong_usage_is_2(args, capsys):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_no_verb_shows_the_overview(capsys):
    assert main([]) == 2
    assert "Commands:" in "".join(capsys.readouterr())


def test_a_typing_error_is_understood(capsys):
    main(["simlate"])
    assert "simulate" in capsys.readouterr().err


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"beltline {__version__}\n"


def test_a_verb_that_needs_a_missing_package_says_which(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # import torch now raises ModuleNotFoundError

    def verb() -> None:
        import torch  # noqa: F401

    monkeypatch.setattr("beltline.cli.checks.checks", verb)
    assert main(["checks"]) == 5
    assert "pip install 'beltline[train]'" in capsys.readouterr().err


def test_a_verb_module_that_needs_a_missing_package_says_which(monkeypatch, capsys, tmp_path):
    (tmp_path / "heavy_verb.py").write_text("import torch\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "torch", None)
    stub = application.Verb("heavy_verb:run", "Heavy.")
    monkeypatch.setattr(application, "VERBS", {**VERBS, "checks": stub})
    assert main(["checks"]) == 5
    assert "beltline checks needs torch" in capsys.readouterr().err


def test_a_defect_in_a_verb_is_not_called_a_missing_extra(monkeypatch, capsys, tmp_path):
    (tmp_path / "broken_verb.py").write_text("import beltline.no_such_room\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stub = application.Verb("broken_verb:run", "Broken.")
    monkeypatch.setattr(application, "VERBS", {**VERBS, "checks": stub})
    assert main(["checks"]) == 1
    assert "no_such_room" in capsys.readouterr().err


def test_checks_pass_here(capsys, tmp_path):
    code = main(["checks", "--json", "--folder", str(tmp_path)])
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert code == 0, err
    assert {check["name"] for check in answer["checks"]} == {
        "packages", "providers", "write", "files", "physics", "model",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_checks_name_a_folder_that_takes_no_files(capsys, tmp_path):
    assert main(["checks", "--folder", str(tmp_path / "gone")]) == 5
    assert "no such folder" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet(tmp_path):
    command = f"{sys.executable} -m beltline --help | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_the_program_returns_the_code():
    env = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "beltline", "nonsense"], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
