"""A project of rounds on disk: a folder with project.json and, unless a URL is named, the store rounds.db."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from beltline.core import BadInputError, FailedScan, Progress, Scan
from beltline.data.annotations.annotated import class_name
from beltline.formats import require_same, sha256_of, write_json
from beltline.formats.json_files import read_json
from beltline.formats.limits import bad
from beltline.formats.scans import read_scan
from beltline.rounds.opening import PROJECT, create_store, open_store
from beltline.rounds.records import Item
from beltline.rounds.sources import list_source, read_source

if TYPE_CHECKING:
    from beltline.rounds.store import Store

PROJECT_FILE = "project.json"
PROJECT_VERSION = 1
_NO_MODELS: Mapping[str, Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Project:
    """What project.json says.

    Attributes:
        folder: Of the project.
        source: Folder of the scans; paths of items are below it.
        classes: What is annotated.
        seed: Draws the gate and the items that are labelled twice.
        gate_share: Share of the bags that are measured on and never trained on, in 0..1.
        double_share: Share of the items that two people label, in 0..1.
        models: Current ones by role ("click", "detector"): each with a ``name`` and its ``sha256``, and more.
        store: URL of the store; None keeps it in the folder.
        name: Of the project in the store.
    """

    folder: Path
    source: Path
    classes: tuple[str, ...]
    seed: int = 0
    gate_share: float = 0.2
    double_share: float = 0.1
    models: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NO_MODELS)
    store: str | None = None
    name: str = PROJECT

    def open(self, clock: Callable[[], float] = time.time) -> Store:
        """The project's store.

        Raises:
            MissingExtraError: If SQLAlchemy is not installed.
            BadInputError: If the store is missing or of a later version.
        """
        return open_store(self.store or self.folder, project=self.name, classes=self.classes, clock=clock)

    def path(self, item: Item) -> Path:
        """Where the scan of an item lies."""
        return self.source / item.path

    def scan(self, item: Item) -> Scan:
        """The scan of an item.

        Raises:
            BadInputError: If the file is gone, damaged or another one than was added: masks drawn on it would
                not fit.
        """
        path = self.path(item)
        scan = read_scan(path)
        if (scan.height, scan.width) != item.size or sha256_of(path) != item.sha256:
            raise bad(path, "has changed since it was added to the project; put the old file back")
        return scan

    def with_models(self, models: Mapping[str, Mapping[str, str]]) -> Project:
        """The project with these models in their roles, the others as they are; writes project.json."""
        changed = replace(self, models={**self.models, **{role: dict(of) for role, of in models.items()}})
        write_json(self.folder / PROJECT_FILE, _json(changed), indent=1)
        return changed


@dataclass(frozen=True)
class Begun:
    """A project after its scans were added.

    Attributes:
        project: The project.
        added: Items that are new.
        failed: Scans that cannot be read, and why.
        repeated: Files with the content of another one, which are no items of their own.
    """

    project: Project
    added: int
    failed: tuple[FailedScan, ...]
    repeated: int


def new_project(
    folder: str | Path,
    source: str | Path,
    *,
    classes: Sequence[str] | None = None,
    gate_share: float = 0.2,
    double_share: float = 0.1,
    seed: int = 0,
    store: str | None = None,
    name: str = PROJECT,
    on_progress: Progress | None = None,
) -> Begun:
    """Begin a project, or go on where it was begun with the same settings: scans that came since are added.

    Args:
        folder: Of the project; made if missing.
        source: A Beltline set, a COCO export (annotations.json or annotations/*.json) or a folder of scans.
        classes: What is annotated; None takes the classes of the set, for scans alone those of the starters.
        gate_share: Share of the bags that are measured on and never trained on, in 0..1.
        double_share: Share of the items that two people label, in 0..1.
        seed: Draws both.
        store: URL of the store; None keeps it in the folder.
        name: Of the project in the store.
        on_progress: Is told after each scan.

    Raises:
        BadInputError: If the source holds no readable scan, a share or class is none, or the folder holds
            something else or a project of other settings.
        MissingExtraError: If SQLAlchemy is not installed.
    """
    root = Path(source).resolve()
    listing = list_source(root)
    wanted = Project(
        Path(folder),
        root,
        _checked(listing.classes if classes is None else classes),
        seed,
        _share("gate_share", gate_share),
        _share("double_share", double_share),
        store=store,
        name=name,
    )
    free = frozenset({"models"}) if classes is not None else frozenset({"models", "classes"})
    project = _begun(wanted, free=free)
    opened = _store_of(project)
    known = {item.sha256: item.split for item in opened.items.find()}
    found = read_source(root, listing, seed=seed, gate_share=gate_share, known=known, on_progress=on_progress)
    if not found.items:
        first = found.failed[0]
        raise bad(root, f"no scan of {len(listing.offered)} can be read, first {first.path}: {first.reason}")
    opened.items.add(found.items)
    opened.close()
    added = sum(item.sha256 not in known for item in found.items)
    return Begun(project, added, found.failed, found.repeated)


def open_project(folder: str | Path) -> Project:
    """The project of a folder.

    Raises:
        BadInputError: If project.json is missing, damaged or of a later version.
    """
    path = Path(folder) / PROJECT_FILE
    if not path.is_file():
        raise bad(folder, f"is no project of rounds (no {PROJECT_FILE}); beltline rounds new makes one")
    fields = read_json(path)
    try:
        version = fields["schema_version"]
        if version > PROJECT_VERSION:
            raise bad(path, f"is of version {version}, this Beltline reads {PROJECT_VERSION}; update it")
        models = {str(role): dict(of) for role, of in fields["models"].items()}
        return Project(
            Path(folder),
            Path(fields["source"]),
            _checked(fields["classes"]),
            int(fields["seed"]),
            _share("gate_share", fields["gate_share"]),
            _share("double_share", fields["double_share"]),
            models,
            fields["store"],
            fields["name"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise bad(path, f"damaged ({error!r})") from error


def _begun(wanted: Project, *, free: frozenset[str]) -> Project:
    """The project as it was begun, or begun now; what is free may differ from before."""
    folder = wanted.folder
    strange = folder.exists() and (not folder.is_dir() or any(map(_is_strange, folder.iterdir())))
    if (folder / PROJECT_FILE).is_file():  # asked later: beside it may lie what somebody makes at this moment
        before = open_project(folder)
        way_out = "give the same to go on, or name a new folder"
        require_same(_json(before), _json(wanted), f"{folder}:", way_out, free=free)
        return before
    if strange:
        raise bad(folder, "holds something else than a project of rounds; name a new folder")
    write_json(folder / PROJECT_FILE, _json(wanted), indent=1)
    return wanted


def _is_strange(path: Path) -> bool:
    """Whether it is anything but a project.json that is being written, or whose writer was killed."""
    return not path.name.startswith(f".{PROJECT_FILE}.")


def _store_of(project: Project) -> Store:
    """The store, made if it is not there: a beginning that was cut off goes on."""
    return create_store(
        project.store or project.folder,
        project=project.name,
        classes=project.classes,
        seed=project.seed,
        double_share=project.double_share,
        exist_ok=True,
    )


def _json(project: Project) -> dict[str, Any]:
    return {
        "schema_version": PROJECT_VERSION,
        "source": str(project.source),
        "classes": list(project.classes),
        "seed": project.seed,
        "gate_share": project.gate_share,
        "double_share": project.double_share,
        "models": {role: dict(of) for role, of in project.models.items()},
        "store": project.store,
        "name": project.name,
    }


def _checked(classes: Sequence[str]) -> tuple[str, ...]:
    try:
        names = tuple(class_name(name) for name in classes)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    if not names or len(set(names)) != len(names):
        raise BadInputError(
            f"classes are names, one at least and each once; got {', '.join(names) or 'none'}"
        )
    return names


def _share(name: str, value: float) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInputError(f"{name} is a share in 0..1, got {value!r}")
    return float(value)
