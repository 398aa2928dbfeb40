"""The kept pictures as a Beltline set, with everything that was known of them and a report of the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, Progress, path_text
from beltline.data.annotations.annotated import Picture
from beltline.data.annotations.set_files import bring_image
from beltline.data.curate.curation import Curation, curate
from beltline.data.curate.measures import Judge
from beltline.data.curate.page import render_page
from beltline.data.curate.rule import CurationRule
from beltline.data.curate.source import COMPANIONS, open_source, place_of
from beltline.data.importing import CopyToImport, import_copy, safe_stem
from beltline.formats import begin_plan, require_plan, write_atomic, write_json

KIND = "curated"
REPORT, TABLE, PAGE, MEASURED = "curation.json", "curation.csv", "report.html", ".measured"


def write_curated(
    folder: str | Path,
    out: str | Path,
    rule: CurationRule | None = None,
    *,
    against: Sequence[str | Path] = (),
    judge: Judge | None = None,
    copy: bool = False,
    processes: int = 1,
    cache: Path | None = None,
    on_progress: Progress | None = None,
    on_written: Progress | None = None,
) -> tuple[Curation, dict[str, Any]]:
    """Curate a folder and write what is kept as a set, beside curation.json, curation.csv and report.html.

    Pictures are hard links. Objects, labels, splits, parts, scenes and raw transmissions come along. A run
    that was stopped goes on; a finished one changes nothing.

    Args:
        folder: See `open_source`.
        out: Folder of the set, outside of ``folder``.
        rule: The thresholds; None takes `CurationRule()`.
        against: See `curate`.
        judge: See `curate`.
        copy: Copy pictures instead of hard links.
        processes: See `curate`.
        cache: See `curate`; None keeps measures in ``out`` until it is finished.
        on_progress: See `curate`.
        on_written: Told pictures that are brought over.

    Returns:
        What came of it, and the card of the set.

    Raises:
        BadInputError: If the folder cannot be opened, ``out`` lies in it or was begun otherwise, or no
            picture is left.
    """
    out, rule = Path(out), rule or CurationRule()
    source = open_source(folder)
    if place_of(out).is_relative_to(place_of(source.root)):
        raise BadInputError(f"{out}: lies in {source.root}; name a folder outside of what is curated")
    plan = {"rule": rule.to_json(), "against": [path_text(place_of(each)) for each in against]}
    begun = {"source": path_text(place_of(source.root))}
    require_plan(out, KIND, begun | plan)
    begin_plan(out, KIND, begun)  # until something is brought over, another rule may use what was measured
    curation = curate(
        folder, rule, against=against, judge=judge, processes=processes,
        cache=cache or out / MEASURED, on_progress=on_progress,
    )  # fmt: skip
    if not curation.kept:
        raise BadInputError(f"{folder}: no picture is left of {len(curation.measures)}; {_most(curation)}")
    card = import_copy(
        _kept(curation, plan, partial(_bring, out, copy)), out, copy=copy, on_progress=on_written
    )
    write_json(out / REPORT, curation.to_json(), indent=1)
    write_atomic(out / TABLE, curation.to_csv())
    write_atomic(out / PAGE, render_page(curation))
    if cache is None:
        shutil.rmtree(out / MEASURED, ignore_errors=True)
    return curation, card


def file_names(pictures: Sequence[Picture]) -> dict[str, str]:
    """A file name without extension for each picture, by its path; no two are the same.

    The picture's own where these differ, else with the folders above.
    """
    stems = [safe_stem(picture.stem) for picture in pictures]
    if len(set(stems)) < len(stems):
        stems = [safe_stem(picture.file.rpartition(".")[0]) for picture in pictures]
    names: dict[str, str] = {}
    taken: set[str] = set()
    for picture, stem in zip(pictures, stems, strict=True):
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem[:180]}-{number}"
        taken.add(name)
        names[picture.file] = name
    return names


def _kept(
    curation: Curation, plan: dict[str, Any], bring: Callable[[Path, Picture], Picture]
) -> CopyToImport:
    source = curation.source
    pictures = [source.data.pictures[number] for number in curation.kept]
    names = file_names(pictures)

    def brought() -> Iterator[Picture]:
        for picture in pictures:
            yield bring(source.root, picture)

    return CopyToImport(
        KIND, source.root, plan, brought(), len(pictures), len(source.data), source.terms,
        classes=source.data.classes, columns=source.columns, stem=lambda picture: names[picture.file],
    )  # fmt: skip


def _bring(out: Path, copy: bool, root: Path, picture: Picture) -> Picture:
    """Bring over what else there is of a picture; fields that name what cannot be brought are dropped."""
    extra = dict(picture.extra)
    for field in COMPANIONS:
        place = extra.pop(field, None)
        if isinstance(place, str) and _inside(root, place):
            bring_image(root / place, out / place, copy=copy)
            extra[field] = place
    return replace(picture, extra=extra)


def _inside(root: Path, place: str) -> bool:
    """Whether a place is a file of the set, and no way out of it."""
    try:
        target = (root / place).resolve()
        return ".." not in Path(place).parts and target.is_relative_to(root.resolve()) and target.is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _most(curation: Curation) -> str:
    reason, count = max(curation.counts().items(), key=lambda item: item[1])
    return f"{count} fall short by {reason}: ask less of them"
