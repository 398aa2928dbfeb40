"""A copy of SIXray as a Beltline set: the layout that `read_set` opens, images as hard links."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from beltline.core import BadInputError, Instances, xyxy_to_xywh
from beltline.core.printable import path_text
from beltline.data.annotations.image_check import check_image
from beltline.data.annotations.set_files import bring_image, write_coco_rows
from beltline.data.sixray.boxes import read_annotation, usable
from beltline.data.sixray.index import SixrayIndex
from beltline.data.sixray.lists import LabelList, write_label_list
from beltline.data.sixray.subsets import TERMS
from beltline.formats import begin_plan, sha256_of, write_json


def import_sixray(
    index: SixrayIndex,
    out: str | Path,
    *,
    copy: bool = False,
    only_positive: bool = False,
    watch: Callable[[list[int]], Iterable[int]] = iter,
) -> dict[str, Any]:
    """Write images/, annotations.json, labels.csv and card.json of what is on disk.

    Images are hard links, which take no space and need one file system; one that is there already is kept. A
    damaged image is left out and named in the card. Hammers are a sixth category of boxes, not of labels.

    Args:
        index: Of the copy.
        out: Folder of the set.
        copy: Copy the images.
        only_positive: Leave negatives out.
        watch: Passes rows on, to show progress.

    Returns:
        The card; ``skipped`` holds file and reason of each image left out.

    Raises:
        BadInputError: If nothing is on disk, an annotation is damaged, links are not possible, or the folder
            was begun with another copy or choice of images.
    """
    out = Path(out)
    positive = index.positive
    rows = np.flatnonzero(index.present & (positive | (not only_positive))).tolist()
    if not rows:
        raise BadInputError(f"{index.root}: none of {len(index)} listed images is on disk; unpack JPEGImage")
    plan = {"source": path_text(index.root.resolve()), "only_positive": only_positive}
    begin_plan(out, "sixray", plan)
    (out / "images").mkdir(parents=True, exist_ok=True)
    categories = {name: n for n, name in enumerate(dict.fromkeys((*index.classes, "hammer")), start=1)}
    tables = _Tables([], [], [], {})
    for row in watch(rows):
        _add(tables, index, row, out, copy=copy, positive=bool(positive[row]), categories=categories)
    write_coco_rows(out / "annotations.json", tables.records, tables.objects, categories)
    labels = LabelList(index.names[tables.rows], index.labels[tables.rows], index.classes)
    write_label_list(out / "labels.csv", labels, header=("name", *index.classes))
    card = {
        "schema_version": 1,
        "kind": "sixray",
        **plan,
        "images": "copies" if copy else "hard links",
        "counts": {"images": len(tables.rows), "annotations": len(tables.objects), "listed": len(index)},
        "skipped": tables.skipped,
        "sha256": {name: sha256_of(out / name) for name in ("annotations.json", "labels.csv")},
        "terms": TERMS,
    }
    write_json(out / "card.json", card, indent=1)
    return card


class _Tables(NamedTuple):
    """What an import has gathered: rows of the index, COCO records as JSON, what was left out."""

    rows: list[int]
    records: list[str]
    objects: list[str]
    skipped: dict[str, str]


def _add(
    tables: _Tables,
    index: SixrayIndex,
    row: int,
    out: Path,
    *,
    copy: bool,
    positive: bool,
    categories: dict[str, int],
) -> None:
    """Bring one image over and note it in the tables."""
    source = index.root / str(index.file(row))
    check = check_image(source)
    if check.fault is not None or check.size is None:
        tables.skipped[str(index.file(row))] = check.fault or "size not known"
        return
    name = f"images/{index.names[row]}{source.suffix.lower()}"
    bring_image(source, out / name, copy=copy)
    found = _instances(index, row, check.size, positive=positive)
    tables.rows.append(row)
    number = len(tables.rows)
    tables.records.append(_record(number, name, check.size, found is not None))
    tables.objects.extend(list(_objects(len(tables.objects), number, found, categories)))


def _instances(index: SixrayIndex, row: int, size: tuple[int, int], *, positive: bool) -> Instances | None:
    """Boxes of an image; none for a negative, None for a positive without XML."""
    path = index.annotation(row)
    if path is not None:
        return usable(read_annotation(path), size, hammer=True)
    return None if positive else Instances(np.zeros((0, 4), np.float32), ())


def _record(number: int, name: str, size: tuple[int, int], annotated: bool) -> str:
    record = {"id": number, "file_name": name, "height": size[0], "width": size[1], "annotated": annotated}
    return json.dumps(record)


def _objects(before: int, image: int, found: Instances | None, categories: dict[str, int]) -> Iterator[str]:
    if found is None:
        return
    for number, (label, xywh) in enumerate(zip(found.labels, xyxy_to_xywh(found.boxes), strict=True), 1):
        box = [round(float(v), 3) for v in xywh]
        yield json.dumps(
            {
                "id": before + number, "image_id": image, "category_id": categories[label], "bbox": box,
                "area": round(box[2] * box[3], 3), "iscrowd": 0,
            }
        )  # fmt: skip
