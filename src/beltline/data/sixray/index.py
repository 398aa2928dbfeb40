"""SIXray as it really arrives: label lists under several names, images and boxes as far as they are unpacked.

Source:
    Miao et al., SIXray (CVPR 2019); layout as published with it (JPEGImage/, Annotation/,
    ImageSet/{10,100,1000}/{train,test}.csv) and as the released code reads it
    (ImageSet/train_test_10-5/{train,test_new}.csv).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances
from beltline.data.annotations.annotated import IMAGE_SUFFIXES
from beltline.data.annotations.image_list import ImageList
from beltline.data.sixray.boxes import read_annotation, usable
from beltline.data.sixray.lists import NAMES, LabelList, read_label_list

IMAGE_FOLDERS = ("jpegimage", "jpegimages", "images", "image")
ANNOTATION_FOLDERS = ("annotation", "annotations", "positive-annotation", "positive_annotation")
LIST_FOLDERS = ("imageset", "imagesets")
_DEEPEST = 4
Difficult: TypeAlias = Literal["nan", "present"]
Files: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
"""Names without extension by (folder below the root, suffix)."""


@dataclass(frozen=True, eq=False)
class Holdings:
    """What lies in a copy of SIXray, by name only; no file was opened.

    Attributes:
        root: The copy.
        images: Images found.
        annotations: XML files found.
        lists: Label lists by name: "10/train" is ImageSet/10/train.csv.
    """

    root: Path
    images: Files
    annotations: Files
    lists: Mapping[str, Path]


@dataclass(frozen=True, eq=False)
class SixrayIndex:
    """Every image that a list names, or that lies in a copy without lists.

    Attributes:
        root: Folder of the copy.
        names: (N,) image names without extension.
        labels: (N, K) int8 as in the lists: 1 present, -1 absent, 0 "difficult".
        classes: K canonical names.
        image_at: (N,) int16, position in ``image_places``; -1 where the image is not on disk.
        image_places: (folder, suffix) pairs.
        annotation_at: Same for XML files.
        annotation_places: (folder, suffix) pairs.
        lists: Rows of each list, by its name.
        conflicts: Names that two lists label differently; the first list counts.
    """

    root: Path
    names: NDArray[np.str_]
    labels: NDArray[np.int8]
    classes: tuple[str, ...]
    image_at: NDArray[np.int16]
    image_places: tuple[tuple[str, str], ...]
    annotation_at: NDArray[np.int16]
    annotation_places: tuple[tuple[str, str], ...]
    lists: Mapping[str, NDArray[np.intp]]
    conflicts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,) whether the image is on disk."""
        return self.image_at >= 0

    @property
    def annotated(self) -> NDArray[np.bool_]:
        """(N,) whether an XML file is on disk."""
        return self.annotation_at >= 0

    @property
    def positive(self) -> NDArray[np.bool_]:
        """(N,) whether an image is one of the set's positives.

        That is one with a class present or difficult, or named P...: a hammer alone has no label.
        """
        return (self.labels >= 0).any(axis=1) | np.char.startswith(self.names, "P")

    def counts(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> dict[str, int]:
        """Images by class (one may hold several), ``positive``, ``negative`` and ``total``."""
        per_class = (self.labels[rows] >= 0).sum(axis=0).tolist()
        positive = self.positive[rows]
        found, total = int(positive.sum()), len(positive)
        sides = {"positive": found, "negative": total - found, "total": total}
        return {**dict(zip(self.classes, per_class, strict=True)), **sides}

    def file(self, row: int) -> str | None:
        """Path of an image below the root, with forward slashes; None where it is not on disk."""
        return _place(self.image_places, self.image_at, self.names, row)

    def annotation(self, row: int) -> Path | None:
        """The XML file of an image, None where there is none."""
        found = _place(self.annotation_places, self.annotation_at, self.names, row)
        return None if found is None else self.root / found


def find_holdings(root: str | Path) -> Holdings:
    """List a copy: images, XML files, label lists; folder names in any case, images in nested folders too.

    Raises:
        BadInputError: If the folder is missing or holds neither images nor lists.
    """
    root = Path(root)
    if not root.is_dir():
        raise BadInputError(f"{root}: expected the folder of a copy of SIXray, found none")
    images: dict[tuple[str, str], list[str]] = {}
    annotations: dict[tuple[str, str], list[str]] = {}
    lists: dict[str, Path] = {}
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        kind = entry.name.lower()
        if entry.is_dir() and kind in IMAGE_FOLDERS:
            _collect(images, root, entry.name, IMAGE_SUFFIXES)
        elif entry.is_dir() and kind in ANNOTATION_FOLDERS:
            _collect(annotations, root, entry.name, (".xml",))
        elif entry.is_dir() and kind in LIST_FOLDERS:
            for path in sorted(Path(entry.path).rglob("*.csv")):
                lists[path.relative_to(entry.path).with_suffix("").as_posix()] = path
        elif kind.endswith(".csv"):
            lists[Path(entry.name).stem] = Path(entry.path)
    if not images and not lists:
        raise BadInputError(
            f"{root}: expected JPEGImage/ with images or ImageSet/ with label lists, found neither;"
            " name the folder that holds them"
        )
    return Holdings(root, MappingProxyType(images), MappingProxyType(annotations), MappingProxyType(lists))


def read_index(root: str | Path) -> SixrayIndex:
    """Index a copy: labels of all its lists, and what of it is on disk.

    Without lists the index holds the images whose labels are known: an XML gives them, N... is negative.

    Raises:
        BadInputError: If the folder is no copy of SIXray, or a list is damaged.
    """
    return build_index(find_holdings(root))


def build_index(holdings: Holdings) -> SixrayIndex:
    """`read_index` of a copy already listed.

    Raises:
        BadInputError: If a list is damaged or the lists differ in their classes.
    """
    tables = {name: read_label_list(path) for name, path in holdings.lists.items()}
    if not tables:
        tables = {"": _labels_without_lists(holdings)}
    classes = max((table.classes for table in tables.values()), key=len)
    for name, table in tables.items():
        if table.classes != classes:
            raise BadInputError(
                f"{holdings.lists[name]}: has the classes {', '.join(table.classes)}, another list"
                f" {', '.join(classes)}; keep lists of one kind in ImageSet"
            )
    names, labels, rows, conflicts = _merge(list(tables.values()))
    image_places, image_at = _locate(names, holdings.images)
    annotation_places, annotation_at = _locate(names, holdings.annotations)
    parts = np.split(rows, np.cumsum([len(table) for table in tables.values()])[:-1])
    lists = {name: part for name, part in zip(tables, parts, strict=True) if name}
    return SixrayIndex(
        holdings.root, names, labels, classes, image_at, image_places, annotation_at, annotation_places,
        MappingProxyType(lists), conflicts,
    )  # fmt: skip


def to_image_list(
    index: SixrayIndex,
    rows: NDArray[np.intp] | None = None,
    *,
    difficult: Difficult = "nan",
    hammer: bool = False,
) -> ImageList:
    """Images on disk with labels for training or measuring; boxes where there is an XML.

    Args:
        index: Of the copy.
        rows: Which and in which order; None takes all. Those not on disk are left out.
        difficult: What the label 0 becomes: "nan" (left out of average precision and of losses that know
            it) or "present", as the released code trains.
        hammer: Keep boxes of hammers, which are not among the classes of the lists.
    """
    chosen = np.arange(len(index)) if rows is None else np.asarray(rows, np.intp)
    chosen = chosen[index.present[chosen]]
    labels = (index.labels[chosen] == 1).astype(np.float32)
    labels[index.labels[chosen] == 0] = np.nan if difficult == "nan" else 1.0
    heads = [f"{folder}/" for folder, _ in index.image_places]
    tails = [suffix for _, suffix in index.image_places]
    places, names = index.image_at[chosen].tolist(), index.names[chosen].tolist()
    files = tuple(heads[place] + name + tails[place] for place, name in zip(places, names, strict=True))

    def boxes(row: int) -> Instances | None:
        path = index.annotation(int(chosen[row]))
        return None if path is None else usable(read_annotation(path), hammer=hammer)

    return ImageList(index.root, files, labels, index.classes, boxes)


def _collect(
    found: dict[tuple[str, str], list[str]],
    root: Path,
    folder: str,
    suffixes: tuple[str, ...],
    above: tuple[str, ...] = (),
) -> None:
    """Names of all files below a folder, by folder and suffix; links are followed, a loop is not."""
    real = os.path.realpath(root / folder)
    if real in above or len(above) > _DEEPEST:
        return
    with os.scandir(root / folder) as entries:
        for entry in entries:
            stem, dot, extension = entry.name.rpartition(".")
            if dot and stem and f".{extension.lower()}" in suffixes:
                found.setdefault((folder, f".{extension}"), []).append(stem)
            elif entry.is_dir():
                _collect(found, root, f"{folder}/{entry.name}", suffixes, (*above, real))


def _labels_without_lists(holdings: Holdings) -> LabelList:
    xml = dict(files_below(holdings.annotations))
    known: dict[str, list[int]] = {}
    for name in sorted({name for found in holdings.images.values() for name in found}):
        if name in xml:
            inside = set(read_annotation(holdings.root / xml[name]).labels)
            known[name] = [1 if label in inside else -1 for label in NAMES]
        elif name.startswith("N"):
            known[name] = [-1] * len(NAMES)
    if not known:
        raise BadInputError(
            f"{holdings.root}: no label lists, and no image with an XML or named N...; unpack ImageSet.zip"
        )
    return LabelList(np.array(list(known), np.str_), np.array(list(known.values()), np.int8))


def _merge(
    tables: Sequence[LabelList],
) -> tuple[NDArray[np.str_], NDArray[np.int8], NDArray[np.intp], tuple[str, ...]]:
    """Distinct names in order of appearance, their labels, the row of each input row, and conflicts."""
    names = np.concatenate([table.names for table in tables])
    labels = np.concatenate([table.labels for table in tables])
    _, first, inverse = np.unique(sortable(names), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows = rank[inverse]
    kept = first[order]
    differs = (labels != labels[kept][rows]).any(axis=1)
    return names[kept], labels[kept], rows, tuple(np.unique(names[differs]).tolist())


def sortable(names: NDArray[np.str_]) -> NDArray[np.uint64] | NDArray[np.str_]:
    """Names as integers in the same order where they are short, which sorts ten times as fast."""
    if names.dtype.itemsize > 8 * 4 or not len(names):
        return names
    letters = np.ascontiguousarray(names).view(np.uint32)
    if letters.max() > 255:
        return names
    short = letters.astype(np.uint8).reshape(len(names), -1)
    padded = np.zeros((len(names), 8), np.uint8)
    padded[:, : short.shape[1]] = short
    return padded.view(">u8").ravel().astype(np.uint64)


def _locate(names: NDArray[np.str_], files: Files) -> tuple[tuple[tuple[str, str], ...], NDArray[np.int16]]:
    """Where each name lies; of two files of one name the first folder counts."""
    at = np.full(len(names), -1, np.int16)
    places = tuple(sorted(files))
    rows = {name: row for row, name in enumerate(names.tolist())} if places else {}
    for place in reversed(range(len(places))):
        hits = [rows[stem] for stem in files[places[place]] if stem in rows]
        at[hits] = place
    return places, at


def _place(
    places: tuple[tuple[str, str], ...], at: NDArray[np.int16], names: NDArray[np.str_], row: int
) -> str | None:
    if at[row] < 0:
        return None
    folder, suffix = places[at[row]]
    return f"{folder}/{names[row]}{suffix}"


def files_below(files: Files) -> Iterator[tuple[str, str]]:
    """(name, path below the root) of every file."""
    for (folder, suffix), names in files.items():
        yield from ((name, f"{folder}/{name}{suffix}") for name in names)
