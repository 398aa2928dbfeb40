"""A simulated annotator: knows what is in a scan, works like a person, and errs at a set rate.

The truth is seen by the person alone. Proposals and the click model get clicks and boxes, as from anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.metrics.clicks import Click, next_click
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.effort import Effort
from beltline.rounds.mending import mended
from beltline.rounds.tracing import Traced, traced

Mask = NDArray[np.bool_]
Box: TypeAlias = tuple[float, float, float, float]
Rng = np.random.Generator
Cut: TypeAlias = Callable[[Sequence[Click], Box | None, Mask | None], Mask]
"""The click model on one scan: clicks, a box and a mask to be mended to a mask (H, W)."""
Hand: TypeAlias = Literal["proposal", "clicks", "mended", "outline"]


@dataclass(frozen=True)
class Habits:
    """How a person clicks, and how often they err.

    Attributes:
        goal: IoU that they take for good enough.
        misjudged: Standard deviation of the IoU that they see about the true one.
        patience: Clicks on one mask after which they use the pen instead.
        usable: IoU below which they delete a proposed mask and begin anew.
        mends: Whether the pen mends what is wrong of a mask where that takes fewer vertices than the whole
            outline; else it always draws the whole outline.
        inside: A click lies at least this share of the deepest place's depth inside the region that is meant.
        jitter_px: Standard deviation of a click, or of a box's side.
        vertex_px: Standard deviation of a vertex: outlines are drawn enlarged.
        sloppy: Probability that a click lands beside what was meant.
        overlooks: Probability of overlooking an object that nothing points at, and a fifth of that for one
            with a proposal.
        wrong_class: Probability of a wrong class where they choose one.
        accepts_bad: Probability of taking a mask as it is though they see that it is not good enough.
        accepts_false: Probability of taking a proposal of nothing for an object.
    """

    goal: float = 0.9
    misjudged: float = 0.02
    patience: int = 4
    usable: float = 0.4
    mends: bool = True
    inside: float = 0.5
    jitter_px: float = 1.0
    vertex_px: float = 0.5
    sloppy: float = 0.03
    overlooks: float = 0.05
    wrong_class: float = 0.02
    accepts_bad: float = 0.03
    accepts_false: float = 0.03

    def without_errors(self) -> Habits:
        """The same hand, never mistaken: what a second, careful reader is measured by."""
        return replace(
            self,
            misjudged=0.0,
            sloppy=0.0,
            overlooks=0.0,
            wrong_class=0.0,
            accepts_bad=0.0,
            accepts_false=0.0,
        )


@dataclass(frozen=True, eq=False)
class Thing:
    """What a person or a model says lies in a scan.

    Attributes:
        label: Class.
        mask: (H, W) bool.
        box: xyxy that a model was given for the mask, or None.
    """

    label: str
    mask: Mask
    box: Box | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class Annotated(Thing):
    """An object as the person leaves it.

    Attributes:
        clicks: That made its mask, in order.
        made_by: Whose mask it is: an untouched proposal's, the click model's at clicks, one of theirs mended
            with the pen, or an outline drawn by hand.
        proposed: Number of the proposal that it grew from, or None.
        first: IoU with the truth before any correction, of a proposal or of the first cut; NaN without.
        iou: With the truth at the end; 0 of what is no object.
        effort: Spent on it.
        truth: Number of the object that is meant, or None where there is none.
    """

    clicks: tuple[Click, ...] = ()
    made_by: Hand = "outline"
    proposed: int | None = None
    first: float = float("nan")
    iou: float = 0.0
    effort: Effort = field(default_factory=Effort)
    truth: int | None = None


@dataclass(frozen=True, eq=False)
class Work:
    """One scan annotated.

    Attributes:
        objects: What the person says is there.
        effort: All of it.
        deleted: Numbers of the proposals that they threw out.
        overlooked: Numbers of the objects that they did not see.
    """

    objects: tuple[Annotated, ...]
    effort: Effort
    deleted: tuple[int, ...] = ()
    overlooked: tuple[int, ...] = ()


@dataclass(eq=False)
class Annotator:
    """A person at a scan.

    Attributes:
        rng: Source of chance.
        classes: Labels that can be chosen.
        habits: See `Habits`.
    """

    rng: Rng
    classes: Sequence[str]
    habits: Habits = field(default_factory=Habits)

    def annotate(
        self, truth: Sequence[Thing], proposals: Sequence[Thing] = (), cut: Cut | None = None
    ) -> Work:
        """Annotate a scan.

        Args:
            truth: What is in it.
            proposals: What a model says is in it.
            cut: The click model on this scan; None for outlines by hand alone.
        """
        pairs = matched(truth, proposals, self.habits.usable)
        objects, overlooked = [], []
        effort = Effort(look=1, judge=len(proposals))
        for number, thing in enumerate(truth):
            proposal = pairs.get(number)
            chance = self.habits.overlooks * (1.0 if proposal is None else 0.2)
            if self._happens(chance):
                overlooked.append(number)
            elif proposal is None:
                objects.append(replace(self._added(thing, cut), truth=number))
            else:
                objects.append(replace(self._mended(thing, proposals[proposal], proposal, cut), truth=number))
        seen = {one.proposed for one in objects}
        kept, deleted = self._others([n for n in range(len(proposals)) if n not in seen], proposals)
        effort = sum((one.effort for one in objects), effort) + Effort(delete=len(deleted))
        return Work((*objects, *kept), effort, deleted, tuple(overlooked))

    def _others(
        self, numbers: Sequence[int], proposals: Sequence[Thing]
    ) -> tuple[list[Annotated], tuple[int, ...]]:
        """Proposals that point at nothing they know of: taken by mistake, or deleted."""
        taken = [number for number in numbers if self._happens(self.habits.accepts_false)]
        kept = [
            Annotated(proposals[n].label, proposals[n].mask, made_by="proposal", proposed=n) for n in taken
        ]
        return kept, tuple(number for number in numbers if number not in taken)

    def _added(self, thing: Thing, cut: Cut | None) -> Annotated:
        """An object that nothing pointed at: its class, and its mask from a box on, or by hand."""
        label, chosen = self._label(thing.label), Effort(label=1)
        if cut is None:
            outline = self._outline(thing)
            return replace(outline, label=label, effort=outline.effort + chosen)
        box = self._box(thing.mask)
        found = self._until_good(thing, cut((), box, None), box, cut, Effort(corner=2, judge=1) + chosen)
        return replace(found, label=label)

    def _mended(self, thing: Thing, proposal: Thing, number: int, cut: Cut | None) -> Annotated:
        """A proposal of this object, its class set right and its mask mended."""
        found = self._until_good(thing, proposal.mask, proposal.box, cut, Effort())
        made_by: Hand = "proposal" if found.mask is proposal.mask else found.made_by
        if proposal.label == thing.label:
            label, choice = thing.label, Effort()
        elif self._happens(self.habits.accepts_bad):
            label, choice = proposal.label, Effort()
        else:
            label, choice = self._label(thing.label), Effort(label=1)
        return replace(found, label=label, made_by=made_by, proposed=number, effort=found.effort + choice)

    def _until_good(
        self, thing: Thing, mask: Mask, box: Box | None, cut: Cut | None, effort: Effort
    ) -> Annotated:
        """Click on what is wrong until it looks good enough; use the pen once clicks do not help.

        A mask made from a box is made anew from box and clicks; any other is mended around the clicks.
        """
        clicks: list[Click] = []
        first, seen = mask_iou(thing.mask, mask), self._seen(thing, mask)
        while seen < self.habits.goal and not self._happens(self.habits.accepts_bad):
            click = self._click(thing.mask, mask, clicks)
            if cut is None or len(clicks) >= self.habits.patience or click is None:
                return self._by_pen(thing, mask, clicks, first, effort)
            changed = cut([*clicks, click], box, mask if box is None else None)
            effort += Effort(click=1)
            now = self._seen(thing, changed)
            if now < seen:
                return self._by_pen(thing, mask, clicks, first, effort + Effort(undo=1))
            clicks.append(click)
            mask, seen = changed, now
        return Annotated(
            thing.label, mask, clicks=tuple(clicks), made_by="clicks", first=first,
            iou=mask_iou(thing.mask, mask), effort=effort,
        )  # fmt: skip

    def _by_pen(
        self, thing: Thing, mask: Mask, clicks: Sequence[Click], first: float, effort: Effort
    ) -> Annotated:
        """The mask mended by outlines around what is wrong, or drawn anew, whichever takes fewer vertices."""
        done, habits = self._outline(thing), self.habits
        if habits.mends and mask_iou(thing.mask, mask) >= habits.usable:
            fewer, goal, shake = done.effort.vertex - 1, habits.goal, habits.vertex_px
            pieces = mended(thing.mask, mask, self.rng, goal=goal, jitter_px=shake, most=fewer)
            done = done if pieces is None else _drawn(thing, pieces, "mended")
        return replace(done, clicks=tuple(clicks), first=first, effort=effort + done.effort)

    def _outline(self, thing: Thing) -> Annotated:
        habits = self.habits
        drawn = traced(thing.mask, self.rng, goal=habits.goal, jitter_px=habits.vertex_px)
        return _drawn(thing, drawn, "outline")

    def _seen(self, thing: Thing, mask: Mask) -> float:
        """The IoU that they see."""
        return mask_iou(thing.mask, mask) + float(self.rng.normal(0, self.habits.misjudged))

    def _click(self, truth: Mask, mask: Mask, clicks: Sequence[Click]) -> Click | None:
        """On the largest wrong region, not in its very middle; now and then beside it."""
        best = next_click(truth, mask, clicks)
        if best is None:
            return None
        wrong = (truth & ~mask) if best.positive else (mask & ~truth)
        x, y = _within(_region_at(wrong, (best.x, best.y)), self.rng, self.habits.inside)
        spread = self.habits.jitter_px * (6.0 if self._happens(self.habits.sloppy) else 1.0)
        moved = np.rint(np.array([x, y]) + self.rng.normal(0, spread, 2)).astype(int)
        x, y = np.clip(moved, 0, [truth.shape[1] - 1, truth.shape[0] - 1]).tolist()
        return Click(x, y, best.positive)

    def _box(self, mask: Mask) -> Box:
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        sides = np.array([x, y, x + width, y + height]) + self.rng.normal(0, self.habits.jitter_px, 4)
        x1, y1 = np.clip(sides[:2], 0, [mask.shape[1] - 2, mask.shape[0] - 2]).tolist()
        x2, y2 = np.clip(sides[2:], [x1 + 1, y1 + 1], mask.shape[::-1]).tolist()
        return x1, y1, x2, y2

    def _label(self, label: str) -> str:
        others = [name for name in self.classes if name != label]
        if others and self._happens(self.habits.wrong_class):
            return str(others[int(self.rng.integers(len(others)))])
        return label

    def _happens(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)


def _drawn(thing: Thing, drawn: Traced, hand: Hand) -> Annotated:
    effort, iou = Effort(vertex=drawn.vertices), mask_iou(thing.mask, drawn.mask)
    return Annotated(thing.label, drawn.mask, made_by=hand, iou=iou, effort=effort)


def matched(truth: Sequence[Thing], proposals: Sequence[Thing], usable: float) -> dict[int, int]:
    """Which proposal is taken for which object, the nearest pairs first; none below the usable IoU.

    Args:
        truth: N objects.
        proposals: M of them.
        usable: Least IoU of their masks.

    Returns:
        Number of the proposal, by number of the object.
    """
    pairs = [
        (mask_iou(thing.mask, proposal.mask), n, m)
        for n, thing in enumerate(truth)
        for m, proposal in enumerate(proposals)
    ]
    found: dict[int, int] = {}
    for iou, n, m in sorted(pairs, key=lambda pair: -pair[0]):
        if iou >= usable and n not in found and m not in found.values():
            found[n] = m
    return found


def _region_at(wrong: Mask, place: tuple[int, int]) -> Mask:
    """The connected part of what is wrong that holds a pixel."""
    parts = cv2.connectedComponents(wrong.astype(np.uint8), connectivity=8)[1]
    part = parts[place[1], place[0]]
    return wrong if part == 0 else np.asarray(parts == part)


def _within(region: Mask, rng: Rng, inside: float) -> tuple[int, int]:
    """A pixel of a region, at least so deep as a share of its deepest place."""
    depth = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    places = np.argwhere(depth >= max(inside * float(depth.max()), 1e-3))
    y, x = places[int(rng.integers(len(places)))]
    return int(x), int(y)
