"""``beltline models``: which models are at hand, what they say about themselves, whether they are intact."""

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
    from beltline.screening import list_weights

    entries = list_weights()
    if as_json:
        print_json({"models": [_entry(entry) for entry in entries]})
        return
    if not entries:
        note("no models here; import one: beltline models import FILE")
    for entry in entries:
        star = "*" if entry.default else " "
        print(f"{star} {entry.name:24} {entry.origin:9} {entry.sha256[:12]}  {entry.path}")


@models_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name or ONNX file; empty means the default.")] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Read a file that no manifest lists.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a model's card: classes, operating points, training, limits, figures.

    Example: beltline models show --json
    """
    from beltline.screening import load_model

    model = load_model(name or None, trust=trust, warm=False)
    card = model.card
    facts = {
        "name": card.name,
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
    points = ", ".join(f"{pfa:g}" for pfa in sorted(card.thresholds))
    print(f"{card.name}  {model.sha256}\nclasses ({len(card.classes)}): {', '.join(card.classes)}")
    print(f"operating points (PFA): {points} · longer side {card.long_side} px")
    for key, value in card.details.items():
        _print_detail(str(key), value)


@models_app.command("verify")
def verify_models(
    name: Annotated[str, typer.Argument(help="One model; empty means all.")] = "", as_json: JsonFlag = False
) -> None:
    """Check the SHA-256 of models against their manifest and load each once; exits with 4 if one differs.

    Example: beltline models verify
    """
    from beltline.core import BeltlineError, UntrustedWeightsError
    from beltline.screening import find_start, list_weights, open_model, verify

    entries = [entry for entry in list_weights() if name in ("", entry.name)]
    if name and not entries:
        raise UntrustedWeightsError(f"no model named {name!r}; see beltline models list")
    results: list[dict[str, Any]] = []
    for entry in entries:
        try:
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
    file: Annotated[Path, typer.Argument(help="ONNX file of a Beltline screening model.")],
    name: Annotated[str, typer.Option(help="Name to list it under; the file's stem if empty.")] = "",
    sha256: Annotated[str, typer.Option(help="The sum its maker published; checked.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Copy a model into your own folder and trust its SHA-256 from now on.

    Example: beltline models import my-model.onnx --name mine
    """
    from beltline.screening import import_weights, load_model

    load_model(file, trust=True)  # one of ours, and it runs here
    entry = import_weights(file, name=name or None, sha256=sha256 or None)
    if as_json:
        print_json(_entry(entry))
        return
    print(f"{entry.name}  {entry.sha256}  {entry.path}")


def _entry(entry: Any) -> dict[str, Any]:
    return {
        "name": entry.name,
        "sha256": entry.sha256,
        "origin": entry.origin,
        "default": entry.default,
        "path": str(entry.path),
    }


def _print_detail(key: str, value: Any) -> None:
    title = key.replace("_", " ")
    if isinstance(value, dict):
        print(f"{title}:")
        for inner, content in value.items():
            print(f"  {inner}: {content}")
    elif isinstance(value, list):
        print(f"{title}:")
        for line in value:
            print(f"  - {line}")
    else:
        print(f"{title}: {value}")
