"""Scans of one electronic device each, in a tray or a bag: benign, or with something concealed inside.

A device and its twin come from one seed (`beltline.simulate.items.anomalies`), and so does everything around
them: the two scans differ in what is concealed, and beside it by no more than its scatter and blur.

Source:
    The task, the kinds of concealed things and the shares: Durham's object and sub-component anomaly
    detection. Devices, places and difficulties: reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from beltline.core import ANOMALY
from beltline.simulate.bags import (
    SPLITS,
    BagRecipe,
    Split,
    draw_container,
    draw_families,
    draw_rules,
    draw_turn,
    pack_things,
    split_of,
    split_seed,
)
from beltline.simulate.draws import Rng, chance, count
from beltline.simulate.items.anomalies import DEVICES, KINDS, twin_of
from beltline.simulate.packing import PackingRules
from beltline.simulate.scene import Placed, Scene
from beltline.simulate.solids import Item

#: What the paper conceals: a block like marzipan, screws, a metal plate, a knife blade.
PAPER_KINDS = ("organic_block", "screws", "metal_plate", "blade")
COMPANY = (0, 5)  # everyday things beside a device in its tray
CLOTHES = (0, 2)  # garments there
ON_THE_FLOOR = 0.6  # share of devices that are laid into the tray first


@dataclass(frozen=True)
class ElectronicsRecipe:
    """What a stream of scanned devices is like.

    Attributes:
        families: Devices, of ``DEVICES``.
        kinds: What may be concealed, of ``KINDS``; all kinds equally often.
        hardest: Difficulty up to which it is concealed, in (0, 1]: 0 is large, thick and in the open, 1 is
            small, thin and over the densest parts.
        anomalies: Share of devices that conceal something, in [0, 1].
        twins: Each device is scanned twice, benign and then with its anomaly, all else being equal; then half
            of the scans are positive.
        in_bags: Share that lies in luggage among other things; the others lie in trays.
        split: Which items may be used.
    """

    kind: ClassVar[str] = "simulated electronics"

    families: tuple[str, ...] = tuple(DEVICES)
    kinds: tuple[str, ...] = KINDS
    hardest: float = 1.0
    anomalies: float = 0.5
    twins: bool = False
    in_bags: float = 0.5
    split: Split = "train"

    def __post_init__(self) -> None:
        for name, known in (("families", tuple(DEVICES)), ("kinds", KINDS)):
            given = getattr(self, name)
            if not given or not set(given) <= set(known):
                raise ValueError(f"{name} must be one or more of {', '.join(known)}, got {', '.join(given)}")
        for name in ("anomalies", "in_bags"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if not 0.05 <= self.hardest <= 1:
            raise ValueError(f"hardest must be in [0.05, 1], got {self.hardest}")
        if self.twins and self.anomalies != 0.5:
            raise ValueError(f"of twins half conceal something: anomalies must be 0.5, got {self.anomalies}")
        if self.split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {self.split!r}")

    @property
    def classes(self) -> tuple[str, ...]:
        """What an image is labelled with."""
        return (ANOMALY,)

    def scene(self, seed_of: Callable[[int], int], index: int) -> Scene:
        """Scan ``index`` of a set; with twins 2 k is the benign scan of device k and 2 k + 1 the other."""
        if not self.twins:
            return draw_electronics(seed_of(index), self)
        return draw_electronics(seed_of(index // 2), self, concealed=bool(index % 2))


def draw_electronics(seed: int, recipe: ElectronicsRecipe, *, concealed: bool | None = None) -> Scene:
    """Draw a device and what lies around it.

    Args:
        seed: Every choice follows from it and the recipe.
        recipe: What devices are like.
        concealed: Whether something is; drawn if None. Nothing else depends on it.

    Returns:
        The scene. Its notes hold split, positive, place (tray or bag), device (the family), and pair, which
        is the same for a device and its twin.
    """
    rng = np.random.default_rng(seed)
    family = str(rng.choice(recipe.families))
    hidden, twin = draw_device_seeds(rng, recipe)
    drawn = chance(rng, recipe.anomalies)
    positive = drawn if concealed is None else concealed
    in_bag = chance(rng, recipe.in_bags)
    placed = (_in_bag if in_bag else _in_tray)(rng, recipe, (family, twin))
    if positive:
        placed = [_swapped(one, (family, twin), (f"{family}_anomaly", hidden)) for one in placed]
    notes = {"split": recipe.split, "positive": positive, "place": "bag" if in_bag else "tray"}
    return Scene(seed, tuple(placed), draw_turn(rng), {**notes, "device": family, "pair": twin})


def draw_device_seeds(rng: Rng, recipe: ElectronicsRecipe) -> tuple[int, int]:
    """Seeds of a device with an anomaly and of its benign twin: of the split, as hidden as is wanted."""
    while True:
        hidden = split_seed(rng, recipe.split)
        twin = twin_of(hidden)
        wanted = twin.kind in recipe.kinds and twin.difficulty <= recipe.hardest
        if wanted and split_of(twin.seed) == recipe.split:
            return hidden, twin.seed


def surroundings(split: Split, *, in_bag: bool) -> BagRecipe:
    """What lies around a device: luggage of some things, or a tray of few."""
    if in_bag:
        return BagRecipe((), 0.0, items=(3, 18), garments=(3, 20), split=split)
    return BagRecipe(
        (), 0.0, items=COMPANY, garments=CLOTHES, containers={"tray": 1.0}, split=split, sparse=0.0
    )


def _swapped(placed: Placed, benign: tuple[str, int], hidden: tuple[str, int]) -> Placed:
    if (placed.kind, placed.seed) != benign:
        return placed
    return replace(placed, kind=hidden[0], seed=hidden[1])


def _in_tray(rng: Rng, recipe: ElectronicsRecipe, device: tuple[str, int]) -> list[Placed]:
    """A device as passengers are asked to lay it out, with a few small things and perhaps a coat."""
    bags = surroundings(recipe.split, in_bag=False)
    rules = PackingRules(flat=0.94, on_edge=0.04, tilt_deg=1.5, aligned=0.75)
    return _packed(rng, bags, device, rules, first=chance(rng, ON_THE_FLOOR))


def _in_bag(rng: Rng, recipe: ElectronicsRecipe, device: tuple[str, int]) -> list[Placed]:
    """A device left in the luggage."""
    bags = surroundings(recipe.split, in_bag=True)
    return _packed(rng, bags, device, replace(draw_rules(rng), flat=0.8), first=False)


def _packed(
    rng: Rng, bags: BagRecipe, device: tuple[str, int], rules: PackingRules, *, first: bool
) -> list[Placed]:
    container, shell = draw_container(rng, bags)
    things = [thing for thing in draw_families(rng, bags, positive=False) if thing[0] not in DEVICES]
    things.insert(0 if first else count(rng, 0, len(things)), device)

    def must(item: Item) -> bool:
        return item.family == device[0]

    return [container, *pack_things(rng, shell, things, rules, must)]
