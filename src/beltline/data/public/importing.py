"""A copy of a public set as a Beltline set."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from beltline.core import BadInputError, Progress, canonical
from beltline.data.annotations.annotated import Annotated, Picture
from beltline.data.importing import CopyToImport, import_copy
from beltline.data.public.record import PublicSet

Names: TypeAlias = Literal["taxonomy", "published"]
NAMES: tuple[Names, ...] = get_args(Names)


def import_public_set(
    known: PublicSet,
    root: str | Path,
    out: str | Path,
    *,
    part: str | None = None,
    names: Names = "taxonomy",
    copy: bool = False,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a set of what is on disk; see `import_copy`.

    Every image record keeps its split and parts, every annotation its published class name.

    Args:
        known: Which set.
        root: The copy.
        out: Folder of the set.
        part: Only this split, or part of a split ("OL3", "hidden").
        names: Classes by the taxonomy, where several published ones may be one, or as published.
        copy: Copy images instead of hard links.
        on_progress: Told what is read, then images as they are written.

    Returns:
        The card; ``skipped`` holds file and reason of each image left out.

    Raises:
        BadInputError: If the part is unknown, nothing of it is on disk, links are not possible, or the folder
            was begun with another set, part or kind of names.
    """
    data = known.read(root, on_progress=on_progress)
    pictures = _chosen(data, part)
    classes = data.classes if known.names_its_classes else known.classes
    spelled = partial(_spelled, dataset=known.name) if names == "taxonomy" else str
    labels = {name: spelled(name) for name in classes}
    source = CopyToImport(
        known.name, data.root, {"part": part, "names": names}, pictures, len(pictures), len(data),
        known.terms, classes=tuple(labels.values()),
        category=lambda name: labels.get(name) or spelled(name),
        stem=lambda picture: f"{picture.split}_{picture.stem}" if known.own_names else picture.stem,
    )  # fmt: skip
    return import_copy(source, out, copy=copy, on_progress=on_progress)


def _chosen(data: Annotated, part: str | None) -> list[Picture]:
    parts = dict.fromkeys(p for picture in data.pictures for p in (picture.split, *picture.subsets) if p)
    if part is not None and part not in parts:
        raise BadInputError(f"{data.root}: part must be one of {', '.join(parts) or 'none'}, got {part!r}")
    inside = [p for p in data.pictures if part is None or part in (p.split, *p.subsets)]
    there = [picture for picture in inside if picture.present]
    if not there:
        raise BadInputError(f"{data.root}: none of {len(inside)} listed images is on disk; unpack them")
    return there


def _spelled(label: str, dataset: str) -> str:
    """A class by the taxonomy; one that it does not know in its spelling, or as it is without letters."""
    try:
        return canonical(label, dataset)
    except ValueError:
        return label
