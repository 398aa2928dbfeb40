"""What a conversion could not take along: counted by kind, with examples, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

MOST_EXAMPLES = 20

LOST: Mapping[str, str] = MappingProxyType(
    {
        "mask": "masks dropped: the format holds boxes only",
        "mask_holes": "holes of masks filled: a polygon has none",
        "mask_parts": "parts of masks dropped: one polygon an object, the largest",
        "mask_overlap": "masks whose polygon differs from them by more than 1 % of their pixels",
        "empty_mask": "masks without a pixel dropped: the box is written",
        "mask_box": "boxes that are not their mask's dropped: the mask's comes back",
        "polygon": "polygons written as masks of the same pixels: their points are gone",
        "box_for_polygon": "objects without mask written as the rectangle of their box",
        "difficult": "flags 'difficult' dropped",
        "truncated": "flags 'truncated' dropped",
        "occluded": "flags 'occluded' dropped",
        "crowd": "groups written as single objects",
        "not_annotated": "images nobody annotated left out: the format would read them as empty",
        "read_as_empty": "images nobody annotated written without objects: they come back as empty",
        "sub_pixel": "boxes rounded to whole pixels",
        "clipped": "boxes clipped to their image",
        "no_area": "boxes without area dropped",
        "extra_field": "further fields of objects dropped",
        "image_field": "further fields of images dropped",
        "part": "parts of splits (easy, OL1) dropped",
        "unlisted": "splits of images nobody annotated dropped: in a list they would read as empty",
        "class_name": "classes that labelmap.txt cannot name: with ':', or '#' in front",
        "recoded": "images written anew as JPEG",
        "unread": "objects that cannot be read left out",
        "unread_mask": "masks that cannot be read dropped: the box is written",
        "unread_fact": "fields of objects that hold something else than their name says dropped",
        "older": "annotations left out where an image has a newer one",
        "further_label": "further labels of one object dropped",
        "missing_image": "images that are not on disk left out",
        "damaged": "images or annotations that cannot be read left out",
        "renamed": "images renamed because two have one name, or it is too long or cannot be printed",
    }
)
KEPT_APART: Mapping[str, str] = MappingProxyType(
    {
        "own_field": "flags (difficult, not annotated, ...) kept in fields that other tools skip over",
        "unsplit": "images without a split put into 'train'",
    }
)
UNREAD: Mapping[str, str] = MappingProxyType(
    {
        "damaged_annotation": "unread", "dangling": "unread", "unread_shape": "unread",
        "odd_outline": "unread_mask", "far_outline": "unread_mask", "odd_attribute": "unread_fact",
        "several_annotations": "older", "several_labels": "further_label",
    }
)  # fmt: skip
"""What a reader meets (`Annotated.problems`) and what is lost by it."""


@dataclass
class Losses:
    """A tally: how often each kind of loss occurred, and where first.

    Attributes:
        counts: Times by kind, a key of `LOST` or `KEPT_APART`.
        examples: The first ``MOST_EXAMPLES`` places of each kind.
        largest_shift_px: Furthest that a side of a box moved by rounding.

    Example:
        >>> losses = Losses(); losses.add("mask", "bag1.jpg"); losses.add("mask", "bag2.jpg")
        >>> losses.lines()
        ['         2 masks dropped: the format holds boxes only: bag1.jpg, bag2.jpg']
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    largest_shift_px: float = 0.0

    def add(self, kind: str, where: str) -> None:
        """Count one.

        Raises:
            ValueError: If the kind has no words.
        """
        if kind not in LOST and kind not in KEPT_APART:
            raise ValueError(f"a loss must be one of {(*LOST, *KEPT_APART)}, got {kind!r}")
        self.counts[kind] += 1
        places = self.examples.setdefault(kind, [])
        if len(places) < MOST_EXAMPLES and where not in places:
            places.append(where)

    def add_all(self, kinds: Iterable[tuple[str, Any]], where: str) -> None:
        """Count each kind of which something is there."""
        for kind, there in kinds:
            if there:
                self.add(kind, where)

    @property
    def lossless(self) -> bool:
        """Whether nothing was lost; what went into fields of our own is not."""
        return not any(kind in LOST for kind in self.counts)

    def lines(self) -> list[str]:
        """A line for each kind, for people."""
        rows = []
        for kind in (*LOST, *KEPT_APART):
            if self.counts[kind]:
                words = LOST.get(kind) or KEPT_APART[kind]
                if kind == "sub_pixel":
                    words += f" (up to {self.largest_shift_px:.2f} px a side)"
                places = self.examples[kind]
                first = ", ".join(places[:3]) + (", ..." if len(places) > 3 else "")
                rows.append(f"{self.counts[kind]:10,d} {words}: {first}")
        return rows

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        kinds = {
            kind: {
                "count": self.counts[kind], "meaning": LOST.get(kind) or KEPT_APART[kind],
                "lost": kind in LOST, "examples": self.examples[kind],
            }
            for kind in (*LOST, *KEPT_APART)
            if self.counts[kind]
        }  # fmt: skip
        return {
            "lossless": self.lossless, "largest_shift_px": round(self.largest_shift_px, 4), "kinds": kinds,
        }  # fmt: skip
