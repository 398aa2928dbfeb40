"""``beltline train``: a system by a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.systems import SYSTEMS


def train(
    system: Annotated[str, typer.Argument(help=f"What to train: {', '.join(SYSTEMS)}.")],
    data: Annotated[
        Path,
        typer.Option(help="A set, shards, lists or class folders; for fusion pairs of bag and item."),
    ],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    recipe: Annotated[str, typer.Option(help="Recipe by name, or a JSON file; empty for the default.")] = "",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field: key=value; repeatable.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Set to measure on while training.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """Train a system by a recipe, into a run folder.

    Example: beltline train chr --data shards --out run --set max_minutes=60
    """
    import torch

    from beltline.systems import find_system
    from beltline.training.run import Watching, choose_recipe
    from beltline.training.run import train as run

    if threads:
        torch.set_num_threads(threads)
    chosen = find_system(system)
    named = choose_recipe(chosen, recipe, changes or [], out=out, resume=resume)
    result = run(chosen, named, data, out, watching=Watching(validation), resume=resume)
    typer.echo(f"{out}: {result.step} steps in {result.minutes:.1f} min")
