"""What is simulated: the scans, the rounds, the arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from beltline.core import BadInputError
from beltline.rounds.annotator import Habits
from beltline.rounds.pick import BY_CHANCE, PickWeights

START = "starter-click-1"
DETECTOR = "starter-detector-2"


@dataclass(frozen=True)
class Arm:
    """One way of working.

    Attributes:
        name: How it is called in tables.
        model: Whether proposals and clicks help; else outlines are drawn by hand.
        learns: Whether the click model is trained after each round.
        weights: How scans are picked.
    """

    name: str
    model: bool = True
    learns: bool = True
    weights: PickWeights = field(default_factory=PickWeights)


ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        "picked": Arm("picked"),
        "random": Arm("random", weights=BY_CHANCE),
        "untrained": Arm("untrained", learns=False, weights=BY_CHANCE),
        "by hand": Arm("by hand", model=False, learns=False, weights=BY_CHANCE),
    }
)


@dataclass(frozen=True)
class SimulationPlan:
    """A simulation.

    Attributes:
        rounds: Of annotation.
        per_round: Scans of each.
        pool: Scans to pick from.
        gate: Scans that judge a new model, annotated in the first round and never trained on.
        test: Scans that no arm ever annotates: on them, all arms' models are compared by the same person.
        arms: Keys of `ARMS`.
        seeds: Of picks, people and training; the scans are the same.
        classes: What people look for.
        style: Look of the scanner.
        containers: What things lie in, with weights.
        items: Fewest and most everyday things in one.
        garments: Fewest and most soft goods.
        positives: Share of scans that hold something.
        pixel_mm: Pitch.
        steps: Of each round's training.
        lr: Its peak rate.
        side: Of the network's image, pixels, once trained.
        habits: Of the annotator.
        start: Click model of the first round.
        detector: Of the proposals.
        data_seed: Of the scans.
    """

    rounds: int = 5
    per_round: int = 24
    pool: int = 240
    gate: int = 24
    test: int = 40
    arms: tuple[str, ...] = tuple(ARMS)
    seeds: tuple[int, ...] = (0,)
    classes: tuple[str, ...] = ("gun", "knife", "wrench", "pliers", "scissors")
    style: str = "olive"
    containers: Mapping[str, float] = field(default_factory=lambda: {"tray": 1.0})
    items: tuple[int, int] = (3, 10)
    garments: tuple[int, int] = (0, 4)
    positives: float = 0.6
    pixel_mm: float = 1.0
    steps: int = 100
    lr: float = 1e-3
    side: int = 384
    habits: Habits = field(default_factory=Habits)
    start: str = START
    detector: str = DETECTOR
    data_seed: int = 2026

    def __post_init__(self) -> None:
        if unknown := [name for name in self.arms if name not in ARMS]:
            raise BadInputError(f"arms must be among {', '.join(ARMS)}, got {unknown[0]!r}")
        if self.rounds < 1 or self.per_round < 1:
            raise BadInputError("a simulation needs at least one round of one scan")
        if self.pool < self.rounds * self.per_round:
            raise BadInputError(
                f"{self.rounds} rounds of {self.per_round} scans need a pool of"
                f" {self.rounds * self.per_round}, got {self.pool}"
            )

    @property
    def scans(self) -> int:
        """Of all splits together."""
        return self.pool + self.gate + self.test


@dataclass(frozen=True)
class Cell:
    """One round of one arm with one seed."""

    arm: str
    seed: int
    round: int

    @property
    def name(self) -> str:
        """Folder of its results."""
        return f"{self.arm.replace(' ', '_')}_seed{self.seed}_round{self.round}"


def cells(plan: SimulationPlan) -> Iterator[Cell]:
    """All of them, a seed's arms before the next seed's, rounds in order."""
    for seed in plan.seeds:
        for arm in plan.arms:
            yield from (Cell(arm, seed, number) for number in range(1, plan.rounds + 1))
