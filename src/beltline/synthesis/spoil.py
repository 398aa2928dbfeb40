"""Projections spoilt on purpose, and how well the quality gate tells them from good ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.metrics import roc_auc
from beltline.synthesis.domains import converted
from beltline.synthesis.laying import laid, noises_of
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.noise import Noise, estimate_noise
from beltline.synthesis.placement import Ground, Place, Wish, find_place, ground_of, place_at, turned
from beltline.synthesis.quality import CHECKS, GateScores, assess, learn_norms
from beltline.synthesis.threat import Domain, Threat
from beltline.synthesis.tip import Projection

Floats = NDArray[np.float32]
TRIES = 12


@dataclass(frozen=True, eq=False)
class Case:
    """One bag with one threat ready to be laid into it.

    Attributes:
        bag: (C, H, W).
        ground: Of the bag.
        threat: As turned, in the bag's domain.
        place: A good one.
        noises: Of each channel, or None.
        wish: Which places are good.
    """

    bag: Floats
    ground: Ground
    threat: Threat
    place: Place
    noises: Sequence[Noise] | None
    wish: Wish


Spoiler = Callable[[Case, np.random.Generator], "Projection | None"]


def good(case: Case, rng: np.random.Generator) -> Projection:
    """Nothing spoilt."""
    return laid(case.bag, case.threat, case.place, rng, noises=case.noises)


def hard_edges(case: Case, rng: np.random.Generator) -> Projection:
    """The item carried to its outline and cut there, without the blur of a detector."""
    solid = case.threat.mask >= 0.5
    basis = case.threat.domain == "basis"
    grow, kernel = (cv2.dilate if basis else cv2.erode), np.ones((5, 5), np.uint8)
    planes = np.stack([grow(np.ascontiguousarray(plane), kernel) for plane in case.threat.pixels])
    cut = np.where(solid, planes, np.float32(0 if basis else 1))
    return good(replace(case, threat=replace(case.threat, pixels=cut)), rng)


def wrong_noise(case: Case, rng: np.random.Generator) -> Projection:
    """Half of them without any grain under the item, half with thrice as much."""
    made = good(case, rng)
    share = made.mask[None]
    if rng.random() < 0.5:
        smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in made.pixels])
        pixels = share * smooth + (1 - share) * made.pixels
    else:
        sigma = [np.sqrt(8 * estimate_noise(plane).variance(plane)) for plane in made.pixels]
        grain = rng.standard_normal(made.pixels.shape, dtype=np.float32) * np.stack(sigma)
        pixels = np.clip(made.pixels + share * grain, 0, 1)
    return replace(made, pixels=pixels.astype(np.float32))


def wrong_brightness(case: Case, rng: np.random.Generator) -> Projection:
    """The item a third as thick, or thrice."""
    return good(replace(case, threat=_thicker(case.threat, 1 / 3 if rng.random() < 0.5 else 3.0)), rng)


def wrong_color(case: Case, rng: np.random.Generator) -> Projection | None:
    """The item in another material's colours: channels swapped; grey has none."""
    if case.threat.domain not in ("dual", "color"):
        return None
    return good(replace(case, threat=replace(case.threat, pixels=case.threat.pixels[::-1].copy())), rng)


def over_air(case: Case, rng: np.random.Generator) -> Projection | None:
    """Half outside the bag; None where the picture has no room for that."""
    height, width = case.threat.mask.shape
    ends = case.bag.shape[1] - height, case.bag.shape[2] - width
    for _ in range(8 * TRIES):
        corner = int(rng.integers(ends[0] + 1)), int(rng.integers(ends[1] + 1))
        place = place_at(case.ground, case.threat, corner)
        if place.inside < 0.7:
            return good(replace(case, place=place), rng)
    return None


def wrong_scale(case: Case, rng: np.random.Generator) -> Projection | None:
    """Half as large, or twice, where that fits."""
    for factor in rng.permutation([0.45, 2.2]):
        threat = replace(turned(case.threat, scale=float(factor)), pixel_mm=case.threat.pixel_mm)
        place = find_place(case.ground, threat, case.wish, rng)
        if place is not None:
            return good(replace(case, threat=threat, place=place), rng)
    return None


def too_thick(case: Case, rng: np.random.Generator) -> Projection:
    """So thick that nothing is seen through bag and item."""
    own = max(case.place.depth * (1 - case.place.difficulty), 0.05)
    return good(replace(case, threat=_thicker(case.threat, max(7.0 / own, 2.0))), rng)


SPOILS: Mapping[str, Spoiler] = MappingProxyType(
    {
        "hard edges": hard_edges,
        "wrong noise": wrong_noise,
        "wrong brightness": wrong_brightness,
        "wrong colour": wrong_color,
        "over air": over_air,
        "wrong scale": wrong_scale,
        "too thick": too_thick,
    }
)


