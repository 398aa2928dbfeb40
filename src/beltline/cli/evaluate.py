"""``beltline evaluate``: what a trained run is worth on a set."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import JsonFlag, print_json


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    data: Annotated[Path, typer.Option(help="Test set, of a kind that the run could be trained on.")],
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Choose probabilities and thresholds on this set instead.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Number of scans; 0 for all.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Measure a trained run on a test set; after --calibrate on a validation set also at thresholds.

    Example: beltline evaluate run --data test-shards --json
    """
    from beltline.systems import system_of
    from beltline.training import run as engine
    from beltline.training.journal import without_nan

    system = system_of(run)
    found = (engine.calibrate if calibrate else engine.evaluate)(system, run, data, limit=limit or None)
    if as_json:
        print_json(without_nan(found))
    elif calibrate:
        typer.echo(f"{run}: calibrated on {found['scans']} scans")
    else:
        typer.echo("\n".join(system.table(found)))
