"""``beltline models``: which models are at hand, what they say about themselves, whether they are intact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from beltline.cli.context import JsonFlag, note, print_json

models_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="List, show, verify and import models."
)


@models_app.command("list")
def list_models(as_json: JsonFlag = False) -> None:
    """List the models that load by name.

    Example: beltline models list
    """
    from beltline.screening import list_starts, list_weights

    entries: list[Any] = [*list_weights(), *list_starts()]
    if as_json:
        print_json({"models": [_entry(entry) for entry in entries]})
        return
    if not entries:
        note("no models here; import one: beltline models import FILE")
    for entry in entries:
        star = "*" if getattr(entry, "default", False) else " "
        print(f"{star} {entry.name:24} {entry.origin:9} {entry.sha256[:12]}  {entry.path}")


@models_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name or ONNX file; empty means the default.")] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Read a file that no manifest lists.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a model's card: task, classes, operating points, training, limits, figures.

    Bare weights, which nothing screens with, have no card; their classes and network are shown.

    Example: beltline models show --json
    """
    from beltline.screening import find_weights, list_starts, open_model

    bare = next((entry for entry in list_starts() if entry.name == name), None)
    if bare is not None:
        _show_bare(bare, as_json)
        return
    model = open_model(find_weights(name or None, trust=trust))
    card = model.card
    facts = {
        "name": card.name,
        "task": card.task,
        "sha256": model.sha256,
        "classes": list(card.classes),
        "long_side": card.long_side,
        "operating_points": {f"{pfa:g}": values.tolist() for pfa, values in sorted(card.thresholds.items())},
        "calibration": {"scale": card.scale.tolist(), "bias": card.bias.tolist()},
        "box_threshold": card.box_threshold,
        "card": dict(card.details),
    }
    if as_json:
        print_json(facts)
        return
    print(f"{card.name}  {model.sha256}\nclasses ({len(card.classes)}): {', '.join(card.classes)}")
    points = ", ".join(f"{pfa:g}" for pfa in sorted(card.thresholds))
    what = f"operating points (PFA): {points}" if points else f"task: {card.task}"
    print(f"{what} · longer side {card.long_side} px")
    for key, value in card.details.items():
        print("\n".join(_detail_lines(str(key).replace("_", " "), value)))


def _show_bare(entry: Any, as_json: bool) -> None:
    from beltline.screening.bare_weights import bare_facts

    facts = {"name": entry.name, "sha256": entry.sha256, **bare_facts(entry.path)}
    if as_json:
        print_json(facts)
        return
    print(f"{entry.name}  {entry.sha256}\nclasses ({len(facts['classes'])}): {', '.join(facts['classes'])}")
    print("bare weights: they paint, or a training starts from them; nothing screens with them")
    for key, value in facts["network"].items():
        print("\n".join(_detail_lines(str(key).replace("_", " "), value)))


@models_app.command("verify")
def verify_models(
    name: Annotated[str, typer.Argument(help="One model; empty means all.")] = "", as_json: JsonFlag = False
) -> None:
    """Check the SHA-256 of models against their manifest and load each once; exits with 4 if one differs.

    Example: beltline models verify
    """
    from beltline.core import BeltlineError, UntrustedWeightsError
    from beltline.screening import WeightsEntry, find_start, list_starts, list_weights, open_model, verify

    known: list[Any] = [*list_weights(), *list_starts()]
    entries = [entry for entry in known if name in ("", entry.name)]
    if name and not entries:
        raise UntrustedWeightsError(f"no model named {name!r}; see beltline models list")
    results: list[dict[str, Any]] = []
    for entry in entries:
        try:
            if isinstance(entry, WeightsEntry):  # the others are for what paints, which needs an extra
                open_model(verify(entry)).warm_up()
            find_start(entry.name)
            results.append({**_entry(entry), "ok": True, "reason": ""})
        except (BeltlineError, RuntimeError) as error:
            results.append({**_entry(entry), "ok": False, "reason": str(error)})
    if as_json:
        print_json({"models": results})
    else:
        for result in results:
            print(f"{'ok  ' if result['ok'] else 'BAD '} {result['name']}  {result['reason']}".rstrip())
    bad = [result for result in results if not result["ok"]]
    if bad:
        raise UntrustedWeightsError(f"{len(bad)} of {len(results)} models failed; do not use them")


