"""Networks that are there as bare weights: they paint, or trainings start from them, and nothing screens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.formats import write_atomic
from beltline.screening.weights import StartEntry, add_start, user_folder

LONGEST_HEADER = 10_000_000  # bytes


def bare_facts(path: Path) -> Mapping[str, Any]:
    """What a file of ``beltline export --format safetensors`` says of itself: classes and network.

    Raises:
        BadInputError: If it is none.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LONGEST_HEADER:
                raise ValueError("not a safetensors file")
            told = json.loads(file.read(length)).get("__metadata__", {})
        return {"classes": json.loads(told["classes"]), "network": json.loads(told.get("network", "{}"))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"{path}: expected weights that beltline export --format safetensors wrote ({error})"
        ) from error


def import_bare(path: Path, *, name: str | None = None, sha256: str | None = None) -> StartEntry:
    """Copy bare weights into the user's folder and note their sum there, so that they load by name.

    Args:
        path: Written by ``beltline export --format safetensors``.
        name: To list them under; the file's stem when None.
        sha256: Sum published by whoever made the file; checked when given.

    Raises:
        UntrustedWeightsError: If the sum differs from ``sha256``, or the name belongs to another model.
        BadInputError: If the file is none of ours.
    """
    bare_facts(path)
    payload = path.read_bytes()
    found = hashlib.sha256(payload).hexdigest()
    if sha256 is not None and sha256.lower() != found:
        raise UntrustedWeightsError(f"{path}: SHA-256 is {found}, you expected {sha256.lower()}")
    target = user_folder() / f"{found[:16]}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, payload)
    return add_start(StartEntry(name or path.stem, target, found, "imported"))
