"""A simulated set on disk: images, dual-energy raw data, exact masks, labels, scenes, and a card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from beltline.core import Instances, Masks, Progress, counted
from beltline.formats import SetWriter, begin_plan
from beltline.simulate.bags import BagRecipe
from beltline.simulate.generate import SimulatedBag, simulate_bag
from beltline.simulate.photograph import check_style
from beltline.simulate.scanner import Scanner, Seen, View

TERMS = "Simulated by Beltline; no real scan is in it. Use it as you like (Apache-2.0)."


@dataclass(frozen=True)
class SetPlan:
    """A set to simulate.

    Attributes:
        bags: Number of bags; each gives ``scanner.views`` images.
        seed: Bag i is drawn with a seed that depends on this and i alone, whatever the workers.
        recipe: What bags are like.
        scanner: Geometry and sampling.
        style: A colour style, "any" or "random".
        everyday: Whether everyday objects get masks too, not only prohibited ones.
    """

    bags: int
    seed: int = 0
    recipe: BagRecipe = field(default_factory=BagRecipe)
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
    begin_plan(root, "simulated", _plan(plan))
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
    bag = simulate_bag(plan.bag_seed(index), recipe=plan.recipe, scanner=plan.scanner, style=plan.style)
    write_bag(SetWriter(root, classes=plan.recipe.classes), plan, index, bag)
    return index


def write_bag(writer: SetWriter, plan: SetPlan, index: int, bag: SimulatedBag) -> None:
    """Write every view of a bag into a set."""
    scene = {**bag.scene.to_json(), "scanner": asdict(plan.scanner), "style": bag.look.name}
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
            extra={"bag": index, "view": number, "style": bag.look.name, "split": plan.recipe.split},
            instance_extras=[_extra(s) for s in seen],
        )


def instances_of(view: View, seen: list[Seen]) -> Instances:
    """The labelled objects of a view as boxes, labels and amodal masks."""
    shape = view.low.shape
    stack = np.stack([s.mask for s in seen]) if seen else np.zeros((0, *shape), dtype=bool)
    boxes = np.stack([s.box for s in seen]) if seen else np.zeros((0, 4), dtype=np.float32)
    return Instances(boxes, tuple(s.label for s in seen), masks=Masks.encode(stack))


def _labels(recipe: BagRecipe, view: View) -> list[float]:
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
    recipe = asdict(replace(plan.recipe, containers=dict(plan.recipe.containers)))
    fields = {**_plan(plan), "recipe": recipe, "scanner": asdict(plan.scanner)}
    return {"source": "simulated", "terms": TERMS, "bags": plan.bags, **fields}
