"""What a round cost and what came of it, from its edits alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beltline.core import Masks
from beltline.rounds.gate import kappa
from beltline.rounds.objects import EditedObject, masks_of
from beltline.rounds.records import Edit, Item, RoundRecord
from beltline.rounds.store import Store


@dataclass(frozen=True)
class ProposalFate:
    """A proposed mask beside what stands in its place.

    Attributes:
        item: Number of the item.
        label: What stands, or what was proposed where nothing does.
        iou: Of the two masks; 0 where the proposal was deleted.
        proposed: The proposal's object.
        standing: What stands, or None.
    """

    item: int
    label: str
    iou: float
    proposed: EditedObject
    standing: EditedObject | None


def standing(history: Sequence[Edit]) -> Edit | None:
    """The newest review of an item, else its newest label, else None."""
    for kind in ("review", "label"):
        found = [edit for edit in history if edit.kind == kind]
        if found:
            return found[-1]
    return None


def fates(item: Item, history: Sequence[Edit]) -> list[ProposalFate]:
    """What became of each proposal of an item that somebody has looked at."""
    final = standing(history)
    by_id = {edit.id: edit for edit in history}
    if final is None:
        return []
    proposal = _proposal_below(final, by_id)
    if proposal is None:
        return []
    grown = _grown_from(final, proposal, by_id)
    made = masks_of(proposal.objects, item.size)
    kept = masks_of(final.objects, item.size)
    found = []
    for number, one in enumerate(proposal.objects):
        heir = grown.get(number)
        iou = 0.0 if heir is None else float(Masks.iou(made.take([number]), kept.take([heir]))[0, 0])
        after = None if heir is None else final.objects[heir]
        found.append(ProposalFate(item.id, (after or one).label, iou, one, after))
    return found


def figures_of(items: Mapping[int, Item], histories: Mapping[int, Sequence[Edit]]) -> dict[str, Any]:
    """Figures of some items, by number.

    Returns:
        ``items``, ``labelled``, ``reviewed``; ``masks`` that stand; ``clicks`` stored with masks in labels
        and reviews (None where people drew masks and no click is stored: files do not tell corners of boxes
        and outlines); ``seconds`` of both (None where nobody measured); ``first_iou``, the mean of proposals
        that stand in some form; ``accepted``, ``deleted``, ``added`` of proposals and objects; ``changed`` of
        ``compared`` objects in review; ``kappa`` of classes in label and review; ``classes``, masks by label.
    """
    ends = {item: standing(history) for item, history in histories.items()}
    done = {item: edit for item, edit in ends.items() if edit is not None}
    judged = [e for history in histories.values() for e in history if e.kind in ("label", "review")]
    timed = [edit.seconds for edit in judged if edit.seconds is not None]
    masks = [one for edit in done.values() for one in edit.objects]
    lives = [fate for item in done for fate in fates(items[item], histories[item])]
    kept = [fate.iou for fate in lives if fate.standing is not None]
    changed, compared, pairs = _reviews(items, histories)
    return {
        "items": len(items),
        "labelled": len(done),
        "reviewed": sum(edit.kind == "review" for edit in done.values()),
        "masks": len(masks),
        "clicks": _clicks([one for edit in judged for one in edit.objects]),
        "seconds": round(sum(timed), 1) if timed else None,
        "first_iou": round(sum(kept) / len(kept), 4) if kept else None,
        "accepted": sum(iou > 0.999 for iou in kept),
        "deleted": len(lives) - len(kept),
        "added": len(masks) - len(kept),
        "changed": changed,
        "compared": compared,
        "kappa": round(kappa([a for a, _ in pairs], [b for _, b in pairs]), 4) if pairs else None,
        "classes": dict(Counter(one.label for one in masks)),
    }


def current_figures(store: Store, record: RoundRecord) -> dict[str, Any]:
    """Figures of a round as its edits are now."""
    numbers = [one.item for one in record.picked]
    histories: dict[int, list[Edit]] = {number: [] for number in numbers}
    for edit in store.edits.find(numbers):
        histories[edit.item].append(edit)
    return figures_of({item.id: item for item in store.items.get_all(numbers)}, histories)


def per_mask(figures: Mapping[str, Any], name: str) -> float | None:
    """Clicks or seconds for each mask that stands; None where nothing is known."""
    value = figures.get(name)
    return None if value is None or not figures.get("masks") else value / figures["masks"]


def change_rate(figures: Mapping[str, Any]) -> float | None:
    """Share of objects that reviewers changed; None before anything is reviewed."""
    return figures["changed"] / figures["compared"] if figures.get("compared") else None


def _clicks(objects: Sequence[EditedObject]) -> int | None:
    """Clicks stored with objects; None where people drew some of them and nothing told how."""
    drawn = any(one.made_by.startswith("person:") for one in objects)
    return sum(len(one.clicks) for one in objects) or (None if drawn else 0)


def _reviews(
    items: Mapping[int, Item], histories: Mapping[int, Sequence[Edit]]
) -> tuple[int, int, list[tuple[str, str]]]:
    """Objects changed and compared in reviews of labels, and the classes of those that stand in both."""
    changed, compared, pairs = 0, 0, []
    for history in histories.values():
        by_id = {edit.id: edit for edit in history}
        for review in (edit for edit in history if edit.kind == "review" and edit.base in by_id):
            label = by_id[review.base]  # type: ignore[index]  # asked above
            kept = {one.proposed: one for one in review.objects if one.proposed is not None}
            both = [(label.objects[n], one) for n, one in kept.items() if n < len(label.objects)]
            added = len(review.objects) - len(both)
            changed += added + len(label.objects) - len(both)
            changed += sum(a.label != b.label or a.mask != b.mask for a, b in both)
            compared += len(label.objects) + added
            pairs += [(a.label, b.label) for a, b in both]
    return changed, compared, pairs


def _proposal_below(edit: Edit, by_id: Mapping[int, Edit]) -> Edit | None:
    """The proposal that an edit goes back to by its first bases."""
    while edit.base is not None and edit.base in by_id:
        edit = by_id[edit.base]
        if edit.kind == "proposal":
            return edit
    return None


def _grown_from(final: Edit, proposal: Edit, by_id: Mapping[int, Edit]) -> dict[int, int]:
    """Number of the object in the final edit, by the number of the proposal's object that it grew from."""
    edit, now = final, {number: number for number in range(len(final.objects))}
    while edit.id != proposal.id:
        now = {
            number: before
            for number, place in now.items()
            if (before := edit.objects[place].proposed) is not None
        }
        assert edit.base is not None  # or the proposal would not be below it
        edit = by_id[edit.base]
    return {place: number for number, place in now.items()}
