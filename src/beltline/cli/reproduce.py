"""``beltline reproduce``: a published experiment, from data to report."""

from pathlib import Path
from typing import Annotated

import typer

from beltline.cli.context import note

reproduce_app = typer.Typer(help="Regenerate the tables of a published experiment.", no_args_is_help=True)


@reproduce_app.callback()
def reproduce() -> None:
    """Regenerate the tables of a published experiment."""


@reproduce_app.command("sixray")
def sixray(
    out: Annotated[Path, typer.Option(help="Folder of the experiment; a stopped one goes on.")],
    data: Annotated[str, typer.Option(help="sim, or the root of a SIXray copy.")] = "sim",
    scale: Annotated[str, typer.Option(help="smoke (minutes), small (hours of CPU) or paper.")] = "smoke",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of backbone weights, for machines without network.")
    ] = None,
    nets: Annotated[str, typer.Option(help="Backbones by display name, comma separated.")] = "",
    methods: Annotated[str, typer.Option(help="Rows of the ablation, comma separated.")] = "",
    subsets: Annotated[str, typer.Option(help="SIXray10, SIXray100, SIXray1000, comma separated.")] = "",
    seeds: Annotated[str, typer.Option(help="Comma separated, instead of the scale's.")] = "",
    images: Annotated[int | None, typer.Option(help="Simulated images a training sees.", min=1)] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Start no training after so long.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """CHR and its rivals on SIXray10, 100 and 1000: tables 2, 3, 4 and figure 5 of the paper.

    Example: beltline reproduce sixray --scale smoke --out sixray-smoke
    """
    import torch

    from beltline.protocols.sixray import SCALES, narrow, reproduce_sixray

    if scale not in SCALES:
        raise typer.BadParameter(f"must be one of {', '.join(SCALES)}, got {scale!r}", param_hint="--scale")
    try:
        chosen = narrow(
            SCALES[scale],
            nets=_names(nets),
            methods=_names(methods),
            subsets=_names(subsets),
            seeds=[int(text) for text in _names(seeds)],
            images=images,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if threads:
        torch.set_num_threads(threads)
    report = reproduce_sixray(
        out,
        data=data,
        scale=chosen,
        weights=weights,
        max_minutes=max_minutes,
        say=note,
    )
    print(report)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@reproduce_app.command("rwsc")
def rwsc(
    out: Annotated[Path, typer.Option(help="Folder of the experiment; a stopped one goes on.")],
    data: Annotated[str, typer.Option(help="sim, or a set of real training scans with boxes.")] = "sim",
    bags: Annotated[Path | None, typer.Option(help="Benign training scans, for a real set.")] = None,
    test: Annotated[Path | None, typer.Option(help="Test scans, for a real set.")] = None,
    scale: Annotated[str, typer.Option(help="smoke (minutes), small (hours of CPU) or paper.")] = "smoke",
    max_minutes: Annotated[float | None, typer.Option(help="Start no training after so long.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """Threat image projection, RWSC-Fusion and its rivals: quality, and worth to a detector.

    Example: beltline reproduce rwsc --data sim --scale smoke --out rwsc-smoke
    """
    import torch

    from beltline.protocols.rwsc import SCALES, RealSets, reproduce_rwsc

    sets = None
    if data != "sim":
        if bags is None or test is None:
            raise typer.BadParameter("a real set needs --bags and --test beside it", param_hint="--data")
        sets = RealSets(Path(data), bags, test)
    if scale not in SCALES:
        raise typer.BadParameter(f"must be one of {', '.join(SCALES)}, got {scale!r}", param_hint="--scale")
    if threads:
        torch.set_num_threads(threads)
    print(reproduce_rwsc(out, sets=sets, scale=scale, max_minutes=max_minutes, say=note))


@reproduce_app.command("xseg")
def xseg(
    out: Annotated[Path, typer.Option(help="Folder of the experiment; a stopped one goes on.")],
    data: Annotated[str, typer.Option(help="sim, or a set with masks, as `data import` writes it.")] = "sim",
    scale: Annotated[str, typer.Option(help="smoke (minutes), small (hours of CPU) or paper.")] = "smoke",
    sam: Annotated[
        str, typer.Option(help="Imported SAM checkpoint to start from, by name; see `models import`.")
    ] = "",
    methods: Annotated[str, typer.Option(help="Rows of the tables, semicolon separated.")] = "",
    seeds: Annotated[str, typer.Option(help="Comma separated, instead of the scale's.")] = "",
    max_minutes: Annotated[float | None, typer.Option(help="Start no training after so long.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """One click cuts out an item: APSAM and its rivals under honest clicks, beside the printed table.

    Example: beltline reproduce xseg --data sim --scale smoke --out xseg-smoke
    """
    import torch

    from beltline.protocols.xseg import SCALES, available, narrow, reproduce_xseg

    if scale not in SCALES:
        raise typer.BadParameter(f"must be one of {', '.join(SCALES)}, got {scale!r}", param_hint="--scale")
    rows = [part.strip() for part in methods.split(";") if part.strip()]
    try:
        numbers = [int(text) for text in _names(seeds)]
        chosen = narrow(SCALES[scale], methods=rows, seeds=numbers, known=available(SCALES[scale]))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if threads:
        torch.set_num_threads(threads)
    print(reproduce_xseg(out, data=data, scale=chosen, sam=sam, max_minutes=max_minutes, say=note))


@reproduce_app.command("durham")
def durham(
    out: Annotated[Path, typer.Option(help="Folder of the experiment; a stopped one goes on.")],
    data: Annotated[
        str,
        typer.Option(help="sim, or a folder with train/, val/ and test/ of your own devices, see the docs."),
    ] = "sim",
    scale: Annotated[str, typer.Option(help="smoke (minutes), small (hours of CPU) or paper.")] = "smoke",
    methods: Annotated[str, typer.Option(help="Rows of the tables, semicolon separated.")] = "",
    seeds: Annotated[str, typer.Option(help="Comma separated, instead of the scale's.")] = "",
    max_minutes: Annotated[float | None, typer.Option(help="Start no training after so long.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """Anomalies in electronics: whole devices against their parts, to the decision for the device.

    Example: beltline reproduce durham --scale smoke --out durham-smoke
    """
    import torch

    from beltline.protocols.durham import SCALES, narrow, reproduce_durham

    if scale not in SCALES:
        raise typer.BadParameter(f"must be one of {', '.join(SCALES)}, got {scale!r}", param_hint="--scale")
    rows = [part.strip() for part in methods.split(";") if part.strip()]
    try:
        chosen = narrow(SCALES[scale], methods=rows, seeds=[int(text) for text in _names(seeds)])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if threads:
        torch.set_num_threads(threads)
    print(reproduce_durham(out, data=data, scale=chosen, max_minutes=max_minutes, say=note))


@reproduce_app.command("xsyn")
def xsyn(
    out: Annotated[Path, typer.Option(help="Folder of the experiment; a stopped one goes on.")],
    data: Annotated[str, typer.Option(help="sim, or a set of real training scans with boxes.")] = "sim",
    test: Annotated[Path | None, typer.Option(help="Test scans, for a real set.")] = None,
    bags: Annotated[
        Path | None, typer.Option(help="Benign training scans, where a real set has them.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Run folder of a trained painter; without one, one is trained first.")
    ] = "",
    scale: Annotated[str, typer.Option(help="smoke (minutes), small (hours of CPU) or paper.")] = "smoke",
    methods: Annotated[str, typer.Option(help="Arms and ablations, semicolon separated.")] = "",
    percents: Annotated[str, typer.Option(help="Of the real windows, comma separated.")] = "",
    detectors: Annotated[str, typer.Option(help="Of the scale's, comma separated.")] = "",
    seeds: Annotated[str, typer.Option(help="Comma separated, instead of the scale's.")] = "",
    max_minutes: Annotated[float | None, typer.Option(help="Start no training after so long.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for all.", min=0)] = 0,
) -> None:
    """Xsyn: what painted threats are worth to a detector beside projected ones, by fraction of real scans.

    Example: beltline reproduce xsyn --data sim --scale smoke --out xsyn-smoke
    """
    import torch

    from beltline.protocols.xsyn import SCALES, RealSets, narrow, reproduce_xsyn

    sets = None
    if data != "sim":
        if test is None:
            raise typer.BadParameter("a real set needs --test beside it", param_hint="--data")
        sets = RealSets(Path(data), test, bags)
    if scale not in SCALES:
        raise typer.BadParameter(f"must be one of {', '.join(SCALES)}, got {scale!r}", param_hint="--scale")
    try:
        chosen = narrow(
            SCALES[scale],
            methods=[part.strip() for part in methods.split(";") if part.strip()],
            percents=[int(text) for text in _names(percents)],
            detectors=_names(detectors),
            seeds=[int(text) for text in _names(seeds)],
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if threads:
        torch.set_num_threads(threads)
    print(reproduce_xsyn(out, sets=sets, model=model, scale=chosen, max_minutes=max_minutes, say=note))
