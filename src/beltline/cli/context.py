"""What every verb shares: options, messages, JSON, progress and interruption."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from beltline.core.errors import BeltlineError
from beltline.core.printable import printable_lines
from beltline.core.progress import Progress, counted

Item = TypeVar("Item")

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Start of every random choice.", min=0)]


TELL_EVERY_S = 10.0
DRAW_EVERY_S = 0.05


def say(text: str) -> None:
    """A result for the person, on stdout; control characters in it are escaped."""
    print(printable_lines(text))


def note(message: str) -> None:
    """A line for the person, on stderr; control characters in it are escaped."""
    print(printable_lines(message), file=sys.stderr, flush=True)


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
    """The one JSON object of ``--json``, on stdout, in ASCII where that takes nothing else."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False)
    print(text)


class Ticker:
    """Says on stderr how far a long work came, every ten seconds at most, so that a log shows life.

    Args:
        label: What is done: "screening".
        clock: Seconds, for tests.
    """

    def __init__(self, label: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._label, self._clock = label, clock
        self._next = clock() + TELL_EVERY_S

    def __call__(self, done: int, total: int, item: str, /) -> None:
        """Tell, if it is time."""
        now = self._clock()
        if now >= self._next:
            self._next = now + TELL_EVERY_S
            note(f"beltline: {self._label}: {done} of {total}")


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A bar on stderr with number and time left; off a terminal a line now and then."""
    if not sys.stderr.isatty():
        yield Ticker(label)
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        *rich.Progress.get_default_columns()[:2],
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=None)

        drawn = 0.0

        def update(done: int, total: int, item: str, /) -> None:
            nonlocal drawn
            if (
                done == total or time.monotonic() > drawn + DRAW_EVERY_S
            ):  # a million images are told one by one
                drawn = time.monotonic()
                bars.update(task, completed=done, total=total)

        yield update


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """While it is open, SIGTERM ends the work as Ctrl-C does: what is done gets written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def progress(items: Iterable[Item], *, label: str) -> Iterator[Item]:
    """Pass items that have a length on, with a bar on stderr; off a terminal a line now and then."""
    with progress_bar(label) as on_progress:
        yield from counted(items, on_progress)
