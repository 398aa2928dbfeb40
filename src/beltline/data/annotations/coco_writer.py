"""COCO instances out, where other tools look for them: a file a split in ``annotations/``, images beside.

Source:
    The layout of the COCO download (``annotations/instances_train2017.json``), file names below the folder of
    the images, is what Datumaro, FiftyOne, supervision and torchvision take.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from beltline.core import BadInputError, Masks
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Outline, Picture
from beltline.formats import write_json

IMAGES, WHOLE = "images", "default"  # the name that Datumaro gives to a set without splits


def write_coco(out: Path, data: Annotated, files: Mapping[int, str]) -> list[Path]:
    """Write ``annotations/instances_SPLIT.json``; without several splits ``annotations.json`` as well.

    File names are below ``images/`` in the former, below the folder in the latter: that one is what our own
    sets have and every verb opens. Flags of VOC, occlusion and further fields go along under their own names;
    other tools skip over them.

    Args:
        out: Folder of the set.
        data: The pictures; each needs its size.
        files: Path of each picture below ``out``, by its position; those without one are left out.

    Returns:
        The files written.
    """
    splits = sorted({data.pictures[i].split for i in files})
    written = []
    for split in splits:
        chosen = {i: file for i, file in files.items() if data.pictures[i].split == split}
        below = {i: file.removeprefix(f"{IMAGES}/") for i, file in chosen.items()}
        tables = {out / "annotations" / f"instances_{split or WHOLE}.json": below}
        tables |= {out / "annotations.json": chosen} if len(splits) == 1 else {}
        for path, names in tables.items():
            write_json(path, coco_tables(data, names))
            written.append(path)
    return written


def coco_tables(data: Annotated, files: Mapping[int, str]) -> dict[str, Any]:
    """COCO of the pictures at some positions, by the names of their files."""
    ids = {name: number for number, name in enumerate(data.classes, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, file in files.items():
        picture = data.pictures[i]
        images.append(_image_record(picture, len(images) + 1, file))
        for item in picture.objects or ():
            row = _annotation(item, ids[item.label])
            annotations.append({"id": len(annotations) + 1, "image_id": len(images), **row})
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    return {
        "info": {}, "licenses": [], "categories": categories, "images": images, "annotations": annotations,
    }  # fmt: skip


def _image_record(picture: Picture, number: int, file: str) -> dict[str, Any]:
    if picture.size is None:
        raise BadInputError(f"{picture.file}: COCO needs the size of the image, which is not known")
    record: dict[str, Any] = {
        "id": number, "file_name": file, "height": picture.size[0], "width": picture.size[1],
    }  # fmt: skip
    record |= {} if picture.objects is not None else {"annotated": False}
    record |= {"split": picture.split} if picture.split else {}
    record |= {"parts": list(picture.subsets)} if picture.subsets else {}
    return record | dict(picture.extra)


def _annotation(item: AnnotatedObject, category: int) -> dict[str, Any]:
    left, top, right, bottom = item.box
    xywh = [round(v, 4) for v in (left, top, right - left, bottom - top)]
    area = _area(item.outline) if item.outline else xywh[2] * xywh[3]
    row: dict[str, Any] = {
        "category_id": category, "bbox": xywh, "area": round(area, 3), "iscrowd": int(item.crowd),
        "segmentation": item.outline or [],
    }  # fmt: skip
    flags = {"difficult": item.difficult, "truncated": item.truncated, "occluded": item.occluded}
    return row | {name: 1 for name, on in flags.items() if on} | dict(item.extra)


def _area(outline: Outline) -> float:
    """Pixels of run lengths; of polygons the sum of their areas, by the shoelace formula."""
    if isinstance(outline, Mapping):
        size = (int(outline["size"][0]), int(outline["size"][1]))
        return float(Masks.from_coco([dict(outline)], size).areas()[0])
    points = (np.asarray(polygon, np.float64).reshape(-1, 2).T for polygon in outline)
    return sum(float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2 for x, y in points)
