"""One object of an edit: what it is, where it lies, and who or what drew it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Masks, ShapeError
from beltline.core.run_lengths import check_run_lengths
from beltline.data.annotations.annotated import class_name
from beltline.metrics.clicks import Click

Box: TypeAlias = tuple[float, float, float, float]
RunLengths: TypeAlias = Mapping[str, Any]
"""One mask as a COCO run-length object ``{"size": [H, W], "counts": str}``, as `Masks.to_coco` gives it."""

LONGEST_AUTHOR = 200
_AUTHOR = re.compile(r"(person|model|import):\S(.*\S)?")


@dataclass(frozen=True)
class EditedObject:
    """An object as one edit has it.

    Attributes:
        label: Class name.
        box: Left, top, right, bottom in pixels; right and bottom exclusive.
        made_by: Who or what drew this mask, as an author: "person:ann", "model:starter-click-1@5b7a",
            "import:cvat". It stays when somebody else accepts the mask unchanged.
        mask: Amodal, a compressed COCO run-length object; None where only a box is known.
        score: Of the model, in [0, 1]; None where a person or an import gives none.
        clicks: Made on this object in this edit, pixels of the scan, in their order.
        proposed: Number of the object in the edit's first base that it grew from; None if it is new.

    Raises:
        BadInputError: If one of them is not what it says here. Whether it fits a scan is asked by
            `check_objects`.

    Example:
        >>> disc = np.zeros((40, 60), bool); disc[10:20, 30:50] = True
        >>> knife = EditedObject.drawn("knife", disc, made_by="person:ann")
        >>> knife.box
        (30.0, 10.0, 50.0, 20.0)
        >>> EditedObject.from_json(knife.to_json()) == knife
        True
    """

    label: str
    box: Box
    made_by: str
    mask: RunLengths | None = None
    score: float | None = None
    clicks: tuple[Click, ...] = ()
    proposed: int | None = None

    def __post_init__(self) -> None:
        try:
            class_name(self.label)
        except ValueError as error:
            raise BadInputError(str(error)) from error
        check_author(self.made_by)
        object.__setattr__(self, "box", _box(self.box))
        object.__setattr__(self, "clicks", tuple(_click(click) for click in self.clicks))
        if self.score is not None and not (_is_number(self.score) and 0 <= self.score <= 1):
            raise BadInputError(f"a score lies in 0..1, got {self.score!r}; apply the sigmoid first")
        if self.proposed is not None and not (_is_whole(self.proposed) and self.proposed >= 0):
            raise BadInputError(f"proposed is the number of an object, 0 or more, got {self.proposed!r}")

    @classmethod
    def drawn(cls, label: str, mask: NDArray[Any], *, made_by: str, **fields: Any) -> EditedObject:
        """An object by its mask (H, W); the box is that of the mask.

        Raises:
            BadInputError: If the mask is empty, or a field is not what it should be.
            ShapeError: If the mask is not (H, W).
        """
        masks = Masks.encode(np.asarray(mask)[None])
        if not masks.areas()[0]:
            raise BadInputError(f"the mask of {label!r} is empty: there is no object")
        left, top, right, bottom = (float(v) for v in masks.boxes()[0])
        return cls(label, (left, top, right, bottom), made_by, mask=masks.to_coco()[0], **fields)

    def to_json(self) -> dict[str, Any]:
        """JSON values; what is None or empty is left out."""
        fields: dict[str, Any] = {"label": self.label, "box": list(self.box), "made_by": self.made_by}
        fields |= {} if self.mask is None else {"mask": dict(self.mask)}
        fields |= {} if self.score is None else {"score": self.score}
        fields |= {"clicks": [[x, y, int(positive)] for x, y, positive in self.clicks]} if self.clicks else {}
        return fields | ({} if self.proposed is None else {"proposed": self.proposed})

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> EditedObject:
        """The object of `to_json`.

        Raises:
            BadInputError: If a field is missing or not what it should be.
        """
        try:
            mask = fields.get("mask")
            return cls(
                fields["label"],
                tuple(fields["box"]),
                fields["made_by"],
                mask=None if mask is None else {"size": list(mask["size"]), "counts": mask["counts"]},
                score=fields.get("score"),
                clicks=tuple(fields.get("clicks", ())),
                proposed=fields.get("proposed"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"not an object of an edit ({error!r}): {str(fields)[:80]}") from error


def check_author(author: Any) -> str:
    """The author, if it is one: a person, a model or an import, and its name.

    Raises:
        BadInputError: If it is not.

    Example:
        >>> check_author("person:ann")
        'person:ann'
    """
    if not isinstance(author, str) or not _AUTHOR.fullmatch(author) or not author.isprintable():
        raise BadInputError(f"an author is 'person:NAME', 'model:NAME' or 'import:NAME', got {author!r}")
    if len(author) > LONGEST_AUTHOR:
        raise BadInputError(f"an author has at most {LONGEST_AUTHOR} letters, got {len(author)}")
    return author


def check_objects(
    objects: Iterable[EditedObject], size: tuple[int, int], classes: Sequence[str] | None = None
) -> None:
    """Refuse objects that do not fit their scan.

    Args:
        objects: Of one edit.
        size: (H, W) of the scan.
        classes: Labels that are known; None takes any.

    Raises:
        BadInputError: Naming the object: its label is not known, its mask damaged, empty or of another size,
            its box or a click outside.
    """
    for number, item in enumerate(objects):
        fault = _fault(item, size, classes)
        if fault:
            raise BadInputError(f"object {number} ({item.label}): {fault}")


def masks_of(objects: Sequence[EditedObject], size: tuple[int, int]) -> Masks:
    """The masks of objects on a scan of (H, W); one that has only a box is that box, filled.

    Raises:
        ShapeError: If a mask is damaged or of another size.
    """
    return Masks.from_coco([dict(item.mask or _filled(item.box, size)) for item in objects], size)


def _fault(item: EditedObject, size: tuple[int, int], classes: Sequence[str] | None) -> str | None:
    height, width = size
    if classes is not None and item.label not in classes:
        return f"the label is none of the project's classes ({', '.join(classes)}); add it there first"
    left, top, right, bottom = item.box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        return f"its box {item.box} is not inside {width}x{height} pixels, or empty"
    outside = [click for click in item.clicks if not (0 <= click.x < width and 0 <= click.y < height)]
    if outside:
        return f"its click {outside[0].x},{outside[0].y} lies outside {width}x{height} pixels"
    return None if item.mask is None else _mask_fault(item.mask, size)


def _mask_fault(mask: RunLengths, size: tuple[int, int]) -> str | None:
    if not isinstance(mask.get("counts"), str):
        return "its mask needs compressed run lengths; Masks.from_coco(...).to_coco() makes them"
    try:
        found = check_run_lengths(mask)
    except ShapeError as error:
        return f"its mask is damaged ({error})"
    if found != tuple(size):
        return f"its mask is {found[1]}x{found[0]} pixels, the scan {size[1]}x{size[0]}"
    covered = Masks((mask["counts"].encode("ascii"),), found).areas()[0]
    return None if covered else "its mask is empty; leave the object out"


def _filled(box: Box, size: tuple[int, int]) -> dict[str, Any]:
    pixels = np.zeros((1, *size), np.bool_)
    left, top, right, bottom = box
    pixels[0, math.floor(top) : math.ceil(bottom), math.floor(left) : math.ceil(right)] = True
    return Masks.encode(pixels).to_coco()[0]


def _box(box: Any) -> Box:
    if not (isinstance(box, Sequence) and len(box) == 4 and all(_is_number(v) for v in box)):
        raise BadInputError(f"a box is left, top, right, bottom in pixels, got {str(box)[:80]}")
    left, top, right, bottom = (float(v) for v in box)
    return left, top, right, bottom


def _click(click: Any) -> Click:
    fits = isinstance(click, Sequence) and len(click) == 3 and _is_whole(click[0]) and _is_whole(click[1])
    if not fits or click[2] not in (0, 1):
        raise BadInputError(f"a click is x and y in whole pixels and whether it is positive, got {click!r}")
    return Click(int(click[0]), int(click[1]), bool(click[2]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
