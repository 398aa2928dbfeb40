"""Files of a Beltline set made of a public one: images linked in, COCO written row by row."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from beltline.core import BadInputError
from beltline.formats import write_atomic


def bring_image(source: Path, target: Path, *, copy: bool) -> None:
    """Link or copy an image unless it is there.

    Raises:
        BadInputError: If links are not possible between the two places.
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
        way_out = "" if copy else "; a hard link needs one file system: choose --out there, or --copy"
        raise BadInputError(f"{target}: {error.strerror or error}{way_out}") from error


def write_coco_rows(
    path: Path, images: list[str], annotations: list[str], categories: dict[str, int]
) -> None:
    """COCO of records that are JSON already: a million dictionaries would take gigabytes."""
    names = json.dumps([{"id": number, "name": name} for name, number in categories.items()])
    tables = {"images": images, "annotations": annotations}
    parts = [f'"{key}": [' + ",\n".join(rows) + "]" for key, rows in tables.items()]
    write_atomic(path, "{" + ",\n".join((f'"categories": {names}', *parts)) + "}\n")
