"""Files of a set: lists of names read, images linked in, COCO written row by row."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import cv2

from beltline.core import BadInputError
from beltline.formats import write_atomic
from beltline.formats.limits import bad, read_bytes

_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}


def require_new(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises:
        BadInputError: If it does, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder}: holds something already; name a new folder")


def bring_image(source: Path, target: Path, *, copy: bool) -> None:
    """Link or copy an image unless it is there.

    Raises:
        BadInputError: If links are not possible between the two places.
        OSError: If the target cannot be written, or the source not be read.
    """
    try:
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if copy:
            shutil.copyfile(source, target)
        else:
            os.link(source.resolve(), target)
    except OSError as error:
        if copy:
            target.unlink(missing_ok=True)  # half a copy would pass for the image in the next run
        if copy or error.errno not in _NO_LINK:
            error.filename = error.filename or str(target)  # a full disk names none
            raise
        way_out = "a hard link needs one file system: choose --out there, or --copy"
        raise BadInputError(f"{target}: {error.strerror or error}; {way_out}") from error


def read_names(path: Path) -> list[str]:
    """Image names of a list, without folder and extension."""
    text = read_bytes(path).decode("utf-8", errors="replace")
    lines = (line.strip().lstrip("\ufeff") for line in text.splitlines())
    return [_without_suffix(line.replace("\\", "/").rsplit("/", 1)[-1]) for line in lines if line]


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and suffix.lower() in ("jpg", "jpeg", "png", "txt", "tif", "tiff") else name


def recode_image(source: Path, target: Path) -> None:
    """Write an image anew as JPEG of quality 95 with full colour resolution."""
    pixels = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if pixels is None:
        raise bad(source, "cannot be decoded")
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        95,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    write_atomic(target, cv2.imencode(".jpg", pixels, options)[1].tobytes())


def write_coco_rows(
    path: Path, images: list[str], annotations: list[str], categories: dict[str, int]
) -> None:
    """COCO of records that are JSON already: a million dictionaries would take gigabytes."""
    names = json.dumps([{"id": number, "name": name} for name, number in categories.items()])
    tables = {"images": images, "annotations": annotations}
    parts = [f'"{key}": [' + ",\n".join(rows) + "]" for key, rows in tables.items()]
    write_atomic(path, "{" + ",\n".join((f'"categories": {names}', *parts)) + "}\n")
