"""Simulated people at a real store: they take leases, label, and review each other's work.

What the console will do with real people, this does with simulated ones: for tests, and to see a project's
status before anybody has worked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from beltline.core import Scan
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Annotated, Annotator, Cut, Habits, Thing
from beltline.rounds.objects import EditedObject, masks_of
from beltline.rounds.records import Item, Lease, Purpose
from beltline.rounds.simulated.desk import cut_on, reviewer_habits
from beltline.rounds.store import Store
from beltline.screening import Clicker


@dataclass(frozen=True, eq=False)
class Workplace:
    """What people work with.

    Attributes:
        store: Of the project.
        scan: Reads an item's scan.
        truth: What lies in it; the people alone see that.
        classes: Labels.
        clicker: The click model; None for outlines by hand.
        clicks_by: Author of masks that its clicks make.
        habits: Of the annotators.
        seed: Of their chance.
    """

    store: Store
    scan: Callable[[Item], Scan]
    truth: Callable[[Item], Sequence[Thing]]
    classes: Sequence[str]
    clicker: Clicker | None = None
    clicks_by: str = "model:clicks"
    habits: Habits = field(default_factory=Habits)
    seed: int = 0

    def work(
        self, person: str, order: Sequence[int], *, purpose: Purpose = "label", most: int = 10**9
    ) -> int:
        """Take items and submit what the person makes of them until nothing is left; returns how many."""
        for done in range(most):
            lease = self.store.leases.take(person, order, purpose=purpose)
            if lease is None:
                return done
            self._submit(lease)
        return most

    def _submit(self, lease: Lease) -> None:
        item = self.store.items.get(lease.item)
        before = self._before(item, lease)
        cut: Cut | None = None if self.clicker is None else cut_on(self.scan(item), self.clicker)
        habits = reviewer_habits(self.habits) if lease.purpose == "review" else self.habits
        rng = np.random.default_rng((self.seed, item.id, *lease.person.encode()))
        work = Annotator(rng, self.classes, habits).annotate(
            self.truth(item), [thing for thing, _ in before], cut
        )
        objects = [self._object(one, lease.person, [old for _, old in before]) for one in work.objects]
        self.store.edits.submit(
            lease.token, objects, request=f"{lease.token}:{lease.person}", seconds=work.effort.seconds()
        )

    def _before(self, item: Item, lease: Lease) -> list[tuple[Thing, EditedObject]]:
        """What the person starts from: the objects of the first base."""
        if not lease.bases:
            return []
        objects = self.store.edits.get(lease.bases[:1])[0].objects
        masks = masks_of(objects, item.size)
        return [(Thing(one.label, mask), one) for one, mask in zip(objects, masks, strict=True)]

    def _object(self, one: Annotated, person: str, before: Sequence[EditedObject]) -> EditedObject:
        if one.proposed is not None and one.made_by == "proposal":
            old = before[one.proposed]
            return EditedObject(
                one.label, old.box, old.made_by, mask=old.mask, score=old.score, proposed=one.proposed
            )
        maker = self.clicks_by if one.made_by == "clicks" else person
        return EditedObject.drawn(
            one.label, one.mask, made_by=maker, clicks=one.clicks, proposed=one.proposed
        )


def agreement(item: Item, objects: Sequence[EditedObject], truth: Sequence[Thing]) -> float:
    """Mean over true objects of the best IoU with what stands; of an empty scan 1 where nothing does."""
    masks = list(masks_of(objects, item.size))
    if not truth:
        return 1.0 if not masks else 0.0
    return float(np.mean([max((mask_iou(t.mask, mask) for mask in masks), default=0.0) for t in truth]))
