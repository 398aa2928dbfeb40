"""``beltline train``: a model by a recipe."""

from pathlib import Path
from typing import Annotated

import typer

train_app = typer.Typer(help="Train a model by a recipe.", no_args_is_help=True)


@train_app.callback()
def train() -> None:
    """Train a model by a recipe."""


@train_app.command("chr")
def train_chr(
    data: Annotated[Path, typer.Option(help="Folder of shards, of lists, or with class folders.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    recipe: Annotated[str, typer.Option(help="Recipe by name, or a JSON file.")] = "chr_starter",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field: key=value; repeatable.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Set to measure on while training.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.")] = 0,
) -> None:
    """Train the classifier CHR.

    Example: beltline train chr --data shards --out run --set max_minutes=60
    """
    import torch

    from beltline.training.recipes import load_recipe
    from beltline.training.runs import train_chr as run

    if threads:
        torch.set_num_threads(threads)
    chosen = str(out / "recipe.json") if resume and (out / "recipe.json").is_file() else recipe
    result = run(load_recipe(chosen, changes or []), data, out, validation=validation, resume=resume)
    typer.echo(f"{out}: {result.step} steps in {result.minutes:.1f} min")
