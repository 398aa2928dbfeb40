"""Drawing a bag: which container, which things, how full, and what prohibited lies in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Literal

import numpy as np

from beltline.core import PROHIBITED
from beltline.simulate.containers import CONTAINERS, Container
from beltline.simulate.draws import Rng, chance, count
from beltline.simulate.items import families, make_item
from beltline.simulate.packing import HeightMap, PackingRules
from beltline.simulate.projection import IDENTITY, Pose
from beltline.simulate.scene import Placed, Role, Scene
from beltline.simulate.shapes import rotation
from beltline.simulate.solids import Item

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

# An item is its family and its seed. The last digit of the seed decides the split, so no item, hence no set
# of drawn parameters, can occur in two splits.
_DIGITS: Mapping[Split, tuple[int, ...]] = {"train": (0, 1, 2, 3, 4, 5, 6, 7), "val": (8,), "test": (9,)}

CONTAINER_WEIGHTS: Mapping[str, float] = {
    "hard_suitcase": 3.0,
    "soft_suitcase": 3.0,
    "backpack": 3.0,
    "handbag": 1.5,
    "briefcase": 1.0,
    "duffel": 1.5,
    "plastic_bag": 0.5,
    "parcel": 0.6,
    "tray": 0.8,
}


@dataclass(frozen=True)
class BagRecipe:
    """What a simulated stream of bags is like.

    Attributes:
        classes: Prohibited labels that may be put into positive bags.
        positives: Share of bags with at least one item of ``classes``, in [0, 1].
        threats: Fewest and most prohibited items in a positive bag.
        items: Fewest and most everyday things besides garments.
        garments: Fewest and most soft goods (half of them below, half above the rest); what no longer fits
            stays at home, about half of them.
        everyday_prohibited: Labels outside ``classes`` that benign bags may hold now and then.
        containers: Weight per container kind; kinds that do not exist are ignored.
        split: Which items may be used.
        neighbour: Share of scans in which another bag is cut off by the frame.
        sparse: Share of nearly empty bags (few things, no garments).
    """

    kind: ClassVar[str] = "simulated"

    classes: tuple[str, ...] = PROHIBITED
    positives: float = 0.5
    threats: tuple[int, int] = (1, 3)
    items: tuple[int, int] = (8, 30)
    garments: tuple[int, int] = (6, 28)
    everyday_prohibited: tuple[str, ...] = ("liquid", "battery")
    containers: Mapping[str, float] = field(default_factory=lambda: dict(CONTAINER_WEIGHTS))
    split: Split = "train"
    neighbour: float = 0.15
    sparse: float = 0.12

    def __post_init__(self) -> None:
        known = {*PROHIBITED, "anomaly"}
        if unknown := set(self.classes) - known:
            raise ValueError(f"classes must be among {sorted(known)}, got {sorted(unknown)}")
        if not 0 <= self.positives <= 1:
            raise ValueError(f"positives must be in [0, 1], got {self.positives}")
        if self.split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {self.split!r}")

    def scene(self, seed_of: Callable[[int], int], index: int) -> Scene:
        """Bag ``index`` of a set: ``seed_of`` gives the seed of each bag."""
        return draw_scene(seed_of(index), self)


@dataclass(frozen=True)
class FamilyFacts:
    """What the drawing needs to know of a family without building it again."""

    label: str
    threat: bool
    soft: bool


@cache
def family_facts() -> Mapping[str, FamilyFacts]:
    """Label and kind of every family, from its item of seed 0 (built once per process)."""
    facts = {}
    for name in sorted(families()):
        item = make_item(name, 0)
        facts[name] = FamilyFacts(item.label, item.threat, item.soft >= 0.35)
    return facts


def _families(*, label: str | None = None, soft: bool | None = None) -> list[str]:
    """Families of one prohibited label, or the benign ones that are soft or not."""
    facts = family_facts().items()
    if label is not None:
        return [name for name, f in facts if f.threat and f.label == label]
    return [name for name, f in facts if not f.threat and f.soft == soft]


def split_seed(rng: Rng, split: Split) -> int:
    """Item seed that belongs to a split."""
    return int(rng.integers(2**40)) * 10 + int(rng.choice(_DIGITS[split]))


def split_of(seed: int) -> Split:
    """The split an item seed belongs to."""
    return next(split for split, digits in _DIGITS.items() if seed % 10 in digits)


def draw_scene(seed: int, recipe: BagRecipe) -> Scene:
    """Draw a bag: container, everyday things, garments, and prohibited items for a positive one.

    Args:
        seed: Every choice follows from it and the recipe.
        recipe: What bags are like.

    Returns:
        The scene; the same seed and recipe give the same scene.
    """
    rng = np.random.default_rng(seed)
    positive = bool(rng.random() < recipe.positives and recipe.classes)
    container, shell = draw_container(rng, recipe)
    wanted = draw_families(rng, recipe, positive)

    def must(item: Item) -> bool:
        return item.threat and item.label in recipe.classes

    contents = pack_things(rng, shell, wanted, draw_rules(rng), must)
    placed = (container, *contents, *draw_neighbour(rng, recipe, shell))
    notes = {"split": recipe.split, "positive": positive}
    return Scene(seed, placed, draw_turn(rng), notes)


def draw_rules(rng: Rng) -> PackingRules:
    """How things are laid into one bag: tidily or not."""
    return PackingRules(
        flat=rng.uniform(0.45, 0.8), tilt_deg=rng.uniform(3, 14), aligned=rng.uniform(0.2, 0.8)
    )


def draw_container(rng: Rng, recipe: BagRecipe) -> tuple[Placed, Container]:
    """A container of the recipe's kinds, as a thing of the scene and as built."""
    kinds = [kind for kind in sorted(recipe.containers) if kind in CONTAINERS]
    weights = np.array([recipe.containers[kind] for kind in kinds], dtype=float)
    kind = str(rng.choice(kinds, p=weights / weights.sum()))
    seed = split_seed(rng, recipe.split)
    return Placed(kind, seed, IDENTITY, "container", True), CONTAINERS[kind](np.random.default_rng(seed))


