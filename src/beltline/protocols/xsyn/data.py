"""The sets of the experiment: real windows, benign bags, items to project, and a test set apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.formats.inpainting_shards import InpaintingWindows, open_inpainting_shards
from beltline.metrics.detections import Boxes
from beltline.protocols.cells import Say
from beltline.protocols.simulated import baked_items, long_tailed
from beltline.protocols.xsyn.plan import XsynScale
from beltline.protocols.xsyn.views import View
from beltline.simulate.fusion_pairs import FusionPairs, FusionPlan, write_fusion_pairs
from beltline.simulate.inpainting_shards import InpaintingPlan, write_inpainting_shards
from beltline.simulate.library import ObjectLibrary
from beltline.synthesis.threat import Threat
from beltline.synthesis.tip import box_of
from beltline.systems.detector.arrays import DetectionSet

Floats = NDArray[np.float32]
LIBRARIES = {"train": ("train", 521), "test": ("test", 522)}
WINDOWS = {"trained": ("train", 1), "held": ("test", 2), "judged": ("test", 3)}
COVERED = 128  # of 255: a pixel of a mask from which it is the item's
A_BAG = 3  # windows with a threat that a bag gives at least


@dataclass(frozen=True, eq=False)
class Scans:
    """Windows of scans with what is in them.

    Attributes:
        planes: (N, C, S, S) in [0, 1]: transmissions of two energies or colours, air is 1; may be mapped.
        objects: In pixels; ``image`` is the row.
    """

    planes: NDArray[np.floating]
    objects: Boxes

    def __len__(self) -> int:
        return len(self.planes)

    def window(self, row: int) -> Floats:
        """(C, S, S)."""
        return np.asarray(self.planes[row], np.float32)

    def of(self, row: int) -> Boxes:
        """What is in one of them."""
        return self.objects.take(self.objects.image == row)

    def first(self, count: int) -> Scans:
        """The first so many."""
        return Scans(self.planes[:count], self.objects.take(self.objects.image < count))


@dataclass(frozen=True, eq=False)
class JudgedWindows:
    """Windows as painters see them, with truth.

    Attributes:
        trained: Of training articles.
        held: Of test articles.
        judged: Of other bags with test articles; painters get these without their items.
    """

    trained: InpaintingWindows
    held: InpaintingWindows
    judged: InpaintingWindows


@dataclass(frozen=True, eq=False)
class XsynData:
    """All sets, simulated or real.

    Attributes:
        classes: K names.
        view: What the planes measure.
        real: Windows with items, in an order by chance.
        bags: Windows that items are added to; what lies in them already stays.
        items: Of the real windows, for projection; ``article`` is the row of its window.
        test: What detectors are tested on, at the side that they see.
        true: The bags with an item really in each; None where nobody knows.
        windows: What painters are judged on; None where there is no truth.
    """

    classes: tuple[str, ...]
    view: View
    real: Scans
    bags: Scans
    items: tuple[Threat, ...]
    test: DetectionSet
    true: Scans | None = None
    windows: JudgedWindows | None = None

    @property
    def size(self) -> int:
        """Side of a window, pixels."""
        return int(self.real.planes.shape[-1])


def simulated_data(folder: Path, scale: XsynScale, say: Say) -> XsynData:
    """Make the sets out of simulated bags, or open those that are there.

    Real windows, bags and what painters are trained on have the articles of one library, the test windows
    and those that painters are judged on those of another one, of the test split.
    """
    libraries = {
        name: baked_items(
            folder / f"items-{name}", say, split=split, seed=seed, pixel_mm=scale.pixel_mm, each=scale.each,
            threats_each=scale.threats_each,
        )
        for name, (split, seed) in LIBRARIES.items()
    }  # fmt: skip

    def pairs(name: str, library: str, seed: int, count: int) -> FusionPairs:
        say(f"windows {name}")
        plan = FusionPlan(
            long_tailed(count), scale.size, scale.style, items=scale.things, garments=scale.garments,
            seed=seed,
        )  # fmt: skip
        return write_fusion_pairs(folder / name, libraries[library], plan)

    real, bags = pairs("real", "train", 1, scale.real), pairs("bags", "train", 2, scale.bags)
    tested, view = pairs("test", "test", 3, scale.test), View("dual", scale.style)
    order, mixed = (np.random.default_rng((7, len(p))).permutation(len(p)) for p in (real, bags))
    true = with_items(bags, mixed)
    assert bags.bag_dual is not None
    return XsynData(
        real.classes,
        view,
        with_items(real, order),
        Scans(np.asarray(bags.bag_dual)[mixed], Boxes.of_rows([])),
        tuple(lone_items(real, order)),
        twins(tested, view, scale.shown),
        true,
        judged_windows(folder, libraries, real.classes, scale, say),
    )


def judged_windows(
    folder: Path, libraries: dict[str, ObjectLibrary], classes: tuple[str, ...], scale: XsynScale, say: Say
) -> JudgedWindows:
    """Windows around threats as painters see them."""
    found = {}
    for name, (library, seed) in WINDOWS.items():
        say(f"painters' windows {name}")
        bags = scale.trained if name == "trained" else -(-scale.judged // A_BAG)
        plan = InpaintingPlan(classes, count=min(bags, 25))
        write_inpainting_shards(
            folder / f"windows-{name}", libraries[library], plan, shards=-(-bags // plan.count), seed=seed
        )
        found[name] = open_inpainting_shards(folder / f"windows-{name}")
    return JudgedWindows(**found)


def with_items(pairs: FusionPairs, order: NDArray[np.intp]) -> Scans:
    """The windows of pairs with their items really in them, in an order."""
    assert pairs.truth_dual is not None
    boxes = [box_of((np.asarray(pairs.mask[row]) >= COVERED).astype(np.float32)) for row in order]
    objects = Boxes(np.arange(len(order)), pairs.labels[order], np.array(boxes, np.float64))
    return Scans(np.asarray(pairs.truth_dual)[order], objects)


def lone_items(pairs: FusionPairs, order: NDArray[np.intp]) -> Iterator[Threat]:
    """The item of each pair as it was scanned alone."""
    assert pairs.item_dual is not None
    for number, row in enumerate(order):
        mask = np.asarray(pairs.mask[row] / np.float32(255), np.float32)
        window = mask_window(mask > 0)
        pixels = np.asarray(pairs.item_dual[row], np.float32)[(slice(None), *window)]
        label = pairs.classes[int(pairs.labels[row])]
        yield Threat(np.clip(pixels, 0, 1), mask[window], "dual", label, str(number))


def twins(pairs: FusionPairs, view: View, side: int) -> DetectionSet:
    """Every bag twice, with its item and without it."""
    order = np.arange(len(pairs))
    scans = with_items(pairs, order)
    assert pairs.bag_dual is not None
    images = [shown(view, scans.window(int(row)), side) for row in order]
    images += [shown(view, np.asarray(pairs.bag_dual[row], np.float32), side) for row in order]
    return DetectionSet(np.stack(images), scaled(scans.objects, side / scans.planes.shape[-1]))


def pictures(scans: Scans, view: View, side: int) -> DetectionSet:
    """Windows as detectors see them."""
    images = [shown(view, scans.window(row), side) for row in range(len(scans))]
    return DetectionSet(np.stack(images), scaled(scans.objects, side / scans.planes.shape[-1]))


def shown(view: View, planes: Floats, side: int) -> NDArray[np.uint8]:
    """(side, side, 3): a window coloured, then brought to the side."""
    picture = view.picture(planes)
    if picture.shape[0] == side:
        return picture
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def scaled(objects: Boxes, factor: float) -> Boxes:
    """Boxes in pixels of another size."""
    return Boxes(objects.image, objects.label, objects.box * factor)
