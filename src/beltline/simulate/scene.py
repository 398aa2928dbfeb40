"""A packed bag as data: what lies where, enough to make every pixel again from a JSON record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from beltline.simulate.containers import CONTAINERS
from beltline.simulate.items import make_item
from beltline.simulate.projection import Pose
from beltline.simulate.solids import Item, Part

SCENE_VERSION = 1
Role = Literal["content", "container", "neighbour"]


@dataclass(frozen=True, eq=False)
class Placed:
    """One thing of a scene.

    Attributes:
        kind: Item family, or container kind.
        seed: Seed of its generator; kind and seed are the thing's identity.
        pose: Where it lies in bag coordinates.
        role: content, container, or neighbour (another bag on the belt, cut off by the frame).
        is_container: Whether ``kind`` names a container.
    """

    kind: str
    seed: int
    pose: Pose
    role: Role = "content"
    is_container: bool = False

    def build(self) -> Item:
        """Generate the thing (containers come as items whose label is their kind)."""
        if not self.is_container:
            return make_item(self.kind, self.seed)
        made = CONTAINERS[self.kind](np.random.default_rng(self.seed))
        parts: tuple[Part, ...] = (*made.parts, *made.tray)
        return Item(self.kind, self.kind, parts, params=made.params)


@dataclass(frozen=True, eq=False)
class Scene:
    """A bag on the belt.

    Attributes:
        seed: The seed it was drawn with.
        placed: Everything in it; positions in bag coordinates, mm.
        turn_deg: Turn of the bag on the belt about the vertical, degrees.
        notes: Free JSON values (split, options).
    """

    seed: int
    placed: tuple[Placed, ...]
    turn_deg: float = 0.0
    notes: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """JSON object; floats survive exactly, so the replay is bit for bit."""
        return {
            "schema_version": SCENE_VERSION,
            "seed": self.seed,
            "turn_deg": self.turn_deg,
            "notes": dict(self.notes),
            "placed": [
                {
                    "id": index,
                    "kind": p.kind,
                    "seed": p.seed,
                    "role": p.role,
                    "is_container": p.is_container,
                    "rotation": p.pose.rotation.ravel().tolist(),
                    "offset_mm": p.pose.offset.tolist(),
                }
                for index, p in enumerate(self.placed)
            ],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> Scene:
        """Scene from :meth:`to_json`.

        Raises:
            ValueError: If the version or a field is not as written by this version.
        """
        if record.get("schema_version") != SCENE_VERSION:
            version = record.get("schema_version")
            raise ValueError(
                f"scene schema_version must be {SCENE_VERSION}, got {version!r}; simulate the set again"
            )
        placed = record["placed"]
        if not isinstance(placed, list):
            raise ValueError(f"scene 'placed' must be a list, got {type(placed).__name__}")
        turn, notes = record["turn_deg"], record["notes"]
        assert isinstance(turn, int | float)
        assert isinstance(notes, dict)
        return cls(int(str(record["seed"])), tuple(_placed(p) for p in placed), float(turn), notes)


def _placed(record: Mapping[str, object]) -> Placed:
    turn = np.array(record["rotation"], dtype=np.float64).reshape(3, 3)
    offset = np.array(record["offset_mm"], dtype=np.float64)
    role = record["role"]
    if role not in ("content", "container", "neighbour"):
        raise ValueError(f"role must be content, container or neighbour, got {role!r}")
    return Placed(
        str(record["kind"]), int(str(record["seed"])), Pose(turn, offset), role, bool(record["is_container"])
    )
