"""Benign scans and a threat library in, a labelled set out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, Masks, Progress, is_threat
from beltline.formats import find_scans, read_scan, read_set
from beltline.formats.limits import bad
from beltline.physics import STYLES
from beltline.synthesis.domains import scan_domain
from beltline.synthesis.fuser import Fuser
from beltline.synthesis.laying import Bag, LaidThreat, threats_in
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.made_set import (
    LearnedNorms,
    MadeScan,
    SetKind,
    Source,
    mark_of_bags,
    write_made_set,
)
from beltline.synthesis.placement import Wish
from beltline.synthesis.quality import GateScores, assess

Floats = NDArray[np.float32]
KIND = "threat image projection"
HOW_MANY = frozenset(("plan.count", "plan.benign"))  # scan i does not depend on them
BAGS_TRIED = 20


@dataclass(frozen=True)
class TipPlan:
    """What a set of projections holds.

    Attributes:
        count: Scans with threats.
        benign: Scans without, beside them.
        seed: Of everything; scan i depends on this and i alone.
        threats: Fewest and most in a scan.
        wish: Where they go.
        noise: Whether the noise that the product lacks is added.
        hardening: Whether the product of two energies is corrected for the beam that the bag has filtered.
        gate: Lowest score of the quality gate that is kept; 0 keeps all.
        style: Look of the pictures of dual-energy scans.
        fusion: Name of what fuses colours, for the record; empty for the way back through two energies.
    """

    count: int
    benign: int = 0
    seed: int = 0
    threats: tuple[int, int] = (1, 1)
    wish: Wish = field(default_factory=Wish)
    noise: bool = True
    hardening: bool = True
    gate: float = 0.0
    style: str = "white"
    fusion: str = ""

    def __post_init__(self) -> None:
        if self.count < 0 or self.benign < 0 or self.count + self.benign < 1:
            raise ValueError(f"a set needs at least one scan, got {self.count} and {self.benign} benign")
        if not 1 <= self.threats[0] <= self.threats[1]:
            raise ValueError(f"threats must be 1 <= fewest <= most, got {self.threats}")
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, got {self.style!r}")


def benign_scans(folder: str | Path) -> list[Source]:
    """Name, file and pixel size of every benign scan of a folder; of a set those without a threat.

    Raises:
        BadInputError: If there is none.
    """
    root = Path(folder)
    if (root / "annotations.json").is_file():
        found = read_set(root)
        kept = []
        for index, record in enumerate(found.records):
            labels = [
                label for label, value in zip(found.classes, found.labels[index], strict=True) if value == 1
            ]
            labels += [item["label"] for item in found.annotations[index]]
            if not any(is_threat(label) for label in labels):
                path = root / record.get("raw", record["file_name"])
                kept.append((found.names[index], path, record.get("pixel_mm")))
        if not kept:
            raise bad(root, "every scan of this set holds a threat; benign ones are needed")
        return kept
    return [(path.stem, path, None) for path in find_scans(root)]


def project_set(
    out: str | Path,
    bags: Sequence[Source],
    library: ThreatLibrary,
    plan: TipPlan,
    *,
    fuse: Fuser | None = None,
    on_progress: Progress | None = None,
    card: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a set of projections; scans that are there already are kept.

    Args:
        out: Folder of the set.
        bags: Name, file and pixel size of benign scans, see `benign_scans`.
        library: The threats.
        plan: What to make.
        fuse: What fuses colours, see `TipPlan.fusion`.
        on_progress: Told scans.
        card: More fields for card.json.

    Returns:
        The card as written.

    Raises:
        BadInputError: If the threats cannot be brought to the domain of the bags, or fit nowhere; if the
            folder was begun with another plan, other bags or other threats.
    """
    pitches = sorted({mm for _, _, mm in bags if mm is not None})
    made_of = {"bags": mark_of_bags(bags), "pixel_mm": pitches, "threats": library.mark}
    kind = SetKind(KIND, library.labels, {"plan": plan, **made_of}, HOW_MANY, plan.style)
    total = plan.count + plan.benign
    names = [f"{'tip' if index < plan.count else 'bag'}_{index:06d}" for index in range(total)]
    maker = _Maker(bags, library, plan, fuse, LearnedNorms(bags, library, plan.style))

    def make(index: int) -> MadeScan:
        return maker.made(np.random.default_rng([plan.seed, index]), positive=index < plan.count)

    terms = {
        "terms": "The terms of the benign scans and of the threat library hold.",
        "plan": asdict(plan),
        **made_of,
        "library": {"exemplars": len(library), "labels": list(library.labels)},
    }
    return write_made_set(out, kind, names, make, {**terms, **(card or {})}, on_progress=on_progress)


