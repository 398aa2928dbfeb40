"""The generated reference holds every command and every public name, those of tomorrow included."""

import re
from pathlib import Path

import pytest
import typer
from scripts.reference import API, api_pages, cli_page

import beltline
from beltline.cli import app as application

CLI_PAGE, PAGES = cli_page(), api_pages()


def walked(words=()):
    """Every command as the parser finds it: (words, command)."""
    command = typer.main.get_command(application.app) if not words else application.load_verb(words[0])
    for name, sub in command.commands.items():
        found = (*words, name)
        leaf = sub if words else application.load_verb(name)
        yield found, leaf
        if not words and hasattr(leaf, "commands"):
            yield from walked(found)


COMMANDS = dict(walked())


def section(words):
    """What the page says of a command, up to the next heading."""
    title = re.escape(" ".join(("beltline", *words)))
    found = re.search(rf"^##+ {title}\n(.*?)(?=^#|\Z)", CLI_PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found, words
    return found[1]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_reference_with_its_options_and_its_example(words):
    text, command = section(words), COMMANDS[words]
    if hasattr(command, "commands"):
        return
    for parameter in command.params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
        assert any(re.search(rf"^\| `[^`]*{re.escape(name)}\b", text, flags=re.MULTILINE) for name in names)
    assert re.search(rf"^```sh\nbeltline {' '.join(words)}\b", text, flags=re.MULTILINE)


def test_defaults_and_ranges_are_told():
    text = section(("screen",))
    assert re.search(r"^\| `--pfa <float>` \| .* \| `0.05` \|$", section(("calibrate",)), flags=re.MULTILINE)
    assert re.search(r"^\| `--out <path>` \| .* \| required \|$", text, flags=re.MULTILINE)
    assert re.search(r"^\| `--format <onnx\\\|safetensors>` \|", section(("export",)), flags=re.MULTILINE)


ROOT = Path(beltline.__file__).parent
FOLDERS = [
    path.parent for path in sorted(ROOT.rglob("__init__.py")) if path.parent not in (ROOT, ROOT / "cli")
]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: ".".join(folder.relative_to(ROOT).parts))
def test_every_public_name_of_a_package_is_in_the_reference(folder):
    name = ".".join(("beltline", *folder.relative_to(ROOT).parts))
    text = (folder / "__init__.py").read_text("utf-8")
    page = PAGES[f"reference/api/{name.removeprefix('beltline.')}.md"]
    assert f"`{name}`" in PAGES[API]
    shown = re.findall(r"^::: (\S+)", page, flags=re.MULTILINE)
    modules = {f"{name}.{module.stem}" for module in folder.glob("[!_]*.py")}
    for listed in re.findall(r"^__all__ = \[(.*?)\]", text, flags=re.MULTILINE | re.DOTALL):
        for public in re.findall(r"\"(\w+)\"", listed):
            paths = {f"{name}.{public}", *(f"{module}.{public}" for module in modules)} - modules
            assert len(paths & set(shown)) == 1, public
    for module in modules:
        assert module in shown or f"from {module} import" in text


def test_a_package_of_tomorrow_appears_by_itself(tmp_path):
    texts = {
        "new/__init__.py": '"""What it is."""\nfrom beltline.new.one import A, one\n__all__ = ["A", "one"]\n',
        "new/one.py": "class A:\n    pass\n\n\ndef one():\n    pass\n",
        "new/two.py": "def work():\n    pass\n",
        "new/_hidden.py": "",
        "new/inner/__init__.py": "def door():\n    pass\n",
        "empty/__init__.py": "",
        "cli/__init__.py": "def verb():\n    pass\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    pages = api_pages(tmp_path)
    assert pages.keys() == {API, "reference/api/new.md", "reference/api/new.inner.md"}
    assert "| [`beltline.new`](api/new.md) | What it is. |" in pages[API]
    shown = re.findall(r"^::: (\S+)", pages["reference/api/new.md"], flags=re.MULTILINE)
    assert shown == ["beltline.new", "beltline.new.A", "beltline.new.one.one", "beltline.new.two"]
    assert "::: beltline.new.inner.door\n" in pages["reference/api/new.inner.md"]
