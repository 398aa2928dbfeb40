"""Whether data have the classes that a recipe or a run wants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beltline.core import BadInputError


def require_classes(
    folder: Path, wanted: Sequence[str], there: Sequence[str], *, offered: Sequence[str] | None = None
) -> None:
    """Refuse data that lack a class.

    Args:
        folder: Of the data.
        wanted: Classes of the recipe, or those that a run was trained on.
        there: Classes of the data.
        offered: Those of them to train on instead; None for all.

    Raises:
        BadInputError: Naming what is missing, what is there, and the ``--set classes=`` that fits.
    """
    missing = [name for name in wanted if name not in there]
    if not missing:
        return
    known = [name for name in wanted if name in there] or list(offered if offered is not None else there)
    raise BadInputError(
        f"{folder}: has no class {', '.join(missing)}; it has {', '.join(there)}; train with"
        f" --set classes={','.join(known)}, or name data that have every class of the recipe or run"
    )
