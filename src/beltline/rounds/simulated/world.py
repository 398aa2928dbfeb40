"""The scans of a simulation, with what lies in them; only the simulated people see that."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from beltline.core import Progress, Scan
from beltline.formats.set_reader import ScanSet, read_set
from beltline.rounds.annotator import Thing
from beltline.rounds.simulated.plan import SimulationPlan
from beltline.simulate import Scanner, SetPlan, simulate_set
from beltline.simulate.bags import BagRecipe

SMALLEST_PX = 60  # of an object: below, people do not outline it


@dataclass(frozen=True, eq=False)
class World:
    """Scans by number: first the pool, then the gate, then the test.

    Attributes:
        found: The set on disk.
        plan: How many of each.
    """

    found: ScanSet
    plan: SimulationPlan
    _scans: dict[int, Scan] = field(default_factory=dict)
    _things: dict[int, tuple[Thing, ...]] = field(default_factory=dict)

    @property
    def pool(self) -> range:
        """Numbers of the scans to pick from."""
        return range(self.plan.pool)

    @property
    def gate(self) -> range:
        """Numbers of the gate's scans."""
        return range(self.plan.pool, self.plan.pool + self.plan.gate)

    @property
    def test(self) -> range:
        """Numbers of the test's scans."""
        return range(self.plan.pool + self.plan.gate, self.plan.scans)

    def scan(self, number: int) -> Scan:
        """The pixels, the same object each time."""
        if number not in self._scans:
            self._scans[number] = self.found.scan(number)
        return self._scans[number]

    def truth(self, number: int) -> tuple[Thing, ...]:
        """What lies in a scan."""
        if number not in self._things:
            found = self.found.instances(number)
            assert found is not None  # the simulator annotates everything
            assert found.masks is not None
            pairs = zip(found.labels, found.masks, strict=True)
            things = (Thing(label, mask) for label, mask in pairs if mask.sum() >= SMALLEST_PX)
            self._things[number] = tuple(one for one in things if one.label in self.plan.classes)
        return self._things[number]


def open_world(folder: Path, plan: SimulationPlan, on_progress: Progress | None = None) -> World:
    """Simulate the scans, or those that are missing.

    Raises:
        BadInputError: If the folder holds scans of another plan.
    """
    recipe = BagRecipe(
        classes=plan.classes, positives=plan.positives, items=plan.items, garments=plan.garments,
        containers=plan.containers, split="test", everyday_prohibited=(), neighbour=0.0,
    )  # fmt: skip
    asked = SetPlan(
        plan.scans, plan.data_seed, recipe, Scanner(pixel_mm=plan.pixel_mm), plan.style, everyday=False
    )
    simulate_set(folder, asked, on_progress=on_progress)
    return World(read_set(folder), plan)
