"""What real bags show of blades and tools: how they open, what handles are made of, what they weigh."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from beltline.core import canonical
from beltline.physics import MATERIALS
from beltline.simulate.items import families, make_item
from beltline.simulate.solids import Item

SEEDS = range(16)
METALS = {"fe", "ss", "al", "ti", "zn", "brass", "ni", "cu", "silver", "pb"}


@cache
def labels() -> dict[str, str]:
    """Label of every family."""
    return {name: make_item(name, 0).label for name in families()}


def items_of(label: str) -> list[Item]:
    """Some items of every family of a label."""
    names = [name for name, named in labels().items() if named == canonical(label)]
    return [make_item(name, seed) for name in names for seed in SEEDS]


@pytest.mark.parametrize(
    ("label", "designs"),
    [
        ("knife", 30),
        ("scissors", 9),
        ("hammer", 9),
        ("wrench", 8),
        ("pliers", 5),
        ("saw_blade", 7),
        ("dart", 6),
    ],
)
def test_a_class_is_made_of_many_designs(label: str, designs: int) -> None:
    assert len({(item.family, item.params["design"]) for item in items_of(label)}) >= designs


def test_scissors_are_shut_half_open_and_wide_open() -> None:
    angles = np.array(
        [make_item("scissors_pair", seed).params["open_deg"] for seed in range(80)], dtype=float
    )
    shares = [(angles < 4).mean(), ((angles >= 4) & (angles < 30)).mean(), (angles >= 30).mean()]
    assert min(shares) > 0.12
    assert shares[0] > 0.35, "most are packed shut"


def test_bows_part_as_the_blades_do() -> None:
    """The arm of the upper blade is the lower one, and the other way round."""
    opened = [make_item(name, seed) for name in ("scissors_pair", "snips") for seed in range(60)]
    for item in (item for item in opened if float(str(item.params["open_deg"])) > 20):
        blade, arm = (item.parts[k].mesh.vertices for k in (0, 2 if item.family == "scissors_pair" else 1))
        assert blade[:, 1].mean() > 1 > -1 > arm[arm[:, 0] < arm[:, 0].mean(), 1].mean()


def test_handles_of_knives_are_pale_as_often_as_of_metal() -> None:
    """Plastic and wood show pale around a dark tang; pressed or cast steel shows darker than the blade."""
    knives = [make_item(name, s) for name in ("kitchen_knife", "cleaver", "hunting_knife") for s in range(25)]
    pale = np.mean([any(p.material not in METALS for p in knife.parts) for knife in knives])
    assert 0.4 < pale < 0.8


def mass_g(item: Item) -> float:
    """Mass of an item in g."""
    return sum(
        part.sign
        * part.mesh.volume_mm3
        / 1000
        * (part.density_g_cm3 or MATERIALS[part.material].density_g_cm3)
        for part in item.parts
    )


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        ("kitchen_knife", 40, 350), ("paring_knife", 15, 150), ("cleaver", 100, 900),
        ("pocket_knife", 15, 250), ("scissors_pair", 8, 300), ("hammer_tool", 50, 3000),
        ("pliers_pair", 60, 500), ("umbrella", 100, 700),
    ],
)  # fmt: skip
def test_things_weigh_what_they_weigh(family: str, low: float, high: float) -> None:
    masses = np.array([mass_g(make_item(family, seed)) for seed in SEEDS])
    assert masses.min() > low
    assert masses.max() < high
