"""Pascal VOC in and out: an XML a picture, whole pixels that count from 1, lists of splits.

Source:
    VOC2012 development kit [recalled]: corners count from 1 and include the last pixel, so left = xmin - 1
    and right = xmax in pixels from 0 with an exclusive right.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from beltline.core import BadInputError
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Box,
    Picture,
    are_places,
    class_name,
    images_in,
    read_or_fault,
    split_name,
)
from beltline.data.annotations.annotation_xml import CORNERS, read_xml, stated_size
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.set_files import read_names
from beltline.formats import write_atomic
from beltline.formats.limits import bad, read_bytes

IMAGES, ANNOTATIONS, LISTS = "JPEGImages", "Annotations", "ImageSets/Main"
LABEL_MAP = "labelmap.txt"  # of CVAT and Datumaro, which refuse classes that it does not name
_WHOLE = "trainval"  # a list that torchvision and Datumaro open, and that states no split
_BACKGROUND = "background"
_FLAGS = ("difficult", "truncated", "occluded")


def read_voc(root: str | Path) -> Annotated:
    """A folder with ``Annotations/*.xml``, ``JPEGImages/`` and, with splits, ``ImageSets/Main/*.txt``.

    Corners with fractions are taken as pixels from 0, whole ones as VOC's from 1. A picture that no list
    names has no split; one without XML was not annotated. Classes come from ``labelmap.txt``, if it is there,
    and from the objects.

    Raises:
        BadInputError: If there is no annotation.
    """
    root = Path(root)
    texts = {path.stem: path for path in sorted((root / ANNOTATIONS).glob("*.xml"))}
    if not texts:
        raise BadInputError(f"{root}: expected {ANNOTATIONS}/*.xml, found none")
    files = images_in(root / IMAGES)
    splits = _splits(root / LISTS)
    pictures = []
    for stem in sorted({*texts, *files, *splits}):
        file = f"{IMAGES}/{files.get(stem, stem + '.jpg')}"
        items, size, fault = None, None, None
        if stem in texts:
            found, fault = read_or_fault(read_voc_xml, root, texts[stem])
            items, size = found or (None, None)
        pictures.append(Picture(file, items, splits.get(stem, ""), size, (), stem in files, fault))
    used = (item.label for picture in pictures for item in picture.objects or ())
    classes = dict.fromkeys((*read_label_map(root / LABEL_MAP), *used))
    return Annotated(root, tuple(classes), tuple(pictures))


def read_voc_xml(path: Path) -> tuple[tuple[AnnotatedObject, ...], tuple[int, int] | None]:
    """Objects of one XML file, and the (height, width) it states.

    Raises:
        BadInputError: If it is no XML, declares entities, or a corner is no finite number.
    """
    tree = read_xml(path)
    rows = [row for row in tree.iter("object") if row.findtext("name", "").strip()]
    corners = [_corners(path, row) for row in rows]
    counts_from_1 = all(v == int(v) for box in corners for v in box)
    try:
        items = [_item(row, box, counts_from_1) for row, box in zip(rows, corners, strict=True)]
    except ValueError as error:
        raise bad(path, str(error)) from error
    return tuple(items), stated_size(tree)


def write_voc(out: Path, data: Annotated, files: Mapping[int, str], losses: Losses) -> None:
    """Write an XML for each annotated picture and a list for each split.

    Args:
        out: Folder.
        data: The pictures; each needs its size.
        files: Path of each picture below ``out``, by its position; those without one are left out.
        losses: Takes what the format cannot hold.
    """
    lists: dict[str, list[str]] = {}
    for i, file in files.items():
        picture = data.pictures[i]
        stem = Path(file).stem
        if picture.objects is not None:
            rows = [_object_xml(item, picture, losses) for item in picture.objects]
            write_atomic(out / ANNOTATIONS / f"{stem}.xml", _xml(Path(file).name, picture, rows))
            lists.setdefault(picture.split or _WHOLE, []).append(stem)
        elif picture.split:
            losses.add("unlisted", picture.file)
        losses.add_all((("part", picture.subsets), ("image_field", picture.extra)), picture.file)
    for split, stems in lists.items():
        # readers, ours too, take a name with an underscore for the list of one class
        write_atomic(out / LISTS / f"{split.replace('_', '-')}.txt", "".join(f"{stem}\n" for stem in stems))
    _write_label_map(out / LABEL_MAP, data.classes, losses)


def whole_pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels nearest to a box, at least one each way, counting from 1 and including the last.

    Example:
        >>> whole_pixels((0.0, 0.0, 1.0, 1.0), (10, 10)), whole_pixels((2.4, 2.0, 7.6, 9.0), (10, 10))
        ((1, 1, 1, 1), (3, 3, 8, 9))
    """
    height, width = size
    left, top = (min(math.floor(v + 0.5), limit - 1) for v, limit in ((box[0], width), (box[1], height)))
    right, bottom = (math.floor(v + 0.5) for v in box[2:])
    return left + 1, top + 1, max(right, left + 1), max(bottom, top + 1)


def _object_xml(item: AnnotatedObject, picture: Picture, losses: Losses) -> str:
    if picture.size is None:
        raise BadInputError(f"{picture.file}: VOC needs the size of the image, which is not known")
    corners = whole_pixels(item.box, picture.size)
    back = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
    shift = max(abs(a - b) for a, b in zip(back, item.box, strict=True))
    if shift > 0:
        losses.add("sub_pixel", picture.file)
        losses.largest_shift_px = max(losses.largest_shift_px, shift)
    kinds = (("mask", item.outline), ("crowd", item.crowd), ("extra_field", item.extra))
    losses.add_all(kinds, picture.file)
    flags = "".join(f"<{flag}>{int(getattr(item, flag))}</{flag}>" for flag in _FLAGS)
    box = "".join(f"<{name}>{v}</{name}>" for name, v in zip(CORNERS, corners, strict=True))
    return f"\t<object><name>{escape(item.label)}</name>{flags}<bndbox>{box}</bndbox></object>\n"


def _xml(name: str, picture: Picture, rows: Sequence[str]) -> str:
    height, width = picture.size or (0, 0)
    size = f"\t<size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n"
    head = f"\t<folder>{IMAGES}</folder>\n\t<filename>{escape(name)}</filename>\n{size}"
    return f"<annotation>\n{head}\t<segmented>0</segmented>\n{''.join(rows)}</annotation>\n"


def _corners(path: Path, row: ElementTree.Element) -> Box:
    texts = [row.findtext(f"bndbox/{name}", "").strip() for name in CORNERS]
    try:
        left, top, right, bottom = (float(text) for text in texts)
    except ValueError as error:
        name = row.findtext("name", "")[:40]
        raise bad(path, f"object {name!r} has the corners {str(texts)[:80]}") from error
    if not are_places((left, top, right, bottom)):
        name = row.findtext("name", "")[:40]
        raise bad(path, f"object {name!r} has corners that are not finite or far outside: {str(texts)[:80]}")
    return left, top, right, bottom


def _item(row: ElementTree.Element, box: Box, counts_from_1: bool) -> AnnotatedObject:
    left, top, right, bottom = box
    shift = 1.0 if counts_from_1 else 0.0
    difficult, truncated, occluded = (row.findtext(flag, "0").strip() == "1" for flag in _FLAGS)
    name = class_name(row.findtext("name", "").strip())
    return AnnotatedObject(
        name, (left - shift, top - shift, right, bottom), None, difficult, truncated, occluded
    )


def _splits(folder: Path) -> dict[str, str]:
    """Split of each name; lists of single classes (``gun_train.txt``) and unions are passed over."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.txt")):
        if "_" not in path.stem and path.stem not in ("trainval", "all"):
            split = _split(path)
            for name in read_names(path):
                found.setdefault(name, split)
    return found


def read_label_map(path: Path) -> list[str]:
    """Names in the order of the file, without the background; none if it is not there.

    A line a class: its name, and what CVAT writes behind a colon.

    Raises:
        BadInputError: If it cannot be read.
    """
    if not path.is_file():
        return []
    lines = (line.strip() for line in read_bytes(path).decode("utf-8", errors="replace").splitlines())
    names = (line.partition(":")[0].strip() for line in lines if line and not line.startswith("#"))
    return [name for name in names if name and name.strip("_").lower() != _BACKGROUND]


def _write_label_map(path: Path, classes: Sequence[str], losses: Losses) -> None:
    """A line a class, ``name:color:parts:actions`` of which only the name is needed."""
    lines = ["# label:color_rgb:parts:actions", f"{_BACKGROUND}:0,0,0::"]
    for name in classes:
        if name.startswith("#") or any(mark in name for mark in ":\r\n"):
            losses.add("class_name", name)
        elif name != _BACKGROUND:
            lines.append(f"{name}:::")
    write_atomic(path, "".join(f"{line}\n" for line in lines))


def _split(path: Path) -> str:
    try:
        return split_name(path.stem)
    except ValueError as error:
        raise bad(path, str(error)) from error
