"""A frozen version as a Beltline set: pictures, masks, who made each, a card with the version's digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, Progress, counted
from beltline.data.annotations import Annotated, Picture, convert
from beltline.data.annotations.object_facts import OBJECT_ID
from beltline.data.annotations.set_files import require_new
from beltline.formats import sha256_of, write_json
from beltline.rounds.pictures import beside, place_picture
from beltline.rounds.project import Project
from beltline.rounds.records import Edit, Item, Split, Version
from beltline.rounds.sent import sent_objects
from beltline.rounds.store import Store

CARD = "card.json"
SPLITS: Mapping[Split, str] = {"pool": "train", "gate": "val"}
"""Names of splits in the set: the gate has judged models, so it is no test of them any more."""


@dataclass(frozen=True)
class Frozen:
    """A version and the set written of it.

    Attributes:
        version: As the store has it.
        card: As card.json has it.
        before: Whether it had been frozen earlier.
    """

    version: Version
    card: Mapping[str, Any]
    before: bool


def freeze(
    project: Project,
    name: str,
    out: str | Path,
    *,
    conflicts: bool = False,
    copy: bool = False,
    on_progress: Progress | None = None,
) -> Frozen:
    """Give what is reviewed a name for ever, and write it as a set.

    A version that exists is written as it was frozen then, whatever has been done since.

    Args:
        project: Which.
        name: Of the version.
        out: A new folder.
        conflicts: Freeze though people disagree on some scans; those are left out.
        copy: Copy pictures instead of hard links.
        on_progress: Told scans.

    Raises:
        BadInputError: If scans stand in conflict, nothing is reviewed, the folder holds something, or a scan
            is gone or has changed.
    """
    out = Path(out)
    require_new(out)
    store = project.open()
    before = name in store.versions.names()
    if not before:
        _require_settled(store, conflicts=conflicts)
    version = store.versions.get(name) if before else store.versions.freeze(name)
    edits = store.versions.edits(name)
    items = [store.items.get(edit.item) for edit in edits]
    with beside(out) as stage:
        pictures = [
            _picture(item, place_picture(project, item, stage, copy=copy), edit)
            for item, edit in counted(list(zip(items, edits, strict=True)), on_progress)
        ]
        data = Annotated(stage, project.classes, tuple(pictures))
        convert(data, out, "coco", copy=copy, source=project.source)
    card = _card(project, version, items, edits)
    names = sorted(path for path in out.rglob("*") if path.is_file())
    card["sha256"] = {path.relative_to(out).as_posix(): sha256_of(path) for path in names}
    write_json(out / CARD, card, indent=1)
    return Frozen(version, card, before)


def _require_settled(store: Store, *, conflicts: bool) -> None:
    found = store.edits.disputed()
    if found and not conflicts:
        raise BadInputError(
            f"people disagree on {len(found)} scans, first item {found[0]}; review them, or leave them out"
            " with --conflicts"
        )


def _picture(item: Item, file: str, edit: Edit) -> Picture:
    objects = tuple(_without_id(one.annotated()) for one in sent_objects([edit]))
    about = {
        "split": SPLITS[item.split], "source": item.path, "source_sha256": item.sha256,
        "annotated_by": edit.author,
    }  # fmt: skip
    return Picture(file, objects, size=item.size, extra=about)


def _without_id(one: Any) -> Any:
    """Numbers of edits mean nothing outside the store."""
    return replace(one, extra={key: value for key, value in one.extra.items() if key != OBJECT_ID})


def _card(project: Project, version: Version, items: Sequence[Item], edits: Sequence[Edit]) -> dict[str, Any]:
    makers = [one.made_by for edit in edits for one in edit.objects]
    return {
        "schema_version": 1,
        "kind": "frozen version of annotation in rounds",
        "version": version.name,
        "digest": version.digest,
        "frozen": version.time,
        "source": str(project.source),
        "classes": list(project.classes),
        "counts": {
            "images": len(items),
            "annotations": len(makers),
            "splits": {name: sum(SPLITS[i.split] == name for i in items) for name in SPLITS.values()},
        },
        "masks_made_by": {maker: makers.count(maker) for maker in sorted(set(makers))},
        "reviewed_by": {
            who: sum(edit.author == who for edit in edits) for who in sorted({e.author for e in edits})
        },
    }
