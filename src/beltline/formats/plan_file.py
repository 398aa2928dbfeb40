"""What a folder was begun with: no later run mixes a set of another plan into it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from beltline.core import BadInputError
from beltline.formats.atomic import write_json
from beltline.formats.limits import bad

PLAN, CARD = "plan.json", "card.json"
Names = frozenset[str]


def begin_plan(folder: str | Path, kind: str, plan: Mapping[str, Any], *, free: Names = frozenset()) -> None:
    """Write a folder's plan before its first item; go on where it was begun with the same one.

    A plan from which nothing has come yet is replaced.

    Args:
        folder: Of a set, of shards or of a library; made if missing.
        kind: What the folder holds.
        plan: Settings by name. A dataclass is compared field by field, anything else as a whole. The folder's
            card holds them under the same names, which guards sets that were finished before plans were kept.
        free: Dotted names of fields that a later run may change, for instance how many.

    Raises:
        BadInputError: See `require_plan`.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> begin_plan(folder.name, "simulated", {"seed": 1})
        >>> Path(folder.name, "bag.png").touch()
        >>> begin_plan(folder.name, "simulated", {"seed": 1})
        >>> begin_plan(folder.name, "simulated", {"seed": 2})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        beltline.core.errors.BadInputError: ...: seed was 1, now 2; give the same options to go on, or ...
        >>> folder.cleanup()
    """
    require_plan(folder, kind, plan, free=free)
    root = Path(folder)
    written = _read(root / PLAN) if _begun(root) else {}
    now = {**written, "kind": kind, **_json(plan)}
    if now != written:
        write_json(root / PLAN, now, indent=1)


def require_plan(
    folder: str | Path, kind: str, plan: Mapping[str, Any], *, free: Names = frozenset()
) -> None:
    """Refuse a folder that was begun with another plan, or that holds what nobody knows the plan of.

    A field that the earlier run did not know yet counts as the same.

    Raises:
        BadInputError: Naming each field that differs, with both values.
    """
    root = Path(folder)
    if root.exists() and not root.is_dir():
        raise bad(root, "is a file; a folder is needed")
    if not _begun(root):
        return
    before = _before(root)
    if before is None:
        raise bad(root, f"holds something else than a set with {PLAN} or {CARD}; name a new folder")
    way_out = "give the same options to go on, or name a new folder"
    require_same(before, {"kind": kind, **plan}, f"{root}:", way_out, free=free)


def require_same(before: Any, now: Any, found: str, way_out: str, *, free: Collection[str] = ()) -> None:
    """Refuse settings that differ from those that something was made with.

    Args:
        before: As JSON gave them; what it does not know counts as the same.
        now: A mapping of settings, or a dataclass.
        found: Begins the message: what was made, and that it is another.
        way_out: Ends it.
        free: Dotted names that may differ.

    Raises:
        BadInputError: Naming each field that differs, with both values.
    """
    changes = "; ".join(line for name, line in differences(before, now) if name not in free)
    if changes:
        raise BadInputError(f"{found} {changes}; {way_out}")


def differences(before: Any, now: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and "NAME was A, now B" of each field that differs; see `begin_plan`.

    Args:
        before: As JSON gave it.
        now: A mapping of settings, or a dataclass.
        prefix: Of the names.
    """
    for key, value in _fields(now):
        name = f"{prefix}{key}"
        if not isinstance(before, Mapping) or key not in before:
            continue
        if dataclasses.is_dataclass(value) and isinstance(before[key], Mapping):
            yield from differences(before[key], value, f"{name}.")
        elif before[key] != (found := _json(value)):
            yield name, f"{name} was {_shown(before[key])}, now {_shown(found)}"


def _fields(record: Any) -> list[tuple[str, Any]]:
    if dataclasses.is_dataclass(record):
        return [(field.name, getattr(record, field.name)) for field in dataclasses.fields(record)]
    return list(record.items())


def _json(value: Any) -> Any:
    """As it would come back from a file."""
    if dataclasses.is_dataclass(value) or isinstance(value, Mapping):
        return {str(key): _json(inner) for key, inner in _fields(value)}
    if isinstance(value, tuple | list):
        return [_json(inner) for inner in value]
    return value


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _begun(root: Path) -> bool:
    """Whether a folder holds a file of anybody's, apart from the plan itself."""
    files = (path for path in root.rglob("*") if not path.is_dir()) if root.is_dir() else iter(())
    ours = (root / PLAN, root / ".DS_Store")
    return any(path not in ours and not (path.name[0] == "." and path.suffix == ".tmp") for path in files)


def _before(root: Path) -> Mapping[str, Any] | None:
    if (root / PLAN).is_file():
        return _read(root / PLAN)
    if (root / CARD).is_file():
        card = _read(root / CARD)
        return {**card, "kind": card.get("kind", card.get("source", "unknown"))}
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise bad(path, f"damaged ({error}); name a new folder") from error
    if not isinstance(values, dict):
        raise bad(path, "damaged (not an object); name a new folder")
    return values
