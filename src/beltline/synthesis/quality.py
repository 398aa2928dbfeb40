"""The quality gate: seven checks of a projected image, and one score.

Each check measures one number on the bag before and after, compares it with what the bag's own noise, the
library's exemplars and the scanner allow, and gives 1 where that fits, towards 0 the farther it is off. The
score is the lowest, so that it has a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.physics import ColorStyle
from beltline.physics.color_inverse import guess_style, palette_distance
from beltline.synthesis.domains import converted, optical_depth, tone
from beltline.synthesis.features import features, item_alone, rgb_of, steepness
from beltline.synthesis.noise import Noise, estimate_noise, local_sigma
from beltline.synthesis.placement import silhouette
from beltline.synthesis.threat import Domain, Threat

Floats = NDArray[np.float32]
CHECKS = ("edge", "noise", "luminance", "saturation", "place", "scale", "thickness")
EXEMPLARS = 200  # per class that ranges are learned from, at most
SEEN = (0.02, 0.95)  # brightness in which noise and colour can be judged
# Optical depth that any scanner shows; the darkest display luminance limits it in colours.
SEEN_THROUGH: Mapping[Domain, float] = {"basis": 4.0, "dual": 4.0, "grey": 4.0, "color": 1.5}
OPAQUE = 6.0  # optical depth that no scan is believed to show more of

# How far off a number is bearable; depth, size and noise in natural logarithms.
EDGE_ROOM = 0.12
NOISE_ROOM: Mapping[Domain, float] = {"dual": 0.3, "grey": 0.3, "color": 0.5}
ROOMS = (0.2, 0.2, 0.15, 1.0)  # of the features of `Norms.exemplars`
PALETTE_ROOM = 10.0  # grey levels
PLACE_LOW, PLACE_HIGH = 0.8, 0.97
THICK_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Norms:
    """What good projections keep to.

    Attributes:
        exemplars: Per class (N, 4), see `beltline.synthesis.features.features`.
        edge: Softest and hardest edge of the exemplars, see `steepness`.
        deepest: Optical depth that the scanner shows, as far as the scans reach.
        domain: Of the bags.
        look: Of bags in colour.
    """

    exemplars: Mapping[str, Floats]
    edge: tuple[float, float]
    deepest: float
    domain: Domain
    look: ColorStyle | None = None


@dataclass(frozen=True)
class GateScores:
    """The checks of one projection.

    Attributes:
        checks: Score in [0, 1] of each of `CHECKS`.
    """

    checks: Mapping[str, float]

    @cached_property
    def score(self) -> float:
        """The lowest."""
        return min(self.checks.values())

    @property
    def weakest(self) -> str:
        """The check that gave the score."""
        return min(self.checks, key=lambda name: self.checks[name])


def learn_norms(
    threats: Iterable[Threat], bags: Sequence[Floats], domain: Domain, *, style: str = "white"
) -> Norms:
    """Ranges from a library and benign scans.

    Args:
        threats: Exemplars, of any domain that reaches the bags'.
        bags: (C, H, W) each, a few suffice.
        domain: Of the bags.
        style: Look of colours made from two energies.
    """
    look = guess_style(rgb_of(bags[0])) if domain == "color" and bags else None
    rows: dict[str, list[tuple[float, ...]]] = {}
    edges = []
    for threat in threats:
        if len(rows.setdefault(threat.label, [])) >= EXEMPLARS:
            continue
        item = converted(threat, domain, style)
        depth = optical_depth(item.pixels, domain)
        white = np.float32(0 if domain == "basis" else 1)
        alone = item_alone(np.full_like(item.pixels, white), item.pixels, domain, look)
        rows[threat.label].append(features(depth, alone, item.mask, item.pixel_mm))
        steep = steepness(np.pad(depth, 6), np.pad(item.mask, 6))
        if steep is not None:
            edges.append(steep)
    soft, hard = (float(np.quantile(edges, q)) for q in (0.1, 0.9)) if edges else (0.1, 0.6)
    reached = [float(np.quantile(optical_depth(bag, domain), 0.999)) for bag in bags]
    tables = {label: np.array(found, np.float32) for label, found in rows.items()}
    return Norms(
        tables, (0.5 * soft, hard), min(max([*reached, SEEN_THROUGH[domain]]) + 0.3, OPAQUE), domain, look
    )


def assess(
    before: Floats,
    after: Floats,
    mask: Floats,
    label: str,
    norms: Norms,
    *,
    pixel_mm: float | None = None,
) -> GateScores:
    """Check one projection.

    Args:
        before: (C, H, W) the bag.
        after: (C, H, W) with the threat in it.
        mask: (H, W) its coverage.
        label: Its class; unknown ones pass the checks by class.
        norms: Of the library.
        pixel_mm: Side of a pixel; None where the norms count pixels.

    Returns:
        Scores; a check that cannot be made (grey has no saturation) gives 1.
    """
    window = mask_window(mask, 24)
    old, new, part = before[(slice(None), *window)], after[(slice(None), *window)], mask[window]
    depth_old, depth_new = optical_depth(old, norms.domain), optical_depth(new, norms.domain)
    added = depth_new - depth_old
    steep = steepness(added, part)
    found = features(added, item_alone(old, new, norms.domain, norms.look), part, pixel_mm)
    known = norms.exemplars.get(label)
    inside = float((silhouette(optical_depth(before, norms.domain)) * mask).sum() / mask.sum())
    thick = float(((depth_new > norms.deepest) * part).sum() / part.sum())
    scores = {
        "edge": 1.0 if steep is None else _score(_outside(steep, *norms.edge), EDGE_ROOM),
        "noise": _noise_score(before, new, part, norms),
        "luminance": _alike(known, found, (0, 3)),
        "saturation": min(_alike(known, found, (2, 3)), _palette_score(old, new, part, norms)),
        "place": float(np.clip((inside - PLACE_LOW) / (PLACE_HIGH - PLACE_LOW), 0, 1)),
        "scale": _alike(known, found, (1,)),
        "thickness": _score(thick, THICK_SHARE),
    }
    return GateScores(scores)


def _noise_score(before: Floats, after: Floats, mask: Floats, norms: Norms) -> float:
    """The noise under the mask over what its brightness asks for, beside the same of the whole bag."""
    if norms.domain == "basis":
        return 1.0
    whole, now = (tone(pixels, norms.domain) for pixels in (before, after))
    model = estimate_noise(whole)
    core = cv2.erode((mask >= 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    core &= (now > SEEN[0]) & (now < SEEN[1])
    usual = (whole > SEEN[0]) & (whole < SEEN[1])
    if core.sum() < 40 or usual.sum() < 400:
        return 1.0
    here = np.quantile((local_sigma(now) / _sigma(model, now))[core], 0.25)
    there = np.quantile((local_sigma(whole) / _sigma(model, whole))[usual], 0.25)
    off = abs(float(np.log(max(here, 1e-3) / max(there, 1e-3))))
    room = NOISE_ROOM[norms.domain]
    return _score(max(off - room, 0.0), room)


def _sigma(model: Noise, plane: Floats) -> Floats:
    return np.sqrt(np.maximum(model.variance(plane), np.float32(1e-12)))


def _palette_score(before: Floats, after: Floats, mask: Floats, norms: Norms) -> float:
    """How far the colours under the mask leave the palette of the scanner, beside those of the bag."""
    if norms.look is None:
        return 1.0
    rgb = [rgb_of(a) for a in (before, after)]
    own, now = (palette_distance(picture[mask >= 0.5][None], norms.look) for picture in rgb)
    return _score(max(now - own - PALETTE_ROOM, 0.0), PALETTE_ROOM)


def _alike(known: Floats | None, found: tuple[float, ...], columns: tuple[int, ...]) -> float:
    """Score by the nearest exemplar of the class in some of the features; 1 where nothing is known."""
    used = [i for i in columns if np.isfinite(found[i])]
    if known is None or not used:
        return 1.0
    rooms = np.array([ROOMS[i] for i in used])
    off = (known[:, used] - np.array(found)[used]) / rooms
    distance = np.sqrt(np.square(off).sum(axis=1))
    if not np.isfinite(distance).any():
        return 1.0
    return _score(max(float(np.nanmin(distance)) - 1, 0.0), 1.0)


def _outside(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _score(excess: float, room: float) -> float:
    return float(np.exp(-0.5 * (excess / room) ** 2))
