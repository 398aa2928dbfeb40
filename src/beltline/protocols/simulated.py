"""What experiments on simulated windows share: SIXray's class counts, and libraries of baked items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from beltline.protocols.cells import Say
from beltline.simulate.library import INDEX, ObjectLibrary, bake_library

PAPER_IMAGES: Mapping[str, int] = MappingProxyType(
    {"gun": 3131, "knife": 1943, "wrench": 2199, "pliers": 3961, "scissors": 983}
)  # Table 1; images hold several classes, so they sum to more than the 8,929 positive images


def long_tailed(total: int) -> dict[str, int]:
    """SIXray's class counts scaled to ``total`` images, at least one each."""
    printed = sum(PAPER_IMAGES.values())
    return {name: max(1, round(total * images / printed)) for name, images in PAPER_IMAGES.items()}


def baked_items(root: Path, say: Say, **asked: Any) -> ObjectLibrary:
    """The library of items in a folder, baked first where there is none.

    Args:
        root: Its folder.
        say: Receives progress.
        asked: Arguments of `beltline.simulate.library.bake_library`.
    """
    if (root / INDEX).is_file():
        return ObjectLibrary(root)
    say(f"baking {root.name}")
    return bake_library(root, **asked)
