"""The filters that look at one picture at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.data.annotations.annotated import Picture
from beltline.data.curate.measures import Measures
from beltline.data.curate.rule import CurationRule, Rejection


def filtered(
    pictures: Sequence[Picture], measures: Measures, rule: CurationRule
) -> tuple[dict[int, Rejection], float | None]:
    """The pictures that fall short, by number, and the sharpness that was asked of the others.

    Args:
        pictures: N, as the source states them.
        measures: Of N.
        rule: The thresholds.

    Returns:
        The second is None where sharpness is not looked at, or no picture came so far.
    """
    found: dict[int, Rejection] = {}
    for number, picture in enumerate(pictures):
        rejection = _at_sight(picture, measures, number, rule)
        if rejection is not None:
            found[number] = rejection
    rest = np.array([number for number in range(len(pictures)) if number not in found], np.intp)
    if "sharpness" not in rule.only or not len(rest):
        return found, None
    limit = sharpness_limit(measures.sharpness[rest], rule)
    for number in rest[measures.sharpness[rest] < limit]:
        found[int(number)] = Rejection("sharpness", _short(measures.sharpness[number]), _short(limit))
    return found, limit


def sharpness_limit(values: NDArray[np.float32], rule: CurationRule) -> float:
    """The sharpness that pictures (N,) must have.

    It is that of one of them, so that no more than the share asked for is given up, and none of a few.

    Example:
        >>> sharpness_limit(np.arange(1, 101, dtype=np.float32), CurationRule())
        6.0
        >>> sharpness_limit(np.arange(1, 11, dtype=np.float32), CurationRule())
        1.0
    """
    place = math.floor(len(values) * rule.blurred_percent / 100)
    return max(float(np.sort(values)[place]), rule.min_sharpness)


def _at_sight(picture: Picture, measures: Measures, number: int, rule: CurationRule) -> Rejection | None:
    if not picture.present:
        return Rejection("missing")
    if fault := picture.fault or str(measures.faults[number]):
        return Rejection("unreadable", detail=fault)
    height, width = (int(side) for side in measures.sizes[number])
    checks: Mapping[str, Rejection | None] = {
        "unjudged": _unjudged(str(measures.unjudged[number])),
        "resolution": _under(min(height, width), rule.min_side),
        "aspect": _over(max(height, width) / min(height, width), rule.max_aspect),
    }
    return next((r for name, r in checks.items() if r is not None and name in rule.only), None)


def _unjudged(why: str) -> Rejection | None:
    return Rejection("unjudged", detail=why) if why else None


def _under(side: int, least: int) -> Rejection | None:
    return Rejection("resolution", side, least) if side < least else None


def _over(aspect: float, most: float) -> Rejection | None:
    return Rejection("aspect", _short(aspect), most) if aspect > most else None


def _short(value: float) -> float:
    """Four figures are enough for people and keep the report small."""
    return float(f"{value:.4g}")
