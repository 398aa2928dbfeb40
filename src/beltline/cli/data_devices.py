"""``beltline data devices``: electronics cut out of scans and into parts."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import progress_bar, usage


def devices(
    root: Annotated[
        Path, typer.Argument(help="A set with masks of devices, or a folder with benign/ and anomalous/.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the shards; those of the same plan are kept.")
    ],
    families: Annotated[
        str, typer.Option(help="Labels that are devices, comma separated; empty means all known ones.")
    ] = "",
    part_mm: Annotated[float, typer.Option(help="Side of a part, mm.", min=1, max=1000)] = 38.0,
    distance: Annotated[str, typer.Option(help="Of superpixels: paper or usual.")] = "paper",
) -> None:
    """Cut the electronics out of scans and into parts, to train and judge anomaly models on.

    Example: beltline data devices SET --out devices/train
    """
    from beltline.core import ELECTRONICS, canonical
    from beltline.core.device_parts import PartRule
    from beltline.screening.device_sets import DevicePlan, write_device_set

    if distance not in ("paper", "usual"):
        raise typer.BadParameter(f"must be paper or usual, got {distance!r}", param_hint="--distance")
    with usage("--families"):
        names = tuple(canonical(name) for name in families.split(",") if name.strip()) or ELECTRONICS
    rule = PartRule(side_mm=part_mm, distance=distance)  # type: ignore[arg-type]
    with progress_bar("cutting out devices") as on_progress:
        count = write_device_set(root, out, DevicePlan(names, rule), on_progress=on_progress)
    print(f"{out}: {count} devices")


def register(app: typer.Typer) -> None:
    """Add this command to ``beltline data``."""
    app.command()(devices)
