"""Fake copies of SIXray: the same layout and traps, pictures of random rectangles.

Tests and demonstrations use them where the real set may not go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beltline.data.annotations.annotated import AnnotatedObject, Box, Picture
from beltline.data.annotations.annotation_xml import CORNERS
from beltline.data.annotations.fake import write_picture, write_text
from beltline.data.sixray.lists import CLASSES, HAMMER

# The share of positives that hold each class, roughly SIXray's long tail.
_SHARES = (0.35, 0.22, 0.25, 0.44, 0.11)


@dataclass(frozen=True)
class SixrayTraps:
    """What of a copy of SIXray is odd or missing.

    Attributes:
        values: How lists write absence: "-1/1", or "0/1" as some copies do.
        header: Whether lists have one.
        lists: "published" (ImageSet/{10,100,1000}/{train,test}.csv), "released"
            (ImageSet/train_test_10-5/{train,test_new}.csv) or "none".
        nested: Images in JPEGImage/train and JPEGImage/test instead of JPEGImage.
        missing: Share of the negatives whose archive part was not unpacked, in [0, 1]; it lies beside.
        truncated: Whether the last image unpacked is cut off, as the end of an incomplete archive is.
        oddities: Empty ``<object/>`` tags, hammers, class names in other case, one difficult label.
    """

    values: Literal["-1/1", "0/1"] = "-1/1"
    header: bool = True
    lists: Literal["published", "released", "none"] = "published"
    nested: bool = False
    missing: float = 0.0
    truncated: bool = False
    oddities: bool = True


def fake_sixray(
    out: str | Path,
    *,
    positives: int = 20,
    negatives: int = 60,
    seed: int = 0,
    size: tuple[int, int] = (48, 64),
    traps: SixrayTraps | None = None,
) -> Path:
    """Write a tree shaped like SIXray; every fifth image is in the test lists.

    Args:
        out: Folder to make.
        positives: Images with objects, P00001 onwards.
        negatives: Images without, N00001 onwards.
        seed: Of pictures and objects.
        size: (height, width) of every picture in pixels.
        traps: Oddities; None takes those of `SixrayTraps`.

    Returns:
        The folder.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> root = fake_sixray(folder.name, positives=1, negatives=2)
        >>> sorted(path.name for path in (root / "JPEGImage").iterdir())
        ['N00001.jpg', 'N00002.jpg', 'P00001.jpg']
        >>> folder.cleanup()
    """
    root, odd = Path(out), traps or SixrayTraps()
    rng = np.random.default_rng(seed)
    bags = [_positive(i, rng, size, odd) for i in range(positives)]
    absent = dict.fromkeys(CLASSES, -1)
    bags += [_bag(f"N{i + 1:05d}", i, (), absent, size, odd) for i in range(negatives)]
    root.mkdir(parents=True, exist_ok=True)
    packed = round(odd.missing * negatives)  # the last ones: an archive holds a run of names
    unpacked = bags[: len(bags) - packed]
    for bag in unpacked:
        write_picture(root, bag, rng=rng)
    if odd.truncated and unpacked:
        last = root / unpacked[-1].file
        last.write_bytes(last.read_bytes()[:-20])
    if packed:
        (root / "JPEGImage.tar.gz17").write_bytes(b"a part that was not unpacked")
    for bag in bags[:positives]:
        _write_xml(root / "Annotation" / f"{bag.stem}.xml", bag, odd)
    _write_lists(root / "ImageSet", bags, odd)
    return root


def fake_label_rows(positives: int, negatives: int, *, seed: int = 0) -> tuple[list[str], NDArray[np.int8]]:
    """Names and (N, 5) labels of a set of any size, without files: for benchmarks and properties."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((positives, 5)) < _SHARES, np.int8(1), np.int8(-1))
    empty = np.flatnonzero((labels < 0).all(axis=1))
    labels[empty, rng.integers(0, 5, len(empty))] = 1
    names = [f"P{i + 1:05d}" for i in range(positives)] + [f"N{i + 1:07d}" for i in range(negatives)]
    return names, np.concatenate([labels, np.full((negatives, 5), -1, np.int8)])


def _positive(i: int, rng: np.random.Generator, size: tuple[int, int], odd: SixrayTraps) -> Picture:
    has = rng.random(5) < _SHARES
    has[i % 5] |= not has.any()
    labels = {name: 1 if there else -1 for name, there in zip(CLASSES, has, strict=True)}
    names = [name for name, value in labels.items() if value > 0]
    if odd.oddities and i == 3 and odd.values == "-1/1":
        labels[names[0]] = 0
    if odd.oddities and i % 4 == 1:
        names.append(HAMMER)
    objects = tuple(AnnotatedObject(name, _box(rng, size)) for name in names)
    return _bag(f"P{i + 1:05d}", i, objects, labels, size, odd)


def _bag(
    name: str,
    i: int,
    objects: tuple[AnnotatedObject, ...],
    labels: Mapping[str, int],
    size: tuple[int, int],
    odd: SixrayTraps,
) -> Picture:
    split = "test" if i % 5 == 4 else "train"
    folder = f"JPEGImage/{split}" if odd.nested else "JPEGImage"
    return Picture(f"{folder}/{name}.jpg", objects, split, size, labels=labels)


def _box(rng: np.random.Generator, size: tuple[int, int]) -> Box:
    height, width = size
    x, y = rng.uniform(0, 0.6 * width), rng.uniform(0, 0.6 * height)
    right, bottom = x + rng.uniform(0.15, 0.4) * width, y + rng.uniform(0.15, 0.4) * height
    return (round(x, 3), round(y, 3), round(right, 3), round(bottom, 3))


def _write_xml(path: Path, bag: Picture, odd: SixrayTraps) -> None:
    number = int(bag.stem[1:])
    case = (str.title, str.lower, str.upper)[number % 3] if odd.oddities else str.title
    height, width = bag.size or (0, 0)
    objects = [_object_xml(case(item.label), item.box) for item in bag.objects or ()]
    if odd.oddities and number % 3 == 0:
        objects += ["\t<object/>", "\t<object>\n\t</object>"]
    shape = f"\t<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    head = ("<annotation>", f"\t<filename>{bag.stem}.jpg</filename>", shape)
    write_text(path, [*head, *objects, "</annotation>"])


def _object_xml(name: str, box: Box) -> str:
    pairs = zip(CORNERS, box, strict=True)
    corners = "".join(f"<{corner}>{value}</{corner}>" for corner, value in pairs)
    return f"\t<object>\n\t\t<name>{name}</name>\n\t\t<bndbox>{corners}</bndbox>\n\t</object>"


def _write_lists(folder: Path, bags: Sequence[Picture], odd: SixrayTraps) -> None:
    published = [f"{subset}/{side}" for subset in ("10", "100", "1000") for side in ("train", "test")]
    released = ["train_test_10-5/train", "train_test_10-5/test_new"]
    names = {"published": published, "released": released, "none": []}[odd.lists]
    absent = "-1" if odd.values == "-1/1" else "0"
    for name in names:
        chosen = [bag for bag in bags if bag.split in name.rpartition("/")[2]]
        labels = [(bag.labels or {}).values() for bag in chosen]
        values = [[absent if v < 0 else str(v) for v in row] for row in labels]
        rows = [",".join((bag.stem, *row)) for bag, row in zip(chosen, values, strict=True)]
        header = [",".join(("name", *CLASSES))] if odd.header else []
        write_text(folder / f"{name}.csv", [*header, *rows])
