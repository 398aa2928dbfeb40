"""The reference pages of the documentation, generated from the code while MkDocs builds it (`make docs`).

The commands come from the command line itself, the API from the packages under ``src/beltline``, whose text
is read and not imported. A new verb, option, package or name appears by itself.
"""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.cli.app import VERBS, app, load_verb

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "beltline"
CLI = "reference/cli.md"
API = "reference/api.md"
COMMAND_FILES = "cli"  # the one package whose functions are commands; they stand in the reference of commands
BARE = "    options: {members: false, show_root_heading: false, show_root_toc_entry: false}"
ROOT_PAGES = {"CONTRIBUTING": "contributing.md", "CHANGELOG": "changelog.md"}


@dataclass(frozen=True)
class Command:
    """A command or a group of commands.

    Attributes:
        words: As typed, without ``beltline``.
        definition: What the parser made of it.
    """

    words: tuple[str, ...]
    definition: Any

    @property
    def line(self) -> str:
        """As typed."""
        return " ".join(("beltline", *self.words))


def commands() -> Iterator[Command]:
    """Every verb in the order of the overview, each followed by its own commands."""
    for name in VERBS:
        verb = load_verb(name)
        yield Command((name,), verb)
        for sub, leaf in getattr(verb, "commands", {}).items():
            yield Command((name, sub), leaf)


def cli_page() -> str:
    """The reference of the command line, in Markdown."""
    overview = [
        f"| [`beltline {name}`](#beltline-{name}) | {_cell(verb.help)} |" for name, verb in VERBS.items()
    ]
    lines = [
        "# Command line",
        _text(app.registered_callback.callback.__doc__ or ""),
        "\n".join(["| verb | what it does |", "|---|---|", *overview]),
    ]
    for command in commands():
        lines += _command(command)
    return "\n\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    definition = command.definition
    context = definition.context_class(definition, info_name=command.line)
    title = f"{'#' * (1 + len(command.words))} {command.line}"
    text, _, example = (definition.help or "").partition("Example:")
    parts = [title, _text(text)]
    if example:
        parts.append(f"```sh\n{' '.join(example.split())}\n```")
    if hasattr(definition, "commands"):
        return parts
    usage = " ".join(definition.get_usage(context).split())
    records = [parameter.get_help_record(context) for parameter in definition.params]
    rows = [_option(*record) for record in records if record]
    return [*parts, f"`{usage}`", "\n".join(["| | meaning | default, range |", "|---|---|---|", *rows])]


def _option(names: str, text: str) -> str:
    meaning, _, extras = text.partition("  [")
    told = [part.removeprefix("default: ") for part in extras.rstrip("]").split("; ") if part]
    shown = ", ".join("required" if part == "required" else f"`{_pipes(part)}`" for part in told)
    return f"| `{_pipes(names)}` | {_cell(meaning)} | {shown} |"


def _text(text: str) -> str:
    paragraphs = (" ".join(part.split()) for part in text.strip().split("\n\n"))
    return "\n\n".join(re.sub(r"([<*_\[])", r"\\\1", part) for part in paragraphs)


def _cell(text: str) -> str:
    return _pipes(_text(text))


def _pipes(text: str) -> str:
    return text.replace("|", r"\|")


@dataclass(frozen=True)
class Package:
    """A package as its text shows it.

    Attributes:
        name: With dots, ``beltline.core``.
        summary: First line of its docstring.
        objects: Paths of what it offers: ``__all__``, or the functions and classes of its ``__init__``.
        modules: Paths of the modules of which it offers nothing itself, so that one imports from them.
    """

    name: str
    summary: str
    objects: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def page(self) -> str:
        """Path of its page."""
        return f"reference/api/{self.name.removeprefix('beltline.')}.md"


