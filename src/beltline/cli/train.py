"""``beltline train``: a model by a recipe."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Out: TypeAlias = Annotated[Path, typer.Option(help="Run folder.")]
Changes: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", help="Change a field: key=value; repeatable.")
]
Validation: TypeAlias = Annotated[Path | None, typer.Option(help="Set to measure on while training.")]
Resume: TypeAlias = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]
Threads: TypeAlias = Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)]

train_app = typer.Typer(help="Train a model by a recipe.", no_args_is_help=True)


@train_app.callback()
def train() -> None:
    """Train a model by a recipe."""


@train_app.command("chr")
def train_chr(
    data: Annotated[Path, typer.Option(help="Folder of shards, of lists, or with class folders.")],
    out: Out,
    recipe: Annotated[str, typer.Option(help="Recipe by name, or a JSON file.")] = "chr_starter",
    changes: Changes = None,
    validation: Validation = None,
    resume: Resume = False,
    threads: Threads = 0,
) -> None:
    """Train the classifier CHR.

    Example: beltline train chr --data shards --out run --set max_minutes=60
    """
    import torch

    from beltline.training.lists import holds_lists
    from beltline.training.recipes import load_recipe
    from beltline.training.recipes.uses import require_used, uses_of_classifier
    from beltline.training.runs import train_chr as run

    if threads:
        torch.set_num_threads(threads)
    chosen = load_recipe(_recipe_of(out, recipe, resume), changes or [])
    require_used(chosen, changes or [], uses_of_classifier(lists=holds_lists(data)))
    result = run(chosen, data, out, validation=validation, resume=resume)
    typer.echo(f"{out}: {result.step} steps in {result.minutes:.1f} min")


@train_app.command("fusion")
def train_fusion(
    pairs: Annotated[Path, typer.Option(help="Folder of pairs: data/pairs-training of reproduce rwsc.")],
    out: Out,
    method: Annotated[str | None, typer.Option(help="RWSC, an ablation of it or a rival.")] = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="Published width and length, for a GPU; else a narrow network."),
    ] = False,
    changes: Changes = None,
    resume: Resume = False,
    threads: Threads = 0,
) -> None:
    """Train a network that fuses an item into a bag; the true composite is not used.

    Example: beltline train fusion --pairs OUT/data/pairs-training --out run --method U2Fusion
    """
    import torch

    from beltline.core import BadInputError
    from beltline.simulate.fusion_pairs import open_fusion_pairs
    from beltline.training.fusion import fusion_recipe, narrow_recipe, read_recipe, uses_of_fusion
    from beltline.training.fusion import train_fusion as run
    from beltline.training.recipes import changed
    from beltline.training.recipes.uses import require_used

    if threads:
        torch.set_num_threads(threads)
    try:
        found = open_fusion_pairs(pairs)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    if resume and (out / "recipe.json").is_file():
        begun = read_recipe(out)  # a change is refused by name
        recipe = begun if method in (None, begun.method) else narrow_recipe(method)
    else:
        recipe = (fusion_recipe if published else narrow_recipe)(method or "RWSC")
    chosen = changed(recipe, changes or [])
    require_used(chosen, changes or [], uses_of_fusion())
    result = run(chosen, found, out, resume=resume)
    typer.echo(f"{out}: {result.step} steps in {result.minutes:.1f} min")


@train_app.command("detector")
def train_detector(
    data: Annotated[Path, typer.Option(help="A set, in our layout or COCO's, or a folder of shards.")],
    out: Out,
    recipe: Annotated[str, typer.Option(help="Recipe by name, or a JSON file.")] = "detector_starter",
    changes: Changes = None,
    validation: Validation = None,
    resume: Resume = False,
    threads: Threads = 0,
) -> None:
    """Train a detector on boxes.

    Example: beltline train detector --data set --out run --set steps=1000
    """
    import torch

    from beltline.training.detection_run import load_detector_recipe
    from beltline.training.detection_run import train_detector as run
    from beltline.training.recipes.uses import require_used, uses_of_detector

    if threads:
        torch.set_num_threads(threads)
    chosen = load_detector_recipe(_recipe_of(out, recipe, resume), changes or [])
    require_used(chosen, changes or [], uses_of_detector())
    result = run(chosen, data, out, validation=validation, resume=resume)
    typer.echo(f"{out}: {result.step} steps in {result.minutes:.1f} min")


def _recipe_of(out: Path, recipe: str, resume: bool) -> str:
    """A run that goes on has its own."""
    own = out / "recipe.json"
    return str(own) if resume and own.is_file() else recipe
