"""Files that appear whole or not at all, whenever the process is killed."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Write a file by way of a temporary neighbour: tmp, fsync, rename.

    A reader sees the old file or the new one, never a part. Folders on the way are made.

    Args:
        path: Where to; replaced if it exists.
        data: Text is written as UTF-8; lone surrogates, as in a file name of other bytes, become backslash
            escapes, which JSON reads back as they were.

    Raises:
        OSError: If the disk is full or the folder cannot be written; the old file then stays.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> write_atomic(Path(folder.name) / "deep" / "note.txt", "done")
        >>> (Path(folder.name) / "deep" / "note.txt").read_text()
        'done'
        >>> folder.cleanup()
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{threading.get_native_id()}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = os.fspath(target)  # a full disk names no file, the others the temporary one
        raise
    _sync_folder(target.parent)


def write_json(path: str | Path, value: Any, *, indent: int | None = None) -> None:
    """Write JSON atomically; NaN is refused because JSON has none.

    Raises:
        ValueError: If the value holds NaN or infinity.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    write_atomic(path, text + "\n")


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove_leftovers(folder: str | Path) -> int:
    """Delete temporary files of writers that no longer live; returns how many."""
    stale = list(_stale(Path(folder)))
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _stale(folder: Path) -> Iterator[Path]:
    for path in folder.glob(".*.tmp"):
        pid = path.name.split(".")[-2]
        if pid.isdigit() and not _alive(int(pid)):
            yield path


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
