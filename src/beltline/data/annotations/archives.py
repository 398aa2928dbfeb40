"""Zip archives as annotation tools export them: one file read in place, or all unpacked, never outside."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from beltline.core import BadInputError, BeltlineError
from beltline.data.annotations.annotated import IMAGE_SUFFIXES
from beltline.formats.limits import MAX_FILE_BYTES, bad

ANNOTATIONS = "annotations.xml"
MOST_MEMBERS = 1_000_000
MOST_GROWTH = 100
"""Bytes that one byte of an archive may become: pictures hardly shrink, and what grows more is a bomb."""
_SPARE = 100_000_000
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a path is called as a zip archive is, and no folder."""
    return path.suffix.lower() == ".zip" and not path.is_dir()


@contextmanager
def annotations_in(path: Path) -> Iterator[IO[bytes]]:
    """The annotations.xml of an archive, open; no other file is unpacked.

    Raises:
        BadInputError: If there is none, or the archive is damaged, encrypted or too large.
    """
    with _opened(path) as archive:
        names = [name for name in archive.namelist() if PurePosixPath(name).name == ANNOTATIONS]
        if len(names) != 1:
            raise bad(path, f"expected one {ANNOTATIONS} inside, as CVAT exports it, found {len(names)}")
        _check(path, archive.getinfo(names[0]))
        with archive.open(names[0]) as stream:
            yield stream


@contextmanager
def with_images(path: Path) -> Iterator[Path]:
    """What to read in place of a source: an archive that brings its images, unpacked; else the source.

    The folder is gone afterwards: what shall stay has to be copied.

    Raises:
        BadInputError: As `unpacked`.
    """
    if not is_archive(path):
        yield path
        return
    with _opened(path) as archive:
        brings = any(_is_wanted(name) and not name.endswith(".xml") for name in archive.namelist())
    if not brings:  # then they lie beside it
        yield path
        return
    with unpacked(path) as folder:
        try:
            yield folder
        except BadInputError as error:  # which names a folder that is gone when somebody reads it
            told = str(error).replace(f"{folder}/", f"{path}: ").replace(str(folder), str(path))
            raise BadInputError(told) from error


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with the annotations and images of an archive, which is gone afterwards.

    Raises:
        BadInputError: If the archive is damaged, encrypted or too large, or a file in it leads outside.
    """
    with tempfile.TemporaryDirectory(prefix="beltline-") as place:
        with _opened(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir() and _is_wanted(info.filename)]
            total, most = sum(info.file_size for info in members), MOST_GROWTH * _bytes(path) + _SPARE
            if total > most:
                raise bad(path, f"would unpack to {total} bytes, above the limit of {most}")
            for info in members:
                _check(path, info)
                target = Path(place) / _inside(path, info.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as stream, target.open("wb") as out:
                    shutil.copyfileobj(stream, out)
        yield Path(place)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        if _bytes(path) > MAX_FILE_BYTES * MOST_GROWTH:
            raise bad(path, f"{_bytes(path)} bytes are above the limit of {MAX_FILE_BYTES * MOST_GROWTH}")
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise bad(path, f"{len(archive.infolist())} files are above the limit of {MOST_MEMBERS}")
            yield archive
    except BeltlineError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise bad(path, f"cannot be unpacked ({error.strerror or error})") from error
    except _DAMAGE as error:
        raise bad(path, f"damaged archive ({error})") from error


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _check(path: Path, info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 1:
        raise bad(path, f"{info.filename[:80]!r} is encrypted")
    if info.compress_type not in _PACKED:
        raise bad(path, f"{info.filename[:80]!r} is packed in another way than zip's own")
    if info.file_size > MAX_FILE_BYTES:
        size = f"{info.file_size} bytes are above the limit of {MAX_FILE_BYTES}"
        raise bad(path, f"{info.filename[:80]!r}: {size}")


def _is_wanted(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (*IMAGE_SUFFIXES, ".xml")


def _inside(path: Path, name: str) -> PurePosixPath:
    """The place of a file below the folder that it is unpacked into."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name or PureWindowsPath(name).drive:
        raise bad(path, f"{name[:80]!r} is no place inside the archive")
    return place
