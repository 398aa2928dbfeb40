"""What the SIXray experiment trains: methods, subsets, scales, and the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from beltline.models.chr import LossMode, Variant
from beltline.protocols.selection import require_known, selected
from beltline.training.arrays import Flips, Sampling

SUBSETS: Mapping[str, int] = MappingProxyType({"SIXray10": 10, "SIXray100": 100, "SIXray1000": 1000})


@dataclass(frozen=True)
class Method:
    """One row of the ablation.

    Attributes:
        variant: See `beltline.models.chr.Chr`.
        loss: ``bce`` (class-balanced where the variant has a C), ``asymmetric`` or ``focal``.
        loss_mode: See `beltline.models.chr.keep_negatives`.
        epsilon: Same; None for that of the scale.
        sampling: See `beltline.training.arrays.ArrayBatches`.
        head: ``linear``, or ``query`` for the attention head.
        wiring: See `beltline.models.chr.Chr`.
        published: Name of the row in the paper's tables after the backbone, None where it has none.
        beside: Further method that it is compared with, besides plain.
    """

    variant: Variant = "plain"
    loss: Literal["bce", "asymmetric", "focal"] = "bce"
    loss_mode: LossMode = "drop_easy"
    epsilon: float | None = None
    sampling: Sampling = "natural"
    head: Literal["linear", "query"] = "linear"
    wiring: Literal["released", "light"] = "released"
    published: str | None = None
    beside: str = ""


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "plain": Method(published=""),
        "H": Method("H", published="+H"),
        "CH": Method("CH", published="+CH"),
        "HR": Method("HR", published="+HR"),
        "CHR": Method("CHR", published="+CHR"),
        "CHR released loss": Method("CHR", loss_mode="released_code"),
        "CHR epsilon 0.001": Method("CHR", epsilon=0.001),
        "CHR light": Method("CHR", wiring="light", beside="CHR"),
        "asymmetric": Method(loss="asymmetric"),
        "focal": Method(loss="focal"),
        "query": Method(head="query"),
        "balanced": Method(sampling="balanced"),
        "CHR balanced": Method("CHR", sampling="balanced", beside="balanced"),
        "HR balanced": Method("HR", sampling="balanced", beside="balanced"),
        "CHR balanced light": Method("CHR", sampling="balanced", wiring="light", beside="CHR balanced"),
    }
)


@dataclass(frozen=True)
class Net:
    """A backbone of the tables.

    Attributes:
        backbone: Name for `beltline.models.chr.build_chr`.
        options: Further arguments of ``timm.create_model``.
        published: The paper's name of it.
    """

    backbone: str
    options: Mapping[str, Any] = field(default_factory=dict)
    published: str | None = None


@dataclass(frozen=True)
class SixrayScale:
    """How much is trained.

    Attributes:
        nets: Backbones by display name.
        ablation: Display name of the backbone that gets every method; the others get ``plain`` and ``CHR``.
        methods: Methods of the ablation.
        subsets: Subsets of the ablation.
        everywhere: Methods of the ablation that get every subset.
        side_subsets: Subsets of its other methods, and of the other backbones.
        seeds: Seeds of weights, order and negatives.
        size: Side of the training crop; on files, of backbones whose weights expect 224 pixels, and in
            proportion of others (299 of Inception-v3).
        warp: Side to which files are warped first, likewise; simulated windows are made at this size.
        batch_size: Images a step.
        accumulate: Batches an optimizer step.
        images: Training images a cell sees on simulated data.
        epochs: Passes over a real subset; the paper's recipe counts epochs.
        optimizer: adamw, or sgd as published.
        lr: Peak learning rate.
        weight_decay: Of weights with two and more dimensions.
        epsilon: Threshold of the class-balanced loss, where a method names none of its own. It must lie below
            the share of images that hold a class: a head whose answers have sunk below it hears of no
            negative any more. 0.05 lies above and stops the learning; small keeps it to show that.
        decays: False keeps the learning rate, as the released code in effect does.
        flips: See `beltline.training.arrays.ArrayBatches`.
        pretraining: Images of pretraining on everyday things, for want of ImageNet weights; 0 for none.
        ratios: Negatives a positive of the simulated subsets. The benign windows stay the same and positives
            are drawn to reach the ratio, so that every cell costs the same; the paper adds negatives.
        train_positives: Simulated training windows with a prohibited item.
        train_negatives: Simulated benign training windows.
        test_positives: Simulated test windows with a prohibited item.
        test_negatives: Simulated benign test windows; each counts for as many as the subset's ratio asks.
        things: Fewest and most everyday things in a simulated bag.
        garments: Fewest and most soft goods in it.
        pixel_mm: Pixel pitch of simulated windows.
        items_each: Items baked per everyday family.
        threats_each: Items baked per prohibited family.
    """

    nets: Mapping[str, Net]
    ablation: str
    methods: tuple[str, ...] = tuple(METHODS)
    subsets: tuple[str, ...] = tuple(SUBSETS)
    everywhere: tuple[str, ...] = tuple(METHODS)
    side_subsets: tuple[str, ...] = tuple(SUBSETS)
    seeds: tuple[int, ...] = (0, 1, 2)
    size: int = 96
    warp: int = 112
    batch_size: int = 32
    accumulate: int = 1
    images: int = 16_000
    epochs: float = 15
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.02
    epsilon: float = 0.05
    decays: bool = True
    flips: Flips = "all"
    pretraining: int = 32_000
    ratios: Mapping[str, int] = field(
        default_factory=lambda: {"SIXray10": 10, "SIXray100": 100, "SIXray1000": 250}
    )
    train_positives: int = 2_000
    train_negatives: int = 20_000
    test_positives: int = 400
    test_negatives: int = 6_000
    things: tuple[int, int] = (0, 5)
    garments: tuple[int, int] = (0, 2)
    pixel_mm: float = 2.6
    items_each: int = 14
    threats_each: int = 60


_HALF = {"channels": (32, 64, 128, 256)}
_QUARTER = {"channels": (16, 32, 64, 128)}
PAPER_NETS = {
    **{name: Net(name, published=name) for name in ("ResNet34", "ResNet50", "ResNet101", "Inception-v3")},
    "DenseNet121": Net("DenseNet-121", published="DenseNet"),
}
SCALES: Mapping[str, SixrayScale] = MappingProxyType(
    {
        "smoke": SixrayScale(
            nets={"ResNet18 quarter": Net("resnet18", _QUARTER)},
            ablation="ResNet18 quarter",
            methods=("plain", "CHR", "balanced"),
            subsets=("SIXray10", "SIXray100"),
            side_subsets=(),
            seeds=(0, 1),
            size=64,
            warp=72,
            images=640,
            pretraining=640,
            train_positives=90,
            train_negatives=900,
            test_positives=40,
            test_negatives=300,
            pixel_mm=4.0,
            items_each=1,
            threats_each=3,
        ),
        "small": SixrayScale(
            nets={
                "ResNet18 half": Net("resnet18", _HALF),
                "ResNet34 half": Net("resnet34", _HALF, published="ResNet34"),
                "ResNet50 quarter": Net("ResNet50", _QUARTER, published="ResNet50"),
                "ResNet101 quarter": Net("ResNet101", _QUARTER, published="ResNet101"),
                "DenseNet121 half": Net("DenseNet-121", {"growth_rate": 16}, published="DenseNet"),
                "Inception-v3": PAPER_NETS["Inception-v3"],
            },
            ablation="ResNet18 half",
            everywhere=("plain", "CHR", "CHR epsilon 0.001", "balanced", "CHR balanced"),
            side_subsets=("SIXray100",),
        ),
        "paper": SixrayScale(
            nets=PAPER_NETS,
            ablation="ResNet34",
            size=224,
            warp=256,
            batch_size=64,
            accumulate=5,
            images=1_500_000,
            optimizer="sgd",
            lr=0.01,
            weight_decay=1e-4,
            epsilon=1e-4,  # the rarest class is in 2 of 10,000 images of the simulated SIXray1000
            decays=False,
            flips="horizontal",
            pretraining=300_000,
            ratios={"SIXray10": 10, "SIXray100": 100, "SIXray1000": 1000},
            train_positives=70_000,
            train_negatives=700_000,
            test_positives=1_750,
            test_negatives=35_000,
            things=(6, 32),
            garments=(0, 12),
            pixel_mm=1.3,
            items_each=80,
            threats_each=400,
        ),
    }
)


def epsilon_of(method: Method, scale: SixrayScale) -> float:
    """The threshold that a method trains with at a scale."""
    return scale.epsilon if method.epsilon is None else method.epsilon


SELECTS = ("nets", "ablation", "methods", "subsets", "everywhere", "side_subsets", "seeds")  # what, not how


def narrow(
    scale: SixrayScale,
    *,
    nets: Sequence[str] = (),
    methods: Sequence[str] = (),
    subsets: Sequence[str] = (),
    seeds: Sequence[int] = (),
    images: int | None = None,
) -> SixrayScale:
    """A part of a scale, for instance to train a few cells longer; an empty choice keeps all.

    Raises:
        ValueError: If a name is not in the scale, or ``images`` is not positive.
    """
    require_known(nets, scale.nets)
    require_known(methods, scale.methods)
    require_known(subsets, scale.subsets)
    if images is not None and images <= 0:
        raise ValueError(f"images must be positive, got {images}")

    return replace(
        scale,
        nets={name: scale.nets[name] for name in selected(nets, scale.nets)},
        methods=selected(methods, scale.methods),
        everywhere=selected(methods, scale.everywhere),
        subsets=selected(subsets, scale.subsets),
        side_subsets=selected(subsets, scale.side_subsets),
        seeds=tuple(seeds) or scale.seeds,
        images=images or scale.images,
    )


def options_of(scale: SixrayScale) -> str | None:
    """What `beltline reproduce sixray` must be given for this scale, or None for one of another make.

    Example:
        >>> options_of(narrow(SCALES["small"], subsets=["SIXray100"], images=80_000))
        "--scale small --subsets 'SIXray100' --images 80000"
    """
    for name, base in SCALES.items():
        chosen: dict[str, Any] = {
            key: list(getattr(scale, key))
            for key in ("nets", "methods", "subsets", "seeds")
            if list(getattr(scale, key)) != list(getattr(base, key))
        }
        if scale.images != base.images:
            chosen["images"] = scale.images
        try:
            same = narrow(base, **chosen) == scale
        except ValueError:
            continue
        if same:
            texts = {k: v if k == "images" else "'" + ",".join(map(str, v)) + "'" for k, v in chosen.items()}
            return " ".join([f"--scale {name}", *(f"--{key} {text}" for key, text in texts.items())])
    return None


@dataclass(frozen=True)
class Cell:
    """One training: a method on a backbone, a subset and a seed."""

    net: str
    method: str
    subset: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        return f"{self.net}--{self.method}--{self.subset}--{self.seed}".replace(" ", "_")


def cells(scale: SixrayScale) -> Iterator[Cell]:
    """Every cell of the tables; seed by seed, so that a stopped run has whole rows.

    The ablation of all seeds comes first, then the other backbones.
    """
    for seed in scale.seeds if scale.ablation in scale.nets else ():
        for subset in scale.subsets:
            for method in scale.methods:
                if method in scale.everywhere or subset in scale.side_subsets:
                    yield Cell(scale.ablation, method, subset, seed)
    for net in scale.nets:
        if net == scale.ablation:
            continue
        for seed in scale.seeds:
            for subset in scale.side_subsets:
                for method in (m for m in ("plain", "CHR") if m in scale.methods):
                    yield Cell(net, method, subset, seed)