def draw_families(rng: Rng, recipe: BagRecipe, positive: bool) -> list[tuple[str, int]]:
    """Families with item seeds in packing order: garments, hard things and threats mixed, garments."""
    garments, things, sparse = draw_counts(rng, recipe)
    soft, hard = _families(soft=True), _families(soft=False)
    middle = [str(f) for f in rng.choice(hard, max(things // 4, 2) if sparse else things)]
    for label in recipe.everyday_prohibited:
        if label not in recipe.classes and rng.random() < 0.3:
            middle.append(str(rng.choice(_families(label=label))))
    if positive:
        middle += [str(rng.choice(_families(label=label))) for label in draw_threat_labels(rng, recipe)]
    middle = [middle[i] for i in rng.permutation(len(middle))]
    clothes = [str(f) for f in rng.choice(soft, garments)] if garments else []
    order = [*clothes[: garments // 2], *middle, *clothes[garments // 2 :]]
    return [(family, split_seed(rng, recipe.split)) for family in order]


def draw_counts(rng: Rng, recipe: BagRecipe) -> tuple[int, int, bool]:
    """How many garments, how many other things before a sparse bag is thinned out, and whether it is one."""
    sparse = chance(rng, recipe.sparse)
    garments = 0 if sparse and chance(rng, 0.7) else count(rng, *recipe.garments)
    return garments, count(rng, *recipe.items), sparse


def draw_threat_labels(rng: Rng, recipe: BagRecipe) -> list[str]:
    """Labels of the prohibited items in a positive bag."""
    return [str(label) for label in rng.choice(recipe.classes, count(rng, *recipe.threats))]


def pack_things(
    rng: Rng,
    shell: Container,
    wanted: Sequence[tuple[str, int]],
    rules: PackingRules,
    must: Callable[[Item], bool],
) -> list[Placed]:
    """Lay things into a container; one that does not fit stays at home.

    Args:
        rng: Source of chance.
        shell: The container.
        wanted: Families and item seeds in packing order.
        rules: How they are laid.
        must: Whether an item that does not fit is pushed in near the centre instead.
    """
    bag = HeightMap(np.asarray(shell.inner_size, dtype=np.float64))
    contents = []
    for family, seed in wanted:
        item = make_item(family, seed)
        pose = bag.place(rng, item, rules)
        if pose is None and must(item):
            pose = _pushed_in(rng, item, bag.inner)
        if pose is not None:
            contents.append(Placed(family, seed, pose))
    return contents


def _pushed_in(rng: Rng, item: Item, inner: np.ndarray) -> Pose:
    """Pose for an item that found no place: along the bag, a little off the middle."""
    turn = rotation("z", float(rng.choice([0.0, 180.0]) + rng.normal(0, 12)))
    middle = item.bounds.mean(axis=0)
    offset = rng.uniform(-0.25, 0.25, 3) * inner
    return Pose(turn, offset - turn @ middle)


def draw_turn(rng: Rng) -> float:
    """Most bags lie along or across the belt, some anyhow."""
    if rng.random() < 0.3:
        return float(rng.uniform(0, 360))
    return float(rng.integers(4) * 90 + rng.normal(0, 7))


def draw_neighbour(rng: Rng, recipe: BagRecipe, shell: Container) -> list[Placed]:
    """Another bag behind this one on the belt, of which the frame shows only an edge."""
    if rng.random() >= recipe.neighbour:
        return []
    container, other = draw_container(rng, recipe)
    side = 1.0 if rng.random() < 0.5 else -1.0
    reach = (shell.inner_size[0] + other.inner_size[0]) / 2
    shift = np.array([side * (reach + rng.uniform(-30, 40)), rng.uniform(-80, 80), 0.0])
    soft = _families(soft=True)
    bag = HeightMap(np.asarray(other.inner_size, dtype=np.float64))
    placed = [_shifted(container, shift, "neighbour")]
    for family in rng.choice(soft, 4):
        seed = split_seed(rng, recipe.split)
        pose = bag.place(rng, make_item(str(family), seed), PackingRules())
        if pose is not None:
            placed.append(_shifted(Placed(str(family), seed, pose), shift, "neighbour"))
    return placed


def _shifted(placed: Placed, shift: np.ndarray, role: Role) -> Placed:
    pose = Pose(placed.pose.rotation, placed.pose.offset + shift)
    return Placed(placed.kind, placed.seed, pose, role, placed.is_container)
