"""Which files to screen, in what order, and how to read one; what is left out is counted."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from beltline.core import FailedScan, Scan, path_text
from beltline.formats import (
    HEAD_BYTES,
    SCAN_SUFFIXES,
    SET_COMPANIONS,
    is_picture,
    is_set,
    read_scan,
    sha256_of,
)
from beltline.screening.results import OVERLAYS, PAGE, PICTURES, REPORT, holds_report, is_result

NO_SUFFIX, HIDDEN, HIDDEN_FOLDER, LINKED = "without suffix", "hidden", "hidden folder", "linked folder"
_SET_FILES = frozenset({"annotations.json", "card.json", "labels.csv", "plan.json"})
_SUFFIX = re.compile(r"\.(?!\d+$)\w{1,8}")  # "bag.17" and "1.2.840.10008" have none


@dataclass(frozen=True, eq=False)
class ReadScan:
    """A decoded file: the scan, the file's SHA-256 and the milliseconds it took."""

    scan: Scan
    sha256: str
    ms: float


class Collected(NamedTuple):
    """What there is to screen.

    Attributes:
        files: Each once, in natural order within every folder.
        failed: Given paths that do not exist, and folders that cannot be listed.
        skipped: Files found in folders that are no scans, counted by suffix; also what is hidden, and
            linked folders.
    """

    files: list[Path]
    failed: list[FailedScan]
    skipped: Mapping[str, int]


def collect(paths: Sequence[Path]) -> Collected:
    """Files to screen, found in folders or given by name; those given are taken whatever they are called.

    A folder is searched through all its levels. A file is a scan by its suffix, or, where that says
    nothing, by its first bytes. Where ``annotations.json`` shows a folder to be a set, the raw arrays and
    masks of the same bags are left out. So are an earlier run's pictures.
    """
    files: dict[Path, None] = {}
    failed: list[FailedScan] = []
    skipped: Counter[str] = Counter()
    for path in paths:
        fault = _fault(path)
        if fault is not None:
            failed.append(FailedScan(path_text(path), fault))
        elif path.is_dir():
            files.update(dict.fromkeys(_in_folder(path, failed, skipped)))
        else:
            files[path] = None
    return Collected(list(files), failed, dict(sorted(skipped.items(), key=lambda kind: (-kind[1], kind[0]))))


def read(path: Path) -> ReadScan:
    """Read and decode one file.

    Raises:
        BadInputError: If it cannot be read as a scan; the message has one line.
    """
    started = time.perf_counter()
    scan = read_scan(path)
    sha256 = sha256_of(path)
    return ReadScan(scan, sha256, (time.perf_counter() - started) * 1000)


def _fault(path: Path) -> str | None:
    try:
        path.stat()
    except FileNotFoundError:
        return "no such file or folder"
    except (OSError, ValueError) as error:  # a name too long, no permission; a NUL in the name
        return str(getattr(error, "strerror", None) or error)
    return None


def _in_folder(root: Path, failed: list[FailedScan], skipped: Counter[str]) -> Iterator[Path]:
    def cannot_list(error: OSError) -> None:
        failed.append(FailedScan(path_text(str(error.filename)), f"cannot be listed ({error.strerror})"))

    for place, folders, names in os.walk(root, onerror=cannot_list):
        here = Path(place)
        a_set = is_set(here)
        folders[:] = sorted(_folders(here, folders, skipped, a_set=a_set), key=_natural)
        ours = _own_files(here, a_set=a_set)
        for path in (here / name for name in sorted(names, key=_natural) if name not in ours):
            kind = _kind(path)
            if kind is None:
                yield path
            else:
                skipped[kind] += 1


def _folders(here: Path, names: Sequence[str], skipped: Counter[str], *, a_set: bool) -> Iterator[str]:
    """Those to go into."""
    companions = (*SET_COMPANIONS, ".items") if a_set else ()
    for name in names:
        if name in companions:
            continue
        if name.startswith("."):
            skipped[HIDDEN_FOLDER] += 1
        elif (here / name).is_symlink():  # might lead round in a circle
            skipped[LINKED] += 1
        else:
            yield name


def _own_files(here: Path, *, a_set: bool) -> frozenset[str]:
    """Names that are no scans and no surprise: tables of a set, results of a run."""
    names = _SET_FILES if a_set else frozenset()
    if holds_report(here):
        names |= {REPORT, PAGE}
    if here.name in (OVERLAYS, PICTURES) and holds_report(here.parent):
        names |= {path.name for path in here.iterdir() if is_result(path)}
    return names


def _kind(path: Path) -> str | None:
    """None for a scan, else the kind under which the file is counted."""
    if path.name.startswith("."):
        return HIDDEN
    suffix = path.suffix.lower()
    if suffix in SCAN_SUFFIXES or is_picture(_head(path)):
        return None
    return suffix if _SUFFIX.fullmatch(suffix) else NO_SUFFIX


def _head(path: Path) -> bytes:
    if not path.is_file():  # opening a pipe would wait for ever
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def _natural(name: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
