"""A copy of SIXray as a Beltline set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Progress
from beltline.data.annotations.annotated import AnnotatedObject, Picture, read_or_fault
from beltline.data.importing import CopyToImport, import_copy
from beltline.data.sixray.boxes import read_annotation
from beltline.data.sixray.index import SixrayIndex
from beltline.data.sixray.lists import ANNOTATED
from beltline.data.sixray.subsets import TERMS


def import_sixray(
    index: SixrayIndex,
    out: str | Path,
    *,
    copy: bool = False,
    only_positive: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a set of what is on disk; see `import_copy`.

    labels.csv holds what the lists say. Hammers are a sixth category of boxes, not of labels.

    Args:
        index: Of the copy.
        out: Folder of the set.
        copy: Copy images instead of hard links.
        only_positive: Leave negatives out.
        on_progress: Told images.

    Returns:
        The card; ``skipped`` holds file and reason of each image left out.

    Raises:
        BadInputError: If nothing is on disk, links are not possible, or the folder was begun with another
            copy or choice of images.
    """
    positive = index.positive
    rows = np.flatnonzero(index.present & (positive | (not only_positive)))
    if not len(rows):
        raise BadInputError(f"{index.root}: none of {len(index)} listed images is on disk; unpack JPEGImage")
    source = CopyToImport(
        "sixray", index.root, {"only_positive": only_positive}, _pictures(index, rows, positive), len(rows),
        len(index), TERMS, classes=(*index.classes, "hammer"), columns=index.classes,
    )  # fmt: skip
    return import_copy(source, out, copy=copy, on_progress=on_progress)


def _pictures(index: SixrayIndex, rows: NDArray[np.intp], positive: NDArray[np.bool_]) -> Iterator[Picture]:
    """One at a time; the labels of a million images are few distinct mappings."""
    known: dict[bytes, Mapping[str, int]] = {}
    for row in rows.tolist():
        values = index.labels[row]
        key = values.tobytes()
        if key not in known:
            known[key] = dict(zip(index.classes, values.tolist(), strict=True))
        file = index.file(row)
        assert file is not None  # rows are on disk
        objects, fault = _objects(index, row, bool(positive[row]))
        yield Picture(file, objects, fault=fault, labels=known[key])


def _objects(
    index: SixrayIndex, row: int, positive: bool
) -> tuple[tuple[AnnotatedObject, ...] | None, str | None]:
    """What an image holds, and why its XML cannot be read; without one a negative holds nothing."""
    path = index.annotation(row)
    if path is None:
        return None if positive else (), None
    found, fault = read_or_fault(read_annotation, index.root, path)
    if found is None:
        return None, fault
    return tuple(item for item in found.objects if item.label in ANNOTATED), None
