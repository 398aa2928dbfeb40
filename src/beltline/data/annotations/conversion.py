"""One annotation format to another, with a report of everything that the target cannot hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Literal, TypeAlias, get_args

from beltline.core import BadInputError, Progress, counted
from beltline.core.printable import path_text
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture, usable_box
from beltline.data.annotations.archives import ANNOTATIONS as CVAT_XML
from beltline.data.annotations.archives import is_archive
from beltline.data.annotations.coco import read_coco
from beltline.data.annotations.coco_writer import write_coco
from beltline.data.annotations.cvat import read_cvat
from beltline.data.annotations.cvat_writer import write_cvat
from beltline.data.annotations.image_check import check_image
from beltline.data.annotations.label_studio import read_label_studio
from beltline.data.annotations.label_studio_writer import TASKS, write_label_studio
from beltline.data.annotations.losses import UNREAD, Losses
from beltline.data.annotations.object_facts import with_object_ids
from beltline.data.annotations.set_files import bring_image, recode_image, require_new
from beltline.data.annotations.voc import ANNOTATIONS, IMAGES, read_voc, write_voc
from beltline.data.annotations.yolo import read_yolo, write_yolo
from beltline.formats import write_json

Format: TypeAlias = Literal["coco", "voc", "yolo", "cvat", "labelstudio"]
Target: TypeAlias = Literal["coco", "voc", "yolo", "yolo-seg", "cvat", "labelstudio"]
FORMATS: tuple[Format, ...] = get_args(Format)
TARGETS: tuple[Target, ...] = get_args(Target)
TOOLS: tuple[Target, ...] = ("cvat", "labelstudio")
"""Targets from which people's work comes back: objects go out with ids."""
REPORT = "losses.json"
_JPEG = (".jpg", ".jpeg")
_LONGEST_STEM = 200  # bytes


def guess_format(source: str | Path) -> Format:
    """Which format a folder or file holds.

    Raises:
        BadInputError: If it is none of them.
    """
    source = Path(source)
    if source.suffix.lower() == ".json":
        return "labelstudio" if _is_list(source) else "coco"
    if (source / "annotations.json").is_file():
        return "coco"
    if is_archive(source) or source.suffix.lower() == ".xml" or (source / CVAT_XML).is_file():
        return "cvat"
    if (source / TASKS).is_file():
        return "labelstudio"
    if any((source / ANNOTATIONS).glob("*.xml")):
        return "voc"
    if any((source / "annotations").glob("*.json")):
        return "coco"
    if any(source.glob("*.y*ml")) or (source / "classes.txt").is_file():
        return "yolo"
    raise BadInputError(
        f"{source}: expected annotations.json or annotations/*.json (COCO), {ANNOTATIONS}/*.xml (VOC),"
        f" data.yaml with images/ and labels/ (YOLO), {CVAT_XML} or a zip of it (CVAT) or {TASKS} (Label"
        " Studio), found none"
    )


def _is_list(path: Path) -> bool:
    """Whether a JSON file begins as Label Studio's list of tasks does, not as the object of COCO."""
    try:
        with path.open("rb") as stream:
            return stream.read(100).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    except OSError:
        return False  # the reader will say why


def read_annotated(source: str | Path, form: Format | None = None) -> Annotated:
    """A folder in one of the formats, or a COCO, CVAT or Label Studio file.

    Raises:
        BadInputError: If it is not in that format, or in none.
    """
    return _READERS[form or guess_format(source)](source)


def convert(
    data: Annotated,
    out: str | Path,
    target: Target,
    *,
    copy: bool = False,
    with_images: bool = True,
    jpeg: bool = False,
    source: str | Path | None = None,
    on_progress: Progress | None = None,
) -> Losses:
    """Write pictures in another format, and ``losses.json`` beside.

    Corners are ordered and clipped to the image, boxes without area dropped, images that are missing, damaged
    or cannot be told in the format left out; each is counted. Objects that go into an annotation tool get
    ids, see `with_object_ids`.

    Args:
        data: What a reader gave.
        out: A new folder.
        target: The format; "yolo-seg" holds one polygon an object instead of boxes.
        copy: Copy images instead of hard links.
        with_images: Bring images along; without them only annotations are written.
        jpeg: Write images of other kinds as JPEG, for readers that know no other.
        source: Where the data came from, for the report; the folder that was read if None.
        on_progress: Told pictures.

    Returns:
        What was lost.

    Raises:
        BadInputError: If the folder holds something, or no picture is left.
    """
    out, losses = Path(out), Losses()
    require_new(out)
    for problem, kind in UNREAD.items():
        for line in data.problems.get(problem, ()):
            losses.add(kind, line)
    data = with_object_ids(data) if target in TOOLS else data
    pictures = list(data.pictures)
    files: dict[int, str] = {}
    taken: set[str] = set()
    for i in counted(range(len(pictures)), on_progress):
        picture = _prepared(data, pictures[i], target, losses)
        if picture is not None:
            pictures[i] = picture
            files[i] = _place(picture, target, taken, losses)
            recode = jpeg and not files[i].lower().endswith(_JPEG)
            if recode:
                losses.add("recoded", picture.file)
                files[i] = files[i].rpartition(".")[0] + ".jpg"
            if with_images:
                bring = recode_image if recode else partial(bring_image, copy=copy)
                bring(data.root / picture.file, out / files[i])
    if not files:
        raise BadInputError(
            f"{data.root}: no picture that could be written as {target}; see which with verify"
        )
    ready = Annotated(data.root, _classes(data, pictures), tuple(pictures))
    _WRITERS[target](out, ready, files, losses)
    came_from = path_text(data.root if source is None else source)
    report = {"source": came_from, "target": target, "images": len(files), **losses.to_json()}
    write_json(out / REPORT, report, indent=1)
    return losses


