"""Simulated scans keep the statistics of real ones: the bands of the measured table, per style.

The real figures were measured on 2 to 15 public sample images a style; the bands are about as wide as the
scatter between the public sets.
"""

from __future__ import annotations

import numpy as np
import pytest

from beltline.data import pooled_statistics
from beltline.simulate import BagRecipe, Scanner, simulate_bag

# style: luminance p2 p10 p25 p50 p75 p90, |dL/dx| p50 p90 p99 of real scans
REAL = {
    "white": ((67, 134, 168, 203, 227, 239), (4.8, 19, 59)),
    "grey": ((25, 46, 115, 166, 191, 208), (3.8, 21.7, 74)),
    "tray": ((44, 82, 109, 142, 184, 216), (4.4, 26.7, 82)),
}
LUMINANCE_BAND = 45.0
GRADIENT_BAND = (0.45, 2.0)
BAGS = 8


TOO_LIGHT = pytest.mark.xfail(
    strict=True, reason="tray scans come out too light in the middle tones (median about 208 against 142)"
)


@pytest.mark.parametrize("style", ["grey", "white", pytest.param("tray", marks=TOO_LIGHT)])
def test_foreground_statistics_stay_in_the_bands_of_real_scans(style: str) -> None:
    scanner = Scanner(pixel_mm=0.8, supersample=1)
    shots = [
        simulate_bag(s, recipe=BagRecipe(split="test"), scanner=scanner, style=style) for s in range(BAGS)
    ]
    found = pooled_statistics([bag.photographs[0].rgb for bag in shots])
    luminance, gradient = REAL[style]
    assert np.abs(np.array(found.luminance) - luminance).max() < LUMINANCE_BAND, found.luminance
    ratio = np.array(found.gradient) / gradient
    assert ratio.min() > GRADIENT_BAND[0], found.gradient
    assert ratio.max() < GRADIENT_BAND[1], found.gradient
    assert found.hue[0] > 0.25, "organic orange must lead"
    assert found.hue[4] > 0.01, "metal must show"
