"""CVAT for images 1.1 in: masks, boxes and polygons of an annotations.xml, in a folder, alone or in a zip.

Source:
    CVAT's "XML annotation format" 1.1, and its own reader and writer in cvat/apps/dataset_manager/formats. A
    mask is a box of whole pixels and run lengths in it, row by row, background first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from beltline.core import BadInputError, Masks, ShapeError
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Box,
    Outline,
    Picture,
    class_name,
    is_polygon,
    split_name,
)
from beltline.data.annotations.annotation_xml import parse_xml
from beltline.data.annotations.archives import ANNOTATIONS, annotations_in, is_archive
from beltline.data.annotations.coco import outline_box
from beltline.data.annotations.image_finder import ImageFinder
from beltline.data.annotations.object_facts import object_with, of_text
from beltline.data.annotations.row_runs import mask_of_row_runs
from beltline.data.annotations.turned_boxes import turned_box
from beltline.formats.limits import bad, check_size

IMAGES, NO_SUBSET = "images", "default"
Shape: TypeAlias = tuple[Box, Outline | None]
Attributes: TypeAlias = Mapping[str, str]


def read_cvat(path: str | Path) -> Annotated:
    """An annotations.xml of CVAT: the file, its folder, or the zip that CVAT exports.

    Images are looked for in ``images/`` beside the file or the zip; those inside a zip stay there, see
    `archives.with_images`. An image without shapes is one without objects. Tracks, ellipses, skeletons,
    points, lines and tags are named in ``problems["unread_shape"]``.

    Raises:
        BadInputError: If there is no such file, or it is damaged, or of another kind ("CVAT for video").
    """
    path = Path(path)
    file = path / ANNOTATIONS if path.is_dir() else path
    root = path if path.is_dir() else path.parent
    found = _ImageEvents(ImageFinder(root, IMAGES))
    if is_archive(file):
        with annotations_in(file) as stream:
            parse_xml(file, stream, found)
    else:
        try:
            with file.open("rb") as stream:
                parse_xml(file, stream, found)
        except OSError as error:
            raise bad(file, f"cannot be read ({error.strerror or error})") from error
    if not found.pictures:
        raise bad(file, "holds no images; CVAT exports those as 'CVAT for images 1.1'")
    return _annotated(root, found)


def _annotated(root: Path, found: _ImageEvents) -> Annotated:
    used = (item.label for picture in found.pictures for item in picture.objects or ())
    strangers = [label for label in dict.fromkeys(used) if label not in found.classes]
    if found.classes and strangers:
        found.problems["unlisted_label"] = strangers
    problems = {kind: tuple(lines) for kind, lines in found.problems.items()}
    return Annotated(root, (*found.classes, *strangers), tuple(found.pictures), problems)


class _ImageEvents:
    """Makes a picture of each ``<image>``."""

    def __init__(self, finder: ImageFinder) -> None:
        self.pictures: list[Picture] = []
        self.classes: dict[str, None] = {}
        self.problems: dict[str, list[str]] = {}
        self._finder = finder
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._image: Attributes = {}
        self._shape: Attributes | None = None
        self._facts: dict[str, str] = {}
        self._attribute = ""
        self._objects: list[AnnotatedObject] = []
        self._number = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if not self._open and tag != "annotations":
            raise ValueError(f"expected <annotations> of CVAT, got <{tag[:40]}>")
        above = self._open[-1] if self._open else ""
        if tag == "image":
            self._image, self._objects, self._number = attributes, [], 0
        elif above == "image":
            self._shape, self._facts, self._number = attributes, {}, self._number + 1
        elif tag == "attribute" and self._shape is not None:
            self._attribute, self._text = attributes.get("name", ""), []
        elif tag == "name" and above == "label":
            self._text = []
        elif tag == "track":
            self._note("unread_shape", f"track {attributes.get('id', '')[:20]}")
        self._open.append(tag)

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._open.pop()
        above = self._open[-1] if self._open else ""
        text = "".join(self._text or ())
        if tag == "name" and above == "label":
            self.classes[class_name(text)] = None
        elif tag == "attribute" and self._shape is not None and text and self._attribute:
            self._facts[self._attribute] = text
        elif above == "image" and self._shape is not None:
            self._end_shape(tag, self._shape)
            self._shape = None
        elif tag == "image":
            self._end_image()
        if tag in ("name", "attribute"):
            self._text = None

    def _end_shape(self, tag: str, attributes: Attributes) -> None:
        read = _SHAPES.get(tag)
        if read is None:
            self._note("unread_shape", self._where(tag))
            return
        try:
            label = class_name(attributes.get("label"))
            box, outline = read(attributes, _size(self._image))
            self._objects.append(object_with(label, box, outline, self._read_facts(tag, attributes)))
        except _DamagedMask as error:
            self._note("odd_outline", f"{self._where(tag)}: {error}")
            self._objects.append(object_with(label, error.box, None, self._read_facts(tag, attributes)))
        except (KeyError, ValueError, OverflowError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            self._note("damaged_annotation", f"{self._where(tag)}: {reason}")

    def _read_facts(self, tag: str, attributes: Attributes) -> dict[str, Any]:
        facts: dict[str, Any] = {"occluded": True} if attributes.get("occluded") == "1" else {}
        for key, text in self._facts.items():
            try:
                facts[key] = of_text(key, text)
            except ValueError as error:
                self._note("odd_attribute", f"{self._where(tag)}: {key}: {error}")
        return facts

    def _end_image(self) -> None:
        name = self._image.get("name", "")
        if not name.strip() or not name.isprintable():
            number = self._image.get("id", "")[:20]
            self._note("damaged_annotation", f"image {number}: a name must be printable text")
            return
        subset = self._image.get("subset", "")
        split = split_name("" if subset.lower() == NO_SUBSET else subset)
        file, present, _ = self._finder.find(f"{subset}/{name}" if subset else name)
        if not present:
            file, present, _ = self._finder.find(name)
        try:
            size, objects, fault = _size(self._image), tuple(self._objects), None
        except ValueError as error:
            size, objects, fault = None, None, str(error)
        self.pictures.append(Picture(file, objects, split, size, (), present, fault))

    def _where(self, tag: str) -> str:
        return f"{self._image.get('name', '')[:80]}: {tag[:20]} {self._number}"

    def _note(self, kind: str, line: str) -> None:
        self.problems.setdefault(kind, []).append(line)


class _DamagedMask(ValueError):
    """A mask of which only the box can be used."""

    def __init__(self, reason: str, box: Box) -> None:
        super().__init__(reason)
        self.box = box


def _size(image: Attributes) -> tuple[int, int]:
    """(height, width) that an ``<image>`` states.

    Raises:
        ValueError: If it states none, or one that no scan has.
    """
    try:
        height, width = _whole(image["height"]), _whole(image["width"])
        check_size("", height, width)
    except KeyError as error:
        raise ValueError(f"states no {error.args[0]}") from error
    except BadInputError as error:
        raise ValueError(str(error).removeprefix(": ")) from error
    return height, width


def _mask(attributes: Attributes, size: tuple[int, int]) -> Shape:
    left, top, width, height = (_whole(attributes[key]) for key in ("left", "top", "width", "height"))
    if min(left, top) < 0 or min(width, height) < 1 or left + width > size[1] or top + height > size[0]:
        raise ValueError(f"{width}x{height} at {left},{top} leaves the image of {size[1]}x{size[0]}")
    box = (float(left), float(top), float(left + width), float(top + height))
    text = attributes.get("rle", "")
    try:
        if text.count(",") > width * height:
            raise ShapeError(f"more run lengths than its {width}x{height} pixels")
        mask = np.zeros(size, np.bool_)
        window = mask_of_row_runs([int(part) for part in text.split(",")], (height, width))
    except ValueError as error:
        raise _DamagedMask(str(error), box) from error
    mask[top : top + height, left : left + width] = window
    return box, Masks.encode(mask[None]).to_coco()[0]


def _box(attributes: Attributes, size: tuple[int, int]) -> Shape:
    left, top, right, bottom = (float(attributes[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
    centre = ((left + right) / 2, (top + bottom) / 2)
    return turned_box((left, top, right, bottom), float(attributes.get("rotation", "0")), centre)


def _polygon(attributes: Attributes, size: tuple[int, int]) -> Shape:
    points = [float(v) for pair in attributes["points"].split(";") for v in pair.split(",")]
    if not is_polygon(points):
        raise ValueError("expected three points or more x,y;x,y;..., in reach of the image")
    return outline_box([points]), [points]


_SHAPES: Mapping[str, Callable[[Attributes, tuple[int, int]], Shape]] = {
    "mask": _mask, "box": _box, "polygon": _polygon,
}  # fmt: skip


def _whole(text: str) -> int:
    found = float(text)
    if not found.is_integer():  # nor are NaN and infinity
        raise ValueError(f"expected whole pixels, got {text[:20]!r}")
    return int(found)
