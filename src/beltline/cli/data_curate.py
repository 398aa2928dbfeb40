"""``beltline data curate``: of a heap of pictures, those that make a good set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli.context import JsonFlag, print_json, progress_bar, say, usage

if TYPE_CHECKING:
    from beltline.core import PartialFailureError
    from beltline.data.curate import CurationRule


def curate(
    folder: Annotated[Path, typer.Argument(help="A set, or a folder of pictures.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the set of what is kept.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, only tell.")] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Another set whose pictures must not be in this one; may be repeated."),
    ] = None,
    only: Annotated[
        str,
        typer.Option(help="Filters, comma separated: unjudged, resolution, aspect, sharpness, duplicate."),
    ] = "",
    min_side: Annotated[int, typer.Option(help="Fewest pixels on the shorter side.", min=1)] = 200,
    max_aspect: Annotated[float, typer.Option(help="Longer side over shorter, at most.", min=1)] = 4.0,
    blurred_percent: Annotated[
        float, typer.Option(help="Share given up as least sharp, %.", min=0, max=50)
    ] = 5.0,
    min_sharpness: Annotated[
        float, typer.Option(help="Least variance of the Laplacian; 0 asks for none.", min=0)
    ] = 0.0,
    code_bits: Annotated[
        int, typer.Option(help="Bits in which codes of duplicates may differ.", min=0, max=15)
    ] = 10,
    min_likeness: Annotated[
        float, typer.Option(help="Correlation from which two pictures are one.", min=0, max=1)
    ] = 0.7,
    copy: Annotated[bool, typer.Option("--copy", help="Copy images instead of hard links.")] = False,
    processes: Annotated[int, typer.Option(help="That measure at the same time.", min=1, max=64)] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps measures for runs with other thresholds.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Leave out what is small, narrow, blurred, unreadable or there twice; write the rest as a set.

    A report shows what was left out and why, curation.csv and curation.json list it. Duplicates are found
    mirrored, turned, cropped, scaled and in other colours, in this folder and in others.

    Example: beltline data curate SET --out curated --against TEST
    """
    from beltline.data.curate import curate as look
    from beltline.data.curate.kept_set import PAGE, write_curated
    from beltline.screening.judgeable import why_not_judged

    if (out is None) is not dry_run:
        raise typer.BadParameter("give --out DIR or --dry-run, one of them", param_hint="--out")
    rule = _rule(only, min_side, max_aspect, blurred_percent, min_sharpness, code_bits, min_likeness)
    options: dict[str, Any] = {
        "against": against or (), "judge": why_not_judged, "processes": processes, "cache": cache,
    }  # fmt: skip
    card: dict[str, Any] = {}
    with progress_bar("curating") as bar:
        if out is None:
            curation = look(folder, rule, on_progress=bar, **options)
        else:
            options |= {"copy": copy, "on_written": bar}
            curation, card = write_curated(folder, out, rule, on_progress=bar, **options)
    if as_json:
        print_json(curation.to_json())
    else:
        say("\n".join(curation.lines()))
    if out is not None and not as_json:
        say(f"{out}: a set of {len(curation.kept):,d}; {out / PAGE} shows what was left out")
    if skipped := card.get("skipped"):
        first, reason = next(iter(skipped.items()))
        raise PartialFailureError(f"{len(skipped)} pictures not brought over, first {first}: {reason}")


def _rule(
    only: str, min_side: int, max_aspect: float, blurred: float, sharp: float, bits: int, likeness: float
) -> "CurationRule":
    from beltline.data.curate import OPTIONAL, CurationRule

    names = tuple(name.strip() for name in only.split(",") if name.strip()) or OPTIONAL
    with usage("--only and thresholds"):
        return CurationRule(min_side, max_aspect, blurred, sharp, bits, likeness, names)


def register(app: typer.Typer) -> None:
    """Add this command to ``beltline data``."""
    app.command()(curate)
