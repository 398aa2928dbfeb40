"""Every item family, one table.

A family is a function ``make(rng) -> Item``. Each module of this package lists its own in ``FAMILIES``; this
module gathers them, so that a new family is one file (and one test row, which is automatic).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from beltline.simulate.solids import Item, ItemMaker


@cache
def families() -> Mapping[str, ItemMaker]:
    """All item families by name.

    Raises:
        ValueError: If two modules claim one name.
    """
    table: dict[str, ItemMaker] = {}
    for module in sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_")):
        for name, make in import_module(f"{__name__}.{module}").FAMILIES.items():
            if name in table:
                raise ValueError(f"item family {name!r} is defined twice, the second time in {module}")
            table[name] = make
    return table


def make_item(family: str, seed: int) -> Item:
    """The item of a family for a seed; the same seed always gives the same item.

    Raises:
        ValueError: If the family is unknown.
    """
    table = families()
    if family not in table:
        raise ValueError(f"unknown item family {family!r}; known: {', '.join(sorted(table))}")
    return table[family](np.random.default_rng(seed))
