"""What every verb shares: options, messages, JSON and progress."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from beltline.core.errors import BeltlineError

Item = TypeVar("Item")

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Start of every random choice.", min=0)]


def note(message: str) -> None:
    """A line for the person, on stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def usage(option: str) -> Iterator[None]:
    """Whatever value the library refuses inside is wrong usage of this option, not a defect."""
    try:
        yield
    except BeltlineError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def print_json(value: Any) -> None:
    """The one JSON object of ``--json``, on stdout."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def progress(items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:
    """Pass the items on, with a bar on stderr if that is a terminal.

    Args:
        items: What is worked through.
        label: What the bar says.
        total: How many; None asks ``len``.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, description=label, total=total, console=console, transient=True)
