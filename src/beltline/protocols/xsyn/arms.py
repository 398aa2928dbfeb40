"""What is added to real images in the Xsyn experiment: the arms, and settings of CAR and BOM as ablations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

#: M paints the existing boxes anew; A adds an object; TIP projects one; SDEdit repaints a projected one.
#: "truth" is what only a simulator has: the bags with an item really in them.
Generator = Literal["M", "A", "TIP", "SDEdit", "truth"]
#: What the box is refined by: nothing; the segmenter given the layout box alone; the segmenter given points
#: out of the attention; without a segmenter, what of the attention is hot, what changed where it is hot, or
#: all that changed: the item itself, where the painter adds to the bag and touches nothing else.
Refinement = Literal["none", "box", "points", "heat", "change", "own"]
Maps = Literal["conditional", "mixed"]
#: Where the background is blended in: nowhere; a rectangle of latents, as released; latents under a mask; or
#: transmissions multiplied, which is physics.
Occlusion = Literal["off", "window", "mask", "product"]
#: Whose items are projected: those of all real windows, as the generators saw all; or of the fraction alone.
Library = Literal["all", "fraction"]


@dataclass(frozen=True)
class Car:
    """Refinement of a box from cross-attention.

    Attributes:
        by: See `Refinement`.
        depth: Of the recursive median splitting; 2^depth - 1 positive points. 0 where there are none. The
            released depth is 4; with our click model 2 is better, see `beltline.systems.xsyn.segment`.
        maps: Attention of the conditional pass alone, or with the unconditional one mixed in, as released.

    Raises:
        ValueError: If points come without a depth, or a depth without points.
    """

    by: Refinement = "points"
    depth: int = 2
    maps: Maps = "conditional"

    def __post_init__(self) -> None:
        if (self.by == "points") != (self.depth > 0):
            raise ValueError(f"depth belongs to points, got by={self.by!r} with depth {self.depth}")


@dataclass(frozen=True)
class Bom:
    """Occlusion by the background, after the box was drawn.

    Attributes:
        shape: See `Occlusion`.
        alpha: Share of the background in what is blended, in [0, 1); 0 where nothing is blended.

    Raises:
        ValueError: If latents are blended with a share of 0, or a share is given where none are.
    """

    shape: Occlusion = "window"
    alpha: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1 or (self.shape in ("window", "mask")) != (self.alpha > 0):
            raise ValueError(f"alpha belongs to blended latents, got {self.shape!r} with alpha {self.alpha}")


NO_CAR, NO_BOM = Car("none", 0), Bom("off", 0.0)


@dataclass(frozen=True)
class Arm:
    """What is added to the real images.

    Attributes:
        generator: None adds nothing.
        car: How boxes are refined.
        bom: How items are occluded.
        library: Of projected items.
    """

    generator: Generator | None
    car: Car = NO_CAR
    bom: Bom = NO_BOM
    library: Library = "all"


REAL, TIP, XSYN_A = "real", "TIP", "Xsyn-A"
PLAIN = f"{XSYN_A}, plain"
TRUTH = "true composite"
OURS = f"{XSYN_A}, as ours"  # boxes of all that changed, nothing laid over: what `synthesize xsyn` does
OWN_ITEMS = "TIP, items of the fraction"
#: GLIGEN is plain grounded inpainting. Which boxes the printed one paints is not known; that it is M without
#: CAR and BOM is inferred from its place below Xsyn-M. "Xsyn-A, plain" is the same for added objects.
ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        REAL: Arm(None),
        "GLIGEN": Arm("M"),
        PLAIN: Arm("A"),
        "Xsyn-M": Arm("M", Car(), Bom()),
        XSYN_A: Arm("A", Car(), Bom()),
        TIP: Arm("TIP"),
        "SDEdit": Arm("SDEdit"),
    }
)
CARS: Mapping[str, Car] = MappingProxyType(
    {
        "layout box": NO_CAR,
        "CAR by box only": Car("box", 0),
        "CAR depth 1": Car(depth=1),
        "CAR depth 3": Car(depth=3),
        "CAR depth 4": Car(depth=4),
        "CAR by heat": Car("heat", 0),
        "CAR by change": Car("change", 0),
        "CAR of mixed maps": Car(maps="mixed"),
    }
)
BOMS: Mapping[str, Bom] = MappingProxyType(
    {
        "no BOM": NO_BOM,
        "BOM alpha 0.2": Bom(alpha=0.2),
        "BOM alpha 0.4": Bom(alpha=0.4),
        "BOM by mask": Bom("mask"),
        "BOM by product": Bom("product", 0.0),
    }
)


def _ablations() -> dict[str, Arm]:
    whole = ARMS[XSYN_A]
    arms = {f"{XSYN_A}, {name}": Arm("A", car, whole.bom) for name, car in CARS.items()}
    arms |= {f"{XSYN_A}, {name}": Arm("A", whole.car, bom) for name, bom in BOMS.items()}
    ours = Arm("A", Car("own", 0), NO_BOM)
    return {**arms, OURS: ours, OWN_ITEMS: Arm("TIP", library="fraction"), TRUTH: Arm("truth")}


#: Xsyn-A with one thing changed; projection of fewer items; and the bound.
ABLATIONS: Mapping[str, Arm] = MappingProxyType(_ablations())


def arm_of(name: str) -> Arm:
    """An arm or ablation by name.

    Raises:
        ValueError: If there is none of this name.

    Example:
        >>> arm_of("Xsyn-A, CAR depth 3").car.depth, arm_of("TIP").bom.shape
        (3, 'off')
    """
    known = {**ARMS, **ABLATIONS}
    if name not in known:
        raise ValueError(f"no arm {name!r}; there is {'; '.join(known)}")
    return known[name]
