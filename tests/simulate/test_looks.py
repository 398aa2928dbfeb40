"""Simulated scans keep the statistics of real ones: bands around what was measured, per style.

Luminance and gradients were measured on 2 to 15 public sample images a style (olive: the 12 scans of PIDray);
the bands are about as wide as the scatter between the public sets.  Palette shares must lie between the fifth
and the 95th percentile of single public scans: SIXray's 80 white ones, all 90 of SIXray for grey, 40 of
OPIXray's kind for tray, PIDray's 12 for olive.  The value of blue must come within 0.06 of the range of the
sources.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from beltline.data import ForegroundStatistics, pooled_statistics
from beltline.physics import STYLES
from beltline.simulate import BagRecipe, Scanner, simulate_bag
from beltline.simulate.generate import SimulatedBag
from beltline.simulate.photograph import draw_look, photograph

# style: luminance p2 p10 p25 p50 p75 p90, |dL/dx| p50 p90 p99 of real scans
REAL = {
    "white": ((67, 134, 168, 203, 227, 239), (4.8, 19, 59)),
    "grey": ((25, 46, 115, 166, 191, 208), (3.8, 21.7, 74)),
    "tray": ((44, 82, 109, 142, 184, 216), (4.4, 26.7, 82)),
    "olive": ((0, 40, 96, 180, 229, 241), (6.8, 29.3, 95)),
}
# style: least and most of blue, green, orange and pale
PALETTE = {
    "white": ((0.01, 0.14), (0.06, 0.30), (0.10, 0.48), (0.11, 0.56)),
    "grey": ((0.01, 0.14), (0.07, 0.29), (0.10, 0.50), (0.11, 0.56)),
    "tray": ((0.01, 0.16), (0.01, 0.21), (0.09, 0.71), (0.13, 0.76)),
    "olive": ((0.00, 0.15), (0.06, 0.75), (0.01, 0.14), (0.20, 0.78)),
}
# style: value of blue, pooled over a source
BLUE_VALUE = {"white": (0.62, 0.70), "grey": (0.52, 0.52), "tray": (0.60, 0.64), "olive": (0.33, 0.50)}
LUMINANCE_BAND = 45.0
GRADIENT_BAND = (0.45, 2.0)
VALUE_BAND = 0.06
BAGS = 8


@pytest.fixture(scope="module")
def bags() -> list[SimulatedBag]:
    scanner = Scanner(pixel_mm=0.8, supersample=1)
    return [simulate_bag(s, recipe=BagRecipe(split="test"), scanner=scanner) for s in range(BAGS)]


@pytest.fixture(scope="module")
def statistics(bags: Sequence[SimulatedBag]) -> dict[str, ForegroundStatistics]:
    """Per style, of the bags as ``simulate_bag`` would colour them in it."""
    found = {}
    for style in STYLES:
        shots = []
        for bag in bags:
            rng = np.random.default_rng([bag.scene.seed, 1])
            look = draw_look(rng, style)
            shots.append(photograph(bag.views[0].low, bag.views[0].high, look, rng).rgb)
        found[style] = pooled_statistics(shots)
    return found


@pytest.mark.parametrize("style", STYLES)
def test_foreground_statistics_stay_in_the_bands_of_real_scans(
    style: str, statistics: dict[str, ForegroundStatistics]
) -> None:
    found = statistics[style]
    luminance, gradient = REAL[style]
    assert np.abs(np.array(found.luminance) - luminance).max() < LUMINANCE_BAND, found.luminance
    ratio = np.array(found.gradient) / gradient
    assert ratio.min() > GRADIENT_BAND[0], found.gradient
    assert ratio.max() < GRADIENT_BAND[1], found.gradient
    organic = found.hue[0] if style != "olive" else found.hue[2]  # where cloth is drawn beige to green
    assert organic > 0.25, "the colour of organics must lead"
    assert found.hue[4] > 0.01, "metal must show"


@pytest.mark.parametrize("style", STYLES)
def test_palette_and_brightness_of_metal_are_those_of_real_scans(
    style: str, statistics: dict[str, ForegroundStatistics]
) -> None:
    found = statistics[style]
    for share, (least, most) in zip(found.palette, PALETTE[style], strict=True):
        assert least <= share <= most, found.palette
    darkest, lightest = BLUE_VALUE[style]
    assert darkest - VALUE_BAND < found.blue_value < lightest + VALUE_BAND
