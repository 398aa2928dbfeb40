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
_OURS = re.compile(r"\d{5,}(_.*)?\.(jpg|png)", re.DOTALL)
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
    """Where one run writes; of what is there already only an earlier run's results are removed.

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
            self._earlier = list(_pictures(root))
        except OSError as error:
            raise _unwritable(root, error) from error
        if self._earlier and not holds_report(root):
            raise BadInputError(
                f"{self._earlier[0]} is there already, and no report.json of an earlier run beside it;"
                " choose another --out"
            )
        if clash := {path.resolve() for path in inputs} & {path.resolve() for path in self._earlier}:
            raise BadInputError(f"{min(clash)} is to be screened and would be removed; choose another --out")

    def clear(self) -> None:
        """Remove the earlier run's page and pictures; its report.json is to be replaced before.

        Raises:
            BadInputError: If they cannot be removed.
        """
        for path in (self.root / PAGE, *self._earlier):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise _unwritable(path, error) from error

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


def _pictures(root: Path) -> Iterator[Path]:
    for folder in (root / OVERLAYS, root / PICTURES):
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if is_result(path))


def _unwritable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path_text(path)}: {error.strerror or error}")
