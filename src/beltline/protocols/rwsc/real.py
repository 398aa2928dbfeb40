"""The experiment's sets from real scans: items cut out of the first half, laid into benign bags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.metrics.detections import Boxes
from beltline.protocols.cells import Say
from beltline.protocols.rwsc.data import RwscData
from beltline.protocols.rwsc.plan import RwscScale
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.synthesis.cutting import cut_out, mask_of_box
from beltline.synthesis.placement import Wish, find_place, ground_of, turned
from beltline.synthesis.threat import Threat
from beltline.synthesis.tip import box_of
from beltline.systems.detector.arrays import DetectionSet
from beltline.training.sides import to_long_side
from beltline.training.sources import Source, as_picture, as_scan, numbers_of, open_source

Pixels = NDArray[np.uint8]
BAGS_TRIED = 12  # for an item that finds no place


@dataclass(frozen=True)
class RealSets:
    """Where the real scans lie, each a set in our layout (``beltline data import``) or a COCO set.

    Attributes:
        positives: Training scans with items and their boxes.
        bags: Benign training scans.
        test: Test scans, positive and benign.
    """

    positives: Path
    bags: Path
    test: Path


def real_data(sets: RealSets, scale: RwscScale, say: Say, *, seed: int = 0) -> RwscData:
    """Everything fitted into squares of the scale's size, in memory.

    The positives are split in two by the seed. Items are cut out of the first half alone; for each object of
    the second half one of its class is laid into a benign bag, as many a bag as that scan holds.

    Raises:
        BadInputError: If a set holds nothing that is needed, or a class has no item that can be cut out.
    """
    say("reading positives")
    source = open_source(sets.positives)
    classes = source.classes
    positives = squares(source, scale.size)
    order = np.random.default_rng(seed).permutation(np.unique(positives.objects.image))
    first, second = (picked(positives, np.sort(rows)) for rows in np.array_split(order, 2))
    say("cutting items out")
    items = cut_items(first, classes)
    say("laying items into benign bags")
    found = open_source(sets.bags)
    bags = squares(found, scale.size)
    names = [found.classes[n] for n in np.unique(bags.objects.label)]
    threats = [name for name in names if name in classes]
    if threats:
        raise BadInputError(f"{sets.bags}: holds {', '.join(threats)}; name benign scans")
    pairs, objects = _pairs(second, bags.images, items, classes, np.random.default_rng((seed, 1)))
    test = squares(open_source(sets.test, classes), scale.size)
    return RwscData(classes, first, second, pairs, objects, pairs, test, rows_of(pairs, scale.quality_pairs))


def squares(source: Source, side: int) -> DetectionSet:
    """Scans in the upper left of white squares, their longer side filling them; ignored objects left out."""
    images, objects = np.full((len(source), side, side, 3), 255, np.uint8), []
    for row in range(len(source)):
        sample = source[row]
        pixels, factor = to_long_side(as_picture(sample.scan), side)
        images[row, : pixels.shape[0], : pixels.shape[1]] = pixels
        found = sample.instances
        assert found is not None
        found = found.take(np.flatnonzero(found.counted))
        labels = numbers_of(found.labels, source.classes)
        objects += [(row, k, *box) for k, box in zip(labels, found.boxes * factor, strict=True)]
    return DetectionSet(images, Boxes.of_rows(objects))


def picked(data: DetectionSet, rows: NDArray[np.intp]) -> DetectionSet:
    """Some images of a set, with their boxes."""
    number = np.full(len(data), -1)
    number[rows] = np.arange(len(rows))
    kept = data.objects.take(number[data.objects.image] >= 0)
    return DetectionSet(np.asarray(data.images)[rows], replace(kept, image=number[kept.image]))


def cut_items(data: DetectionSet, classes: Sequence[str]) -> dict[str, list[Threat]]:
    """Items by class, cut out by their boxes.

    Raises:
        BadInputError: If a class that occurs has none that can be cut out.
    """
    found: dict[str, list[Threat]] = {}
    objects = data.objects
    for number, (image, label, box) in enumerate(zip(objects.image, objects.label, objects.box, strict=True)):
        scan = as_scan(np.asarray(data.images[image]))
        name = classes[label]
        found.setdefault(name, [])
        mask = mask_of_box(scan, (box[0], box[1], box[2], box[3]))
        if mask is None:
            continue
        try:
            found[name].append(cut_out(scan, mask, name, f"{image}:{number}", {"row": int(image)}))
        except BadInputError:
            continue  # too small, or nothing around it
    empty = [name for name, items in found.items() if not items]
    if empty:
        raise BadInputError(
            f"no item of {', '.join(empty)} could be cut out; more positives or a larger size"
        )
    return found


def rows_of(pairs: FusionPairs, count: int) -> FusionPairs:
    """The first pairs."""
    cut = {name: getattr(pairs, name)[:count] for name in ("bag", "item", "mask", "labels", "styles")}
    return replace(pairs, **cut)


def _pairs(
    second: DetectionSet,
    bags: Pixels,
    items: dict[str, list[Threat]],
    classes: Sequence[str],
    rng: np.random.Generator,
) -> tuple[FusionPairs, Boxes]:
    rows, objects = [], []
    for number in range(len(second)):
        labels = second.objects.label[second.objects.image == number]
        bag, item, mask, boxes = _laid([(k, items.get(classes[k], [])) for k in labels], bags, rng)
        rows.append((bag, item, mask, int(labels[0])))
        objects += [(number, *box) for box in boxes]
    bag, item, mask, label = (np.array(column) for column in zip(*rows, strict=True))
    pairs = FusionPairs(bag, item, mask, label.astype(np.int64), tuple(classes), ("",) * len(rows))
    return pairs, Boxes.of_rows(objects)


def _laid(
    wanted: Sequence[tuple[int, Sequence[Threat]]], bags: Pixels, rng: np.random.Generator
) -> tuple[Pixels, Pixels, Pixels, list[tuple[int, ...]]]:
    for _ in range(BAGS_TRIED):
        bag = bags[int(rng.integers(len(bags)))]
        ground = ground_of(np.moveaxis(bag, 2, 0).astype(np.float32) / 255, "color")
        item, mask = np.ones(bag.shape, np.float32), np.zeros(bag.shape[:2], np.float32)
        boxes: list[tuple[int, ...]] = []
        for label, choices in wanted:
            for threat in _draws(choices, rng):
                place = find_place(ground, threat, Wish(), rng)
                if place is None:
                    continue
                window = place.window(threat)
                item[window] *= np.moveaxis(threat.pixels, 0, 2)
                own = np.zeros_like(mask)
                own[window] = threat.mask
                mask = np.maximum(mask, own)
                boxes.append((label, *box_of(own)))
                break
        if len(boxes) == len(wanted):
            return bag, np.round(255 * item).astype(np.uint8), np.round(255 * mask).astype(np.uint8), boxes
    raise BadInputError(
        f"{len(wanted)} items found no place in {BAGS_TRIED} benign bags; give larger bags or a larger size"
    )


def _draws(choices: Sequence[Threat], rng: np.random.Generator, tries: int = 4) -> Iterator[Threat]:
    if not choices:
        raise BadInputError("a class of the second half has no item in the first; split with another seed")
    for _ in range(tries):
        threat = choices[int(rng.integers(len(choices)))]
        yield turned(threat, degrees=90.0 * int(rng.integers(4)), mirror=bool(rng.random() < 0.5))
