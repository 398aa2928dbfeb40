"""``beltline screen``: scans in, report.json, report.html and overlays out."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beltline.cli.context import JsonFlag, note, print_json, progress_bar, say, terminated_as_interrupted

if TYPE_CHECKING:
    from beltline.core import Report
    from beltline.screening import ScreeningModel

OVERLAYS = ("jpg", "png", "none")
LISTED = 20  # unreadable files, and kinds of files, named on the terminal


def screen(
    paths: Annotated[list[Path], typer.Argument(help="Scan files, folders, or a simulated set.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results; made if missing.")],
    pfa: Annotated[
        float | None,
        typer.Option(
            help="Operating point: share of benign bags that alarm, one of the model's; 0.05 if it has that."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Name (see beltline models list) or ONNX file; given more than once, all look at each scan."
        ),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run an ONNX file that no manifest lists.")] = False,
    deadline_ms: Annotated[
        float,
        typer.Option(help="From decoded scan to the model's answer; later is no machine result.", min=1),
    ] = 2000.0,
    overlays: Annotated[str, typer.Option(help="Overlay pictures: jpg, png or none.")] = "jpg",
    masks: Annotated[
        bool, typer.Option("--masks", help="Cut out every alarm with the click model; reports show outlines.")
    ] = False,
    click_model: Annotated[
        str, typer.Option(help="Name or ONNX file of the click model for --masks; the shipped one if empty.")
    ] = "",
    limit: Annotated[int | None, typer.Option(help="Screen at most so many files.", min=1)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Screen scans: classes with calibrated probability, where, and a decision at an operating point.

    Of several models each has its own classes, and a scan alarms if one of them does.
    A slow or failed model is "no machine result", never "clear". Unreadable files are listed and the
    others go on (exit code 6); files that are no scans are counted. After Ctrl-C the report says how far
    it came (exit code 130).

    Example: beltline screen bags/images --out screened --pfa 0.05
    """
    from beltline.screening import RunOptions, load_clicker, screen_files

    if overlays not in OVERLAYS:
        raise typer.BadParameter(
            f"must be one of {', '.join(OVERLAYS)}, got {overlays!r}", param_hint="--overlays"
        )
    first, *beside = load_models(model or (), trust=trust)
    pfa = first.card.usual_pfa if pfa is None else pfa
    require_point((first, *beside), pfa)
    if click_model and not masks:
        raise typer.BadParameter("goes with --masks", param_hint="--click-model")
    clicker = load_clicker(click_model or None, trust=trust) if masks else None
    options = RunOptions(pfa=pfa, deadline_ms=deadline_ms, overlays=overlays, limit=limit)
    with stoppable(out), progress_bar("screening") as on_progress:
        report = screen_files(
            paths, out, first, beside=beside, options=options, clicker=clicker, on_progress=on_progress
        )
    if as_json:
        print_json(report.to_dict())
    else:
        say(summary(report))
        say(f"{out / 'report.html'}")
    tell_left_out(report)
    raise_for_failed(report)


def load_models(names: Sequence[str], *, trust: bool) -> "list[ScreeningModel]":
    """The models by name or file, the shipped default where none is named."""
    from beltline.screening import load_model

    return [load_model(name, trust=trust) for name in names or (None,)]


def require_point(models: "Sequence[ScreeningModel]", pfa: float) -> None:
    """Refuse an operating point that one of the models has no thresholds for."""
    try:
        for each in models:
            each.card.thresholds_at(pfa)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pfa") from error


def raise_for_failed(report: "Report") -> None:
    """Exit codes of files that could not be read: some of them, or all."""
    from beltline.core import BadInputError, PartialFailureError

    if report.failed and not report.scans:
        raise BadInputError(f"none of {len(report.failed)} files could be read")
    if report.failed:
        raise PartialFailureError(
            f"{len(report.failed)} of {len(report.failed) + len(report.scans)} files failed"
        )


@contextmanager
def stoppable(out: Path) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the screening into OUT alike, and the person learns how far it came."""
    from beltline.core import BeltlineError, Report

    try:
        with terminated_as_interrupted():
            yield
    except KeyboardInterrupt:
        with suppress(OSError, BeltlineError):  # stopped before there was a report
            reached = Report.from_json((out / "report.json").read_text("utf-8")).interrupted
            if reached is not None:
                done = f"{reached.screened} of {reached.of} screened"
                note(f"beltline: interrupted, {done}: {out / 'report.html'}")
        raise


def tell_left_out(report: "Report") -> None:
    """What was not screened, on stderr: unreadable files by name, others by kind."""
    from beltline.core import printable

    for warning in report.warnings:
        note(f"beltline: {warning}")
    for item in report.failed[:LISTED]:
        note(f"beltline: {printable(item.path)}: {printable(item.reason)}")
    if len(report.failed) > LISTED:
        note(f"beltline: and {len(report.failed) - LISTED} more, see report.json")
    if report.skipped:
        kinds = [f"{count} {printable(kind)}" for kind, count in report.skipped.items()]
        more = f" and {len(kinds) - LISTED} more kinds" if len(kinds) > LISTED else ""
        note(f"beltline: not screened: {', '.join(kinds[:LISTED])}{more}")


def summary(report: "Report") -> str:
    """One line for the person: decisions, unreadable files, time."""
    decisions = [scan.decision for scan in report.scans]
    parts = [
        f"{decisions.count('alarm')} alarm",
        f"{decisions.count('clear')} clear",
        f"{decisions.count('no_machine_result')} no machine result",
    ]
    if report.failed:
        parts.append(f"{len(report.failed)} unreadable")
    if report.skipped:
        parts.append(f"{sum(report.skipped.values())} not screened")
    times = [scan.ms["total"] for scan in report.scans if "total" in scan.ms]
    speed = f" · {statistics.median(times):.0f} ms a scan" if times else ""
    point = f"{report.operating_point['pfa']:g}"
    plural = "" if len(decisions) == 1 else "s"
    names = " and ".join(model.name for model in report.models)
    return f"{len(decisions)} scan{plural}: {', '.join(parts)}{speed} · {names} at PFA {point}"
