"""Which files to screen, in what order, and how to read one."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beltline.core import FailedScan, Scan
from beltline.formats import SCAN_SUFFIXES, read_scan, sha256_of


@dataclass(frozen=True, eq=False)
class ReadScan:
    """A decoded file: the scan, the file's SHA-256 and the milliseconds it took."""

    scan: Scan
    sha256: str
    ms: float


def collect(paths: Sequence[Path]) -> tuple[list[Path], list[FailedScan]]:
    """Files to screen, each once, in natural order within every folder.

    A folder is searched through all its levels; one that has the layout of a data set (an ``images``
    folder inside) gives only its images. Files given by name are taken whatever their suffix.

    Returns:
        The files, and the given paths that do not exist.
    """
    files: dict[Path, None] = {}
    failed: list[FailedScan] = []
    for path in paths:
        if path.is_dir():
            files.update(dict.fromkeys(_in_folder(path)))
        elif path.exists():
            files[path] = None
        else:
            failed.append(FailedScan(str(path), "no such file or folder"))
    return list(files), failed


def read(path: Path) -> ReadScan:
    """Read and decode one file.

    Raises:
        BadInputError: If it cannot be read as a scan; the message has one line.
    """
    started = time.perf_counter()
    scan = read_scan(path)
    sha256 = sha256_of(path)
    return ReadScan(scan, sha256, (time.perf_counter() - started) * 1000)


def _in_folder(folder: Path) -> list[Path]:
    root = folder / "images" if (folder / "images").is_dir() else folder
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        ours = {"overlays"} if "report.json" in names else set()  # the result of an earlier run
        folders[:] = sorted((f for f in folders if not f.startswith(".") and f not in ours), key=_natural)
        found += [
            Path(place, name)
            for name in sorted(names, key=_natural)
            if not name.startswith(".") and name.lower().endswith(tuple(SCAN_SUFFIXES))
        ]
    return found


def _natural(name: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
