"""``beltline data subset | stats``: lists and figures of a copy of SIXray."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import JsonFlag, Seed, note, print_json, progress_bar


def subset(
    root: Annotated[Path, typer.Argument(help="Folder of a copy of SIXray.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for train.csv, test.csv and card.json.")],
    ratio: Annotated[int, typer.Option(help="10, 100 or 1000 negatives to one positive.")] = 100,
    lists: Annotated[
        str | None, typer.Option(help="Take this published pair, for instance 10, instead of drawing.")
    ] = None,
    seed: Seed = 0,
    test_share: Annotated[float, typer.Option(help="Share of the test list.", min=0.01, max=0.99)] = 0.2,
    listed: Annotated[bool, typer.Option("--listed", help="Also images that are not on disk.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Build SIXray10, 100 or 1000 from whatever is on disk: list files with hashes, the ratio checked.

    Example: beltline data subset SIXRAY --ratio 100 --out sixray100 --seed 0
    """
    from beltline.data.sixray import RATIOS, build_subset, read_index, take_lists, write_subset

    chosen = next((r for r in RATIOS if r == ratio), None)
    if chosen is None:
        raise typer.BadParameter(f"must be 10, 100 or 1000, got {ratio}", param_hint="--ratio")
    index = read_index(root)
    if lists is not None:
        built = take_lists(index, lists, listed=listed)
    else:
        built = build_subset(index, chosen, seed=seed, test_share=test_share, listed=listed)
    card = write_subset(out, index, built)
    if not built.complete:
        note(
            f"{built.negatives:,d} negatives are there, {built.wanted_negatives:,d} wanted:"
            f" {built.name} is 1:{built.achieved:.1f} here"
        )
    if as_json:
        print_json(card)
        return
    drawn = "" if built.seed is None else f", seed {built.seed}"
    print(f"{out}: {built.name}{drawn}, 1 positive to {built.achieved:.1f} negatives")
    columns = [name for name in card["counts"]["train"] if name != "total"]
    print(f"{'':6s}" + "".join(f"{name:>10s}" for name in columns) + "  sha256")
    for side, counts in card["counts"].items():
        digest = card["sha256"][f"{side}.csv"][:12]
        print(f"{side:6s}" + "".join(f"{counts[name]:10,d}" for name in columns) + f"  {digest}")


def stats(
    root: Annotated[Path, typer.Argument(help="Folder of a copy of SIXray.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for stats.json, boxes.csv and stats.png.")],
    as_json: JsonFlag = False,
) -> None:
    """Draw the paper's figures 1 to 3 for a copy: class counts, view angle, aspect ratio, area of boxes.

    Example: beltline data stats SIXRAY --out sixray-stats
    """
    from beltline.data.sixray import read_index, sixray_statistics, write_statistics

    with progress_bar("reading boxes") as on_progress:
        found = sixray_statistics(read_index(root), on_progress=on_progress)
    write_statistics(out, found)
    if as_json:
        print_json(found.to_json())
        return
    counts = ", ".join(f"{name} {count:,d}" for name, count in found.images.items())
    print(f"{out}: stats.json, boxes.csv, stats.png of {len(found.names):,d} boxes; images: {counts}")


def register(app: typer.Typer) -> None:
    """Add these commands to ``beltline data``."""
    for command in (subset, stats):
        app.command()(command)
