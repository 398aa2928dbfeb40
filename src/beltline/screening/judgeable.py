"""Whether a scan shows anything a model could judge: what it cannot must never come back as "clear"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan

SMALLEST = 32  # pixels on the shorter side: at 1.5 mm a pixel not 5 cm, less than any bag and most items
_OVERVIEW = 256  # pixels along the longer side of the picture that is looked at
_BRIGHT = 0.3  # 14-bit counts in a 16-bit file reach 0.25; every bag lets more than that through somewhere
_BLACK, _BLACK_SHARE = 0.04, 0.9
_ONE_VALUE = 0.03
_AIR, _NEUTRAL = 0.7, 0.12  # brightness and spread of the channels of an empty belt
_RIM, _RIM_SHARE, _ONE_TONE = 0.03, 0.3, 0.04  # the rim's width and the share of it that must look like air


@dataclass(frozen=True, eq=False)
class _View:
    """A scan seen from afar: ``planes`` (C, h, w) in 0..1 (air is bright) and their mean ``level`` (h, w)."""

    planes: NDArray[np.float32]
    level: NDArray[np.float32]

    def air(self) -> NDArray[np.bool_]:
        """(h, w), where the picture looks like an empty belt."""
        return np.asarray((self.level > _AIR) & (np.ptp(self.planes, axis=0) < _NEUTRAL))

    def inverted(self) -> _View:
        return _View(1 - self.planes, 1 - self.level)


def why_not_judged(scan: Scan) -> str | None:
    """Why no model can judge the scan, with the way out, or None. An empty belt can be judged."""
    if min(scan.width, scan.height) < SMALLEST:
        return (
            f"too small to hold an item: {scan.width} x {scan.height} pixels, a side below {SMALLEST}; "
            "give the scan in its own resolution"
        )
    view = _seen_from_afar(scan)
    return next((reason for check in _CHECKS if (reason := check(view)) is not None), None)


def _seen_from_afar(scan: Scan) -> _View:
    scale = min(_OVERVIEW / max(scan.width, scan.height), 1.0)
    size = (max(round(scan.width * scale), 1), max(round(scan.height * scale), 1))
    step = max(round(max(scan.width, scan.height) / (2 * _OVERVIEW)), 1)  # two each way are averaged: enough
    step = 1 if min(scan.width, scan.height) < _OVERVIEW else step
    pixels = scan.pixels[:, ::step, ::step]
    pixels = np.exp(-pixels) if scan.quantity == "attenuation" else pixels
    shown = pixels[:3] if scan.quantity == "color" else pixels  # a fourth channel is no colour
    small = [cv2.resize(np.ascontiguousarray(p), size, interpolation=cv2.INTER_AREA) for p in shown]
    planes = np.clip(np.asarray(small, dtype=np.float32), 0, 1)
    return _View(planes, planes.mean(axis=0))


def _too_dark(view: _View) -> str | None:
    brightest = float(np.quantile(view.level, 0.995))
    if brightest >= _BRIGHT:
        return None
    said = f"nothing in it is brighter than {brightest:.1%} of the full range"
    if brightest < 1 / 255:
        return f"the picture is black: {said}"
    bits = max(int(np.ceil(np.log2(brightest * 65535))), 8)
    return f"too dark: {said}; it looks like {bits}-bit counts in a 16-bit file: scale them to the full range"


def _not_penetrated(view: _View) -> str | None:
    share = float((view.level < _BLACK).mean())
    if share < _BLACK_SHARE:
        return None
    return f"{share:.0%} of it is black: nothing can be seen through that; scan it again or search it by hand"


def _one_value(view: _View) -> str | None:
    spread = float(np.ptp(view.planes, axis=(1, 2)).max())
    if spread >= _ONE_VALUE or view.air().mean() > 0.5:
        return None
    values = ", ".join(f"{value:.0%}" for value in view.planes.mean(axis=(1, 2)))
    return f"all of one value that is not air ({values} of the full range): no scan to judge"


def _dark_background(view: _View) -> str | None:
    rim = np.ones(view.level.shape, dtype=bool)
    depth = max(round(_RIM * max(rim.shape)), 1)
    rim[depth:-depth, depth:-depth] = False
    like_air, air = view.inverted().air() & rim, view.air() & rim
    if like_air.sum() < max(_RIM_SHARE * rim.sum(), 4 * air.sum()):
        return None
    tone = float(np.median(view.level[like_air]))  # dense things are of many tones, and some are darker
    alike = (np.abs(view.level - tone) < _ONE_TONE) & rim
    if alike.sum() < _RIM_SHARE * rim.sum() or np.quantile(view.level, 0.01) < tone - _ONE_TONE:
        return None
    return (
        "dark background: it looks inverted; invert it, so that air is bright "
        "(of a scan in a black frame, cut the frame off)"
    )


_CHECKS: tuple[Callable[[_View], str | None], ...] = (
    _too_dark,
    _not_penetrated,
    _one_value,
    _dark_background,
)
