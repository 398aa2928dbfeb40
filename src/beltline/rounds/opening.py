"""Stores opened and created, without SQLAlchemy until somebody does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from beltline.core import MissingExtraError

if TYPE_CHECKING:
    from beltline.rounds.store import Store

PROJECT = "rounds"


def create_store(
    where: str | Path,
    *,
    project: str = PROJECT,
    classes: Sequence[str] | None = None,
    clock: Callable[[], float] = time.time,
    seed: int = 0,
    double_share: float = 0.1,
    exist_ok: bool = False,
) -> Store:
    """Make a project in a store, and the store if there is none.

    Args:
        where: A folder, which will hold rounds.db, or a URL such as ``postgresql://user@host/name``. A
            database may hold several projects.
        project: Name of the project.
        classes: Labels that edits may carry; None takes any.
        clock: Seconds since 1970; every time that is stored or asked comes from it.
        seed: Draws which items are to be labelled twice.
        double_share: How many of them, in 0..1.
        exist_ok: Open the project if it exists with the same seed and share.

    Raises:
        MissingExtraError: If SQLAlchemy or the database's driver is not installed.
        BadInputError: If the project exists already, or the place cannot be written or is something else.

    Example:
        >>> from beltline.rounds import NewItem
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> store = create_store(folder.name)
        >>> [item] = store.items.add([NewItem("images/bag0.png", 64 * "0", 60, 40)])
        >>> lease = store.leases.take("person:ann")
        >>> edit = store.edits.submit(lease.token, [], request="one")
        >>> store.items.get(item.id).state, [head.author for head in store.edits.heads()[item.id]]
        ('labelled', ['person:ann'])
        >>> store.close(); folder.cleanup()
    """
    made: Store = _module().create(
        where,
        project=project,
        classes=classes,
        clock=clock,
        seed=seed,
        double_share=double_share,
        exist_ok=exist_ok,
    )
    return made


def open_store(
    where: str | Path,
    *,
    project: str | None = None,
    classes: Sequence[str] | None = None,
    clock: Callable[[], float] = time.time,
) -> Store:
    """Open a project of a store; see `create_store`.

    Args:
        where: A folder or a URL.
        project: Name of the project; None takes the only one.
        classes: Labels that edits may carry; None takes any.
        clock: Seconds since 1970.

    Raises:
        MissingExtraError: If SQLAlchemy or the database's driver is not installed.
        BadInputError: If there is no such store or project, or a later version of Beltline made it.
    """
    opened: Store = _module().open_(where, project=project, classes=classes, clock=clock)
    return opened


def _module() -> ModuleType:
    try:
        from beltline.rounds import store
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "sqlalchemy":
            raise
        raise MissingExtraError(
            "the store of rounds needs sqlalchemy; install it: pip install 'beltline[service]'"
        ) from error
    return store
