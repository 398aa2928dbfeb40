"""What the RWSC experiment makes and trains, at every scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

#: Training sets of the four-way protocol. Half of the real positives, R/2, leaves as many benign bags without
#: a threat; S puts threats into them; + is all real positives and as many synthetic as there are in S.
Setting = Literal["R", "R/2", "S", "S+"]
PRINTED: Mapping[Setting, str] = MappingProxyType(
    {"R": "SIXR", "R/2": "SIXR1/2", "S": "SIXRS", "S+": "SIXRS+"}
)
UNTRAINED = ("copy-paste", "alpha blending", "Poisson", "product", "TIP from colour", "TIP")
HARDENED = "TIP with hardening"
LEARNED = ("DeepFuse", "MEFNet", "U2Fusion", "FusionGAN", "RWSC", "RWSC taught")
WITHOUT_EDGES = "RWSC without edge attention"
ABLATIONS = ("RWSC literal", WITHOUT_EDGES, "RWSC pooling only", "RWSC legible")
TRUTH = "true composite"


def shown(method: str) -> str:
    """A method's name in tables and figures: ours corrects the product's features, the paper's replaces them.

    Example:
        >>> shown("RWSC taught"), shown("RWSC literal"), shown("TIP")
        ('RWSC (residual) taught', 'RWSC literal', 'TIP')
    """
    return method if method == "RWSC literal" else method.replace("RWSC", "RWSC (residual)", 1)


@dataclass(frozen=True)
class RwscScale:
    """How much is made and trained.

    Attributes:
        half: Positives in each half of the real set; also benign bags, and synthetic images.
        test_positives: Test windows with one item.
        test_negatives: Benign test windows.
        fusion_pairs: Pairs the fusion networks are trained on.
        quality_pairs: Test pairs the fusions are measured on.
        size: Side of all windows and pairs, pixels.
        pixel_mm: Their pitch.
        items_each: Items baked per everyday family.
        threats_each: Items baked per prohibited family.
        things: Fewest and most everyday things in a bag.
        garments: Fewest and most soft goods.
        style: Look.
        fusion_steps: Steps of every fusion network.
        fusion_batch: Pairs a step.
        fusion_width: Channels of a fusion network's first layer; 0 for the published one, None for a narrow
            network that a CPU trains.
        detector: Key of the detectors of `beltline.models.detection`.
        detector_steps: Steps of every detector.
        detector_batch: Images a step.
        lr: Of the detector.
        seeds: Of the detectors.
        methods: Syntheses that train detectors.
        quality: Fusions that are measured.
    """

    half: int = 500
    test_positives: int = 500
    test_negatives: int = 500
    fusion_pairs: int = 1_500
    quality_pairs: int = 200
    size: int = 128
    pixel_mm: float = 2.2
    items_each: int = 12
    threats_each: int = 40
    things: tuple[int, int] = (2, 14)
    garments: tuple[int, int] = (0, 5)
    style: str = "white"
    fusion_steps: int = 1_000
    fusion_batch: int = 8
    fusion_width: int | None = None
    detector: str = "FCOS small"
    detector_steps: int = 700
    detector_batch: int = 16
    lr: float = 2e-3
    seeds: tuple[int, ...] = (0, 1, 2)
    methods: tuple[str, ...] = (*UNTRAINED, *LEARNED, TRUTH)
    quality: tuple[str, ...] = (TRUTH, *UNTRAINED, HARDENED, *LEARNED, *ABLATIONS)


SCALES: Mapping[str, RwscScale] = MappingProxyType(
    {
        "smoke": RwscScale(
            half=24,
            test_positives=24,
            test_negatives=24,
            fusion_pairs=24,
            quality_pairs=6,
            size=64,
            pixel_mm=5.0,
            items_each=1,
            threats_each=2,
            things=(2, 6),
            garments=(0, 2),
            fusion_steps=6,
            detector_steps=12,
            detector_batch=8,
            seeds=(0, 1),
            methods=("copy-paste", "TIP", "RWSC"),
            quality=("copy-paste", "Poisson", "product", "TIP", "RWSC", "U2Fusion"),
        ),
        "small": RwscScale(),
        # for real sets and a GPU: published widths of the fusion networks are a recipe's width 0
        "paper": RwscScale(
            half=3_748,
            test_positives=1_333,
            test_negatives=1_333,
            fusion_pairs=8_000,
            quality_pairs=500,
            size=416,
            pixel_mm=1.3,
            things=(6, 32),
            garments=(0, 12),
            threats_each=400,
            fusion_steps=20_000,
            fusion_width=0,
            detector="FCOS",
            detector_steps=20_000,
        ),
    }
)


@dataclass(frozen=True)
class DetectorCell:
    """One detector: a training set, the synthesis in it and a seed."""

    setting: Setting
    method: str
    seed: int

    @property
    def name(self) -> str:
        """Folder of its results."""
        return f"{self.setting.replace('/', '')}--{self.method.replace(' ', '_')}--{self.seed}"


def cells(scale: RwscScale) -> Iterator[DetectorCell]:
    """Every detector of a scale, seed by seed, so that a stopped run compares all methods."""
    for seed in scale.seeds:
        yield DetectorCell("R", "real", seed)
        yield DetectorCell("R/2", "real", seed)
        for method in scale.methods:
            yield DetectorCell("S", method, seed)
            yield DetectorCell("S+", method, seed)
