"""The folder of results: the names a run writes there, and what an earlier run left of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from beltline.core import BadInputError, path_text, printable
from beltline.formats import write_atomic

REPORT, PAGE = "report.json", "report.html"
OVERLAYS, PICTURES = "overlays", "pictures"
MAX_STEM_BYTES = 120  # with number and suffix still below the 143 bytes that encrypted file systems allow
_OURS = re.compile(r"\d{5,}(_.+)?\.(jpg|png)", re.DOTALL)
_UNSAFE = re.compile(r'[\\/:*?"<>|#%]')  # what Windows refuses in a name and a link would misread


def holds_report(folder: Path) -> bool:
    """Whether a folder holds the report.json of a run."""
    try:
        with (folder / REPORT).open("rb") as stream:
            head = stream.read(1000)
    except OSError:
        return False
    return head.lstrip().startswith(b"{") and b'"schema_version"' in head and b'"operating_point"' in head


def is_result(path: Path) -> bool:
    """Whether a file in overlays/ or pictures/ has a name that a run gives."""
    return path.parent.name in (OVERLAYS, PICTURES) and _OURS.fullmatch(path.name) is not None


def file_name(number: int, stem: str, suffix: str) -> str:
    r"""A picture's name from the scan's: numbered, of safe characters and of a length that any disk takes.

    Example:
        >>> file_name(7, "caf\udce9: 1", "jpg"), len(file_name(7, "é" * 250, "jpg").encode())
        ('00007_caf_xe9_ 1.jpg', 130)
    """
    safe = _UNSAFE.sub("_", printable(stem))
    short = safe.encode()[:MAX_STEM_BYTES].decode(errors="ignore").rstrip(". ")
    return f"{number:05d}_{short}.{suffix}"


class ResultFolder:
    """Where one run writes; what an earlier run wrote there is removed first, and nothing else.

    Args:
        root: Made if missing.
        inputs: Files to be screened; none of them is ever removed or overwritten.

    Raises:
        BadInputError: If the folder cannot be made, or removing would touch an input or pictures that no
            report.json of Beltline vouches for.
    """

    def __init__(self, root: Path, inputs: Iterable[Path]) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._clear(inputs)
        except OSError as error:
            raise _unwritable(root, error) from error

    def write(self, name: str, data: bytes | str) -> None:
        """Write a file below the folder: report and page atomically, pictures at once.

        Raises:
            BadInputError: If it cannot be written.
        """
        target = self.root / name
        try:
            if target.parent == self.root:
                write_atomic(target, data)
            else:
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(data.encode() if isinstance(data, str) else data)
        except OSError as error:
            raise _unwritable(target, error) from error

    def _clear(self, inputs: Iterable[Path]) -> None:
        earlier = list(self._earlier())
        if not earlier:
            return
        if not holds_report(self.root):
            raise BadInputError(
                f"{earlier[0]} is there already, and no report.json of an earlier run beside it;"
                " choose another --out"
            )
        if clash := {path.resolve() for path in inputs} & {path.resolve() for path in earlier}:
            raise BadInputError(f"{min(clash)} is to be screened and would be removed; choose another --out")
        for path in (self.root / PAGE, *earlier):
            path.unlink(missing_ok=True)

    def _earlier(self) -> Iterator[Path]:
        for name in (OVERLAYS, PICTURES):
            if (self.root / name).is_dir():
                yield from (path for path in sorted((self.root / name).iterdir()) if is_result(path))


def _unwritable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path_text(path)}: {error.strerror or error}")
