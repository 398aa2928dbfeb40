"""COCO instances in: what the format holds as such, and the further fields that our writer adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beltline.core import Masks, ShapeError
from beltline.core.run_lengths import check_run_lengths
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Box,
    Outline,
    Picture,
    are_places,
    class_name,
    is_polygon,
    split_name,
)
from beltline.data.annotations.coco_writer import WHOLE
from beltline.data.annotations.image_finder import ImageFinder
from beltline.formats.json_files import finite_json, read_json
from beltline.formats.limits import bad

_FLAGS = ("difficult", "truncated", "occluded")
_IMAGE_FIELDS = {"id", "file_name", "width", "height", "annotated", "split", "parts", "license"}
_ITEM_FIELDS = {"id", "image_id", "category_id", "bbox", "area", "segmentation", "iscrowd", *_FLAGS}


def read_coco_file(
    path: Path,
    root: Path,
    images: str,
    *,
    split: str = "",
    subsets: tuple[str, ...] = (),
    problems: dict[str, list[str]] | None = None,
) -> tuple[tuple[str, ...], list[Picture]]:
    """Classes and pictures of one file.

    Args:
        path: The JSON.
        root: Folder that picture paths shall be relative to.
        images: Folder of the images below it, "" for the root itself.
        split: Of every picture, where its record names none.
        subsets: Of every picture, where its record names none.
        problems: Takes what is odd, by kind; see `verdict`.

    Raises:
        BadInputError: If it is no COCO file with images, annotations and categories.
    """
    problems = {} if problems is None else problems
    coco = _json(path)
    try:
        names = {category["id"]: class_name(category["name"]) for category in coco["categories"]}
        records = {record["id"]: record for record in coco["images"]}
        grouped: dict[Any, list[AnnotatedObject]] = {number: [] for number in records}
        for row in coco.get("annotations", ()):
            label = names.get(row["category_id"])
            if label is None or row["image_id"] not in grouped:
                problems.setdefault("dangling", []).append(f"{path.name}: annotation {row.get('id')}")
                continue
            outline = _outline(row.get("segmentation"))
            if outline is None and row.get("segmentation"):
                kind = "odd_outline" if _in_reach(row["segmentation"]) else "far_outline"
                problems.setdefault(kind, []).append(f"{path.name}: annotation {row.get('id')}")
            item = _item(row, label, outline)
            if item is None:
                where = f"{path.name}: annotation {row.get('id')} has no box of four numbers in reach"
                problems.setdefault("damaged_annotation", []).append(where)
                continue
            grouped[row["image_id"]].append(item)
        files = ImageFinder(root, images)
        pictures = [
            _picture(record, grouped[number], files, split, subsets, problems)
            for number, record in records.items()
        ]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise bad(path, f"not a COCO file with images, annotations and categories ({error!r})") from error
    return tuple(names.values()), pictures


def read_coco(path: str | Path) -> Annotated:
    """A COCO file, or a folder of them: ``annotations.json`` or ``annotations/*.json``, a split each.

    ``instances_`` before the name of a split counts for nothing. Images are looked for as the file names say,
    else in ``images/``, a folder called as the split, and ``images/SPLIT``.

    Raises:
        BadInputError: If there is no such file.
    """
    path = Path(path)
    root = path.parent if path.suffix.lower() == ".json" else path
    files = [path] if path.suffix.lower() == ".json" else _annotation_files(path)
    if root.name == "annotations":
        root = root.parent
    if not files:
        raise bad(path, "expected annotations.json or annotations/*.json, found none")
    problems: dict[str, list[str]] = {}
    classes: dict[str, None] = {}
    pictures: list[Picture] = []
    for file in files:
        name = file.stem.removeprefix("instances_")
        split = "" if name in ("annotations", WHOLE) else _split_of(name)
        folder = _image_folder(root, (name, split, f"{split}2017") if split else ())
        names, found = read_coco_file(file, root, folder, split=split, problems=problems)
        classes.update(dict.fromkeys(names))
        pictures += found
    return Annotated(root, tuple(classes), tuple(pictures), {k: tuple(v) for k, v in problems.items()})


def outline_box(outline: Outline) -> Box:
    """Left, top, right, bottom of polygons or run lengths."""
    if isinstance(outline, Mapping):
        size = (int(outline["size"][0]), int(outline["size"][1]))
        left, top, right, bottom = (float(v) for v in Masks.from_coco([dict(outline)], size).boxes()[0])
        return left, top, right, bottom
    xs = [float(x) for polygon in outline for x in polygon[0::2]]
    ys = [float(y) for polygon in outline for y in polygon[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def _picture(
    record: Mapping[str, Any],
    items: list[AnnotatedObject],
    files: ImageFinder,
    split: str,
    subsets: tuple[str, ...],
    problems: dict[str, list[str]],
) -> Picture:
    name = record["file_name"]
    if not isinstance(name, str) or not name.isprintable():
        raise ValueError(f"file_name must be printable text, got {str(name)[:40]!r}")
    file, present, other_extension = files.find(name)
    if other_extension:
        problems.setdefault("wrong_extension", []).append(f"{name}: is {file}")
    size = (int(record["height"]), int(record["width"])) if record.get("width") else None
    if size is not None and min(size) < 1:
        raise ValueError(f"{name}: a size must be positive, got {size[1]}x{size[0]}")
    extra = {key: finite_json(value) for key, value in record.items() if key not in _IMAGE_FIELDS}
    parts = tuple(split_name(part) for part in record.get("parts", subsets))
    known = tuple(items) if record.get("annotated", True) else None
    own = split_name(record.get("split", split))
    return Picture(file, known, own, size, parts, present, extra=extra)


def _item(row: Mapping[str, Any], label: str, outline: Outline | None) -> AnnotatedObject | None:
    box = row.get("bbox")
    if box is None and outline is not None:
        corners = outline_box(outline)
    elif isinstance(box, Sequence) and len(box) == 4 and are_places(box):
        left, top, width, height = (float(v) for v in box)
        corners = (left, top, left + width, top + height)
    else:
        return None
    difficult, truncated, occluded = (bool(row.get(flag, False)) for flag in _FLAGS)
    extra = {key: finite_json(value) for key, value in row.items() if key not in _ITEM_FIELDS}
    crowd = bool(row.get("iscrowd", 0))
    return AnnotatedObject(label, corners, outline, difficult, truncated, occluded, crowd, extra)


def _outline(value: Any) -> Outline | None:
    """Polygons in reach of an image, or sound run lengths; None for anything else."""
    if isinstance(value, dict):
        try:
            check_run_lengths(value)
        except ShapeError:
            return None
        return value
    if not isinstance(value, list) or not all(isinstance(polygon, list) for polygon in value):
        return None
    return value if value and all(is_polygon(polygon) for polygon in value) else None


def _in_reach(polygons: Any) -> bool:
    """False for polygons that would be sound if they were smaller."""
    rows = polygons if isinstance(polygons, list) else []
    return not any(
        isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0 and all(map(_is_number, p)) for p in rows
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _annotation_files(folder: Path) -> list[Path]:
    single = folder / "annotations.json"
    return [single] if single.is_file() else sorted((folder / "annotations").glob("*.json"))


def _split_of(stem: str) -> str:
    for word in ("train", "val", "test"):
        if word in stem.lower():
            return word
    return stem.lstrip(". ")[:64]  # the name of a folder later


def _image_folder(root: Path, names: tuple[str, ...]) -> str:
    """Where the images of a split lie that goes by these names; "" for the root itself."""
    candidates = [f"{above}{name}" for above in ("images/", "") for name in names]
    return next((folder for folder in (*candidates, "images") if (root / folder).is_dir()), "")


def _json(path: Path) -> Mapping[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise bad(path, f"expected a JSON object, got {type(found).__name__}")
    return found
