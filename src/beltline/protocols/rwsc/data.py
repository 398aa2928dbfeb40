"""The simulated sets of the experiment: two halves of real positives, benign bags, and a test set apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beltline.protocols.rwsc.plan import Scale
from beltline.protocols.sixray.experiment import long_tailed
from beltline.simulate.fusion_pairs import FusionPairs, FusionPlan, write_fusion_pairs
from beltline.simulate.library import ObjectLibrary, bake_library
from beltline.simulate.windows import WindowPlan, WindowSet, write_windows

Say = Callable[[str], None]
LIBRARIES = {"a": ("train", 511), "b": ("train", 512), "test": ("test", 513)}


@dataclass(frozen=True, eq=False)
class RwscData:
    """All sets.

    Attributes:
        first: Real positives with the articles of library a; the half that R/2 keeps.
        second: Real positives with the articles of library b, which no synthesis sees.
        pairs: Benign bags and the items of library a to put into them, one each, class counts as in
            ``second``; their true composites are one of the methods.
        training: Further pairs of library a, for the fusion networks.
        test: Windows of test items, positive and benign.
        quality: Pairs of test items.
    """

    first: WindowSet
    second: WindowSet
    pairs: FusionPairs
    training: FusionPairs
    test: WindowSet
    quality: FusionPairs


def simulated_data(folder: Path, scale: Scale, say: Say) -> RwscData:
    """Make the sets, or open those that are there.

    Every positive window holds one item, so that object counts match exactly. Items of the three libraries
    are different ones; those of ``test`` have seeds of the test split.
    """
    libraries = {name: _library(folder / f"items-{name}", name, scale, say) for name in LIBRARIES}
    counts = long_tailed(scale.half)

    def windows(name: str, library: str, seed: int, positives: int, negatives: int) -> WindowSet:
        plan = WindowPlan(
            long_tailed(positives),
            negatives,
            size=scale.size,
            style=scale.style,
            items=scale.things,
            garments=scale.garments,
            threats=(1, 1),
            seed=seed,
        )
        say(f"windows {name}")
        return write_windows(folder / name, libraries[library], plan)

    def pairs(name: str, library: str, seed: int, count: dict[str, int]) -> FusionPairs:
        plan = FusionPlan(
            count, scale.size, scale.style, items=scale.things, garments=scale.garments, seed=seed
        )
        say(f"pairs {name}")
        return write_fusion_pairs(folder / name, libraries[library], plan)

    return RwscData(
        windows("real-a", "a", 1, scale.half, 0),
        windows("real-b", "b", 2, scale.half, 0),
        pairs("pairs", "a", 3, counts),
        pairs("pairs-training", "a", 4, long_tailed(scale.fusion_pairs)),
        windows("test", "test", 5, scale.test_positives, scale.test_negatives),
        pairs("pairs-test", "test", 6, long_tailed(scale.quality_pairs)),
    )


def _library(root: Path, name: str, scale: Scale, say: Say) -> ObjectLibrary:
    if (root / "index.json").is_file():
        return ObjectLibrary(root)
    say(f"baking items {name}")
    split, seed = LIBRARIES[name]
    return bake_library(
        root,
        seed=seed,
        split="test" if split == "test" else "train",
        pixel_mm=scale.pixel_mm,
        each=scale.items_each,
        threats_each=scale.threats_each,
    )
