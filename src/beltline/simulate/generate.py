"""One simulated bag from a seed, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from beltline.simulate.bags import BagRecipe, draw_scene
from beltline.simulate.photograph import Look, Photograph, draw_look, photograph
from beltline.simulate.scanner import Scanner, View, scan_scene
from beltline.simulate.scene import Scene

PREVIEW_SCANNER = Scanner(pixel_mm=5.0, supersample=1, margin_px=2)
PREVIEW_RECIPE = BagRecipe(
    items=(3, 6), garments=(1, 2), neighbour=0.0, containers={"tray": 1.0, "plastic_bag": 1.0, "parcel": 0.3}
)


@dataclass(frozen=True, eq=False)
class SimulatedBag:
    """A bag with everything known about it.

    Attributes:
        scene: What lies where.
        views: Noise-free views with labels.
        photographs: The same views as measured and coloured.
        look: The scanner's look.
    """

    scene: Scene
    views: tuple[View, ...]
    photographs: tuple[Photograph, ...]
    look: Look


def simulate_bag(
    seed: int,
    *,
    recipe: BagRecipe | None = None,
    scanner: Scanner | None = None,
    style: str = "any",
) -> SimulatedBag:
    """Draw, pack, scan and colour one bag.

    Args:
        seed: Everything follows from it and the other arguments.
        recipe: What bags are like; default half of them with prohibited items of every class.
        scanner: Geometry and sampling; default 0.8 mm pixels, one view.
        style: A colour style, "any" or "random".

    Example:
        >>> bag = simulate_bag(1, recipe=PREVIEW_RECIPE, scanner=PREVIEW_SCANNER)
        >>> bag.photographs[0].rgb.dtype.name
        'uint8'
    """
    scene = draw_scene(seed, recipe or BagRecipe())
    return photograph_scene(scene, scanner=scanner, style=style)


def photograph_scene(scene: Scene, *, scanner: Scanner | None = None, style: str = "any") -> SimulatedBag:
    """Scan and colour a scene; noise and look follow from the scene's seed, so a replay is bit for bit."""
    rng = np.random.default_rng([scene.seed, 1])
    look = draw_look(rng, style)
    views = scan_scene(scene, scanner or Scanner())
    shots = tuple(photograph(view.low, view.high, look, rng) for view in views)
    return SimulatedBag(scene, views, shots, look)


def preview(seed: int, *, classes: tuple[str, ...] | None = None) -> SimulatedBag:
    """A small bag of about 128 pixels in some 50 ms, for tests and examples."""
    recipe = PREVIEW_RECIPE if classes is None else replace(PREVIEW_RECIPE, classes=classes)
    return simulate_bag(seed, recipe=recipe, scanner=PREVIEW_SCANNER)
