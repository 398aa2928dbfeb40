"""A copy of a public set as a Beltline set: the layout that `read_set` opens, images as hard links."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from beltline.core import BadInputError, Masks, ShapeError, canonical, is_threat
from beltline.core.printable import path_text
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture, usable_box
from beltline.data.annotations.image_check import check_image
from beltline.data.annotations.polygons import run_length
from beltline.data.annotations.set_files import bring_image, write_coco_rows
from beltline.data.public.record import PublicSet
from beltline.data.public.verification import part_counts
from beltline.formats import begin_plan, sha256_of, write_atomic, write_json

Names: TypeAlias = Literal["taxonomy", "published"]
_LONGEST = 200  # letters of a name; with suffix and all it must fit into 255
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def import_public_set(
    known: PublicSet,
    root: str | Path,
    out: str | Path,
    *,
    part: str | None = None,
    names: Names = "taxonomy",
    copy: bool = False,
    watch: Callable[[list[Picture]], Iterable[Picture]] = iter,
) -> dict[str, Any]:
    """Write images/, annotations.json, labels.csv and card.json of what is on disk.

    Every image record keeps its split and parts, every annotation its published class name. Boxes are ordered
    and clipped to the image, those without area left out; polygons become amodal run lengths.

    Args:
        known: Which set.
        root: The copy.
        out: Folder of the set.
        part: Only this split, or part of a split ("OL3", "hidden").
        names: Classes by the taxonomy, where several published ones may be one, or as published.
        copy: Copy images instead of hard links.
        watch: Passes pictures on, to show progress.

    Returns:
        The card; ``skipped`` holds file and reason of each image left out.

    Raises:
        BadInputError: If the part is unknown, nothing of it is on disk, links are not possible, or the folder
            was begun with another set, part or kind of names.
    """
    data, out = known.read(root), Path(out)
    there = _chosen(data, part)
    plan = {"source": path_text(data.root.resolve()), "part": part, "names": names}
    begin_plan(out, known.name, plan)
    labels = known.labels() if names == "taxonomy" else {name: name for name in known.classes}
    tables = _Tables({}, [], [], {}, {}, dict.fromkeys(labels.values()))
    for picture in watch(there):
        _add(tables, known, data, picture, out, labels=labels, names=names, copy=copy)
    categories = {name: number for number, name in enumerate(tables.classes, start=1)}
    objects = [json.dumps({**o, "category_id": categories[o.pop("label")]}) for o in tables.objects]
    write_coco_rows(out / "annotations.json", tables.records, objects, categories)
    write_atomic(out / "labels.csv", _labels_csv(tables))
    card = {
        "schema_version": 1,
        "kind": known.name,
        **plan,
        "images": "copies" if copy else "hard links",
        "classes": list(tables.classes),
        "counts": {
            "images": len(tables.records), "annotations": len(objects), "listed": len(data),
            "parts": part_counts(there), "threats": sum(is_threat(name) for name in tables.classes),
        },
        "skipped": tables.skipped,
        "dropped_boxes": dict(tables.dropped),
        "sha256": {name: sha256_of(out / name) for name in ("annotations.json", "labels.csv")},
        "terms": known.terms,
    }  # fmt: skip
    write_json(out / "card.json", card, indent=1)
    return card


class _Tables(NamedTuple):
    """What an import has gathered: labels by image name, COCO records, what was left out, classes so far."""

    labels: dict[str, set[str] | None]
    records: list[str]
    objects: list[dict[str, Any]]
    skipped: dict[str, str]
    dropped: dict[str, int]
    classes: dict[str, None]


def _chosen(data: Annotated, part: str | None) -> list[Picture]:
    parts = dict.fromkeys(p for picture in data.pictures for p in (picture.split, *picture.subsets) if p)
    if part is not None and part not in parts:
        raise BadInputError(f"{data.root}: part must be one of {', '.join(parts) or 'none'}, got {part!r}")
    inside = [p for p in data.pictures if part is None or part in (p.split, *p.subsets)]
    there = [picture for picture in inside if picture.present]
    if not there:
        raise BadInputError(f"{data.root}: none of {len(inside)} listed images is on disk; unpack them")
    return there


def _add(
    tables: _Tables,
    known: PublicSet,
    data: Annotated,
    picture: Picture,
    out: Path,
    *,
    labels: dict[str, str],
    names: Names,
    copy: bool,
) -> None:
    """Bring one picture over and note it in the tables."""
    source = data.root / picture.file
    check = check_image(source)
    if picture.fault or check.fault is not None or check.size is None:
        tables.skipped[picture.file] = picture.fault or check.fault or "size not known"
        return
    stem = _UNSAFE.sub("_", f"{picture.split}_{picture.stem}" if known.own_names else picture.stem)[:_LONGEST]
    if stem in tables.labels:
        tables.skipped[picture.file] = f"another image is called {stem} already"
        return
    name, number = f"images/{stem}{source.suffix.lower()}", len(tables.records) + 1
    try:
        objects = [_object(item, check.size, number, labels, names) for item in picture.objects or ()]
    except ShapeError as error:
        tables.skipped[picture.file] = str(error)
        return
    bring_image(source, out / name, copy=copy)
    kept = [found for found in objects if found is not None]
    if len(kept) < len(objects):
        tables.dropped[picture.file] = len(objects) - len(kept)
    for found in kept:
        tables.objects.append({"id": len(tables.objects) + 1, **found})
    tables.classes.update(dict.fromkeys(found["label"] for found in kept))
    tables.labels[stem] = None if picture.objects is None else {found["label"] for found in kept}
    record = {
        "id": number, "file_name": name, "height": check.size[0], "width": check.size[1],
        "annotated": picture.objects is not None, "split": picture.split, "parts": list(picture.subsets),
        **picture.extra,
    }  # fmt: skip
    tables.records.append(json.dumps(record))


def _object(
    item: AnnotatedObject, size: tuple[int, int], image: int, labels: dict[str, str], names: Names
) -> dict[str, Any] | None:
    """One COCO annotation, its class still by name; None for a box without area."""
    box = usable_box(item, size)
    if box is None:
        return None
    fallback = _spelled(item.label) if names == "taxonomy" else item.label
    xywh = [round(v, 3) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]
    found: dict[str, Any] = {
        "image_id": image, "label": labels.get(item.label, fallback), "bbox": xywh,
        "area": round(xywh[2] * xywh[3], 3), "iscrowd": int(item.crowd), "name": item.label,
    }  # fmt: skip
    if item.outline:
        found["segmentation"] = rle = run_length(item.outline, size)
        found["area"] = float(Masks.from_coco([rle], size).areas()[0])
    flags = {"difficult": item.difficult, "truncated": item.truncated, "occluded": item.occluded}
    return found | {name: 1 for name, on in flags.items() if on} | dict(item.extra)


def _spelled(label: str) -> str:
    """An unknown class by the taxonomy's spelling; as it is where that has no letter for it."""
    try:
        return canonical(label)
    except ValueError:
        return label


def _labels_csv(tables: _Tables) -> str:
    """SIXray's manner: 1 there, -1 not there, 0 not annotated."""
    lines = [",".join(("name", *tables.classes))]
    for name, present in tables.labels.items():
        values = [0 if present is None else 1 if label in present else -1 for label in tables.classes]
        lines.append(",".join((name, *map(str, values))))
    return "\n".join(lines) + "\n"