@dataclass(frozen=True, eq=False)
class _Maker:
    bags: Sequence[Source]
    library: ThreatLibrary
    plan: TipPlan
    fuse: Fuser | None
    norms: LearnedNorms

    def made(self, rng: np.random.Generator, *, positive: bool) -> MadeScan:
        """One scan: its pixels and what lies in it."""
        plan, weakest = self.plan, []
        for at in rng.permutation(len(self.bags))[:BAGS_TRIED]:
            source, path, pixel_mm = self.bags[int(at)]
            scan = read_scan(path)
            bag = Bag(scan.pixels, scan_domain(scan), pixel_mm or scan.pixel_mm)
            if not positive:
                return _made(source, bag, [], [])
            wanted = int(rng.integers(plan.threats[0], plan.threats[1] + 1))
            drawn = threats_in(
                bag, self.library, rng, wanted,
                wish=plan.wish, noise=plan.noise, hardening=plan.hardening, style=plan.style,
                fuse=self.fuse,
            )  # fmt: skip
            placed, verdicts = [], []
            for item in drawn:
                placed.append(item)
                verdicts.append(self._verdict(bag, item))
                bag = replace(bag, pixels=item.projection.pixels)
            weakest += [v.weakest for v in verdicts if v.score < plan.gate]
            if len(placed) >= plan.threats[0] and all(v.score >= plan.gate for v in verdicts):
                return _made(source, bag, placed, verdicts)
        tried = min(len(self.bags), BAGS_TRIED)
        if weakest:
            raise BadInputError(
                f"nothing laid into {tried} bags passes --gate {plan.gate:g}, mostly for"
                f" {max(weakest, key=weakest.count)}; lower --gate, or clean the threats"
            )
        raise BadInputError(
            f"no place for a threat in {tried} bags; widen --difficulty or --overlap, or check --pixel-mm"
        )

    def _verdict(self, bag: Bag, item: LaidThreat) -> GateScores:
        made, norms = item.projection, self.norms.of(bag.domain)
        return assess(
            bag.pixels, made.pixels, made.mask, item.threat.label, norms, pixel_mm=item.threat.pixel_mm
        )


def _made(source: str, bag: Bag, placed: Sequence[LaidThreat], verdicts: Sequence[GateScores]) -> MadeScan:
    masks = [item.projection.mask >= 0.5 for item in placed]
    stack = np.stack(masks) if masks else np.zeros((0, *bag.pixels.shape[1:]), bool)
    boxes = np.array([item.projection.box for item in placed], np.float32).reshape(-1, 4)
    extras = [
        {
            **item.drawn,
            "occlusion": round(item.place.difficulty, 4),
            "overlap": round(item.place.overlap, 4),
            "depth": round(item.place.depth, 3),
            "quality": round(verdict.score, 3),
            "checks": {check: round(value, 3) for check, value in verdict.checks.items()},
        }
        for item, verdict in zip(placed, verdicts, strict=True)
    ]
    instances = Instances(boxes, tuple(p.threat.label for p in placed), masks=Masks.encode(stack))
    return MadeScan(source, bag.pixels, bag.domain, bag.pixel_mm, instances, extras)
