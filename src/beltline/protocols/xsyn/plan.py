"""What the Xsyn experiment trains: scales, the comparison that decides, the order of the detectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from beltline.protocols.selection import require_known, selected
from beltline.protocols.xsyn.arms import ABLATIONS, ARMS, REAL, TIP, XSYN_A, arm_of

PERCENTS = (5, 10, 25, 50, 75, 100)


@dataclass(frozen=True)
class Deciding:
    """The comparison that decides, named before anything is trained: AP of test windows, second minus first.

    Attributes:
        first: Arm.
        second: Arm.
        percent: Of the real images.
        seeds: How many trainings of each, by every detector.
    """

    first: str
    second: str
    percent: int
    seeds: int = 5


DECIDING = Deciding(TIP, XSYN_A, 25)


@dataclass(frozen=True)
class Aims:
    """What was wished for; a report says whether it came true, or what to use instead.

    Attributes:
        points: AP by which Xsyn-A is to be ahead of TIP.
        percents: Of the real images, at which it is to be.
        box_iou: By which CAR's box is to be closer to the true extent than the layout box.
    """

    points: float = 1.2
    percents: tuple[int, ...] = (10, 25, 50)
    box_iou: float = 0.10


AIMS = Aims()


@dataclass(frozen=True)
class XsynScale:
    """How much is made and trained.

    Every detector takes as many steps of as many pictures, whatever is added, so that arms differ in what is
    looked at, not in how often.

    Attributes:
        real: Windows with an item that are 100 %; a smaller percentage is the first of them, so that sets
            are nested.
        bags: Benign windows that items are added to, none of which is a test window's bag.
        test: Test pairs: a window with an item of articles that nothing was trained on, and the same bag
            without it.
        judged: Windows that the painter is judged by, and as many that they are compared with.
        trained: Bags that a painter of the experiment's own is trained on.
        made_each: Made pictures for each real one.
        made_share: Share of a detector's batch that is made, in [0, 1).
        size: Side of a window, pixels.
        pixel_mm: Its pitch.
        shown: Side that detectors see it at, pixels.
        each: Items baked an everyday family.
        threats_each: Items baked a prohibited family.
        things: Fewest and most everyday things in a bag.
        garments: Fewest and most soft goods.
        style: Look.
        latent_widths: Of an autoencoder of the experiment's own.
        latent_steps: Its steps.
        latent_batch: Windows a step.
        painter_widths: Of the inpainting network.
        painter_steps: Its steps.
        painter_batch: Windows a step.
        sampler_steps: Of each painted item.
        guidance: Of each painted item.
        sdedit_strength: Share of the noise that SDEdit starts from, in (0, 1].
        detectors: Keys of `beltline.models.detection.DETECTORS`; the first trains every cell, the others
            the arms at the percentage that decides.
        detector_steps: Steps of every detector.
        detector_batch: Pictures a step.
        lr: Of the detectors.
        percents: Of the real windows.
        arms: What is added.
        ablations: Arms at the percentage that decides alone.
        seeds: Of all but the deciding cells.
        deciding_seeds: Of those.
    """

    real: int = 500
    bags: int = 500
    test: int = 300
    judged: int = 60
    trained: int = 150
    made_each: float = 1.0
    made_share: float = 0.5
    size: int = 256
    pixel_mm: float = 1.1
    shown: int = 96
    each: int = 8
    threats_each: int = 30
    things: tuple[int, int] = (6, 32)
    garments: tuple[int, int] = (0, 12)
    style: str = "white"
    latent_widths: tuple[int, ...] = (16, 32, 64, 64)
    latent_steps: int = 8_000
    latent_batch: int = 16
    painter_widths: tuple[int, ...] = (64, 96, 144)
    painter_steps: int = 28_000
    painter_batch: int = 16
    sampler_steps: int = 25
    guidance: float = 3.0
    sdedit_strength: float = 0.4
    detectors: tuple[str, ...] = ("FCOS small", "RetinaNet small")
    detector_steps: int = 600
    detector_batch: int = 16
    lr: float = 2e-3
    percents: tuple[int, ...] = PERCENTS
    arms: tuple[str, ...] = tuple(ARMS)
    ablations: tuple[str, ...] = tuple(ABLATIONS)
    seeds: tuple[int, ...] = (0,)
    deciding_seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    def __post_init__(self) -> None:
        for name in (*self.arms, *self.ablations):
            arm_of(name)
        if not 0 <= self.made_share < 1:
            raise ValueError(f"made_share must be in [0, 1), got {self.made_share}")
        if not all(0 < percent <= 100 for percent in self.percents):
            raise ValueError(f"percents must be in 1..100, got {self.percents}")

    def real_windows(self, percent: int) -> int:
        """How many real windows a percentage is, at least one."""
        return max(1, round(self.real * percent / 100))

    def made_windows(self, percent: int) -> int:
        """How many are made for it, at least one."""
        return max(1, round(self.made_each * self.real_windows(percent)))


SCALES: Mapping[str, XsynScale] = MappingProxyType(
    {
        "smoke": XsynScale(
            real=24,
            bags=12,
            test=12,
            judged=8,
            trained=4,
            size=64,
            pixel_mm=5.0,
            shown=64,
            each=1,
            threats_each=2,
            things=(2, 6),
            garments=(0, 2),
            latent_widths=(8, 8, 8, 8),
            latent_steps=4,
            latent_batch=2,
            painter_widths=(8, 8, 8),
            painter_steps=4,
            painter_batch=2,
            sampler_steps=2,
            detectors=("FCOS small",),
            detector_steps=4,
            detector_batch=4,
            percents=(25, 100),
            ablations=("Xsyn-A, layout box", "Xsyn-A, no BOM"),
            deciding_seeds=(0, 1),
        ),
        "small": XsynScale(),
        # for real sets and a GPU: PIDray's training images, the released sampling; steps of the painter are
        # inferred from names of checkpoints
        "paper": XsynScale(
            real=29_457,
            bags=29_457,
            test=9_482,
            judged=2_000,
            trained=20_000,
            size=512,
            pixel_mm=0.8,
            shown=512,
            each=40,
            threats_each=400,
            latent_steps=100_000,
            painter_steps=180_000,
            sampler_steps=50,
            guidance=7.5,
            detectors=("FCOS", "RT-DETRv2"),
            detector_steps=20_000,
            seeds=(0, 1, 2),
        ),
    }
)
#: Which cells there are, not how each is trained.
SELECTS = ("percents", "arms", "ablations", "seeds", "deciding_seeds", "detectors")


@dataclass(frozen=True)
class XsynCell:
    """One detector: what was added to how much, and a seed.

    Attributes:
        detector: Its name.
        arm: Arm or ablation.
        percent: Of the real windows.
        seed: Of the detector.
    """

    detector: str
    arm: str
    percent: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        parts = (self.detector, folder_name(self.arm), f"{self.percent}", f"{self.seed}")
        return "--".join(parts).replace(" ", "_")


def folder_name(arm: str) -> str:
    """An arm's name as a part of file names.

    Example:
        >>> folder_name("Xsyn-A, layout box")
        'Xsyn-A--layout_box'
    """
    return arm.replace(", ", "--").replace(" ", "_")


def narrow(
    scale: XsynScale,
    *,
    methods: Sequence[str] = (),
    percents: Sequence[int] = (),
    seeds: Sequence[int] = (),
    detectors: Sequence[str] = (),
) -> XsynScale:
    """A part of a scale; an empty choice keeps all.

    Raises:
        ValueError: If an arm, a percentage or a detector is not in the scale.
    """
    require_known(methods, (*scale.arms, *scale.ablations))
    require_known(percents, scale.percents)
    require_known(detectors, scale.detectors)
    chosen = replace(
        scale,
        arms=selected(methods, scale.arms),
        ablations=selected(methods, scale.ablations),
        percents=selected(percents, scale.percents),
        detectors=selected(detectors, scale.detectors),
    )
    return replace(chosen, seeds=tuple(seeds), deciding_seeds=tuple(seeds)) if seeds else chosen


def cells(scale: XsynScale) -> Iterator[XsynCell]:
    """Every detector: what decides first, seed by seed, then every arm at every percentage, then ablations.

    Real images alone have the deciding seeds too, so that what decides is a difference of two gains.
    """
    first, seen = scale.detectors[0], set()
    deciding = [name for name in (REAL, DECIDING.first, DECIDING.second) if name in scale.arms]
    wanted = [
        *_decides(scale, deciding),
        *(XsynCell(first, a, p, s) for s in scale.seeds for p in scale.percents for a in scale.arms),
        *(XsynCell(d, a, p, s) for s in scale.seeds for d, p in _others(scale) for a in scale.arms),
        *(XsynCell(first, a, p, s) for s in scale.seeds for p in _decided(scale) for a in scale.ablations),
    ]
    for cell in wanted:
        if cell not in seen:
            seen.add(cell)
            yield cell


def _decides(scale: XsynScale, arms: list[str]) -> Iterator[XsynCell]:
    for seed in scale.deciding_seeds:
        for detector in scale.detectors:
            yield from (XsynCell(detector, arm, p, seed) for p in _decided(scale) for arm in arms)


def _decided(scale: XsynScale) -> tuple[int, ...]:
    return (DECIDING.percent,) if DECIDING.percent in scale.percents else ()


def _others(scale: XsynScale) -> Iterator[tuple[str, int]]:
    yield from ((detector, percent) for detector in scale.detectors[1:] for percent in _decided(scale))
