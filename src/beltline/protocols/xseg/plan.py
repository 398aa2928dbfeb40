"""What the XSeg experiment trains: methods, scales, the comparison that decides, the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from beltline.models.sam_encoder import SMALL, VIT_B, SamSize
from beltline.protocols.selection import require_known, selected

#: What a network is given for one answer. ``click``: the user's click alone. ``two random``: two clicks of a
#: user, at random on the item. ``generated``: the click and two points of APSAM's generator, made of the
#: network's own first mask. ``drawn``: the click and two random points of that mask, its control. ``oracle``:
#: two points that the released generator makes of the true mask; no answer to a click.
Points = Literal["click", "two random", "generated", "drawn", "oracle"]
Protocol = Literal["per_instance", "image_union"]
Model = Literal["SAM", "SAMUS", "APSAM", "DeepLabV3+", "Mask2Former", "click model"]
ONE_CLICK: tuple[Points, ...] = ("click", "generated", "drawn")  # which further clicks can mend


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes:
        model: Network.
        points: What it is given, in training as in the test.
        trains: ``nothing`` leaves the pretrained SAM as it is; ``published`` trains what the paper trains.
        energy: Whether the energy-aware encoder (of the click model: the energy channels) is there.
        released: Score of the released code instead of the one that is taught.
        protocol: What it is trained on: each instance, or all of a picture as one, as released.
        published: Name in the paper's main table.
        ablation: Name in the paper's ablation.
    """

    model: Model
    points: Points = "click"
    trains: Literal["published", "nothing"] = "published"
    energy: bool = True
    released: bool = False
    protocol: Protocol = "per_instance"
    published: str | None = None
    ablation: str | None = None

    @property
    def promptable(self) -> bool:
        """Whether it looks at clicks."""
        return self.model not in ("DeepLabV3+", "Mask2Former")


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "SAM frozen": Method("SAM", trains="nothing", published="SAM (frozen)"),
        "SAM tuned": Method("SAM", published="SAM (finetune)"),
        "SAMUS": Method("SAMUS", published="SAMUS"),
        "APSAM": Method("APSAM", "generated", published="APSAM", ablation="full"),
        "DeepLabV3+": Method("DeepLabV3+", protocol="image_union", published="DeepLabV3+"),
        "Mask2Former": Method("Mask2Former", protocol="image_union", published="Mask2Former"),
        "Click model": Method("click model"),
        "Click model without energies": Method("click model", energy=False),
        "Click model with generated points": Method("click model", "generated"),
        "APSAM without EAE": Method("APSAM", "generated", energy=False, ablation="without EAE"),
        "APSAM without APG": Method("APSAM", ablation="without APG"),
        "APSAM without both": Method("APSAM", energy=False, ablation="without EAE and APG"),
        "Two random points, without EAE": Method(
            "APSAM", "two random", energy=False, ablation="2 random points"
        ),
        "Drawn points, without EAE": Method("APSAM", "drawn", energy=False),
        "Oracle points, without EAE": Method("APSAM", "oracle", energy=False, ablation="APG 2 points"),
        "APSAM released": Method("APSAM", "oracle", released=True, protocol="image_union"),
        "SAM tuned on unions": Method("SAM", protocol="image_union"),
    }
)
MAIN = tuple(name for name, method in METHODS.items() if method.published or method.model == "click model")
ABLATION = tuple(name for name, m in METHODS.items() if m.model == "APSAM" and m.protocol == "per_instance")


@dataclass(frozen=True)
class Deciding:
    """The comparison that decides, named before anything is trained.

    Attributes:
        first: Method.
        second: Method, minus the first.
        test: Test set.
        seeds: How many trainings of each.
        aim: Difference in mIoU, instance by instance after the click at the centre.
    """

    first: str = "SAM tuned"
    second: str = "APSAM"
    test: str = "test"
    seeds: int = 5
    aim: float = 0.05


DECIDING = Deciding()


