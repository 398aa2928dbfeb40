"""What every verb shares: options, messages, JSON, progress and interruption."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

import typer

from beltline.core.errors import BeltlineError
from beltline.core.printable import printable_lines

Item = TypeVar("Item")

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Start of every random choice.", min=0)]


TELL_EVERY_S = 10.0


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


class Step(Protocol):
    """Told after every item how many of how many are done, and by some works which is next."""

    def __call__(self, done: int, total: int, item: str = "", /) -> None:
        """Tell it."""


class Ticker:
    """Says on stderr how far a long work came, every ten seconds at most, so that a log shows life.

    Args:
        label: What is done: "screening".
        clock: Seconds, for tests.
    """

    def __init__(self, label: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._label, self._clock = label, clock
        self._next = clock() + TELL_EVERY_S

    def __call__(self, done: int, total: int | None, item: str = "", /) -> None:
        """Tell, if it is time."""
        now = self._clock()
        if now >= self._next:
            self._next = now + TELL_EVERY_S
            note(f"beltline: {self._label}: {done}" + ("" if total is None else f" of {total}"))


@contextmanager
def progress_bar(label: str) -> Iterator[Step]:
    """A bar on stderr with number and time left; off a terminal a line now and then."""
    if not sys.stderr.isatty():
        yield Ticker(label)
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=None)

        def update(done: int, total: int, item: str = "", /) -> None:
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


def progress(items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:
    """Pass the items on, with a bar on stderr; off a terminal a line now and then.

    Args:
        items: What is worked through.
        label: What the bar says.
        total: How many; None asks ``len``.
    """
    if not sys.stderr.isatty():
        yield from _told(items, label, total)
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, description=label, total=total, console=console, transient=True)


def _told(items: Iterable[Item], label: str, total: int | None) -> Iterator[Item]:
    tick = Ticker(label)
    count = len(items) if total is None and isinstance(items, Sized) else total
    for done, item in enumerate(items):
        tick(done, count)
        yield item
