"""SIXray's label lists: CSV of a name and -1, 0 or 1 for each class, read at a million rows a second.

Source:
    The released reader (MeioJane/CHR, ray.py): 1 present, -1 absent, 0 VOC's "difficult"; other copies
    hold 0 and 1 only. Names carry no extension, and the header may miss.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, ShapeError, canonical
from beltline.formats import write_atomic
from beltline.formats.limits import bad, read_bytes

CLASSES = ("Gun", "Knife", "Wrench", "Pliers", "Scissors")
"""SIXray's classes in the order of its lists; hammers are annotated but not among them."""
HAMMER = "Hammer"
NAMES = tuple(canonical(name, "sixray") for name in CLASSES)
"""The same by the taxonomy."""
ANNOTATED = (*NAMES, canonical(HAMMER, "sixray"))
"""What boxes may hold."""

MAX_NAME = 100
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
_VALUES = {"1": 1, "-1": -1, "0": 0}
_COMMA, _NEWLINE, _MINUS, _ZERO, _ONE = b",\n-01"


@dataclass(frozen=True, eq=False)
class LabelList:
    """One list file.

    Attributes:
        names: (N,) image names without extension, in the file's order.
        labels: (N, K) int8: 1 present, -1 absent, 0 "difficult".
        classes: K canonical names.

    Raises:
        ShapeError: If labels do not fit names and classes.
    """

    names: NDArray[np.str_]
    labels: NDArray[np.int8]
    classes: tuple[str, ...] = NAMES

    def __post_init__(self) -> None:
        expected = (len(self.names), len(self.classes))
        if self.labels.shape != expected:
            raise ShapeError(f"labels must be {expected}, got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.names)


def read_label_list(path: str | Path) -> LabelList:
    """Read a list; with or without header, values -1/0/1 or 0/1, classes in any order.

    In a file without any -1 a 0 means absent. A name may carry folders and an image
    extension, which are cut off.

    Raises:
        BadInputError: Naming file and line, if a row is short, a value is another, a name is empty or the
            columns are not SIXray's.
    """
    path = Path(path)
    data = read_bytes(path).removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    first, _, rest = data.partition(b"\n")
    header = _header(path, first)
    body = data if header is None else rest
    columns = len(first.split(b",")) - 1 if header is None else len(header)
    classes = _headless(path, columns) if header is None else header
    parsed = _read_plain(body, columns)
    if parsed is None:
        parsed = _read_csv(path, body, columns, first_line=1 if header is None else 2)
    names, labels = parsed
    if not len(names):
        raise bad(path, "holds no image rows")
    if labels.size and not (labels == -1).any():
        labels = np.where(labels == 0, np.int8(-1), labels)
    order = [classes.index(name) for name in ANNOTATED if name in classes]
    return LabelList(names, np.ascontiguousarray(labels[:, order]), tuple(classes[i] for i in order))


def write_label_list(path: str | Path, found: LabelList) -> None:
    """Write a list in the published form: header, values 1, -1 and 0, names without extension."""
    codes = (found.labels.astype(np.int64) + 1) @ 3 ** np.arange(len(found.classes))
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    tails = ["," + ",".join(str(int(v)) for v in found.labels[row]) for row in first]
    rows = [name + tails[kind] for name, kind in zip(found.names.tolist(), which.tolist(), strict=True)]
    columns = ("name", *(name.capitalize() for name in found.classes))
    write_atomic(path, "\n".join([",".join(columns), *rows, ""]))


def _header(path: Path, line: bytes) -> tuple[str, ...] | None:
    """Canonical classes of a header, None if the first line is a row already."""
    try:
        cells = next(csv.reader([line.decode("utf-8")]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(path, f"not a text file of names and labels ({error})") from error
    if len(cells) < 2:
        raise bad(path, f"expected rows of a name and {len(CLASSES)} labels, got {line[:60]!r}")
    if all(_number(cell) is not None for cell in cells[1:]):
        return None
    try:
        classes = tuple(canonical(cell, "sixray") for cell in cells[1:])
    except ValueError as error:
        raise bad(path, f"header with a nameless column: {line[:60]!r}") from error
    wrong = set(classes) - set(ANNOTATED) or {c for c in classes if classes.count(c) > 1}
    if wrong or not set(NAMES) <= set(classes):
        raise bad(path, f"expected the columns name,{','.join(CLASSES)}, got {line[:80].decode()!r}")
    return classes


def _headless(path: Path, columns: int) -> tuple[str, ...]:
    if columns not in (len(NAMES), len(NAMES) + 1):
        raise bad(path, f"expected {len(NAMES)} labels in a row (or 6 with hammer), got {columns}")
    return ANNOTATED[:columns]


def _read_plain(body: bytes, columns: int) -> tuple[NDArray[np.str_], NDArray[np.int8]] | None:
    """The usual file, parsed as one array of bytes; None if a single row is out of the ordinary."""
    if not body.strip() or not body.isascii() or any(odd in body for odd in (b'"', b" ", b"\r", b".", b"/")):
        return None
    text = np.frombuffer(body.rstrip(b"\n") + b"\n", np.uint8)
    ends = np.flatnonzero(text == _NEWLINE)
    separators = np.flatnonzero(text == _COMMA)
    if len(separators) != len(ends) * columns:
        return None
    commas = separators.reshape(len(ends), columns)
    starts = np.concatenate([[0], ends[:-1] + 1])
    stops = np.concatenate([commas[:, 1:], ends[:, None]], axis=1)  # of each value
    widths = stops - commas - 1
    last = text[stops - 1]
    minus = (widths == 2) & (text[commas + 1] == _MINUS) & (last == _ONE)
    if not (minus | ((widths == 1) & ((last == _ZERO) | (last == _ONE)))).all():
        return None
    labels = np.where(minus, -1, last.astype(np.int16) - _ZERO).astype(np.int8)
    lengths = commas[:, 0] - starts
    if lengths.min() < 1 or lengths.max() > MAX_NAME:
        return None
    return _names(text, starts, lengths), labels


def _names(text: NDArray[np.uint8], starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.str_]:
    """Cut names of differing lengths out of one text."""
    letters = np.zeros((len(starts), int(lengths.max())), np.uint32)
    for column in range(letters.shape[1]):
        inside = lengths > column
        letters[inside, column] = text[starts[inside] + column]
    return letters.view(f"U{letters.shape[1]}").ravel()


def _read_csv(
    path: Path, body: bytes, columns: int, *, first_line: int
) -> tuple[NDArray[np.str_], NDArray[np.int8]]:
    """Any CSV, row by row; slow, and says which line is wrong."""
    names: list[str] = []
    values: list[list[int]] = []
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8"), newline=""))
        for row in reader:
            if row and any(cell.strip() for cell in row):
                where = f"line {reader.line_num + first_line - 1}"
                names.append(_name(path, where, row[0]))
                values.append(_row(path, where, row[1:], columns))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(path, f"not a CSV of names and labels ({error})") from error
    return np.array(names, dtype=np.str_), np.array(values, np.int8).reshape(len(names), columns)


def _name(path: Path, where: str, cell: str) -> str:
    name = cell.strip().replace("\\", "/").rpartition("/")[2]
    name = next((name[: -len(s)] for s in _SUFFIXES if name.lower().endswith(s)), name)
    if not name or len(name) > MAX_NAME or "\0" in name or name in (".", ".."):
        raise bad(path, f"{where}: an image name of 1 to {MAX_NAME} letters was expected, got {cell[:40]!r}")
    return name


def _row(path: Path, where: str, cells: Sequence[str], columns: int) -> list[int]:
    if len(cells) != columns:
        raise bad(path, f"{where}: expected {columns} labels, got {len(cells)}")
    values = [_number(cell) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None:
            raise BadInputError(f"{path}: {where}: a label is 1, -1 or 0, got {cell[:20]!r}")
    return [value for value in values if value is not None]


def _number(cell: str) -> int | None:
    """-1, 0 or 1 of a cell, also written as ``1.0``."""
    return _VALUES.get(cell.strip().removesuffix(".0").removeprefix("+"))
