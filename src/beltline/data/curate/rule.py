"""What a curated set asks of a picture, and what is said of one that falls short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "listed, but not on disk",
        "unreadable": "truncated, damaged, or no picture that a set holds",
        "unjudged": "nothing in it that anybody could judge",
        "resolution": "too few pixels on the shorter side",
        "aspect": "too long for its height",
        "sharpness": "less sharp than most of the set",
        "duplicate": "the same picture as a better one",
    }
)
"""In this order: the first that applies counts. Those of `OPTIONAL` may be left out."""
OPTIONAL = ("unjudged", "resolution", "aspect", "sharpness", "duplicate")


@dataclass(frozen=True)
class CurationRule:
    """Thresholds of the filters.

    The order of XSeg's pipeline (resolution, aspect ratio, sharpness by a Laplacian) is published, its
    thresholds are not: those here are inferred, and what duplicates share was measured on simulated bags.

    Attributes:
        min_side: Fewest pixels on the shorter side.
        max_aspect: Longest side over shortest, at most.
        blurred_percent: Share of the pictures that are left after the filters before, the least sharp of
            which are given up, 0 to 50 %. It gives them up whether any is blurred or not.
        min_sharpness: Least variance of the Laplacian, whatever the others have; 0 for none.
        code_bits: Bits in which the codes of two pictures may differ for them to be compared at all.
        min_likeness: Correlation of their detail, laid over each other, from which two are one picture; in
            the window where they are least alike.
        only: Which of `OPTIONAL` are looked for.

    Raises:
        ValueError: If a threshold is outside its range, or a filter unknown.
    """

    min_side: int = 200
    max_aspect: float = 4.0
    blurred_percent: float = 5.0
    min_sharpness: float = 0.0
    code_bits: int = 10
    min_likeness: float = 0.7
    only: tuple[str, ...] = OPTIONAL

    def __post_init__(self) -> None:
        ranges = {"min_side": (1, 100_000), "max_aspect": (1, 1000), "blurred_percent": (0, 50),
                  "min_sharpness": (0, 1e6), "code_bits": (0, 15), "min_likeness": (0, 1)}  # fmt: skip
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:  # NaN is not either
                raise ValueError(f"{name} must be {low:g} to {high:g}, got {getattr(self, name)}")
        unknown = [name for name in self.only if name not in OPTIONAL]
        if unknown or not self.only:
            raise ValueError(
                f"filters must be some of {', '.join(OPTIONAL)}, got {', '.join(unknown) or 'none'}"
            )

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        return {**asdict(self), "only": list(self.only)}


@dataclass(frozen=True)
class Rejection:
    """A picture that is left out.

    Attributes:
        reason: One of `REASONS`.
        figure: What was measured; None where nothing was.
        limit: What it fell short of.
        detail: The fault in words, or how it lies to its twin.
        twin: The picture that is kept in its place, a path below its folder.
        folder: Folder of the twin, "" for the one that is curated.
    """

    reason: str
    figure: float | None = None
    limit: float | None = None
    detail: str = ""
    twin: str = ""
    folder: str = ""
