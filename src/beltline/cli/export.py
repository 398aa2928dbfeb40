"""``beltline export``: a trained run as an ONNX file with its card."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path | None, typer.Option(help="File to write; default RUN/model.FORMAT.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "starter",
    format: Annotated[
        Literal["onnx", "safetensors"],
        typer.Option(help="onnx to screen with, safetensors to start from or to paint with."),
    ] = "onnx",
    note: Annotated[str, typer.Option(help="What users must know first; stands in the card's limits.")] = "",
    half: Annotated[bool, typer.Option("--half", help="Store weights as float16.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Turn a trained run into an ONNX model, checked against torch, or into bare weights.

    Example: beltline export run --out starter.onnx --half
    """
    from beltline.systems import system_of
    from beltline.training import run as engine

    if note and format == "safetensors":
        raise typer.BadParameter(
            "stands in the card of an ONNX file; bare weights have none", param_hint="--note"
        )
    path = out or run / f"model.{format}"
    if format == "safetensors":
        found = engine.export_weights(system_of(run), run, path, half_weights=half)
    else:
        found = engine.export(system_of(run), run, path, name=name, half_weights=half, note=note)
    if as_json:
        typer.echo(json.dumps({"path": str(path), "format": format, **found}))
    else:
        typer.echo(f"{path}: " + ", ".join(f"{key} {value:.3g}" for key, value in found.items()))
