"""Threats drawn from a library, turned, placed in a bag and laid over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.physics import ColorStyle, guess_style
from beltline.synthesis.domains import REACHABLE, converted
from beltline.synthesis.features import rgb_of
from beltline.synthesis.fuser import Fuser
from beltline.synthesis.hardening import hardening_factor
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.noise import Noise, estimate_noise, lacking
from beltline.synthesis.placement import Ground, Place, Wish, find_place, ground_of, turned
from beltline.synthesis.threat import Domain, Threat
from beltline.synthesis.tip import Projection, project
from beltline.synthesis.tip_color import low_and_high, project_color

Floats = NDArray[np.float32]
MARGIN = 16  # pixels around a crop in colour, so that edge enhancement sees what lies there
TURNS = 6  # draws of article and turn before a bag is given up
MAGNIFICATION = (0.96, 1.06)  # by height over the belt


@dataclass(frozen=True, eq=False)
class Bag:
    """One bag to lay threats into.

    Attributes:
        pixels: (C, H, W), in the domain.
        domain: What they measure.
        pixel_mm: Side of a pixel, None where unknown.
    """

    pixels: Floats
    domain: Domain
    pixel_mm: float | None


@dataclass(frozen=True, eq=False)
class LaidThreat:
    """One threat in one bag.

    Attributes:
        threat: As placed: turned, scaled, in the bag's domain.
        place: Where.
        projection: The bag with it, and the exact annotation.
        drawn: Article and turn, for the record.
    """

    threat: Threat
    place: Place
    projection: Projection
    drawn: Mapping[str, Any]


def threats_in(
    bag: Bag,
    library: ThreatLibrary,
    rng: np.random.Generator,
    wanted: int,
    *,
    wish: Wish | None = None,
    noise: bool = True,
    hardening: bool = True,
    style: str = "white",
    fuse: Fuser | None = None,
) -> Iterator[LaidThreat]:
    """Threats laid into one bag, one over the other; fewer than wanted where there is no place.

    Args:
        bag: The bag.
        library: Drawn from: a class, then an article, then one of its views, each by equal chance.
        rng: Of all choices.
        wanted: How many.
        wish: Where they go.
        noise: Whether to add the noise that a product lacks.
        hardening: See `laid`.
        style: Look of colours made from two energies.
        fuse: What fuses colours instead of the way back through two energies.

    Raises:
        BadInputError: If a threat cannot be brought to the bag's domain, or ``fuse`` meets a bag that is not
            in colour.
    """
    if fuse is not None and bag.domain != "color":
        raise BadInputError(f"a fusion of pictures needs bags in colour, got {bag.domain}; leave it out")
    if not wanted:
        return
    pixels, domain = bag.pixels, bag.domain
    look = guess_style(rgb_of(pixels)) if domain == "color" else None
    ground = ground_of(pixels, domain)
    noises: list[Noise] | None = None
    for _ in range(wanted):
        found = draw_place(ground, bag, library, rng, wish=wish or Wish(), style=style)
        if found is None:
            return
        threat, place, drawn = found
        if noise and noises is None:
            noises = noises_of(bag.pixels, domain, look)
        result = laid(pixels, threat, place, rng, noises=noises, look=look, hardening=hardening, fuse=fuse)
        pixels = result.pixels
        ground = Ground(ground_of(pixels, domain).depth, ground.inside)
        yield LaidThreat(threat, place, result, drawn)


def noises_of(pixels: Floats, domain: Domain, look: ColorStyle | None = None) -> list[Noise] | None:
    """Noise of each channel; of the mean transmission behind colours; None for basis maps."""
    if domain == "basis":
        return None
    if domain == "color":
        return [
            estimate_noise(low_and_high(rgb_of(pixels), look or guess_style(rgb_of(pixels))).mean(axis=0))
        ]
    return [estimate_noise(plane) for plane in pixels]


def laid(
    pixels: Floats,
    threat: Threat,
    place: Place,
    rng: np.random.Generator,
    *,
    noises: Sequence[Noise] | None = None,
    look: ColorStyle | None = None,
    hardening: bool = True,
    fuse: Fuser | None = None,
) -> Projection:
    """The threat in the bag: the product of transmissions, the sum of basis maps, colours by way back.

    Args:
        pixels: (C, H, W), the bag.
        threat: In the bag's domain, as turned.
        place: Where.
        rng: Of the noise.
        noises: Of each channel, see `noises_of`; None adds none.
        look: Of a bag in colour; None guesses it.
        hardening: Whether two energies are corrected for the beam that the bag has filtered.
        fuse: What fuses colours instead.
    """
    if threat.domain == "color":
        if fuse is None:
            style, noise = look or guess_style(rgb_of(pixels)), noises[0] if noises else None
            fuse = partial(project_color, style=style, noise=noise, rng=rng)
        return _laid_color(pixels, threat, place, fuse)
    if hardening and threat.domain == "dual":
        threat = _hardened(pixels, threat, place)
    result = project(pixels, threat, place.corner)
    if noises is not None and threat.domain != "basis":
        window = place.window(threat)
        for channel, noise in enumerate(noises):
            extra = lacking(pixels[channel][window], threat.pixels[channel], noise, rng)
            plane = result.pixels[channel][window]
            np.clip(plane + extra, 0, 1, out=plane)
    return result


def _hardened(pixels: Floats, threat: Threat, place: Place) -> Threat:
    """The item as it looks in the beam that the bag lets through."""
    bag = pixels[(slice(None), *place.window(threat))]
    calm = np.stack([cv2.GaussianBlur(np.ascontiguousarray(plane), (5, 5), 1.0) for plane in bag])
    factor = hardening_factor(calm.astype(np.float32), threat.pixels)
    return replace(threat, pixels=np.minimum(threat.pixels * factor, np.maximum(threat.pixels, 1)))


def _laid_color(pixels: Floats, threat: Threat, place: Place, fuse: Fuser) -> Projection:
    height, width = threat.mask.shape
    window = place.window(threat, MARGIN)
    row, column = (first - line.start for first, line in zip(place.corner, window, strict=True))
    bag = rgb_of(pixels[(slice(None), *window)])
    item, mask = np.full(bag.shape, 255, np.uint8), np.zeros(bag.shape[:2], np.float32)
    inner = np.s_[row : row + height, column : column + width]
    item[inner], mask[inner] = rgb_of(threat.pixels), threat.mask
    fused = fuse(bag, item, mask)
    result = project(pixels, threat, place.corner)  # for the annotation
    whole = np.array(pixels, np.float32)
    whole[(slice(None), *window)] = np.moveaxis(fused, 2, 0).astype(np.float32) / 255
    return replace(result, pixels=whole)


def draw_place(
    ground: Ground,
    bag: Bag,
    library: ThreatLibrary,
    rng: np.random.Generator,
    *,
    wish: Wish,
    style: str,
) -> tuple[Threat, Place, dict[str, Any]] | None:
    """A threat as turned and scaled, its place, and what was drawn; None where nothing fits."""
    for _ in range(TURNS):
        label = str(rng.choice(library.labels))
        articles = library.articles(label)
        article = sorted(articles)[int(rng.integers(len(articles)))]
        index = int(rng.choice(articles[article]))
        threat = library[index]
        if bag.domain not in REACHABLE[threat.domain]:
            converted(threat, bag.domain)  # raises, and says why
        scale = float(rng.uniform(*MAGNIFICATION))
        if threat.pixel_mm and bag.pixel_mm:
            scale *= threat.pixel_mm / bag.pixel_mm
        degrees, mirror = float(rng.uniform(0, 360)), bool(rng.random() < 0.5)
        item = converted(turned(threat, scale=scale, degrees=degrees, mirror=mirror), bag.domain, style)
        place = find_place(ground, item, wish, rng)
        if place is not None:
            named = {"article": article, "exemplar": library.records[index]["name"]}
            turn = {"scale": round(scale, 4), "degrees": round(degrees, 1), "mirror": mirror}
            return item, place, {**named, **turn}
    return None
