"""The sets of the experiment: two halves of positives, pairs of benign bag and item, and a test set apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beltline.metrics.detections import Boxes
from beltline.protocols.cells import Say
from beltline.protocols.rwsc.plan import RwscScale
from beltline.protocols.simulated import baked_items, long_tailed
from beltline.simulate.fusion_pairs import FusionPairs, FusionPlan, write_fusion_pairs
from beltline.simulate.windows import WindowPlan, WindowSet, write_windows
from beltline.synthesis.tip import box_of
from beltline.systems.detector.arrays import DetectionSet

LIBRARIES = {"a": ("train", 511), "b": ("train", 512), "test": ("test", 513)}


@dataclass(frozen=True, eq=False)
class RwscData:
    """All sets, simulated or real.

    Attributes:
        classes: K names.
        first: Positives of the half that R/2 keeps.
        second: Positives of the other half, of which no synthesis sees anything.
        pairs: Benign bags and the items of the first half to put into them, class by class as many as in
            ``second``.
        objects: The items put in; ``image`` is the row of the pair.
        training: Pairs for the fusion networks.
        test: Test scans, positive and benign.
        quality: Pairs that fusions are measured on.
    """

    classes: tuple[str, ...]
    first: DetectionSet
    second: DetectionSet
    pairs: FusionPairs
    objects: Boxes
    training: FusionPairs
    test: DetectionSet
    quality: FusionPairs


def simulated_data(folder: Path, scale: RwscScale, say: Say) -> RwscData:
    """Make the sets out of simulated windows, or open those that are there.

    Every positive window holds one item, so that object counts match exactly. The first half and the pairs
    have the articles of one library, the second half those of another, the test set those of a third one of
    the test split.
    """
    baking = {"pixel_mm": scale.pixel_mm, "each": scale.items_each, "threats_each": scale.threats_each}
    libraries = {
        name: baked_items(folder / f"items-{name}", say, split=split, seed=seed, **baking)
        for name, (split, seed) in LIBRARIES.items()
    }
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

    first = windows("real-a", "a", 1, scale.half, 0)
    synthetic = pairs("pairs", "a", 3, counts)
    return RwscData(
        first.classes,
        windows_set(first),
        windows_set(windows("real-b", "b", 2, scale.half, 0)),
        synthetic,
        pair_objects(synthetic),
        pairs("pairs-training", "a", 4, long_tailed(scale.fusion_pairs)),
        windows_set(windows("test", "test", 5, scale.test_positives, scale.test_negatives)),
        pairs("pairs-test", "test", 6, long_tailed(scale.quality_pairs)),
    )


def windows_set(windows: WindowSet) -> DetectionSet:
    """Simulated windows with their boxes."""
    return DetectionSet(windows.images, Boxes.of_rows(windows.objects[:, :6]))


def pair_objects(pairs: FusionPairs) -> Boxes:
    """The item of each pair."""
    boxes = [box_of((np.asarray(mask) == 255).astype(np.float32)) for mask in pairs.mask]
    return Boxes(np.arange(len(pairs)), pairs.labels, np.array(boxes, np.float64))
