"""What nobody can judge is "no machine result" with the reason, for both kinds of model; bags are judged."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from beltline.core import Scan
from beltline.formats import read_scan
from beltline.physics import STYLES, colorize
from beltline.screening import ScreeningModel, screen_scan
from beltline.screening.judgeable import SMALLEST, why_not_judged

RNG = np.random.default_rng(0)


def gray(pixels: np.ndarray) -> Scan:
    return Scan(np.clip(pixels, 0, 1).astype(np.float32)[None], "color", ("gray",))


def bag(*, height: int = 300, width: int = 400, air: float = 1.0, density: float = 1.0) -> np.ndarray:
    """Transmission (H, W) of a case with a frame, clothes, a steel block, and grain."""
    depth = np.zeros((height, width))
    depth[40:-40, 30:-30] = 0.25
    depth[40:-40, 30:36] = depth[40:-40, -36:-30] = 1.2
    depth[90:200, 60:200] += RNG.uniform(0.1, 0.5, (110, 140))
    depth[120:170, 250:340] += 3.5
    return np.asarray(air * np.exp(-density * depth) * RNG.normal(1, 0.01, depth.shape))


CANNOT: dict[str, tuple[Callable[[], Scan], str]] = {
    "black": (lambda: gray(np.zeros((300, 400))), "the picture is black"),
    "black with noise": (lambda: gray(RNG.exponential(0.01, (300, 400))), "too dark"),
    "8 x 8": (lambda: gray(RNG.random((8, 8))), "too small to hold an item: 8 x 8"),
    "a line": (lambda: gray(RNG.random((SMALLEST - 1, 900)) / 2 + 0.5), "too small"),
    "one grey": (lambda: gray(np.full((300, 400), 0.5)), r"all of one value that is not air \(50% of"),
    "one colour": (
        lambda: Scan(np.full((90, 90, 3), (1, 0.5, 0.5)).transpose(2, 0, 1), "color", ("r", "g", "b")),
        r"all of one value that is not air \(100%, 50%, 50% of",
    ),
    "12-bit counts": (lambda: gray(bag().clip(0, 1) * 4095 / 65535), "12-bit counts in a 16-bit file: scale"),
    "14-bit counts": (lambda: gray(bag().clip(0, 1) * 16383 / 65535), "14-bit counts in a 16-bit file"),
    "inverted": (lambda: gray(1 - bag()), "looks inverted; invert it"),
    "inverted, grey belt": (lambda: gray(1 - bag(air=0.85)), "looks inverted"),
    "in a black frame": (lambda: gray(np.pad(bag(), 60)), "cut the frame off"),
    "not penetrated": (lambda: gray(np.pad(bag()[:80], ((0, 900), (0, 0)))), "% of it is black"),
    "attenuation as picture": (
        lambda: Scan(np.stack([-np.log(bag().clip(0, 1)) / 5] * 2), "transmission", ("low", "high")),
        "looks inverted",
    ),
}  # fmt: skip

CAN: dict[str, Callable[[], Scan]] = {
    "a bag": lambda: gray(bag()),
    "a grey belt": lambda: gray(bag(air=0.85)),
    "a dense bag": lambda: gray(bag(density=4)),
    "no air at all": lambda: gray(bag()[60:-60, 60:-60]),
    "a thin black frame": lambda: gray(np.pad(bag(), 2)),
    "an empty belt": lambda: gray(np.ones((300, 400))),
    "an empty grey belt with grain": lambda: gray(RNG.normal(0.85, 0.02, (300, 400))),
    "dual energy": lambda: Scan(np.stack([bag(), bag()]).astype(np.float32), "transmission", ("low", "high")),
    "attenuation": lambda: Scan(-np.log(bag()).astype(np.float32)[None], "attenuation", ("low",)),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_nobody_can_judge_has_no_machine_result(
    model: ScreeningModel, detector: ScreeningModel, what: str
) -> None:
    scan, reason = CANNOT[what][0](), CANNOT[what][1]
    for one in (model, detector):
        entry = screen_scan(scan, one, pfa=0.1, deadline_ms=60_000).report
        assert (entry.decision, entry.classes, entry.instances) == ("no_machine_result", (), ())
        assert re.search(reason, entry.reason or "")
        assert "\n" not in (entry.reason or "")


@pytest.mark.parametrize("what", CAN)
def test_bags_and_empty_belts_are_judged(model: ScreeningModel, detector: ScreeningModel, what: str) -> None:
    scan = CAN[what]()
    assert why_not_judged(scan) is None
    for one in (model, detector):
        assert screen_scan(scan, one, pfa=0.1, deadline_ms=60_000).report.decision != "no_machine_result"


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("density", [0.5, 1, 4])
def test_every_look_of_the_simulator_is_judged_and_its_inverse_is_not(style: str, density: float) -> None:
    low = bag(density=density).clip(0, 1).astype(np.float32)
    rgb = np.moveaxis(colorize(low, low**0.8, STYLES[style]), 2, 0) / np.float32(255)
    assert why_not_judged(Scan(rgb, "color", ("r", "g", "b"))) is None
    assert "inverted" in (why_not_judged(Scan(1 - rgb, "color", ("r", "g", "b"))) or "")


def test_a_file_of_12_bit_counts_is_told_from_a_scaled_one(tmp_path: Path) -> None:
    counts = np.rint(bag().clip(0, 1) * 4095).astype(np.uint16)
    tifffile.imwrite(tmp_path / "raw.tiff", counts)
    tifffile.imwrite(tmp_path / "scaled.tiff", counts * 16)
    assert "12-bit counts" in (why_not_judged(read_scan(tmp_path / "raw.tiff")) or "")
    assert why_not_judged(read_scan(tmp_path / "scaled.tiff")) is None
