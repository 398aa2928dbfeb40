"""Folders of arrays beside a card with their plan. The card comes last: where it lacks, there is no set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.formats import require_same

CARD = "card.json"


def holds_set(folder: Path, wanted: Mapping[str, Any], kind: str) -> bool:
    """Whether a folder holds the set of a plan already.

    Raises:
        BadInputError: If it holds one of another plan; it names what differs.
    """
    if not (folder / CARD).is_file():
        return False
    found = json.loads((folder / CARD).read_text(encoding="utf-8"))["plan"]
    require_same(found, wanted, f"{folder}: holds {kind} of another plan:", "name a new folder")
    return True


def create_array(folder: Path, name: str, kind: type, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new array on disk, to be filled row by row and flushed."""
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)


def read_set(
    folder: Path, kind: str, maker: str, *, mapped: Iterable[str], loaded: Iterable[str]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Card and arrays by name of a complete set, some of them memory mapped.

    Raises:
        ValueError: If ``folder`` holds none.
    """
    if not (folder / CARD).is_file():
        raise ValueError(f"{folder}: holds no complete set of {kind}; make one with {maker}")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in mapped}
    return card, arrays | {name: np.load(folder / f"{name}.npy") for name in loaded}
