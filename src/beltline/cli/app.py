"""The ``beltline`` command: a table of verbs, each imported only when it is called."""

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from beltline import __version__
from beltline.core.errors import BadInputError, BeltlineError, MissingExtraError
from beltline.core.printable import printable


class Verb(NamedTuple):
    """Where a verb lives and what the overview says about it."""

    target: str
    help: str


VERBS = MappingProxyType(
    {
        "demo": Verb("beltline.cli.demo:demo", "Simulate bags, screen them, open the report."),
        "screen": Verb("beltline.cli.screen:screen", "Screen scans: report.json, report.html, overlays."),
        "click": Verb("beltline.cli.click:click", "Cut out what you point at in a scan."),
        "simulate": Verb("beltline.cli.simulate:simulate", "Make a labelled set of simulated bags."),
        "data": Verb("beltline.cli.data:data_app", "Compare and look after data sets."),
        "train": Verb("beltline.cli.train:train", "Train a model by a recipe."),
        "calibrate": Verb("beltline.cli.calibrate:calibrate", "Alarm thresholds from your own benign scans."),
        "evaluate": Verb("beltline.cli.evaluate:evaluate", "Measure a model on a set."),
        "synthesize": Verb("beltline.cli.synthesize:synthesize_app", "Lay threats into benign scans."),
        "reproduce": Verb("beltline.cli.reproduce:reproduce_app", "Regenerate a published experiment."),
        "export": Verb("beltline.cli.export:export", "Turn a trained run into ONNX."),
        "models": Verb("beltline.cli.models:models_app", "List, show and verify the models at hand."),
        "checks": Verb("beltline.cli.checks:checks", "Versions, providers, a write test and a self-test."),
    }
)

# Which extra brings a package; the core ones come with any install.
EXTRAS = MappingProxyType(
    {
        "torch": "train", "torchvision": "train", "timm": "train", "lightning_fabric": "train",
        "onnx": "train", "onnxscript": "train", "safetensors": "train", "tensorboard": "train",
        "matplotlib": "train", "faster_coco_eval": "train", "transformers": "detr", "sklearn": "dev",
        "diffusers": "diffusion", "sqlalchemy": "service",
    }
)  # fmt: skip


INTERRUPTED = 130

# What the machine says no to, by whose fault that is: a place that the user named is bad input; a full disk
# and an exhausted table are missing resources. Anything else, a damaged disk say, stays unexpected.
BAD_PLACES = frozenset(
    {
        errno.EACCES, errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV,
        errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.ENXIO, errno.EOPNOTSUPP, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip
_WAYS_OUT = MappingProxyType(
    {
        errno.ENOSPC: "make room, or name a folder on another disk",
        errno.EROFS: "name a folder that can be written",
        errno.EACCES: "mind its owner and permissions",
        errno.EEXIST: "a folder is wanted, name another place",
        errno.ENOTDIR: "a file is in the way, name another place",
    }
)
NO_ROOM = frozenset({errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC})


class VerbGroup(TyperGroup):
    """Shows the verbs from the table; imports one when it is invoked."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, verb in VERBS.items():
            self.add_command(TyperCommand(name, help=verb.help), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb called, with its own options."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, (load_verb(name) if name is not None and name in VERBS else stub), rest


def load_verb(name: str) -> Any:
    """Import a verb and build its command.

    Raises:
        MissingExtraError: If a package that it needs at import is not installed.
    """
    module, attribute = VERBS[name].target.split(":")
    try:
        target = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise missing_extra(error, name) from error
    if isinstance(target, typer.Typer):
        target.rich_markup_mode = None
        target.info.name = name
        command = typer.main.get_group(target)
        command.name = name
        return command
    single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_WIDE)
    single.command(name)(target)
    return typer.main.get_command(single)


def missing_extra(error: ModuleNotFoundError, verb: str | None) -> MissingExtraError:
    """The one line that names what is missing and how to get it.

    Raises:
        ModuleNotFoundError: The error itself, if it is no optional package: then it is a defect of ours.
    """
    package = (error.name or "").split(".")[0]
    what = f"beltline {verb}" if verb else "this"
    if package in EXTRAS:
        extra = EXTRAS[package]
        return MissingExtraError(f"{what} needs {package}; install it: pip install 'beltline[{extra}]'")
    if (error.name or "").startswith("beltline.cli."):
        return MissingExtraError(f"{what} is not part of this version ({__version__})")
    raise error


_WIDE = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
app = typer.Typer(
    cls=VerbGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings=_WIDE, no_args_is_help=True,
)  # fmt: skip


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"beltline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find prohibited items in X-ray scans of bags, and make the data to learn it from.

    Results go to stdout, progress and messages to stderr. Exit codes: 0 ok, 1 unexpected, 2 usage, 3 bad
    input, 4 untrusted weights, 5 missing extra or full disk, 6 partial, 7 quality gate, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        args: Without the program's name; None takes those of the process.
    """
    command = typer.main.get_command(app)
    _escape_what_no_encoding_takes()
    try:
        result = command.main(
            None if args is None else list(args), prog_name="beltline", standalone_mode=False
        )
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except Exception as error:  # the outermost boundary: whatever happens becomes one line and a code
        return _report(error)
    if result == INTERRUPTED:  # the parser turns Ctrl-C into a return value
        return _say("interrupted", INTERRUPTED)
    return result if isinstance(result, int) else 0


def _escape_what_no_encoding_takes() -> None:
    """A file name of other bytes, or a dot on an ASCII terminal, is shown escaped and ends no verb."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _report(error: Exception) -> int:
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of the parser
        error.show()
        return int(error.exit_code)
    if isinstance(error, BeltlineError):
        return _say(str(error), error.exit_code)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in EXTRAS:
        return _say(str(missing_extra(error, None)), MissingExtraError.exit_code)
    if os.environ.get("BELTLINE_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno in BAD_PLACES | NO_ROOM:
        refused = BadInputError if error.errno in BAD_PLACES else MissingExtraError
        return _say(refusal(error), refused.exit_code)
    return _say(f"{type(error).__name__}: {error} (unexpected; BELTLINE_DEBUG=1 shows where)", 1)


def refusal(error: OSError) -> str:
    """One line for what the file system refused: where, why, and the way out where there is one.

    Example:
        >>> refusal(OSError(errno.EROFS, "Read-only file system", "/cd/out"))
        '/cd/out: read-only file system; name a folder that can be written'
    """
    reason = error.strerror or str(error)
    where = f"{error.filename}: " if error.filename else ""
    way_out = _WAYS_OUT.get(error.errno or 0)
    hint = f"; {way_out}" if way_out else ""
    return f"{where}{reason[:1].lower()}{reason[1:]}{hint}"


def _say(message: str, code: int) -> int:
    print(f"beltline: {printable(' '.join(message.split()))}", file=sys.stderr)
    return code