@models_app.command("import")
def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            help="ONNX file of a Beltline model, exported .safetensors, official SAM checkpoint, or folder of"
            " a GLIGEN."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name to list it under; the file's stem if empty.")] = "",
    sha256: Annotated[str, typer.Option(help="The sum its maker published; checked.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Copy a model into your own folder and trust its SHA-256 from now on.

    Further graphs of a model lie beside it, named by it: click.decoder.onnx beside click.onnx. An official
    checkpoint of SAM (.pth, ViT-B or ViT-L) is checked tensor by tensor and kept for training: --sam NAME.
    What `export --format safetensors` wrote, a painter for instance, is listed by its name.
    A GLIGEN for text-box inpainting is a folder in the layout of diffusers; its pickles become safetensors.

    Example: beltline models import my-model.onnx --name mine
    """
    if file.is_dir():
        _import_gligen(file, name, sha256, as_json)
        return
    if file.suffix == ".safetensors" and _is_ours(file):
        _import_bare(file, name, sha256, as_json)
        return
    if file.suffix in (".pth", ".pt", ".safetensors"):
        _import_sam(file, name, sha256, as_json)
        return
    from beltline.screening import find_weights, import_weights, open_model
    from beltline.screening.session import warmed

    model = open_model(find_weights(file, trust=True))  # one of ours
    warmed(model)  # and it runs here
    graphs = model.graphs
    entry = import_weights(file, name=name or None, sha256=sha256 or None, graphs=tuple(graphs))
    if as_json:
        print_json(_entry(entry))
        return
    print(f"{entry.name}  {entry.sha256}  {entry.path}")


def _is_ours(file: Path) -> bool:
    from beltline.core import BadInputError
    from beltline.screening.bare_weights import bare_facts

    try:
        return bool(bare_facts(file))
    except BadInputError:
        return False


def _import_bare(file: Path, name: str, sha256: str, as_json: bool) -> None:
    from beltline.screening.bare_weights import import_bare

    entry = import_bare(file, name=name or None, sha256=sha256 or None)
    if as_json:
        print_json(_entry(entry))
        return
    print(f"{entry.name}  {entry.sha256}  {entry.path}")


def _import_sam(file: Path, name: str, sha256: str, as_json: bool) -> None:
    from beltline.training.sam_weights import import_sam  # torch, an extra

    found = import_sam(file, name=name or None, sha256=sha256 or None)
    if as_json:
        facts = {key: getattr(found, key) for key in ("name", "size", "sha256")}
        print_json({**facts, "origin": "imported", "path": str(found.path)})
        return
    print(f"{found.name}  SAM {found.size}  {found.sha256}  {found.path}")


def _import_gligen(folder: Path, name: str, sha256: str, as_json: bool) -> None:
    if sha256:
        raise typer.BadParameter("is for one file; a folder has several", param_hint="--sha256")
    from beltline.training.gligen_weights import import_gligen  # torch and diffusers, extras

    found = import_gligen(folder, name=name or None)
    if as_json:
        facts = {"name": found.name, "sha256": found.sha256, "origin": "imported", "path": str(found.path)}
        print_json(facts)
        return
    print(f"{found.name}  GLIGEN  {found.sha256}  {found.path}")


def _entry(entry: Any) -> dict[str, Any]:
    facts = {key: getattr(entry, key, False) for key in ("name", "sha256", "origin", "default")}
    return {**facts, "path": str(entry.path)}


def _detail_lines(title: str, value: Any, indent: str = "") -> Iterator[str]:
    """A value of a card, however nested, as indented lines; lists of plain values stay on one line."""
    if isinstance(value, dict) and value:
        yield f"{indent}{title}:"
        for key, inner in value.items():
            yield from _detail_lines(str(key).replace("_", " "), inner, f"{indent}  ")
    elif isinstance(value, (list, tuple)) and any(_long(item) for item in value):
        yield f"{indent}{title}:"
        for item in value:
            yield from _item_lines(item, f"{indent}  ")
    else:
        yield f"{indent}{title}: {_plain(value)}"


def _item_lines(item: Any, indent: str) -> Iterator[str]:
    """One item of a list behind a dash; what it holds stands below its first line."""
    lines = list(_detail_lines("", item))
    held = [line.removeprefix("  ") for line in lines[1:]] or [lines[0].removeprefix(": ")]
    yield f"{indent}- {held[0]}"
    yield from (f"{indent}  {line}" for line in held[1:])


def _long(item: Any) -> bool:
    return isinstance(item, (dict, list, tuple)) or (isinstance(item, str) and " " in item)


def _plain(value: Any) -> str:
    """A value as a person writes it, not as Python does."""
    if isinstance(value, (list, tuple, dict)):
        return ", ".join(_plain(item) for item in value) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
