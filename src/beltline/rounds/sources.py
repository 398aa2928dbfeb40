"""Which scans a folder offers to be annotated: a Beltline set, a COCO export, or pictures alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from beltline.core import STARTER_CLASSES, BadInputError, FailedScan, Progress, counted, path_text
from beltline.data.annotations import read_annotated
from beltline.formats import read_set, sha256_of
from beltline.formats.limits import bad
from beltline.rounds.records import NewItem, Split
from beltline.screening.files import collect, read

Size: TypeAlias = tuple[int, int]
_NOBODY: Mapping[str, Split] = MappingProxyType({})


@dataclass(frozen=True)
class Offered:
    """A scan that a source lists.

    Attributes:
        path: Below the source, with forward slashes.
        size: (H, W) that the source states; None where it states none.
        bag: What it shares with the other views of the same bag; None if it is alone.
    """

    path: str
    size: Size | None = None
    bag: str | None = None


@dataclass(frozen=True)
class Listing:
    """What a source lists; no scan is read yet.

    Attributes:
        classes: Of the set; the starters' for pictures alone.
        offered: Its scans.
        failed: What cannot even be listed.
    """

    classes: tuple[str, ...]
    offered: tuple[Offered, ...]
    failed: tuple[FailedScan, ...] = ()


@dataclass(frozen=True)
class Found:
    """Scans that are there.

    Attributes:
        items: Each content once.
        failed: Those that cannot be read, and why.
        repeated: Files with the content of another one.
    """

    items: tuple[NewItem, ...]
    failed: tuple[FailedScan, ...]
    repeated: int


def list_source(root: Path) -> Listing:
    """The scans of a set or of a folder of pictures.

    Raises:
        BadInputError: If there is no such folder, its annotations are damaged, or it holds no scan.
    """
    if not root.is_dir():
        raise bad(root, "no such folder; name a set or a folder of scans")
    listing = next(way for fits, way in _WAYS if fits(root))(root)
    if not listing.offered:
        raise bad(root, "holds no scan")
    return listing


def read_source(
    root: Path,
    listing: Listing,
    *,
    seed: int,
    gate_share: float,
    known: Mapping[str, Split] = _NOBODY,
    on_progress: Progress | None = None,
) -> Found:
    """The scans of a listing as items, each in pool or gate.

    Scans of one bag go to the same side. Which side depends on seed and content alone, not on file names.

    Args:
        root: The source.
        listing: Of `list_source`.
        seed: Draws the gate.
        known: Sides of scans that have one already, by SHA-256: their bags keep it.
        gate_share: Share of the bags that go to the gate, in 0..1.
        on_progress: Is told after each scan.
    """
    items: dict[str, tuple[NewItem, str]] = {}
    failed = list(listing.failed)
    read_well = 0
    for offered in counted(listing.offered, on_progress, name=lambda one: path_text(one.path)):
        try:
            item = _read(root, offered)
        except BadInputError as error:
            failed.append(
                FailedScan(path_text(offered.path), str(error).removeprefix(f"{root / offered.path}: "))
            )
            continue
        read_well += 1
        items.setdefault(item.sha256, (item, offered.bag or item.sha256))
    sides = {bag: known[item.sha256] for item, bag in items.values() if item.sha256 in known}
    gate = _gate({bag for _, bag in items.values()}, sides, seed=seed, share=gate_share)
    split = tuple(replace(item, split="gate") if bag in gate else item for item, bag in items.values())
    return Found(split, tuple(failed), read_well - len(items))


def _of_set(root: Path) -> Listing:
    scans = read_set(root)
    offered = [
        Offered(
            record["file_name"],
            (record["height"], record["width"]),
            f"bag {record['bag']}" if "bag" in record else None,
        )
        for record in scans.records
    ]
    return Listing(scans.classes, tuple(offered))


def _of_export(root: Path) -> Listing:
    found = read_annotated(root, "coco")
    offered = [Offered(picture.file, picture.size) for picture in found.pictures]
    return Listing(found.classes, tuple(offered))


def _of_pictures(root: Path) -> Listing:
    files, failed, _ = collect([root])
    offered = [Offered(file.relative_to(root).as_posix()) for file in files]
    return Listing(STARTER_CLASSES, tuple(offered), tuple(failed))


_WAYS: Sequence[tuple[Callable[[Path], bool], Callable[[Path], Listing]]] = (
    (lambda root: (root / "annotations.json").is_file(), _of_set),
    (lambda root: any((root / "annotations").glob("*.json")), _of_export),
    (lambda root: True, _of_pictures),
)


def _read(root: Path, offered: Offered) -> NewItem:
    """An item, in the pool for now; a set's word is taken for the size, pictures alone are decoded."""
    file = root / offered.path
    if path_text(offered.path) != offered.path:
        raise bad(path_text(offered.path), "a name that is no UTF-8 text; rename it")
    if not file.resolve().is_relative_to(root.resolve()):
        raise bad(file, "lies outside the source")
    if offered.size is None:
        found = read(file)
        return NewItem(offered.path, found.sha256, found.scan.width, found.scan.height)
    if not file.is_file():
        raise bad(file, "no such file")
    return NewItem(offered.path, sha256_of(file), offered.size[1], offered.size[0])


def _gate(bags: Set[str], sides: Mapping[str, Split], *, seed: int, share: float) -> frozenset[str]:
    """The bags of the gate: those that are in it, and as many of the new ones as make up the share."""
    drawn = sorted(
        bags - sides.keys(), key=lambda bag: hashlib.sha256(f"{seed}:gate:{bag}".encode()).hexdigest()
    )
    before = {bag for bag, side in sides.items() if side == "gate"}
    return frozenset(before.union(drawn[: max(0, round(share * len(bags)) - len(before))]))
