"""What the Durham experiment trains: rows, scales, the comparisons that decide, the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from beltline.core import ELECTRONICS
from beltline.models.part_classifiers import PART_CLASSIFIERS, Size
from beltline.protocols.selection import require_known, selected
from beltline.simulate import KINDS, PAPER_KINDS
from beltline.systems.anomaly.recipe import LEVEL_OF, Level
from beltline.training.augment import NO_AUGMENTATION

TEST = "test"
#: All scans are of one scanner: turned and flipped as a belt brings them, no colours changed.
AUGMENTATION = replace(
    NO_AUGMENTATION, flip=0.5, quarter_turn=0.25, tilt_deg=10.0, zoom=(0.85, 1.05), shift=1.0
)
RULES = (
    "PatchCore",
    "nearest exemplar",
    "darkness",
    "middle",
)  # beside what is trained: benign devices alone, and none
UNSEEN_KINDS = tuple(kind for kind in KINDS if kind not in PAPER_KINDS)
UNSEEN_DEVICES = ("camera", "game_console")  # families kept for a test of their own


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes:
        classifier: Name in `PART_CLASSIFIERS`, ``dense``, or one of `RULES`.
        level: What it looks at; ``rule`` for what is not trained. ``scan`` finds devices and judges none.
    """

    classifier: str
    level: Level | Literal["rule"]


def _rows() -> dict[str, Method]:
    rows = {f"{name}, parts": Method(name, "part") for name in PART_CLASSIFIERS}
    rows |= {f"{name}, objects": Method(name, "object") for name in PART_CLASSIFIERS}
    rows |= {name: Method(name, level) for name, level in LEVEL_OF.items()}
    return {**rows, **{name: Method(name, "rule") for name in RULES}}


METHODS: Mapping[str, Method] = MappingProxyType(_rows())


@dataclass(frozen=True)
class Deciding:
    """A comparison that decides, named before anything is trained: AUC of test devices, second minus first.

    Attributes:
        first: Row.
        second: Row.
        asks: What it asks, for a reader.
        seeds: How many trainings of each.
    """

    first: str
    second: str
    asks: str
    seeds: int = 5


DECIDING = (
    Deciding("EfficientNet-Lite0, objects", "EfficientNet-Lite0, parts", "parts over whole devices"),
    Deciding("EfficientNet-Lite0, parts", "DFL, parts", "the filter bank over the plain backbone"),
)


@dataclass(frozen=True)
class DurhamScale:
    """How much is made and trained.

    Attributes:
        size: Of all classifiers; rows that do not come in it are left out.
        part: (H, W) of a part's picture, pixels.
        whole: (H, W) of a device's picture.
        dense: Side of the dense model's picture.
        scan: Side of the whole scans that Mask R-CNN sees.
        train: Devices to train on, each with its twin.
        val: Devices to choose thresholds on.
        test: Devices of each test set.
        in_bags: Share that lies in luggage.
        each: Items baked an everyday family, for what lies around the devices.
        pixel_mm: Pitch of the scans.
        look: Of the scans: one scanner, as the paper's.
        hardest: Difficulty up to which things are concealed, see `ElectronicsRecipe`.
        methods: Rows.
        deciding_seeds: Seeds of the rows that decide.
        seeds: Seeds of the others.
        steps: Of every training.
        batch: Pictures of devices a step.
        part_batch: Pictures of parts a step: as many pixels.
        scan_batch: Whole scans a step, likewise.
        lr: Peak learning rate of AdamW.
    """

    size: Size = "small"
    part: tuple[int, int] = (96, 96)
    whole: tuple[int, int] = (192, 192)
    dense: int = 192
    scan: int = 320
    train: int = 500
    val: int = 150
    test: int = 150
    in_bags: float = 0.5
    each: int = 12
    pixel_mm: float = 1.1
    look: str = "white"
    hardest: float = 0.4
    methods: tuple[str, ...] = tuple(METHODS)
    deciding_seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    seeds: tuple[int, ...] = (0,)
    steps: int = 400
    batch: int = 16
    part_batch: int = 64
    scan_batch: int = 6
    lr: float = 7e-4


SCALES: Mapping[str, DurhamScale] = MappingProxyType(
    {
        "smoke": DurhamScale(
            size="tiny",
            part=(64, 64),
            whole=(64, 64),
            dense=64,
            scan=64,
            train=8,
            val=24,
            test=20,
            each=1,
            pixel_mm=5.0,
            deciding_seeds=(0, 1),
            steps=4,
            batch=4,
            part_batch=4,
            scan_batch=2,
        ),
        "small": DurhamScale(),
        # 14,964 scans at 70:30 and 7,878 to test, half and half: the paper's counts, for a GPU
        "paper": DurhamScale(
            size="published",
            part=(190, 150),
            whole=(224, 224),
            dense=256,
            train=5_237,
            val=2_245,
            test=3_939,
            each=40,
            pixel_mm=0.8,
            seeds=(0, 1, 2),
            steps=20_000,
            batch=64,
            scan_batch=16,
            hardest=1.0,
        ),
    }
)
SELECTS = ("methods", "seeds", "deciding_seeds")  # which cells there are, not how each is trained
KNOWN_DEVICES = tuple(family for family in ELECTRONICS if family not in UNSEEN_DEVICES)


def available(scale: DurhamScale) -> tuple[str, ...]:
    """Rows whose classifier comes in the scale's size."""

    def comes(method: Method) -> bool:
        return method.classifier not in PART_CLASSIFIERS or scale.size in PART_CLASSIFIERS[method.classifier]

    return tuple(name for name in scale.methods if comes(METHODS[name]))


@dataclass(frozen=True)
class Cell:
    """One training: a row and a seed."""

    method: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        return f"{self.method.replace(', ', '--').replace(' ', '_')}--{self.seed}"


def cells(scale: DurhamScale) -> Iterator[Cell]:
    """Every cell; the rows that decide first, seed by seed, then one of each other row, then the rest."""
    rows = available(scale)
    deciding = [
        name for name in dict.fromkeys(n for d in DECIDING for n in (d.first, d.second)) if name in rows
    ]
    for seed in scale.deciding_seeds:
        yield from (Cell(name, seed) for name in deciding)
    for seed in scale.seeds:
        others = (name for name in rows if name not in deciding)
        # a rule answers every seed alike
        yield from (Cell(n, seed) for n in others if METHODS[n].level != "rule" or seed == scale.seeds[0])


def without_parts(scale: DurhamScale) -> DurhamScale:
    """The rows that need no labels of parts: classifiers of whole devices."""
    rows = (name for name in available(scale) if METHODS[name].level == "object")
    return replace(scale, methods=tuple(rows))


def narrow(scale: DurhamScale, *, methods: Sequence[str] = (), seeds: Sequence[int] = ()) -> DurhamScale:
    """A part of a scale; an empty choice keeps all.

    Raises:
        ValueError: If a row is not in the scale.
    """
    rows = available(scale)
    require_known(methods, rows)
    chosen = replace(scale, methods=selected(methods, rows))
    return replace(chosen, seeds=tuple(seeds), deciding_seeds=tuple(seeds)) if seeds else chosen
