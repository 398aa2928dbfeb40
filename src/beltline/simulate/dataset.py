"""A simulated set on disk: images, dual-energy raw data, exact masks, labels, scenes, and a card."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np

from beltline.core import Instances, Masks, Progress, counted
from beltline.formats import SetWriter, begin_plan
from beltline.simulate.bags import BagRecipe, Split
from beltline.simulate.generate import SimulatedBag, photograph_scene
from beltline.simulate.photograph import check_style
from beltline.simulate.scanner import Scanner, Seen, View
from beltline.simulate.scene import Scene

NOTED = ("place", "device", "pair")  # notes of a scene that an image's record repeats
TERMS = "Simulated by Beltline; no real scan is in it. Use it as you like (Apache-2.0)."


class SceneRecipe(Protocol):
    """What the scenes of a set are like, a frozen dataclass: `BagRecipe`, `ElectronicsRecipe`.

    Attributes:
        kind: What a folder of such scenes holds; none holds two kinds.
    """

    kind: ClassVar[str]

    @property
    def classes(self) -> tuple[str, ...]:
        """What images are labelled with."""

    @property
    def split(self) -> Split:
        """Which items are used."""

    def scene(self, seed_of: Callable[[int], int], index: int) -> Scene:
        """Scene ``index``, drawn with the seeds that ``seed_of`` gives for numbers."""


@dataclass(frozen=True)
class SetPlan:
    """A set to simulate.

    Attributes:
        bags: Number of bags; each gives ``scanner.views`` images.
        seed: Bag i is drawn with a seed that depends on this and i alone, whatever the workers.
        recipe: What scenes are like.
        scanner: Geometry and sampling.
        style: A colour style, "any" or "random".
        everyday: Whether everyday objects get masks too, not only prohibited ones.
    """

    bags: int
    seed: int = 0
    recipe: SceneRecipe = field(default_factory=BagRecipe)
    scanner: Scanner = field(default_factory=Scanner)
    style: str = "any"
    everyday: bool = True

    def __post_init__(self) -> None:
        if self.bags < 1:
            raise ValueError(f"bags must be at least 1, got {self.bags}")
        check_style(self.style)

    def bag_seed(self, index: int) -> int:
        """Seed of bag ``index``."""
        words = np.random.SeedSequence([self.seed, index]).generate_state(2, np.uint64)
        return int(words[0] >> np.uint64(1))


def simulate_set(
    root: Path,
    plan: SetPlan,
    *,
    workers: int = 1,
    on_progress: Progress | None = None,
    card: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Simulate a set; bags already on disk are kept, so a killed run goes on where it stopped.

    A set may grow: bag i depends on the plan and i alone. Another plan is refused, so that no set holds
    bags of two seeds, splits or styles.

    Args:
        root: Folder of the set.
        plan: What to simulate.
        workers: Processes; each bag is the same whoever makes it.
        on_progress: Told bags.
        card: More fields for card.json.

    Returns:
        The card as written.

    Raises:
        BadInputError: If the folder was begun with another plan, or holds more bags than this one has.
    """
    begin_plan(root, plan.recipe.kind, _plan(plan))
    writer = SetWriter(root, classes=plan.recipe.classes)
    writer.require_only(name for i in range(plan.bags) for name in item_names(plan, i))
    todo = [i for i in range(plan.bags) if not all(writer.has(name) for name in item_names(plan, i))]
    done = plan.bags - len(todo)
    for _ in counted(_run(root, plan, todo, workers), on_progress, total=plan.bags, done=done):
        pass  # told, nothing else
    return writer.finish({**_card(plan), **(card or {})})


def item_names(plan: SetPlan, index: int) -> list[str]:
    """File names (without suffix) of a bag's views."""
    return [f"bag_{index:06d}_v{view}" for view in range(plan.scanner.views)]


def _run(root: Path, plan: SetPlan, todo: list[int], workers: int) -> Any:
    if workers <= 1 or len(todo) <= 1:
        yield from (_write_bag(root, plan, i) for i in todo)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_single_threaded) as pool:
        futures = [pool.submit(_write_bag, root, plan, i) for i in todo]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _single_threaded() -> None:
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def _write_bag(root: Path, plan: SetPlan, index: int) -> int:
    scene = plan.recipe.scene(plan.bag_seed, index)
    bag = photograph_scene(scene, scanner=plan.scanner, style=plan.style)
    write_bag(SetWriter(root, classes=plan.recipe.classes), plan, index, bag)
    return index


def write_bag(writer: SetWriter, plan: SetPlan, index: int, bag: SimulatedBag) -> None:
    """Write every view of a bag into a set."""
    scene = {**bag.scene.to_json(), "scanner": asdict(plan.scanner), "style": bag.look.name}
    noted = {name: value for name, value in bag.scene.notes.items() if name in NOTED}
    for number, (name, view) in enumerate(zip(item_names(plan, index), bag.views, strict=True)):
        shot = bag.photographs[number]
        seen = [s for s in view.seen if s.threat or plan.everyday]
        writer.add(
            name,
            image=shot.rgb,
            raw=(shot.low, shot.high),
            instances=instances_of(view, seen),
            image_labels=_labels(plan.recipe, view),
            scene=scene,
            pixel_mm=plan.scanner.pixel_mm,
            extra={
                "bag": index,
                "view": number,
                "style": bag.look.name,
                "split": plan.recipe.split,
                **noted,
            },
            instance_extras=[_extra(s) for s in seen],
        )


def instances_of(view: View, seen: list[Seen]) -> Instances:
    """The labelled objects of a view as boxes, labels and amodal masks."""
    shape = view.low.shape
    stack = np.stack([s.mask for s in seen]) if seen else np.zeros((0, *shape), dtype=bool)
    boxes = np.stack([s.box for s in seen]) if seen else np.zeros((0, 4), dtype=np.float32)
    return Instances(boxes, tuple(s.label for s in seen), masks=Masks.encode(stack))


def _labels(recipe: SceneRecipe, view: View) -> list[float]:
    present = {s.label for s in view.seen if s.threat}
    return [float(label in present) for label in recipe.classes]


def _extra(seen: Seen) -> dict[str, Any]:
    return {
        "object_id": seen.object_id,
        "family": seen.family,
        "threat": seen.threat,
        "role": seen.role,
        "material": seen.material,
        "depth_share": round(seen.share, 4),
        "occlusion": round(seen.occlusion, 4),
        **({} if seen.site is None else {"site": dict(seen.site)}),
    }


def _plan(plan: SetPlan) -> dict[str, Any]:
    """What every bag depends on besides its number, named as in the card."""
    names = ("seed", "style", "everyday", "recipe", "scanner")
    return {name: getattr(plan, name) for name in names}


def _card(plan: SetPlan) -> dict[str, Any]:
    told = {**_plan(plan), "recipe": _plain(plan.recipe), "scanner": asdict(plan.scanner)}
    return {"source": "simulated", "terms": TERMS, "bags": plan.bags, **told}


def _plain(recipe: Any) -> dict[str, Any]:
    """A recipe as JSON values; `asdict` takes no read-only mappings."""
    return {one.name: _dict_of(getattr(recipe, one.name)) for one in fields(recipe)}


def _dict_of(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
