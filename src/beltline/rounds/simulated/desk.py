"""One scan at a simulated person's desk: proposals, label, review, and what it all came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beltline.core import Scan
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Annotated, Annotator, Box, Cut, Habits, Mask, Thing, Work, matched
from beltline.rounds.effort import Effort
from beltline.screening import Clicker

TOLERANCE = 0.03  # IoU below the goal from which a reviewer mends a mask
CAREFUL = 0.3  # of the annotator's error rates: what is left of them in review
SAME = 0.5  # IoU of masks of one object in label and review


@dataclass(frozen=True, eq=False)
class Reviewed:
    """A scan after label and review.

    Attributes:
        label: The annotator's work.
        review: The reviewer's, on it.
        changed: Objects that the reviewer added, deleted, mended or named otherwise.
        total: Objects of label and review together.
        classes: Of each object that stands in both, its label there and here.
    """

    label: Work
    review: Work
    changed: int
    total: int
    classes: tuple[tuple[str, str], ...]

    @property
    def objects(self) -> tuple[Annotated, ...]:
        """What stands."""
        return self.review.objects

    @property
    def effort(self) -> Effort:
        """Of both people."""
        return self.label.effort + self.review.effort


def cut_on(scan: Scan, clicker: Clicker) -> Cut:
    """The click model on a scan, as `Annotator` calls it."""

    def cut(clicks: Sequence[Any], box: Box | None, mask: Mask | None) -> Mask:
        points = [(click.x, click.y) for click in clicks]
        labels = [int(click.positive) for click in clicks]
        return clicker.cut(scan, points, labels, box, mask).mask

    return cut


def reviewed(
    truth: Sequence[Thing],
    proposals: Sequence[Thing],
    cut: Cut | None,
    *,
    classes: Sequence[str],
    habits: Habits,
    rng: np.random.Generator,
) -> Reviewed:
    """Label a scan, and review the label."""
    label = Annotator(rng, classes, habits).annotate(truth, proposals, cut)
    second = Annotator(rng, classes, reviewer_habits(habits))
    review = second.annotate(truth, label.objects, cut)
    kept = [(label.objects[one.proposed], one) for one in review.objects if one.proposed is not None]
    touched = sum(before.label != after.label or before.mask is not after.mask for before, after in kept)
    added = len(review.objects) - len(kept)
    total = len(label.objects) + added
    changed = touched + added + len(review.deleted)
    return Reviewed(label, review, changed, total, tuple((a.label, b.label) for a, b in kept))


def accuracy(truth: Sequence[Thing], objects: Sequence[Thing]) -> list[float]:
    """IoU of each true object with the one that stands for it; 0 where none does."""
    pairs = matched(truth, objects, SAME)
    return [mask_iou(t.mask, objects[pairs[n]].mask) if n in pairs else 0.0 for n, t in enumerate(truth)]


def reviewer_habits(habits: Habits) -> Habits:
    """A second, careful reader, who leaves alone what is nearly good enough."""
    careful = {
        name: CAREFUL * getattr(habits, name)
        for name in ("sloppy", "overlooks", "wrong_class", "accepts_bad", "accepts_false")
    }
    return replace(habits, goal=habits.goal - TOLERANCE, **careful)