@dataclass(frozen=True)
class XsegScale:
    """How much is trained.

    Attributes:
        sam: Size of all networks made of SAM. Pictures have ``4 * table`` pixels a side; SAM itself gets them
            twice as large, so that it has as many tokens as SAMUS and APSAM.
        full: Published DeepLabV3+ and Mask2Former, else narrow ones.
        methods: Rows.
        deciding_seeds: Seeds of the two methods that decide.
        seeds: Seeds of the others.
        train_pictures: Simulated training pictures.
        test_pictures: Pictures of each test set, each of another bag.
        window: Side of a picture, a square part of a bag, in longer sides of the scan; 1 takes scans whole.
        per_bag: Training pictures cut from a bag.
        canvas: Height and width of the simulated scans, pixels.
        pixel_mm: Their pitch.
        each: Items baked an everyday family.
        threats_each: Items baked a prohibited family.
        pretraining: Steps of the pretraining on everyday things that stands in for SA-1B.
        steps: Of every other training.
        batch: Pictures a step.
        lr: Peak learning rate of AdamW.
        decay: Its weight decay.
        corrected: Share of training steps that also teach a second click, where the first answer was wrong.
        clicks: Length of the curves, clicks.
        draws: Random first clicks an instance.
        min_area: Pixels; smaller instances are left out of training and test.
    """

    sam: SamSize = SMALL
    full: bool = False
    methods: tuple[str, ...] = tuple(METHODS)
    deciding_seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    seeds: tuple[int, ...] = (0,)
    train_pictures: int = 3_000
    test_pictures: int = 200
    window: float = 0.45
    per_bag: int = 3
    canvas: tuple[int, int] = (228, 320)
    pixel_mm: float = 1.8
    each: int = 10
    threats_each: int = 30
    pretraining: int = 3_000
    steps: int = 800
    batch: int = 16
    lr: float = 1e-3
    decay: float = 0.02
    corrected: float = 0.5
    clicks: int = 5
    draws: int = 3
    min_area: int = 12

    @property
    def side(self) -> int:
        """Of all pictures, pixels: eight a token, as APSAM has them."""
        return 4 * self.sam.table


#: Two narrow blocks on 64 tokens: for smoke runs and tests.
TINY = SamSize(width=48, depth=2, heads=3, global_blocks=(1,), table=16, window=4, out=32, mlp=64)
SCALES: Mapping[str, XsegScale] = MappingProxyType(
    {
        "smoke": XsegScale(
            sam=TINY,
            deciding_seeds=(0, 1),
            train_pictures=240,
            test_pictures=20,
            canvas=(112, 160),
            pixel_mm=4.0,
            each=1,
            threats_each=2,
            pretraining=300,
            steps=40,
            batch=8,
            clicks=3,
            draws=2,
        ),
        "small": XsegScale(),
        # ViT-B at 256 pixels, with the printed number of trained parameters; for a GPU and --sam
        "paper": XsegScale(
            sam=VIT_B,
            full=True,
            seeds=(0, 1, 2),
            train_pictures=20_000,
            test_pictures=2_000,
            window=1.0,
            per_bag=1,
            canvas=(456, 640),
            pixel_mm=0.91,
            each=40,
            threats_each=200,
            pretraining=60_000,
            steps=30_000,
            batch=8,
            lr=5e-4,
            decay=0.0,
            clicks=20,
            draws=5,
        ),
    }
)
SELECTS = ("methods", "seeds", "deciding_seeds")  # which cells there are, not how each is trained


@dataclass(frozen=True)
class Cell:
    """One training: a method and a seed."""

    method: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        plain = self.method.replace(",", "").replace("+", "p").replace(" ", "_")
        return f"{plain}--{self.seed}"


def cells(scale: XsegScale) -> Iterator[Cell]:
    """Every cell; all rows once first, then the two that decide, seed by seed, then the rest.

    What is not trained needs no second seed.
    """
    deciding = (DECIDING.first, DECIDING.second)
    first, *_ = scale.deciding_seeds
    order = [*deciding, *(name for name in scale.methods if name not in deciding)]
    chosen = [name for name in order if name in scale.methods]
    yield from (Cell(name, first) for name in chosen)
    for seed in scale.deciding_seeds[1:]:
        yield from (Cell(name, seed) for name in deciding if name in chosen)
    for seed in scale.seeds:
        for name in chosen:
            if seed != first and name not in deciding and METHODS[name].trains != "nothing":
                yield Cell(name, seed)


def narrow(
    scale: XsegScale, *, methods: Sequence[str] = (), seeds: Sequence[int] = (), known: Sequence[str] = ()
) -> XsegScale:
    """A part of a scale; an empty choice keeps all.

    Args:
        scale: To take it from.
        methods: Rows.
        seeds: Of every row.
        known: Rows that there are here; empty for all of the scale.

    Raises:
        ValueError: If a row is not in the scale.
    """
    rows = selected(known, scale.methods)
    require_known(methods, rows)
    chosen = replace(scale, methods=selected(methods, rows))
    return replace(chosen, seeds=tuple(seeds), deciding_seeds=tuple(seeds)) if seeds else chosen
