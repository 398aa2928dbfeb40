"""Promises about the package as a whole: light, layered, small, and its README true."""

import ast
import importlib.metadata
import re
import resource
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import beltline

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src" / "beltline").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"torch", "torchvision", "timm", "lightning_fabric"}


def cpu_seconds(*arguments):
    """Least processor time of five runs of Python: unlike the wall clock it does not mind a busy machine."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(times)


def test_import_takes_under_300_ms():
    assert cpu_seconds("-c", "import beltline") < 0.3


def test_help_takes_under_600_ms():
    assert cpu_seconds("-m", "beltline", "--help") < 0.6


@pytest.mark.parametrize(
    "statement",
    [
        "import beltline",
        "from beltline.cli.app import main; main(['--help'])",
        "import beltline.core, beltline.formats, beltline.physics, beltline.metrics",
        "import beltline.simulate, beltline.screening",
        "import beltline.rounds, beltline.rounds.store",
    ],
)
def test_no_torch_at_the_door(statement):
    check = f"import sys; {statement}; print(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_one():
    assert importlib.metadata.version("beltline") == beltline.__version__


def closure(names):
    """Every installed distribution that these requirements bring."""
    found, waiting = {}, [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if name not in found:
            found[name] = importlib.metadata.distribution(name)
            waiting += [Requirement(text) for text in found[name].requires or []]
    return found


def test_core_is_at_most_35_packages_without_torch():
    packages = closure(PROJECT["dependencies"])
    assert len(packages) + 1 <= 35, sorted(packages)
    assert not {canonicalize_name(name) for name in HEAVY} & set(packages)


def test_core_is_at_most_650_mb():
    total = 0
    for distribution in closure(PROJECT["dependencies"]).values():
        for path in distribution.files or []:
            located = Path(distribution.locate_file(path))
            total += located.stat().st_size if located.is_file() else 0
    assert total / 1e6 < 650


def test_constraints_pin_what_is_declared():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    declared = [*PROJECT["dependencies"]]
    for extra in ("train", "service", "docs", "dev"):
        declared += PROJECT["optional-dependencies"][extra]
    names = {canonicalize_name(Requirement(text).name) for text in declared} - {"beltline"}
    assert names <= pins


def test_imports_point_down():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_every_package_imported_is_declared():
    names = {
        "cv2": "opencv-python-headless",
        "PIL": "pillow",
        "lightning_fabric": "lightning-fabric",
        "faster_coco_eval": "faster-coco-eval",
    }
    declared = {
        Requirement(text).name
        for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
        for text in group
    }
    declared |= {"beltline", "llvmlite", "markupsafe"}  # of numba and of Jinja
    used = {package for path in SOURCES for package in imported_packages(path)} - sys.stdlib_module_names
    assert {names.get(package, package) for package in used} <= declared


def test_no_module_is_a_rag_bag():
    assert not [path for path in SOURCES if path.stem in {"utils", "helpers", "common", "misc"}]


def test_no_file_is_longer_than_400_lines():
    longer = {path.name: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    models = {path.name for path in SOURCES if path.parent.name == "models"}  # one paper, one file
    assert not {name: lines for name, lines in longer.items() if lines > 400 and name not in models}


def shell_lines(text):
    """Every command line of the fenced shell blocks, without comments."""
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            for command in line.split("#")[0].split("&&"):
                if command.strip():
                    yield command.strip().removeprefix("$ ")


README = (ROOT / "README.md").read_text("utf-8")


def test_readme_starts_with_the_two_commands():
    commands = list(shell_lines(README))
    assert commands[:2] == ["pip install .", "beltline demo"]


@pytest.mark.parametrize("command", [line for line in shell_lines(README) if line.startswith("beltline ")])
def test_readme_commands_parse(command):
    import typer

    from beltline.cli import app as application

    words = shlex.split(command)
    group = typer.main.get_command(application.app)
    with group.make_context("beltline", words[1:]) as context:
        rest = [*context._protected_args, *context.args]
        verb, rest = application.load_verb(rest[0]), rest[1:]
        if hasattr(verb, "commands"):
            verb, rest = verb.commands[rest[0]], rest[1:]
        verb.make_context(verb.name, rest)


def test_ci_installs_by_the_readme_and_runs_its_checks():
    script = (ROOT / ".ci" / "run").read_text()
    install = next(line for line in shell_lines(README) if "-e" in line)
    assert install.replace("pip install ", "pip install -q ") in script
    assert "make check" in script.splitlines()
    assert "make check" in list(shell_lines(README))


def test_readme_is_one_page_and_its_pictures_exist():
    assert len(README.splitlines()) <= 120
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
    for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_names_a_machine():
    """No absolute home or work path of whoever wrote it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    texts = {".py", ".md", ".toml", ".txt", ".json", ".csv", ".html", ".cfg", ".yml", ""}
    pattern = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/[a-z]")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in texts and path.is_file() and path.stat().st_size < 2_000_000:
            for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
                if pattern.search(line) and path != Path(__file__) and "test_contract" not in name:
                    found.append(f"{name}:{number}")
    assert found == []


def test_shipped_weights_name_no_machine():
    files = list((Path(__file__).parents[1] / "src" / "beltline" / "weights").glob("*.onnx"))
    assert files
    for path in files:
        data = path.read_bytes()
        assert b"site-packages" not in data
        assert b"stack_trace" not in data
