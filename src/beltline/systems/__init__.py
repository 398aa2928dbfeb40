"""The trained systems: one folder each, and the table that names them. Needs the extra [train]."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from beltline.core import BadInputError

#: Modules with a ``SYSTEM`` by its name; imported when it is wanted, because they need torch.
SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "anomaly": "beltline.systems.anomaly.system",
        "chr": "beltline.systems.chr.system",
        "click": "beltline.systems.click.system",
        "detector": "beltline.systems.detector.system",
        "fusion": "beltline.systems.fusion.system",
        "xsyn": "beltline.systems.xsyn.system",
    }
)
# Runs of before this table name a recipe at most; those of fusion networks name a method instead.
_BY_RECIPE = MappingProxyType(
    {
        "chr_starter": "chr", "chr_paper": "chr", "chr_single_label": "chr",
        "detector_starter": "detector", "detector_detr": "detector",
    }
)  # fmt: skip


def find_system(name: str) -> Any:
    """A system's record (`beltline.training.system.System`) by its name.

    Raises:
        BadInputError: If the table has no such system.
    """
    if name not in SYSTEMS:
        raise BadInputError(f"no system {name!r}; there is {', '.join(SYSTEMS)}")
    return importlib.import_module(SYSTEMS[name]).SYSTEM


def system_of(run: Path) -> Any:
    """The system that a run folder belongs to.

    Raises:
        BadInputError: If the folder is no run, or of a system that is not in the table.
    """
    from beltline.training.run_folder import read_written

    values = read_written(run)
    before = "fusion" if "method" in values else _BY_RECIPE.get(values.get("recipe", ""), "chr")
    return find_system(values.get("system", before))


__all__ = ["SYSTEMS", "find_system", "system_of"]
