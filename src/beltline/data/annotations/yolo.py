"""YOLO in and out: a text file a picture, boxes or one polygon an object, in shares of the image.

Source:
    The layout that Ultralytics documents [recalled]: data.yaml with ``names`` and a folder of images for each
    split; ``labels`` in place of the last ``images`` of a path; rows of ``class cx cy w h`` or
    ``class x y x y ...``. An image without a text file is read as empty, so one that nobody annotated cannot
    be written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.data.annotations.annotated import (
    IMAGE_SUFFIXES,
    Annotated,
    AnnotatedObject,
    Picture,
    are_places,
    class_name,
    is_polygon,
    read_or_fault,
)
from beltline.data.annotations.coco import outline_box
from beltline.data.annotations.image_check import check_image
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.polygons import one_polygon
from beltline.formats import write_atomic
from beltline.formats.limits import bad, read_bytes

_SPLITS = ("train", "val", "test")
_MOST_CLASSES = 100_000
_CLASS_FILES = ("classes.txt", "obj.names", "labels/classes.txt")


def read_yolo(root: str | Path) -> Annotated:
    """A folder with data.yaml or classes.txt, images and labels; sizes come from the image headers.

    Both orders are known: ``images/train`` with ``labels/train``, and ``train/images`` with ``train/labels``.

    Raises:
        BadInputError: If there are no class names or no images.
    """
    root = Path(root)
    classes = _class_names(root)
    folders = _image_folders(root)
    pictures: list[Picture] = []
    for split, folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix.lower() in IMAGE_SUFFIXES:
                pictures.append(_picture(root, path, split, classes))
    if not pictures:
        raise BadInputError(f"{root}: expected images in images/ or train/images, found none")
    return Annotated(root, classes, tuple(pictures))


def write_yolo(
    out: Path, data: Annotated, files: Mapping[int, str], losses: Losses, *, polygons: bool = False
) -> None:
    """Write data.yaml and a text file for each annotated picture, empty where it has no object.

    Args:
        out: Folder.
        data: The pictures; each needs its size.
        files: Path of each picture below ``out`` (``images/SPLIT/NAME``), by its position.
        losses: Takes what the format cannot hold.
        polygons: One polygon an object instead of boxes.
    """
    ids = {name: number for number, name in enumerate(data.classes)}
    splits: dict[str, None] = {}
    for i, file in files.items():
        picture = data.pictures[i]
        splits[Path(file).parent.as_posix()] = None
        rows = [_row(item, ids[item.label], picture, losses, polygons) for item in picture.objects or ()]
        label = out / "labels" / Path(file).relative_to("images").with_suffix(".txt")
        write_atomic(label, "".join(f"{row}\n" for row in rows))
        losses.add_all((("part", picture.subsets), ("image_field", picture.extra)), picture.file)
    write_atomic(out / "data.yaml", _yaml(data.classes, list(splits)))


def _row(item: AnnotatedObject, number: int, picture: Picture, losses: Losses, polygons: bool) -> str:
    if picture.size is None:
        raise BadInputError(f"{picture.file}: YOLO needs the size of the image, which is not known")
    height, width = picture.size
    flags = [(flag, getattr(item, flag)) for flag in ("difficult", "truncated", "occluded", "crowd")]
    losses.add_all((*flags, ("extra_field", item.extra)), picture.file)
    left, top, right, bottom = item.box
    if not polygons:
        if item.outline:
            losses.add("mask", picture.file)
        shares = [(left + right) / 2 / width, (top + bottom) / 2 / height]
        shares += [(right - left) / width, (bottom - top) / height]
    elif item.outline:
        points, lost = one_polygon(item.outline, picture.size)
        for kind in lost:
            losses.add(kind, picture.file)
        shares = [v / (height if k % 2 else width) for k, v in enumerate(points)]
    else:
        losses.add("box_for_polygon", picture.file)
        corners = (left, top, right, top, right, bottom, left, bottom)
        shares = [v / (height if k % 2 else width) for k, v in enumerate(corners)]
    return " ".join((str(number), *(f"{min(max(v, 0.0), 1.0):.9g}" for v in shares)))


def _yaml(classes: tuple[str, ...], folders: list[str]) -> str:
    places = {folder.rpartition("/")[2]: folder for folder in folders}
    lines = ["path: .", *(f"{split}: {places[split]}" for split in _SPLITS if split in places)]
    lines += [f"{split}: {folder}" for split, folder in places.items() if split not in _SPLITS]
    # A JSON string is a YAML string too, whatever is in it.
    lines += ["names:", *(f"  {number}: {json.dumps(name)}" for number, name in enumerate(classes))]
    return "\n".join(lines) + "\n"


def _class_names(root: Path) -> tuple[str, ...]:
    for path in (*sorted(root.glob("*.yaml")), *sorted(root.glob("*.yml"))):
        names = _yaml_names(path, read_bytes(path).decode("utf-8", errors="replace"))
        if names:
            return _checked_names(path, names)
    for name in _CLASS_FILES:
        if (root / name).is_file():
            lines = read_bytes(root / name).decode("utf-8", errors="replace").splitlines()
            return _checked_names(root / name, tuple(line.strip() for line in lines if line.strip()))
    raise BadInputError(f"{root}: expected class names in data.yaml or classes.txt, found none")


def _checked_names(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(class_name(name) for name in names)
    except ValueError as error:
        raise bad(path, str(error)) from error


def _yaml_names(path: Path, text: str) -> tuple[str, ...]:
    """``names`` of a data.yaml: a list in brackets, a list by dashes, or a mapping from number to name."""
    found = re.search(r"^names\s*:(.*(?:\n(?:[ \t-].*|[ \t]*\]?))*)", text, re.MULTILINE)
    if found is None:
        return ()
    body = re.sub(r"\s#.*", "", found.group(1))
    if body.lstrip().startswith("["):
        inside = body[body.index("[") + 1 : body.rindex("]")] if "]" in body else ""
        return tuple(_unquoted(part) for part in inside.split(",") if part.strip())
    rows = [line.strip() for line in body.splitlines() if line.strip()]
    if all(row.startswith("-") for row in rows):
        return tuple(_unquoted(row[1:]) for row in rows)
    pairs = [row.partition(":") for row in rows]
    numbered = {int(k): _unquoted(v) for k, _, v in pairs if re.fullmatch(r"\s*\d{1,9}\s*", k)}
    if max(numbered, default=0) >= _MOST_CLASSES:
        raise bad(path, f"names class number {max(numbered)}; at most {_MOST_CLASSES} classes are read")
    return tuple(numbered.get(n, f"class_{n}") for n in range(max(numbered, default=-1) + 1))


def _unquoted(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _image_folders(root: Path) -> list[tuple[str, str]]:
    """(split, folder below the root) of the images."""
    found: list[tuple[str, str]] = []
    if (root / "images").is_dir():
        inside = sorted(p.name for p in (root / "images").iterdir() if p.is_dir())
        found += [(name, f"images/{name}") for name in inside] or [("", "images")]
    for split in (*_SPLITS, "valid"):
        if (root / split / "images").is_dir():
            found.append(("val" if split == "valid" else split, f"{split}/images"))
    return found


def _picture(root: Path, path: Path, split: str, classes: tuple[str, ...]) -> Picture:
    relative = path.relative_to(root).as_posix()
    head, _, tail = relative.rpartition("images/")
    label = root / f"{head}labels/{tail.rpartition('.')[0]}.txt"
    check = check_image(path)
    if check.size is None:
        return Picture(relative, None, split, None, fault=check.fault or "size not known")
    items: tuple[AnnotatedObject, ...] | None = ()  # without a text file: an image without objects
    fault = None
    if label.is_file() and label.stat().st_size:
        read = partial(read_yolo_labels, size=check.size, classes=classes)
        items, fault = read_or_fault(read, root, label)
    return Picture(relative, items, split, check.size, fault=fault)


def read_yolo_labels(
    path: Path, size: tuple[int, int], classes: tuple[str, ...]
) -> tuple[AnnotatedObject, ...]:
    """Objects of one text file in an image of (height, width).

    Raises:
        BadInputError: If a row is no box or polygon, or names a class that does not exist.
    """
    items = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", errors="replace").splitlines(), start=1):
        fields = line.split()
        if fields:
            items.append(_item(path, number, fields, size, classes))
    return tuple(items)


def _item(
    path: Path, number: int, fields: list[str], size: tuple[int, int], classes: tuple[str, ...]
) -> AnnotatedObject:
    where = f"line {number}"
    try:
        index, values = int(float(fields[0])), [float(v) for v in fields[1:]]
    except (ValueError, OverflowError) as error:
        raise bad(path, f"{where}: expected numbers, got {' '.join(fields)[:60]!r}") from error
    if not 0 <= index < len(classes):
        raise bad(path, f"{where}: class {index} of {len(classes)}")
    if not are_places(values):
        raise bad(path, f"{where}: expected finite numbers in reach, got {' '.join(fields)[:60]!r}")
    height, width = size
    extra: dict[str, Any] = {"score": values.pop()} if len(values) == 5 else {}
    if len(values) == 4:
        x, y, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
        box = tuple(round(v, 6) for v in (x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        if not are_places(box):
            raise bad(path, f"{where}: a box far outside the image, got {' '.join(fields)[:60]!r}")
        return AnnotatedObject(classes[index], (box[0], box[1], box[2], box[3]), extra=extra)
    if len(values) >= 6 and len(values) % 2 == 0:
        polygon = [round(v * (height if k % 2 else width), 6) for k, v in enumerate(values)]
        if not is_polygon(polygon):
            raise bad(path, f"{where}: a polygon far outside the image, got {' '.join(fields)[:60]!r}")
        return AnnotatedObject(classes[index], outline_box([polygon]), [polygon])
    raise bad(path, f"{where}: expected 4 numbers of a box or 6 and more of a polygon, got {len(values)}")
