"""A store in memory with a clock that is turned by hand, and objects to put into it."""

from dataclasses import dataclass

import numpy as np

from beltline.rounds import EditedObject, NewItem, create_store

WIDTH, HEIGHT = 60, 40


@dataclass
class Clock:
    """Says what time it is; tests turn it on."""

    now: float = 1_000_000.0

    def __call__(self):
        return self.now


def scans(count, split="pool"):
    """New items, each of its own content."""
    return [NewItem(f"images/bag{k}.png", f"{k + 1:064x}", WIDTH, HEIGHT, split) for k in range(count)]


def drawn(label="knife", *, left=5, made_by="person:ann", **fields):
    """A rectangle of 12 by 8 pixels."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:18, left : left + 12] = True
    return EditedObject.drawn(label, mask, made_by=made_by, **fields)


def new_store(count=4, *, double_share=0.0, where="sqlite://", clock=None, **options):
    """A store of some items, and its clock."""
    clock = clock or Clock()
    store = create_store(where, clock=clock, double_share=double_share, **options)
    store.items.add(scans(count))
    return store, clock
