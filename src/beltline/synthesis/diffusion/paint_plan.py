"""What a set of painted scans holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from beltline.physics import STYLES
from beltline.synthesis.diffusion.annotating import Refinement
from beltline.synthesis.diffusion.generators import PIDRAY_GROUPS, SizeGroups
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.scan_occlusion import OcclusionRule

Generator = Literal["add", "repaint", "boxes", "project"]
HOW_MANY = frozenset(("plan.count", "plan.benign"))  # scan i does not depend on them


@dataclass(frozen=True)
class PaintPlan:
    """What a set of painted scans holds.

    Attributes:
        classes: What is painted.
        count: Scans with painted items.
        benign: Scans without, beside them.
        seed: Of everything; scan i depends on this and i alone.
        generator: ``add`` an item in a region by chance (Xsyn-A), ``repaint`` annotated ones (Xsyn-M), paint
            into given ``boxes``, or ``project`` items of a library and paint over them (SDEdit).
        most: Most items added to one scan; published is 1.
        car: How boxes are refined, see `Refiner`.
        occlusion: How items are occluded once they are annotated.
        sampler: Steps and guidance.
        tries: How often an item that is not there is painted before the scan is given up.
        gate: Lowest score of the quality gate that is kept; 0 keeps all.
        style: Look of the pictures of dual-energy scans.
    """

    classes: tuple[str, ...]
    count: int = 100
    benign: int = 0
    seed: int = 0
    generator: Generator = "add"
    most: int = 1
    car: Refinement = "change"
    occlusion: OcclusionRule = field(default_factory=OcclusionRule)
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    tries: int = 3
    gate: float = 0.0
    style: str = "white"

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError("expected at least one class to paint, got none")
        if self.count < 0 or self.benign < 0 or self.count + self.benign < 1:
            raise ValueError(f"a set needs at least one scan, got {self.count} and {self.benign} benign")
        if self.generator not in get_args(Generator):
            raise ValueError(f"generator must be one of {get_args(Generator)}, got {self.generator!r}")
        if self.car not in get_args(Refinement):
            raise ValueError(f"car must be one of {get_args(Refinement)}, got {self.car!r}")
        if self.generator == "repaint" and self.car == "change":
            raise ValueError("what is painted over an item is not told by change; take clicks or off")
        if (self.generator == "project") != (self.sampler.strength < 1):
            raise ValueError(
                "a strength below 1 belongs to painting over projections, and they to it, got"
                f" {self.sampler.strength:g} with {self.generator!r}"
            )
        if round(self.sampler.strength * self.sampler.steps) < 1:
            raise ValueError(
                f"strength {self.sampler.strength:g} of {self.sampler.steps} steps is less than one; raise"
                " it, or project by `beltline synthesize tip`"
            )
        if self.most < 1 or self.tries < 1:
            raise ValueError(f"most and tries must be at least 1, got {self.most} and {self.tries}")
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, got {self.style!r}")


def groups_of(classes: tuple[str, ...]) -> SizeGroups:
    """Size groups of these classes: the published ones of PIDray; a class that it lacks fits every region.

    Example:
        >>> groups_of(("hammer", "dart")).small, groups_of(("hammer", "dart")).large
        (('dart',), ('hammer', 'dart'))
    """
    groups = {name: getattr(PIDRAY_GROUPS, name) for name in ("small", "middle", "large")}
    published = {label for group in groups.values() for label in group}
    fitting = {
        name: tuple(label for label in classes if label in group or label not in published)
        for name, group in groups.items()
    }
    return SizeGroups(**fitting, bounds_px=PIDRAY_GROUPS.bounds_px, picture_px=PIDRAY_GROUPS.picture_px)