def _prepared(data: Annotated, picture: Picture, target: Target, losses: Losses) -> Picture | None:
    """The picture with its size and clipped boxes; None where it has to be left out."""
    if picture.split and (PurePath(picture.split).name != picture.split or picture.split == ".."):
        raise BadInputError(
            f"{picture.file}: split {picture.split[:60]!r} cannot be the name of a file or folder"
        )
    if not picture.present:
        losses.add("missing_image", picture.file)
        return None
    check = check_image(data.root / picture.file)
    if picture.fault or check.fault is not None or check.size is None:
        losses.add("damaged", f"{picture.file}: {picture.fault or check.fault}")
        return None
    if any(_of_other_size(item, check.size) for item in picture.objects or ()):
        losses.add("damaged", f"{picture.file}: run lengths of another size than the image")
        return None
    if picture.objects is None:
        if target.startswith("yolo"):
            losses.add("not_annotated", picture.file)
            return None
        return replace(picture, size=check.size)
    items = []
    for item in picture.objects:
        box = usable_box(item, check.size)
        if box is None:
            losses.add("no_area", picture.file)
            continue
        if max(abs(a - b) for a, b in zip(box, item.box, strict=True)) > 0:
            losses.add("clipped", picture.file)
        items.append(replace(item, box=box))
    return replace(picture, size=check.size, objects=tuple(items))


def _of_other_size(item: AnnotatedObject, size: tuple[int, int]) -> bool:
    return isinstance(item.outline, Mapping) and tuple(item.outline["size"]) != size


def _place(picture: Picture, target: Target, taken: set[str], losses: Losses) -> str:
    """Path of the image in the target, of its own."""
    folder, split = {"voc": IMAGES}.get(target, "images"), picture.split
    if target.startswith("yolo"):
        if not split:
            losses.add("unsplit", picture.file)
        folder = f"images/{split or 'train'}"
    name = picture.file.rsplit("/", 1)[-1]
    if target in TOOLS and name != _plain(name):
        losses.add("renamed", picture.file)
        name = _plain(name)
    stem, _, suffix = name.rpartition(".")
    if len(stem.encode()) > _LONGEST_STEM:  # a suffix, a number and a temporary name need room
        losses.add("renamed", picture.file)
        stem = stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    if f"{folder}/{stem}" in taken:  # labels are found by the name without extension
        losses.add("renamed", picture.file)
        stem = picture.file.rpartition(".")[0].replace("/", "_")[-_LONGEST_STEM // 4 :]
        others = (f"{stem}-{number}" for number in itertools.count(2))
        stem = next(s for s in itertools.chain([stem], others) if f"{folder}/{s}" not in taken)
    taken.add(f"{folder}/{stem}")
    return f"{folder}/{stem}.{suffix}"


def _classes(data: Annotated, pictures: Iterable[Picture]) -> tuple[str, ...]:
    used = (item.label for picture in pictures for item in picture.objects or ())
    return tuple(dict.fromkeys((*data.classes, *used)))


def _plain(name: str) -> str:
    """A file name that XML holds and every tool takes for one name."""
    return "".join(letter if letter.isprintable() and letter != "\\" else "_" for letter in name)


def _write_coco(out: Path, data: Annotated, files: Mapping[int, str], losses: Losses) -> None:
    for picture in (data.pictures[i] for i in files):
        if picture.objects is None:
            losses.add("own_field", picture.file)
        for item in picture.objects or ():
            if item.difficult or item.truncated or item.occluded or item.extra:
                losses.add("own_field", picture.file)
    write_coco(out, data, files)


_READERS: Mapping[Format, Callable[[str | Path], Annotated]] = {
    "coco": read_coco, "voc": read_voc, "yolo": read_yolo, "cvat": read_cvat,
    "labelstudio": read_label_studio,
}  # fmt: skip
_WRITERS: Mapping[Target, Callable[[Path, Annotated, Mapping[int, str], Losses], None]] = {
    "coco": _write_coco, "voc": write_voc, "yolo": write_yolo,
    "yolo-seg": partial(write_yolo, polygons=True), "cvat": write_cvat, "labelstudio": write_label_studio,
}  # fmt: skip
