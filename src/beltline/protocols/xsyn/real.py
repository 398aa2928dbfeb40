"""The experiment's sets from real scans in colour: items cut out of training scans, test scans apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beltline.core import BadInputError
from beltline.metrics.detections import Boxes
from beltline.protocols.cells import Say
from beltline.protocols.rwsc.real import squares
from beltline.protocols.xsyn.data import Scans, XsynData
from beltline.protocols.xsyn.plan import XsynScale
from beltline.protocols.xsyn.views import View
from beltline.synthesis.cutting import cut_out, mask_of_box
from beltline.synthesis.threat import Threat
from beltline.systems.detector.arrays import DetectionSet
from beltline.training.sources import as_scan, open_source

SEED = 0


@dataclass(frozen=True)
class RealSets:
    """Where the real scans lie, each a set in our layout (``beltline data import``) or a COCO set.

    Attributes:
        positives: Training scans with items and their boxes.
        test: Test scans.
        bags: Benign training scans; None adds items to the training scans themselves, as published, because
            PIDray, OPIXray and HiXray have no benign ones.
    """

    positives: Path
    test: Path
    bags: Path | None = None

    @property
    def named(self) -> str:
        """For the settings of a folder."""
        return " ".join(str(one.resolve()) for one in (self.positives, self.test, self.bags) if one)


def real_data(sets: RealSets, scale: XsynScale, say: Say) -> XsynData:
    """Everything fitted into squares, in memory; scans in an order by chance, at most as many as planned.

    Raises:
        BadInputError: If a set holds nothing that is needed, or benign scans hold items.
    """
    say("reading training scans")
    source = open_source(sets.positives)
    real = _ordered(squares(source, scale.size), scale.real, only_with_items=True)
    if not len(real):
        raise BadInputError(f"{sets.positives}: holds no scan with an item; name training scans with boxes")
    say("cutting items out")
    items = cut_items(real, source.classes)
    if not items:
        raise BadInputError(
            f"{sets.positives}: no item could be cut out; more scans, or a larger size of windows"
        )
    bags = real
    if sets.bags is not None:
        bags = _ordered(squares(open_source(sets.bags, source.classes), scale.size), scale.bags)
        if len(bags.objects):
            raise BadInputError(f"{sets.bags}: holds {len(bags.objects)} items; name benign scans")
    say("reading test scans")
    test = squares(open_source(sets.test, source.classes), scale.shown)
    return XsynData(source.classes, View("color"), real, bags, tuple(items), test)


def cut_items(scans: Scans, classes: tuple[str, ...]) -> list[Threat]:
    """Items cut out by their boxes; ``article`` is the row. What cannot be cut out is left out."""
    found = []
    objects = scans.objects
    for row, label, box in zip(objects.image, objects.label, objects.box, strict=True):
        picture = np.rint(255 * np.moveaxis(scans.window(int(row)), 0, 2)).astype(np.uint8)
        scan = as_scan(picture)
        mask = mask_of_box(scan, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        if mask is None:
            continue
        try:
            found.append(cut_out(scan, mask, classes[label], str(row), {"row": int(row)}))
        except BadInputError:
            continue  # too small, or nothing around it
    return found


def _ordered(found: DetectionSet, count: int, *, only_with_items: bool = False) -> Scans:
    rows = np.unique(found.objects.image) if only_with_items else np.arange(len(found))
    rows = np.random.default_rng(SEED).permutation(rows)[:count]
    number = np.full(len(found), -1)
    number[rows] = np.arange(len(rows))
    kept = found.objects.take(number[found.objects.image] >= 0)
    planes = np.moveaxis(np.asarray(found.images)[rows], 3, 1) / np.float32(255)
    return Scans(planes.astype(np.float16), Boxes(number[kept.image], kept.label, kept.box))
