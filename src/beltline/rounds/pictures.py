"""Scans of a project as pictures that other tools open: JPEG and PNG as they are, others drawn as PNG."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beltline.data.annotations import check_image
from beltline.data.annotations.set_files import bring_image
from beltline.formats import encode_png, write_atomic
from beltline.rounds.project import Project
from beltline.rounds.records import Item
from beltline.screening.prepare import white_picture

IMAGES = "images"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """An empty folder on the same disk as ``out``, so that links work; gone at the end."""
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".beltline-", dir=out.absolute().parent) as folder:
        yield Path(folder)


def place_picture(project: Project, item: Item, folder: Path, *, copy: bool = False) -> str:
    """Bring the picture of an item into a folder; its path below.

    Its name begins with the item's number: no two items of a project share one, whatever their folders.
    JPEG and PNG are linked, so that pixels stay as they are; anything else is drawn as PNG.

    Raises:
        BadInputError: If the scan is gone, damaged or has changed, or links are not possible.
    """
    scan, path = project.scan(item), project.path(item)
    check = check_image(path)
    linked = check.fault is None and not check.wrong_type and check.size == item.size
    stem = _UNSAFE.sub("_", Path(item.path).stem)[:_LONGEST]
    file = f"{IMAGES}/{item.id:06d}_{stem}{path.suffix.lower() if linked else '.png'}"
    if linked:
        bring_image(path, folder / file, copy=copy)
    else:
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
        write_atomic(folder / file, encode_png(white_picture(scan)))
    return file
