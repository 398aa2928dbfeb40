"""The public data sets that Beltline reads, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from beltline.core import BadInputError
from beltline.data.annotations.set_files import require_new
from beltline.data.public.clcxray import CLCXRAY
from beltline.data.public.eds import EDS
from beltline.data.public.gdxray import GDXRAY
from beltline.data.public.hixray import HIXRAY
from beltline.data.public.opixray import OPIXRAY
from beltline.data.public.pidray import PIDRAY
from beltline.data.public.pixray import PIXRAY
from beltline.data.public.record import PublicSet
from beltline.data.public.xseg import XSEG

PUBLIC_SETS: Mapping[str, PublicSet] = MappingProxyType(
    {known.name: known for known in (OPIXRAY, PIDRAY, HIXRAY, CLCXRAY, EDS, PIXRAY, GDXRAY, XSEG)}
)


def public_set(name: str) -> PublicSet:
    """A set by name, in any case.

    Raises:
        BadInputError: If it is not among them; SIXray has commands and readers of its own.

    Example:
        >>> public_set("OPIXray").labels()["Scissor"]
        'scissors'
    """
    found = PUBLIC_SETS.get(name.lower())
    if found is None:
        raise BadInputError(f"data set must be one of {', '.join(('sixray', *PUBLIC_SETS))}, got {name!r}")
    return found


def fake_public_set(name: str, out: str | Path, *, each: int = 6, seed: int = 0) -> Path:
    """Write a tiny tree shaped like a public set, of random rectangles.

    Args:
        name: Which set.
        out: Folder to make.
        each: Images a split.
        seed: Of pictures and objects.

    Raises:
        BadInputError: If the set is unknown, or the folder holds something.
    """
    out = Path(out)
    known = public_set(name)
    require_new(out)
    known.fake(out, each=each, seed=seed)
    return out
