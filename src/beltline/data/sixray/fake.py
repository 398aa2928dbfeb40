"""Fake copies of public data sets: the same layout and traps, pictures of random rectangles.

Nothing here comes from a real image. Tests and demonstrations use them where the real set may not go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class _Bag:
    name: str
    labels: tuple[int, ...]
    objects: tuple[tuple[str, tuple[float, float, float, float]], ...]
    test: bool


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
    bags += [_Bag(f"N{i + 1:05d}", (-1,) * 5, (), i % 5 == 4) for i in range(negatives)]
    root.mkdir(parents=True, exist_ok=True)
    packed = round(odd.missing * negatives)  # the last ones: an archive holds a run of names
    unpacked = bags[: len(bags) - packed]
    for number, bag in enumerate(unpacked, start=1):
        folder = root / "JPEGImage" / (("test" if bag.test else "train") if odd.nested else "")
        picture = _picture(bag, rng, size)
        folder.mkdir(parents=True, exist_ok=True)
        cut_off = odd.truncated and number == len(unpacked)
        (folder / f"{bag.name}.jpg").write_bytes(picture[:-20] if cut_off else picture)
    if packed:
        (root / "JPEGImage.tar.gz17").write_bytes(b"a part that was not unpacked")
    for bag in bags[:positives]:
        _write_xml(root / "Annotation" / f"{bag.name}.xml", bag, size, odd)
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


def _positive(i: int, rng: np.random.Generator, size: tuple[int, int], odd: SixrayTraps) -> _Bag:
    has = rng.random(5) < _SHARES
    has[i % 5] |= not has.any()
    names = [name for name, there in zip(CLASSES, has, strict=True) if there]
    labels = [1 if there else -1 for there in has]
    if odd.oddities and i == 3 and odd.values == "-1/1":
        labels[int(np.flatnonzero(has)[0])] = 0
    if odd.oddities and i % 4 == 1:
        names.append(HAMMER)
    return _Bag(f"P{i + 1:05d}", tuple(labels), tuple((n, _box(rng, size)) for n in names), i % 5 == 4)


def _box(rng: np.random.Generator, size: tuple[int, int]) -> tuple[float, float, float, float]:
    height, width = size
    x, y = rng.uniform(0, 0.6 * width), rng.uniform(0, 0.6 * height)
    right, bottom = x + rng.uniform(0.15, 0.4) * width, y + rng.uniform(0.15, 0.4) * height
    return (round(x, 3), round(y, 3), round(right, 3), round(bottom, 3))


def _picture(bag: _Bag, rng: np.random.Generator, size: tuple[int, int]) -> bytes:
    """JPEG of random rectangles, also at the objects."""
    pixels = np.full((*size, 3), 250, np.uint8)
    boxes = [_box(rng, size) for _ in range(4)] + [box for _, box in bag.objects]
    for box in boxes:
        left, top, right, bottom = (int(v) for v in box)
        color = tuple(int(v) for v in rng.integers(60, 230, 3))
        cv2.rectangle(pixels, (left, top), (right, bottom), color, thickness=-1)
    return bytes(cv2.imencode(".jpg", pixels)[1])


def _write_xml(path: Path, bag: _Bag, size: tuple[int, int], odd: SixrayTraps) -> None:
    number = int(bag.name[1:])
    case = (str.title, str.lower, str.upper)[number % 3] if odd.oddities else str.title
    objects = [_object_xml(case(name), box) for name, box in bag.objects]
    if odd.oddities and number % 3 == 0:
        objects.append("\t<object/>\n\t<object>\n\t</object>\n")
    shape = f"\t<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>\n"
    text = f"<annotation>\n\t<filename>{bag.name}.jpg</filename>\n{shape}{''.join(objects)}</annotation>\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _object_xml(name: str, box: Sequence[float]) -> str:
    corners = "".join(
        f"<{corner}>{value}</{corner}>"
        for corner, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"\t<object>\n\t\t<name>{name}</name>\n\t\t<bndbox>{corners}</bndbox>\n\t</object>\n"


def _write_lists(folder: Path, bags: Sequence[_Bag], odd: SixrayTraps) -> None:
    train, test = [b for b in bags if not b.test], [b for b in bags if b.test]
    if odd.lists == "released":
        _write_list(folder / "train_test_10-5" / "train.csv", train, odd)
        _write_list(folder / "train_test_10-5" / "test_new.csv", test, odd)
    elif odd.lists == "published":
        for subset in ("10", "100", "1000"):
            _write_list(folder / subset / "train.csv", train, odd)
            _write_list(folder / subset / "test.csv", test, odd)


def _write_list(path: Path, bags: Sequence[_Bag], odd: SixrayTraps) -> None:
    absent = "-1" if odd.values == "-1/1" else "0"
    rows = [",".join((b.name, *(absent if v < 0 else str(v) for v in b.labels))) for b in bags]
    header = [",".join(("name", *CLASSES))] if odd.header else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*header, *rows, ""]), "utf-8")
