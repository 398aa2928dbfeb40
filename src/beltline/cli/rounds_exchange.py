"""``beltline rounds out | back | freeze``: to annotation tools and back, and out of the project as a set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beltline.cli.context import JsonFlag, note, print_json, progress_bar, say, usage

if TYPE_CHECKING:
    from beltline.rounds.sent import Tool

Folder = Annotated[Path, typer.Argument(help="Folder of the project.")]
Copy = Annotated[bool, typer.Option("--copy", help="Copy pictures instead of hard links.")]
TOOL_NAMES = "coco, cvat or labelstudio"


def out(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    to: Annotated[str, typer.Option("--to", help=f"{TOOL_NAMES}.")],
    person: Annotated[str, typer.Option(help="Who gets them; empty for the name you are logged in by.")] = "",
    count: Annotated[int, typer.Option(help="Scans at most.", min=1)] = 20,
    purpose: Annotated[str, typer.Option(help="label, double (a second reader) or review.")] = "label",
    days: Annotated[float, typer.Option(help="How long they are lent.", min=0.001)] = 7.0,
    own: Annotated[bool, typer.Option("--own", help="Review what is one's own, too.")] = False,
    copy: Copy = False,
    as_json: JsonFlag = False,
) -> None:
    """Lend scans of the pick to a person, as files for an annotation tool.

    Example: beltline rounds out ROUNDS for-ann --to cvat --person ann
    """
    from beltline.core import PartialFailureError
    from beltline.rounds.project import open_project
    from beltline.rounds.records import PURPOSES
    from beltline.rounds.sending import send_out

    tool = _tool(to, "--to")
    with usage("--purpose"):
        wanted = next((known for known in PURPOSES if known == purpose), None)
        if wanted is None:
            raise ValueError(f"must be one of {', '.join(PURPOSES)}, got {purpose!r}")
    with progress_bar("writing scans") as on_progress:
        went = send_out(
            open_project(folder), out, tool, person=f"person:{person or _login()}", count=count,
            purpose=wanted, days=days, own=own, copy=copy, on_progress=on_progress,
        )  # fmt: skip
    who, number = went.sent.person.split(":", 1)[1], len(went.sent.items)
    if as_json:
        print_json(
            {
                "folder": str(out), "tool": tool, "person": went.sent.person, "purpose": wanted,
                "items": [one.item for one in went.sent.items], "until": went.sent.until,
                "failed": {one.path: one.reason for one in went.failed}, "losses": went.losses.to_json(),
            }
        )  # fmt: skip
    else:
        say(f"{out}: {number} scans for {who} to {_TO_DO[wanted]}, lent for {days:g} days")
        for line in went.losses.lines():
            say(line)
    if went.failed:
        first = went.failed[0]
        raise PartialFailureError(f"{len(went.failed)} scans stayed, first {first.path}: {first.reason}")


def back(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="Folder that rounds out made.")],
    file: Annotated[
        Path | None, typer.Argument(help="What the tool exported; left out if it lies in OUT itself.")
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help=f"{TOOL_NAMES}; empty for the one it went out as.")
    ] = "",
    person: Annotated[str, typer.Option(help="Who did it: the one it was lent to.")] = "",
    all_seen: Annotated[
        bool,
        typer.Option("--all-seen/--only-changed", help="Pictures that are as sent were found right."),
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Give the scans back that were not annotated.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take in what a person annotated in a tool; nobody else's work is overwritten.

    CVAT and COCO do not tell a picture that was found right from one that nobody opened. So pictures that are
    as they went out are left alone, unless --all-seen says that every one was looked at.

    Example: beltline rounds back ROUNDS for-ann task.zip --from cvat --person ann
    """
    from beltline.core import PartialFailureError
    from beltline.rounds.project import open_project
    from beltline.rounds.returning import bring_back

    tool = _tool(from_, "--from") if from_ else None
    found = bring_back(
        open_project(folder), out, file, person=f"person:{person}" if person else None, tool=tool,
        all_seen=all_seen, release=release,
    )  # fmt: skip
    if as_json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            say(line)
    if found.refused:
        first = found.refused[0]
        raise PartialFailureError(
            f"{len(found.refused)} pictures were passed over, first {first.path}: {first.reason}"
        )


def freeze(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Of the version; given once.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the Beltline set.")],
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Though people disagree on some scans: those are left out.")
    ] = False,
    copy: Copy = False,
    as_json: JsonFlag = False,
) -> None:
    """Give what is reviewed a name for ever, and write it as a set.

    Example: beltline rounds freeze ROUNDS v1 --out bags-v1
    """
    from beltline.rounds.frozen_set import freeze as frozen
    from beltline.rounds.project import open_project

    with progress_bar("writing scans") as on_progress:
        found = frozen(
            open_project(folder), name, out, conflicts=conflicts, copy=copy, on_progress=on_progress
        )
    if as_json:
        print_json(dict(found.card))
        return
    if found.before:
        note(f"beltline: {name} was frozen before; written as it was then")
    counts = found.card["counts"]
    say(f"{out}: {name}, {counts['images']} scans, {counts['annotations']} masks")
    say(f"digest {found.version.digest}")


def register(app: typer.Typer) -> None:
    """Add these commands to ``beltline rounds``."""
    app.command()(out)
    app.command()(back)
    app.command()(freeze)


def _tool(name: str, option: str) -> "Tool":
    from beltline.rounds.sent import TOOLS

    found = next((known for known in TOOLS if known == name.lower()), None)
    if found is None:
        raise typer.BadParameter(f"must be {TOOL_NAMES}, got {name!r}", param_hint=option)
    return found


def _login() -> str:
    import getpass

    from beltline.core import BadInputError

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise BadInputError("nobody is logged in by name; say who with --person") from error


_TO_DO = {"label": "label", "double": "label a second time", "review": "review"}
