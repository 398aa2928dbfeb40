"""JSON from outside: read whole, or refused in one line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from beltline.formats.limits import bad, read_bytes

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_DEEPEST = 20


def read_json(path: Path, *, errors: str = "strict") -> Any:
    """The value of a file.

    Args:
        path: The file, UTF-8.
        errors: What becomes of bytes that are no UTF-8, as of ``bytes.decode``.

    Raises:
        BadInputError: If it is missing, no JSON, nested too deep, or holds half a surrogate pair, which
            no file and no name can be written with.
    """
    data = read_bytes(path)
    try:
        found = json.loads(data.decode("utf-8-sig", errors=errors))
        if _HALF_PAIR.search(data):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise bad(path, "damaged JSON (nested too deep)") from error
    except ValueError as error:
        raise bad(path, f"damaged JSON ({error})") from error
    return found


def finite_json(value: Any, depth: int = 0) -> Any:
    """The value with null in place of NaN and infinities, which JSON does not have.

    Raises:
        ValueError: If it is nested too deep.

    Example:
        >>> finite_json({"area": [1.5, float("inf")]})
        {'area': [1.5, None]}
    """
    if depth > _DEEPEST:
        raise ValueError(f"a field nested deeper than {_DEEPEST}")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [finite_json(item, depth + 1) for item in value]
    return value