def packages(source: Path = SOURCE) -> list[Package]:
    """Every package below ``beltline`` with public code, in the order of their names."""
    folders = sorted(path.parent for path in source.rglob("__init__.py") if path.parent != source)
    parts = [folder.relative_to(source).parts for folder in folders]
    found = (_package(source, part) for part in parts if part[0] != COMMAND_FILES)
    return [package for package in found if package.objects or package.modules]


def _package(source: Path, parts: tuple[str, ...]) -> Package:
    name, folder = ".".join(("beltline", *parts)), source.joinpath(*parts)
    tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
    summary = (ast.get_docstring(tree) or name).splitlines()[0]
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    home = {alias.name: node.module or "" for node in imports for alias in node.names}
    offered = _offered(tree)
    modules = [f"{name}.{path.stem}" for path in sorted(folder.glob("[!_]*.py"))]
    # where a function is called as a module is (`prepare`), the short path leads to the module
    clash = {one for one in offered if f"{name}.{one}" in modules}
    objects = [f"{home[one] if one in clash else name}.{one}" for one in offered]
    taken = {home.get(one) for one in offered}
    return Package(name, summary, tuple(objects), tuple(one for one in modules if one not in taken))


def _offered(tree: ast.Module) -> tuple[str, ...]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return tuple(ast.literal_eval(node.value))
    defined = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return tuple(name for name in defined if not name.startswith("_"))


def api_pages(source: Path = SOURCE) -> dict[str, str]:
    """Path and Markdown of every page of the API reference; MkDocs fills in what stands behind ``:::``."""
    found = packages(source)
    rows = [f"| [`{one.name}`](api/{Path(one.page).name}) | {_cell(one.summary)} |" for one in found]
    table = "\n".join(["| package | holds |", "|---|---|", *rows])
    overview = f"# Python API\n\nA page a package, from the code and its docstrings.\n\n{table}\n"
    return {API: overview, **{one.page: _api_page(one) for one in found}}


def _api_page(package: Package) -> str:
    parts = [f"# {package.name}", f"::: {package.name}\n{BARE}"]
    parts += [f"::: {path}" for path in package.objects]
    for module in package.modules:
        parts.append(f"::: {module}\n    options: {{show_root_full_path: true}}")
    return "\n\n".join(parts) + "\n"


def on_files(files: Any, config: Any) -> Any:
    """MkDocs' hook: add the generated pages, and give the patterns of the navigation their files."""
    from mkdocs.structure.files import File

    pages = {CLI: cli_page(), **api_pages()}
    for stem, page in ROOT_PAGES.items():
        pages[page] = (ROOT / f"{stem}.md").read_text("utf-8").replace("](docs/", "](")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    config.nav = _expanded(config.nav, [file.src_uri for file in files.documentation_pages()])
    return files


def _expanded(nav: Any, paths: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(entry, paths) for title, entry in nav.items()}
    if isinstance(nav, str):
        return nav
    expanded: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and "*" in entry:
            expanded += [_titled(path, entry) for path in _matched(entry, paths) if path not in nav]
        else:
            expanded.append(_expanded(entry, paths))
    return expanded


def _matched(pattern: str, paths: list[str]) -> list[str]:
    return sorted(fnmatch.filter(paths, pattern), key=lambda path: path.removesuffix(".md"))


def _titled(path: str, pattern: str) -> Any:
    # files of one name (reports/*/report.md) are told apart by their folders, all others by their titles
    folder = Path(path).parent.name.replace("_", " ")
    return {folder: path} if Path(path).name == Path(pattern).name else path


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs' hook: links to pages of the root lead to their copies, and the index names the reference."""
    above = "../" * page.file.src_uri.count("/")
    for stem, target in {**ROOT_PAGES, "README": "index.md"}.items():
        markdown = markdown.replace(f"]({above}../{stem}.md", f"]({above}{target}")
    if page.file.src_uri == "index.md":
        markdown += f"\n## Reference\n\n- [Command line]({CLI})\n- [Python API]({API})\n"
    return markdown
