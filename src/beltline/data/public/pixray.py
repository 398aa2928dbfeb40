"""PIXray: fifteen classes with polygons, as published (a JSON beside each image) or repacked as COCO.

Source:
    Ma et al., Dense De-overlap Attention Snake (TMM 2022); polygon files and classes read in its
    repository (generate_data.py, dataset.py), the COCO repack in AO-DETR's configuration, the total in a
    survey's table; the name of the published test folder and the counts of the splits recalled. No terms
    are published. github.com/Mbwslib/DDoAS, github.com/Limingyuan001/AO-DETR-test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from beltline.core import Progress, counted
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Picture,
    class_name,
    images_in,
    is_polygon,
    read_or_fault,
)
from beltline.data.annotations.coco import outline_box
from beltline.data.annotations.fake import fake_pictures, write_picture
from beltline.data.public.coco_set import CocoPart, read_coco_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release
from beltline.formats import write_json
from beltline.formats.json_files import read_json
from beltline.formats.limits import bad

CLASSES = (
    "Gun", "Knife", "Lighter", "Battery", "Pliers", "Scissors", "Wrench", "Hammer", "Screwdriver", "Dart",
    "Bat", "Fireworks", "Saw_blade", "Razor_blade", "Pressure_vessel",
)  # fmt: skip
FOLDERS = {"train": "train_set", "val": "val_set", "test": "test_set"}
PARTS = tuple(CocoPart(s, f"annotations/pixray_{s}.json", s) for s in ("train", "test"))


def read_pixray(root: str | Path, *, on_progress: Progress | None = None) -> Annotated:
    """Read a copy of either shape; told pictures, or COCO files.

    Raises:
        BadInputError: If there are neither folders of polygon files nor COCO files.
    """
    root = Path(root)
    here = {split: folder for split, folder in FOLDERS.items() if (root / folder).is_dir()}
    if not here:
        return read_coco_set(root, PARTS, CLASSES, on_progress=on_progress)
    problems: dict[str, list[str]] = {}
    rows = [row for split, folder in here.items() for row in _rows(root, folder, split, problems)]
    told = counted(rows, on_progress, name=lambda row: row.file)
    pictures = tuple(_picture(root, row) for row in told)
    return Annotated(root, CLASSES, pictures, {k: tuple(v) for k, v in problems.items()})


def read_polygons(path: Path) -> tuple[AnnotatedObject, ...]:
    """Objects of one polygon file: ``{"objects": [{"label": ..., "polygon": [[x, y], ...]}, ...]}``.

    Raises:
        BadInputError: If it is damaged, or a polygon has under three points or leads far outside.
    """
    found = read_json(path, errors="ignore")
    try:
        return tuple(_item(row) for row in found["objects"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise bad(path, f"not a file of labels and polygons ({error!r})") from error


def fake_pixray(out: Path, *, each: int, seed: int) -> None:
    """Write a tiny tree as published: polygon files beside the images."""
    rng = np.random.default_rng(seed)
    for split in ("train", "test"):
        files = [f"{FOLDERS[split]}/{split}{number:05d}.png" for number in range(1, each + 1)]
        for picture in fake_pictures(CLASSES, files, rng=rng, split=split):
            write_picture(out, picture, rng=rng)
            rows = [{"label": i.label, "polygon": _points(i)} for i in picture.objects or ()]
            write_json((out / picture.file).with_suffix(".json"), {"objects": rows})


class _Row(NamedTuple):
    """A picture: its split, its file and that of its polygons, if there is one, below the root."""

    split: str
    file: str
    polygons: str | None


def _rows(root: Path, folder: str, split: str, problems: dict[str, list[str]]) -> list[_Row]:
    files = images_in(root / folder)
    texts = {path.stem for path in (root / folder).glob("*.json")}
    orphans = [f"{folder}/{stem}.json" for stem in sorted(texts - set(files))]
    problems.setdefault("annotation_without_image", []).extend(orphans)
    return [
        _Row(split, f"{folder}/{name}", f"{folder}/{stem}.json" if stem in texts else None)
        for stem, name in files.items()
    ]


def _picture(root: Path, row: _Row) -> Picture:
    items, fault = None, None
    if row.polygons is not None:
        items, fault = read_or_fault(read_polygons, root, root / row.polygons)
    return Picture(row.file, items, row.split, fault=fault)


def _item(row: Any) -> AnnotatedObject:
    polygon = [float(v) for x, y in row["polygon"] for v in (x, y)]
    if not is_polygon(polygon):
        raise ValueError(f"a polygon needs three points in reach of an image, got {str(row['polygon'])[:60]}")
    return AnnotatedObject(class_name(row["label"]), outline_box([polygon]), [polygon])


def _points(item: AnnotatedObject) -> list[list[float]]:
    polygon = item.outline[0] if isinstance(item.outline, list) else []
    return [[polygon[i], polygon[i + 1]] for i in range(0, len(polygon), 2)]


PIXRAY = PublicSet(
    name="pixray",
    title="PIXray",
    classes=CLASSES,
    read=read_pixray,
    fake=fake_pixray,
    releases=(Release("TMM 2022, 5,046 images", {"train": 4_046, "test": 1_000}, ("train", "test")),),
    terms="None published with the set; ask its authors before any use but research.",
)
