"""What is known of an object beside label and shape, its id above all, on the way through an annotation tool.

An object that goes out carries an id, so that what comes back can be told apart: see `returned`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from beltline.data.annotations.annotated import (
    LONGEST_NAME,
    Annotated,
    AnnotatedObject,
    Box,
    Outline,
    Picture,
)
from beltline.formats.json_files import finite_json

OBJECT_ID, MADE_BY, SCORE, OCCLUSION = "object_id", "made_by", "score", "occlusion"
"""Keys of ``AnnotatedObject.extra``: id in the set; who or what drew the mask; in [0, 1]; share covered."""
PREDICTED = "predicted"
"""Key of ``Picture.extra``: whether its objects are a model's that nobody has looked at."""
MODEL = "model:"
"""What ``made_by`` begins with where a model drew the mask."""
FLAGS = ("difficult", "truncated", "occluded", "crowd")


def with_object_ids(data: Annotated) -> Annotated:
    """The same pictures, every object with an id of its own in ``extra["object_id"]``.

    An id that is there is kept, unless an object before has it. New ones follow from the file name and the
    position of the object, so that the same set gets the same ids again.

    Example:
        >>> from pathlib import Path
        >>> item = AnnotatedObject("gun", (1, 2, 30, 40))
        >>> data = with_object_ids(Annotated(Path("set"), ("gun",), (Picture("a.png", (item, item)),)))
        >>> [found.extra["object_id"] for found in data.pictures[0].objects]
        ['ffea6ddb6ca54a70', '5c6686aef7b37128']
    """
    stated = [object_id(item) for picture in data.pictures for item in picture.objects or ()]
    taken: set[str] = {found for found in stated if found is not None}
    used: set[str] = set()
    pictures = []
    for picture in data.pictures:
        if picture.objects is not None:
            items = tuple(
                _identified(item, f"{picture.file}#{k}", taken, used)
                for k, item in enumerate(picture.objects)
            )
            picture = replace(picture, objects=items)
        pictures.append(picture)
    return replace(data, pictures=tuple(pictures))


def object_id(item: AnnotatedObject) -> str | None:
    """The id that an object carries; None where there is none, or something else in its place."""
    found = item.extra.get(OBJECT_ID)
    usable = isinstance(found, str) and 0 < len(found) <= LONGEST_NAME and found.isprintable()
    return found if usable else None


def is_predicted(picture: Picture) -> bool:
    """Whether nobody has looked at the objects: as the picture says, else if a model drew all of them."""
    stated = picture.extra.get(PREDICTED)
    if isinstance(stated, bool):
        return stated
    makers = [item.extra.get(MADE_BY) for item in picture.objects or ()]
    return bool(makers) and all(isinstance(maker, str) and maker.startswith(MODEL) for maker in makers)


def score_of(item: AnnotatedObject) -> float | None:
    """Its score in [0, 1]; None where there is none."""
    found = item.extra.get(SCORE)
    usable = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1
    return float(found) if usable else None  # type: ignore[arg-type]


def facts_of(item: AnnotatedObject) -> dict[str, Any]:
    """Flags that are set and further fields, by name."""
    return {**item.extra, **{flag: True for flag in FLAGS if getattr(item, flag)}}


def object_with(label: str, box: Box, outline: Outline | None, facts: Mapping[str, Any]) -> AnnotatedObject:
    """An object of which these facts are known: the reverse of `facts_of`.

    Raises:
        ValueError: If a fact is nested too deep.
    """
    difficult, truncated, occluded, crowd = (facts.get(flag) is True for flag in FLAGS)
    extra = {key: finite_json(value) for key, value in facts.items() if key not in FLAGS}
    return AnnotatedObject(label, box, outline, difficult, truncated, occluded, crowd, extra)


def as_text(key: str, value: Any) -> str | None:
    """A fact as the text of an attribute; None for one that attributes do not carry."""
    read = TEXT_FACTS.get(key)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        held = read is not None and text != "" and text.isprintable() and read(text) == value
    except ValueError:
        return None
    return text if held else None


def of_text(key: str, text: str) -> Any:
    """The fact of an attribute; text where the name is none of ours.

    Raises:
        ValueError: If somebody wrote in the tool what is no such fact.
    """
    return TEXT_FACTS.get(key, str)(text)


def _identified(item: AnnotatedObject, place: str, taken: set[str], used: set[str]) -> AnnotatedObject:
    found = object_id(item)
    if found is None or found in used:
        numbers = (f"{place}#{n}" for n in range(len(taken) + len(used) + 1))
        digests = (hashlib.blake2b(_bytes(text), digest_size=8).hexdigest() for text in numbers)
        found = next(digest for digest in digests if digest not in taken and digest not in used)
    used.add(found)
    return replace(item, extra={**item.extra, OBJECT_ID: found})


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"expected a finite number, got {text[:20]!r}")
    return found


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"expected true or false, got {text[:20]!r}")
    return text == "true"


TEXT_FACTS: Mapping[str, Callable[[str], Any]] = {
    OBJECT_ID: str, MADE_BY: str, SCORE: _number, OCCLUSION: _number,
    "difficult": _flag, "truncated": _flag, "crowd": _flag,
}  # fmt: skip
"""The facts that attributes of text carry, each with what reads it."""
