"""Label Studio in: tasks exported as JSON, with brush masks, rectangles and polygons.

Source:
    Label Studio's "task format"; shares of the picture in per cent, rectangles turned about their left top
    corner, brush masks as in `brush_rle`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from beltline.data.annotations.annotated import (
    IMAGE_SUFFIXES,
    Annotated,
    AnnotatedObject,
    Picture,
    class_name,
    split_name,
)
from beltline.data.annotations.annotation_xml import read_xml
from beltline.data.annotations.image_finder import ImageFinder
from beltline.data.annotations.label_studio_regions import (
    labels_of,
    region_facts,
    region_shape,
    size_of,
    size_of_regions,
)
from beltline.data.annotations.label_studio_writer import CONFIG, TASKS
from beltline.data.annotations.object_facts import (
    PREDICTED,
    is_predicted,
    object_with,
)
from beltline.formats.json_files import finite_json, read_json
from beltline.formats.limits import bad

_IMAGES = "images"
_UPLOADED = re.compile(r"[0-9a-f]{8}-")  # before the name of a file that was uploaded
_BARE = ("brush", "rectangle", "polygon")  # their label is in another result of the same id
_SHAPE_KEYS = ("rle", "points", "height")
_ODD = (KeyError, TypeError, AttributeError, ValueError, OverflowError)


def read_label_studio(path: str | Path) -> Annotated:
    """Tasks exported as JSON: the file, or a folder with ``tasks.json``.

    Of several annotations of a task the newest counts (``problems["several_annotations"]``), skipped ones
    never; without one the newest prediction, and the picture is marked ``extra["predicted"]``; without either
    nobody annotated it. Images are looked for in ``images/`` beside the file.

    Raises:
        BadInputError: If it is no list of tasks, or none of them names an image.
    """
    path = Path(path)
    file, root = (path / TASKS, path) if path.is_dir() else (path, path.parent)
    tasks = read_json(file)
    if not isinstance(tasks, list):
        raise bad(file, f"expected a list of tasks, got {type(tasks).__name__}")
    reader = _TaskReader(ImageFinder(root, _IMAGES))
    found = [reader.picture(task, number) for number, task in enumerate(tasks, start=1)]
    pictures = tuple(picture for picture in found if picture is not None)
    if not pictures:
        first = next(iter(reader.problems.get("damaged_annotation", ())), "there is none")
        raise bad(file, f"expected tasks that name an image, exported as JSON and not JSON-MIN: {first}")
    listed = _configured(root / CONFIG)
    used = dict.fromkeys(item.label for picture in pictures for item in picture.objects or ())
    strangers = [label for label in used if label not in listed]
    if listed and strangers:
        reader.problems["unlisted_label"] = strangers
    problems = {kind: tuple(lines) for kind, lines in reader.problems.items()}
    return Annotated(root, (*listed, *strangers), pictures, problems)


def _configured(path: Path) -> dict[str, None]:
    """The labels of a labeling configuration, if there is one."""
    if not path.is_file():
        return {}
    values = (row.get("value") for row in read_xml(path).iter("Label"))
    try:
        return {class_name(value): None for value in values}
    except ValueError as error:
        raise bad(path, str(error)) from error


class _TaskReader:
    """Makes a picture of each task, and notes what it could not take."""

    def __init__(self, finder: ImageFinder) -> None:
        self.problems: dict[str, list[str]] = {}
        self._finder = finder

    def picture(self, task: Any, number: int) -> Picture | None:
        """None where no image is named."""
        try:
            about = task["data"]
            file, present = self._file(task)
        except _ODD as error:
            self._note("damaged_annotation", f"task {number}: {_reason(error)}")
            return None
        try:
            return self._read(task, about, file, present)
        except _ODD as error:
            return Picture(file, None, present=present, fault=_reason(error))

    def _read(self, task: Any, about: Mapping[str, Any], file: str, present: bool) -> Picture:
        done = [row for row in _rows(task, "annotations") if not row.get("was_cancelled")]
        if len(done) > 1:
            self._note("several_annotations", f"{file}: {len(done)} annotations; the newest was read")
        annotation = _newest(done)
        prediction = None if annotation is not None else _newest(_rows(task, "predictions"))
        chosen = annotation if annotation is not None else prediction
        size = size_of(about.get("width"), about.get("height"))
        objects: tuple[AnnotatedObject, ...] | None = None
        if chosen is not None:
            maker = prediction.get("model_version") if prediction is not None else None
            objects = tuple(self._objects(_rows(chosen, "result"), size, file, maker))
            size = size or size_of_regions(chosen["result"])
        split, parts = split_name(about.get("split", "")), about.get("parts", ())
        fields = finite_json(about.get("fields", {}))
        extra, parts = dict(fields), tuple(map(split_name, parts))
        picture = Picture(file, objects, split, size, parts, present, extra=extra)
        predicted = prediction is not None
        if predicted or is_predicted(picture):
            return replace(picture, extra={**extra, PREDICTED: predicted})
        return picture

    def _objects(
        self, regions: list[dict[str, Any]], size: tuple[int, int] | None, file: str, maker: Any
    ) -> Iterable[AnnotatedObject]:
        bare = {region.get("id") for region in regions if region.get("type") in _BARE}
        named = {region.get("id"): labels_of(region) for region in regions if region.get("type") == "labels"}
        for number, region in enumerate(regions, start=1):
            where = f"{file}: region {number}"
            if region.get("type") == "labels" and region.get("id") in bare:
                continue
            value = region.get("value")
            if not isinstance(value, dict) or not any(key in value for key in _SHAPE_KEYS):
                self._note("unread_shape", f"{where}: {str(region.get('type'))[:20]}")
                continue
            try:
                labels = labels_of(region) or named.get(region.get("id"), [])
                if len(labels) > 1:
                    self._note("several_labels", f"{where}: the first of {len(labels)} labels was taken")
                box, outline = region_shape(region, size)
                facts = region_facts(region, maker)
                yield object_with(class_name(next(iter(labels), None)), box, outline, facts)
            except _ODD as error:
                self._note("damaged_annotation", f"{where}: {_reason(error)}")

    def _file(self, task: Any) -> tuple[str, bool]:
        name = _image_name(task)
        if not name.isprintable() or not name.strip("/ "):
            raise ValueError(f"the name of an image must be printable, got {name[:40]!r}")
        file, present, _ = self._finder.find(name)
        folder, _, last = name.rpartition("/")
        if not present and _UPLOADED.match(last):
            plain, there, _ = self._finder.find(f"{folder}/{last[9:]}".lstrip("/"))
            return (plain, True) if there else (file, False)
        return file, present

    def _note(self, kind: str, line: str) -> None:
        self.problems.setdefault(kind, []).append(line)


def _image_name(task: Mapping[str, Any]) -> str:
    """Path of the image of a task: as we wrote it, as it was uploaded, or from the first URL of an image."""
    about = task["data"]
    own = about.get("file")
    if isinstance(own, str) and own:
        return own.rpartition(f"{_IMAGES}/")[2]
    for value in (about.get("image"), *about.values(), task.get("file_upload")):
        name = _path_of(value) if isinstance(value, str) else ""
        if name.lower().endswith(IMAGE_SUFFIXES):
            return name.rpartition(f"{_IMAGES}/")[2]
    raise ValueError("names no image")


def _path_of(url: str) -> str:
    """The path that a URL leads to: of local storage its parameter ``d``, decoded once."""
    if "://" not in url and not url.startswith("/"):
        return url.replace("\\", "/")
    parts = urlsplit(url)
    local = parse_qs(parts.query).get("d")
    return (local[-1] if local else unquote(parts.path)).lstrip("/")


def _rows(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key) or []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError(f"{key} must be a list of objects; export with all of them")
    return found


def _newest(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """By the time it was changed, which ISO 8601 sorts as text; the last where none says."""
    times = [(str(row.get("updated_at") or row.get("created_at") or ""), k) for k, row in enumerate(rows)]
    return rows[max(times)[1]] if times else None


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"lacks {error}"
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError) else f"damaged ({text})"
