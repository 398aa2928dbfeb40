"""A copy of any set as a Beltline set: the layout that `read_set` opens, images as hard links."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.core import Masks, Progress, ShapeError, counted, is_threat
from beltline.core.printable import path_text
from beltline.data.annotations.annotated import AnnotatedObject, Picture, usable_box
from beltline.data.annotations.image_check import check_image
from beltline.data.annotations.polygons import run_length
from beltline.data.annotations.set_files import bring_image, write_coco_rows
from beltline.formats import begin_plan, sha256_of, write_atomic, write_json

_LONGEST = 200  # letters of a name; with suffix and all it must fit into 255
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, eq=False)
class CopyToImport:
    """What of a copy becomes a set.

    Attributes:
        kind: Name of the published set.
        root: The copy.
        plan: What else makes the set this one: the choice of images, the names of classes.
        pictures: Those on disk, one at a time: there may be a million.
        total: How many they are.
        listed: How many the copy would have.
        terms: Who may use it for what.
        classes: The first categories; those met on the way follow.
        category: Category of a published class name.
        columns: Of labels.csv; None takes the categories.
        stem: File name of a picture in the set, without extension.
    """

    kind: str
    root: Path
    plan: Mapping[str, Any]
    pictures: Iterable[Picture]
    total: int
    listed: int
    terms: str
    classes: Sequence[str]
    category: Callable[[str], str] = str
    columns: Sequence[str] | None = None
    stem: Callable[[Picture], str] = lambda picture: picture.stem


def import_copy(
    source: CopyToImport, out: str | Path, *, copy: bool = False, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Write images/, annotations.json, labels.csv and card.json of what is on disk.

    Boxes are ordered and clipped to the image, those without area left out; polygons become amodal run
    lengths. Images are hard links, which take no space and need one file system; one that is there already is
    kept. What is damaged is left out and named in the card.

    Args:
        source: What of a copy.
        out: Folder of the set.
        copy: Copy images instead of hard links.
        on_progress: Told images.

    Returns:
        The card; ``skipped`` holds file and reason of each image left out.

    Raises:
        BadInputError: If links are not possible, or the folder was begun with another source or plan.
    """
    out = Path(out)
    plan = {"source": path_text(source.root.resolve()), **source.plan}
    begin_plan(out, source.kind, plan)
    tables = _Tables({name: number for number, name in enumerate(dict.fromkeys(source.classes), start=1)})
    for picture in counted(source.pictures, on_progress, total=source.total, name=lambda p: p.file):
        tables.parts.update(picture.parts())
        reason = _add(tables, source, picture, out, copy=copy)
        if reason is not None:
            tables.skipped[picture.file] = reason
    write_coco_rows(out / "annotations.json", tables.records, tables.objects, tables.categories)
    write_atomic(out / "labels.csv", _labels_csv(source.columns or tuple(tables.categories), tables.labels))
    card = {
        "schema_version": 1,
        "kind": source.kind,
        **plan,
        "images": "copies" if copy else "hard links",
        "classes": list(tables.categories),
        "counts": {
            "images": len(tables.records), "annotations": len(tables.objects), "listed": source.listed,
            "parts": dict(tables.parts), "threats": sum(is_threat(name) for name in tables.categories),
        },
        "skipped": tables.skipped,
        "dropped_boxes": tables.dropped,
        "sha256": {name: sha256_of(out / name) for name in ("annotations.json", "labels.csv")},
        "terms": source.terms,
    }  # fmt: skip
    write_json(out / "card.json", card, indent=1)
    return card


def safe_stem(text: str) -> str:
    """A file name without extension that any system takes, of text from outside.

    Example:
        >>> safe_stem("bag 1/../../x")
        'bag_1_.._.._x'
    """
    return _UNSAFE.sub("_", text)[:_LONGEST]


@dataclass
class _Tables:
    """What an import has gathered: numbers of categories, labels by image, COCO rows as JSON, what is out."""

    categories: dict[str, int]
    labels: dict[str, Mapping[str, int] | None] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    parts: Counter[str] = field(default_factory=Counter)


def _add(tables: _Tables, source: CopyToImport, picture: Picture, out: Path, *, copy: bool) -> str | None:
    """Bring one picture over and note it in the tables; the reason where it is left out."""
    path = source.root / picture.file
    check = check_image(path)
    if picture.fault or check.fault is not None or check.size is None:
        return picture.fault or check.fault or "size not known"
    stem = safe_stem(source.stem(picture))
    if stem in tables.labels:
        return f"another image is called {stem} already"
    try:
        objects = [(item.label, _object(item, check.size)) for item in picture.objects or ()]
    except ShapeError as error:
        return str(error)
    name, number = f"images/{stem}{path.suffix.lower()}", len(tables.records) + 1
    bring_image(path, out / name, copy=copy)
    kept = [(published, found) for published, found in objects if found is not None]
    if len(kept) < len(objects):
        tables.dropped[picture.file] = len(objects) - len(kept)
    present = {}
    for published, found in kept:
        label = source.category(published)
        category = tables.categories.setdefault(label, len(tables.categories) + 1)
        ids = {"id": len(tables.objects) + 1, "image_id": number, "category_id": category, "label": label}
        tables.objects.append(json.dumps(ids | found))
        present[label] = 1
    tables.labels[stem] = (
        present if picture.labels is None and picture.objects is not None else picture.labels
    )
    record = {
        "id": number, "file_name": name, "height": check.size[0], "width": check.size[1],
        "annotated": picture.objects is not None, "split": picture.split, "parts": list(picture.subsets),
        **picture.extra,
    }  # fmt: skip
    tables.records.append(json.dumps(record))
    return None


def _object(item: AnnotatedObject, size: tuple[int, int]) -> dict[str, Any] | None:
    """One COCO annotation, its class by the published name; None for a box without area."""
    box = usable_box(item, size)
    if box is None:
        return None
    xywh = [round(v, 3) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]
    found: dict[str, Any] = {
        "bbox": xywh, "area": round(xywh[2] * xywh[3], 3), "iscrowd": int(item.crowd), "name": item.label,
    }  # fmt: skip
    if item.outline:
        found["segmentation"] = rle = run_length(item.outline, size)
        found["area"] = float(Masks.from_coco([rle], size).areas()[0])
    flags = {"difficult": item.difficult, "truncated": item.truncated, "occluded": item.occluded}
    return found | {name: 1 for name, on in flags.items() if on} | dict(item.extra)


def _labels_csv(columns: Sequence[str], labels: Mapping[str, Mapping[str, int] | None]) -> str:
    """SIXray's manner: 1 there, -1 not there, 0 difficult or not annotated."""
    lines = [",".join(("name", *columns))]
    for name, known in labels.items():
        values = [0 if known is None else known.get(column, -1) for column in columns]
        lines.append(",".join((name, *map(str, values))))
    return "\n".join(lines) + "\n"
