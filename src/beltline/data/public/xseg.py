"""XSeg: thirty kinds of contraband with label images, of several sets and real screening, curated in rounds.

A label image holds the class of each pixel, no objects; the released code even merges all of a picture into
one. Here each connected piece of a class is an object (see `label_objects`). What the paper calls instances
may be more: two touching items of a class are one object here.

Source:
    XSeg (CVPR 2026, arXiv 2604.03706). Counts and number of classes read in a summary of the paper, the other
    number of classes (32) and nine of their names in the repository's README and figures, the VOC layout in
    its data loader; file names of lists and of class names inferred, which is why several are looked for.
    The full list of classes, counts of the splits and terms are not published. github.com/xi801/APSAM.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from beltline.core import BadInputError, Progress, counted
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Picture,
    class_name,
    images_in,
    read_or_fault,
)
from beltline.data.annotations.fake import SIZE, fake_pictures, write_picture, write_text
from beltline.data.annotations.label_images import IGNORED, label_objects, read_label_image
from beltline.data.annotations.set_files import read_names
from beltline.data.annotations.voc import IMAGES, read_label_map
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release
from beltline.formats.images import encode_png
from beltline.formats.limits import bad

CLASSES = (
    "MetalhandleCleaver", "PlastichandleCleaver", "PlastichandleScissors", "PlasticbottleLiquid",
    "MetalbottleLiquid", "ColumnarBlockBattery", "Gun", "Scissors", "Handcuffs",
)  # fmt: skip
"""The names that are published; their numbers are not."""
LABELS, LISTS = "SegmentationClass", "ImageSets/Segmentation"
SPLITS = ("train", "val", "test")
NAMES = ("classes.txt", "class_names.txt", "labels.txt", "labelmap.txt")
"""Where names of classes are looked for: a line each, the first for number 1, "background" for none."""
_THREADS = 4

Objects = tuple[tuple[AnnotatedObject, ...], tuple[int, int]]


def read_xseg(root: str | Path, *, on_progress: Progress | None = None) -> Annotated:
    """Read a copy: ``JPEGImages``, ``SegmentationClass`` and, with splits, ``ImageSets/Segmentation``.

    Told pictures, as their label images are read.

    Classes are named by the first of `NAMES` that the copy has; without one, or beyond its end, they are
    called by their number (``class_07``), never guessed.

    Raises:
        BadInputError: If there are no label images, or the list of classes cannot be read.
    """
    root = Path(root)
    labels = {stem: name for stem, name in images_in(root / LABELS).items() if name.lower().endswith(".png")}
    if not labels:
        raise BadInputError(
            f"{root}: expected {LABELS}/*.png and {IMAGES}/, found none; name the folder above"
        )
    problems: dict[str, list[str]] = {}
    names = class_names(root)
    if not names:
        problems["unnamed_classes"] = [f"none of {', '.join(NAMES)}; classes go by their number"]
    files, rows = images_in(root / IMAGES), _rows(root, problems)
    if not rows:
        rows = [("", stem) for stem in sorted({*files, *labels})]
    listed = {stem for _, stem in rows}
    problems["unlisted_images"] = [f"{IMAGES}/{file}" for stem, file in files.items() if stem not in listed]
    problems["annotation_without_image"] = [
        f"{LABELS}/{name}" for stem, name in labels.items() if stem not in files
    ]
    read = partial(_picture, root, names, files, labels)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(read, rows)
        pictures = tuple(counted(found, on_progress, total=len(rows), name=lambda picture: picture.file))
    met = {item.label for picture in pictures for item in picture.objects or ()}
    classes = dict.fromkeys((*names, *sorted(met)))
    return Annotated(root, tuple(classes), pictures, {k: tuple(v) for k, v in problems.items() if v})


def class_names(root: Path) -> tuple[str, ...]:
    """Names of classes 1, 2, ... of a copy; none where it names none.

    Raises:
        BadInputError: If a name is no printable text, or there twice.
    """
    path = next((root / name for name in NAMES if (root / name).is_file()), None)
    if path is None:
        return ()
    try:
        names = tuple(class_name(name) for name in read_label_map(path))
    except ValueError as error:
        raise bad(path, str(error)) from error
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise bad(path, f"names the class {twice[0]!r} twice")
    return names


def read_labels(path: Path, names: tuple[str, ...]) -> Objects:
    """Objects of one label image, and its (height, width).

    Raises:
        BadInputError: If it is damaged, or no label image.
    """
    labels = read_label_image(path)

    def name_of(number: int) -> str:
        return names[number - 1] if number <= len(names) else f"class_{number:02d}"

    try:
        return label_objects(labels, name_of), (labels.shape[0], labels.shape[1])
    except ValueError as error:
        raise bad(path, str(error)) from error


def fake_xseg(out: Path, *, each: int, seed: int) -> None:
    """Write a tiny tree of its shape: label images with ignored rims, lists, and names of classes."""
    rng = np.random.default_rng(seed)
    for split in SPLITS:
        names = [f"{split}_{number:05d}" for number in range(1, each + 1)]
        files = [f"{IMAGES}/{name}.jpg" for name in names]
        for name, picture in zip(names, fake_pictures(CLASSES, files, rng=rng, split=split), strict=True):
            write_picture(out, picture, rng=rng)
            labels = np.zeros(SIZE, np.uint8)
            for item in picture.objects or ():
                left, top, right, bottom = (int(v) for v in item.box)
                labels[top:bottom, left:right] = IGNORED
                labels[top + 1 : bottom - 1, left + 1 : right - 1] = 1 + CLASSES.index(item.label)
            (out / LABELS).mkdir(parents=True, exist_ok=True)
            (out / LABELS / f"{name}.png").write_bytes(encode_png(labels))
        write_text(out / LISTS / f"{split}.txt", names)
    write_text(out / NAMES[0], CLASSES)


def _rows(root: Path, problems: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Split and name of each listed picture."""
    rows = []
    for split in SPLITS:
        path = root / LISTS / f"{split}.txt"
        if not path.is_file():
            problems.setdefault("missing_lists", []).append(f"{LISTS}/{split}.txt")
            continue
        times = Counter(read_names(path))
        twice = [f"{LISTS}/{split}.txt: {name}" for name, number in times.items() if number > 1]
        problems.setdefault("repeated_rows", []).extend(twice)
        rows += [(split, name) for name in times]
    return rows


def _picture(
    root: Path, names: tuple[str, ...], files: dict[str, str], labels: dict[str, str], row: tuple[str, str]
) -> Picture:
    split, stem = row
    found, fault = None, None
    if stem in labels:
        found, fault = read_or_fault(partial(read_labels, names=names), root, root / LABELS / labels[stem])
    items, size = found or (None, None)
    return Picture(f"{IMAGES}/{files.get(stem, stem + '.jpg')}", items, split, size, (), stem in files, fault)


XSEG = PublicSet(
    name="xseg",
    title="XSeg",
    classes=CLASSES,
    read=read_xseg,
    fake=fake_xseg,
    releases=(Release("CVPR 2026, 98,644 images", {"all": 98_644}),),
    terms="None published with the set; ask its authors before any use but research.",
    names_its_classes=True,
)