@dataclass(frozen=True)
class GateReport:
    """How well the gate tells good projections from spoilt ones.

    Attributes:
        good: Good projections assessed.
        auc: Area under the ROC of the score, per spoil; nan where none could be made.
        kept: Share of the good that score at least ``threshold``.
        passed: Share of the spoilt that do, per spoil.
        counts: Spoilt projections assessed.
        threshold: The score.
        named: Share of the spoilt below the threshold, per spoil, by the check that gave the score.
    """

    good: int
    auc: Mapping[str, float]
    kept: float
    passed: Mapping[str, float]
    counts: Mapping[str, int]
    threshold: float
    named: Mapping[str, str]


def measure_gate(
    bags: Sequence[tuple[Floats, float | None]],
    library: ThreatLibrary,
    domain: Domain,
    *,
    count: int = 60,
    seed: int = 0,
    threshold: float = 0.5,
    style: str = "white",
) -> GateReport:
    """Assess good and spoilt projections; norms come from other articles and other bags.

    Args:
        bags: (C, H, W) and pixel size of benign scans, two at least.
        library: Threats; classes of a single article are left out.
        domain: Of the bags.
        count: Cases; each is laid once well and once with every spoil.
        seed: Of the cases.
        threshold: Score from which a projection is kept.
        style: Look of colours made from two energies.

    Raises:
        BadInputError: If there are too few bags or articles to hold some back.
    """
    known, held = _halves(library)
    if len(bags) < 2 or not held:
        raise BadInputError(
            f"measuring the gate needs 2 bags and 2 articles of a class, got {len(bags)} bags and"
            f" {len(library)} exemplars; add to the library with beltline synthesize library"
        )
    norms = learn_norms((library[i] for i in known), [bag for bag, _ in bags[::2]], domain, style=style)
    verdicts: dict[str, list[GateScores]] = {name: [] for name in ("good", *SPOILS)}
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        bag, mm = bags[1::2][int(rng.integers(len(bags) // 2))]
        case = _case(bag, mm, library, held, domain, style, rng)
        if case is None:
            continue
        for name, make in (("good", good), *SPOILS.items()):
            made = make(case, rng)
            if made is not None:
                item = case.threat
                verdict = assess(bag, made.pixels, made.mask, item.label, norms, pixel_mm=item.pixel_mm)
                verdicts[name].append(verdict)
    return _report(verdicts, threshold)


def _report(verdicts: Mapping[str, Sequence[GateScores]], threshold: float) -> GateReport:
    well = np.array([v.score for v in verdicts["good"]])
    if not len(well):
        raise BadInputError("no threat fits into any of the bags; check --pixel-mm, or take larger bags")
    found, passed, counts, named = {}, {}, {}, {}
    for name in SPOILS:
        badly = np.array([v.score for v in verdicts[name]])
        counts[name] = len(badly)
        truth = np.concatenate([np.ones(len(well)), np.zeros(len(badly))])
        found[name] = roc_auc(truth, np.concatenate([well, badly])) if len(badly) else float("nan")
        passed[name] = float((badly >= threshold).mean()) if len(badly) else float("nan")
        weakest = [v.weakest for v in verdicts[name] if v.score < threshold]
        named[name] = max(CHECKS, key=weakest.count) if weakest else "-"
    return GateReport(len(well), found, float((well >= threshold).mean()), passed, counts, threshold, named)


def _halves(library: ThreatLibrary) -> tuple[list[int], list[int]]:
    known: list[int] = []
    held: list[int] = []
    for label in library.labels:
        articles = library.articles(label)
        for number, article in enumerate(sorted(articles)):
            if len(articles) > 1:
                (held if number % 2 else known).extend(articles[article])
    return known, held


def _case(
    bag: Floats,
    pixel_mm: float | None,
    library: ThreatLibrary,
    held: Sequence[int],
    domain: Domain,
    style: str,
    rng: np.random.Generator,
) -> Case | None:
    ground, wish, noises = ground_of(bag, domain), Wish(), noises_of(bag, domain)
    for _ in range(TRIES):
        threat = library[int(rng.choice(held))]
        scale = threat.pixel_mm / pixel_mm if threat.pixel_mm and pixel_mm else 1.0
        degrees, mirror = float(rng.uniform(0, 360)), bool(rng.random() < 0.5)
        item = converted(turned(threat, scale=scale, degrees=degrees, mirror=mirror), domain, style)
        place = find_place(ground, item, wish, rng)
        if place is not None:
            return Case(bag, ground, item, place, noises, wish)
    return None


def _thicker(threat: Threat, times: float) -> Threat:
    pixels = threat.pixels * times if threat.domain == "basis" else threat.pixels ** np.float32(times)
    return replace(threat, pixels=pixels.astype(np.float32))
