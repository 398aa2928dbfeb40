"""What the current models say of a scan before anybody looks: proposals, and what a pick asks about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan, box_iou
from beltline.metrics.clicks import centre_click
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Box, Mask, Thing
from beltline.screening import Clicker, ScreeningModel
from beltline.screening.localize import boxes_on_scan
from beltline.screening.prepare import white_picture
from beltline.screening.tasks.detection import DETECTION, chances_of

FLOOR = 0.35  # chance from which a box is proposed: below, people delete more than they keep
SAME = 0.6  # IoU of boxes of one object
SHARED = 0.7  # of a mask: what shares so much with a surer one is the same object, or a part of it
MOST = 8  # proposals of a scan
OVERVIEW = 8  # cells along each side of the picture that goes into the embedding


@dataclass(frozen=True, eq=False)
class Proposal(Thing):
    """A box of the detector and the mask that the click model makes of it.

    Attributes:
        box: xyxy, pixels of the scan.
        score: Chance of the class, in [0, 1].
        quality: IoU that the click model expects of its mask.
        disagreement: 1 - IoU of what the box alone gives and what a click on its middle alone gives.
    """

    score: float
    quality: float
    disagreement: float
    box: Box = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class PreLabel:
    """A scan as the models see it.

    Attributes:
        proposals: The surest first.
        chances: (K,) chance that the scan holds each class.
        embedding: (D,) float32 for distances between scans: the chances, and where matter lies.
    """

    proposals: tuple[Proposal, ...]
    chances: NDArray[np.float64]
    embedding: NDArray[np.float32]

    @property
    def disagreement(self) -> float:
        """The largest of the proposals; 0 without any."""
        return max((one.disagreement for one in self.proposals), default=0.0)


def prelabel(
    scan: Scan,
    detector: ScreeningModel,
    clicker: Clicker,
    classes: Sequence[str],
    *,
    floor: float = FLOOR,
    most: int = MOST,
) -> PreLabel:
    """Ask the detector where something lies, and the click model for its mask.

    Args:
        scan: Any quantity and size.
        detector: One that gives boxes.
        clicker: The click model.
        classes: K labels of the project; a class that the detector does not know has a chance of 0.
        floor: Chance from which a box is proposed.
        most: Proposals at most.

    Raises:
        ModelFailure: If a model fails.
    """
    found, scores, labels, best = _detected(scan, detector)
    known = {name: number for number, name in enumerate(detector.card.classes)}
    chances = np.array([best[known[name]] if name in known else 0.0 for name in classes])
    rows = [row for row in _kept(found, scores, most * 3) if detector.card.classes[labels[row]] in classes]
    proposals: list[Proposal] = []
    for row in [row for row in rows if scores[row] >= floor][:most]:
        label = detector.card.classes[labels[row]]
        made = _cut(scan, clicker, label, found[row], float(scores[row]))
        if made is not None and not any(_shares(made.mask, one.mask) for one in proposals):
            proposals.append(made)
    return PreLabel(tuple(proposals), chances, embedded(scan, chances))


def embedded(scan: Scan, chances: NDArray[np.float64]) -> NDArray[np.float32]:
    """A point for each scan: chances of the classes, and a coarse picture of where matter lies."""
    grey = white_picture(scan).mean(axis=2).astype(np.float32) / 255
    cells = cv2.resize(grey, (OVERVIEW, OVERVIEW), interpolation=cv2.INTER_AREA)
    return np.concatenate([chances, (1 - cells).ravel() / OVERVIEW]).astype(np.float32)


def _detected(
    scan: Scan, detector: ScreeningModel
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Boxes (M, 4) on the scan, their chances (M,), classes (M,), and the best chance of each class."""
    card = detector.card
    prepared = DETECTION.prepare(scan, card)
    answer = detector.run(prepared.inputs)
    boxes = boxes_on_scan(answer.boxes, prepared.letterbox)
    return boxes, chances_of(card, answer.scores, answer.labels), answer.labels, chances_of(card, answer.best)


def _kept(boxes: NDArray[np.float64], scores: NDArray[np.float64], most: int) -> list[int]:
    """The surest first, without further boxes of the same object, whatever their class."""
    kept: list[int] = []
    for row in np.argsort(-scores):
        x1, y1, x2, y2 = boxes[row]
        if len(kept) == most:
            break
        new = not kept or box_iou(boxes[row][None], boxes[kept]).max() < SAME
        if new and min(x2 - x1, y2 - y1) >= 2:
            kept.append(int(row))
    return kept


def _shares(mask: Mask, other: Mask) -> bool:
    smaller = min(np.count_nonzero(mask), np.count_nonzero(other))
    return bool(np.count_nonzero(mask & other) >= SHARED * smaller)


def _cut(
    scan: Scan, clicker: Clicker, label: str, corners: NDArray[np.float64], score: float
) -> Proposal | None:
    """The mask of a box, once by the box alone, once by a click alone, and by both; None if none is found."""
    x1, y1, x2, y2 = (float(value) for value in corners)
    box = x1, y1, x2, y2
    alone = clicker.cut(scan, box=box).mask
    if not alone.any():
        return None
    middle = centre_click(alone)
    clicked = clicker.cut(scan, [middle]).mask
    both = clicker.cut(scan, [middle], box=box)
    if not both.mask.any():
        return None
    return Proposal(label, both.mask, score, both.quality, 1 - mask_iou(alone, clicked), box=box)
