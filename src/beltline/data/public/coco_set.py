"""Public sets published as COCO files beside folders of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beltline.core import BadInputError, Progress, counted
from beltline.data.annotations.annotated import Annotated, Picture, images_in
from beltline.data.annotations.coco import read_coco_file
from beltline.data.annotations.coco_writer import coco_tables
from beltline.data.annotations.fake import fake_pictures, write_picture
from beltline.formats import write_json


@dataclass(frozen=True)
class CocoPart:
    """One COCO file of a set; paths are below the root.

    Attributes:
        split: "train", "test".
        annotations: The file.
        images: Folder of its images.
        subset: Part of the split that it holds, "" for all of it.
    """

    split: str
    annotations: str
    images: str
    subset: str = ""


def read_coco_set(
    root: str | Path,
    parts: Iterable[CocoPart],
    classes: tuple[str, ...],
    *,
    on_progress: Progress | None = None,
) -> Annotated:
    """Every part of a set of this kind, as far as it is there; told COCO files.

    Raises:
        BadInputError: If none of its COCO files is there.
    """
    root, known = Path(root), tuple(parts)
    here = [part for part in known if (root / part.annotations).is_file()]
    if not here:
        expected = ", ".join(part.annotations for part in known)
        raise BadInputError(f"{root}: expected {expected}, found none; name the folder above annotations/")
    problems: dict[str, list[str]] = {}
    pictures: list[Picture] = []
    for part in counted(here, on_progress, name=lambda part: part.annotations):
        subsets = (part.subset,) if part.subset else ()
        try:
            _, found = read_coco_file(
                root / part.annotations,
                root,
                part.images,
                split=part.split,
                subsets=subsets,
                problems=problems,
            )
        except BadInputError as error:
            problems.setdefault("damaged_annotation", []).append(str(error).removeprefix(f"{root}/"))
            continue
        pictures += found
        listed = Counter(picture.file for picture in found)
        on_disk = (f"{part.images}/{name}" for name in images_in(root / part.images).values())
        problems.setdefault("unlisted_images", []).extend(file for file in on_disk if file not in listed)
        twice = (f"{part.annotations}: {file}" for file, times in listed.items() if times > 1)
        problems.setdefault("repeated_rows", []).extend(twice)
    missing = [part.subset or part.split for part in known if part not in here]
    if missing:
        problems["missing_splits"] = missing
    return Annotated(root, classes, tuple(pictures), {k: tuple(v) for k, v in problems.items() if v})


def fake_coco_set(
    root: Path, parts: Iterable[CocoPart], classes: tuple[str, ...], *, each: int, seed: int
) -> None:
    """Write a tiny tree of this shape, with polygons."""
    rng = np.random.default_rng(seed)
    for part in parts:
        kind = part.subset or part.split
        files = [f"{part.images}/xray_{kind}{number:05d}.png" for number in range(1, each + 1)]
        pictures = tuple(fake_pictures(classes, files, rng=rng))
        for picture in pictures:
            write_picture(root, picture, rng=rng)
        names = {i: file.removeprefix(f"{part.images}/") for i, file in enumerate(files)}
        (root / part.annotations).parent.mkdir(parents=True, exist_ok=True)
        write_json(root / part.annotations, coco_tables(Annotated(root, classes, pictures), names))
