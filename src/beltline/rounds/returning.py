"""Files that come back from an annotation tool become edits: one an item, each mask by who drew it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from beltline.core import BadInputError, FailedScan, Masks, ShapeError
from beltline.data.annotations import (
    Annotated,
    AnnotatedObject,
    Match,
    Picture,
    compare_returned,
    read_annotated,
)
from beltline.data.annotations.annotated import usable_box
from beltline.data.annotations.losses import UNREAD, Losses
from beltline.data.annotations.polygons import run_length
from beltline.formats import sha256_of, write_json
from beltline.formats.limits import bad
from beltline.rounds.objects import EditedObject
from beltline.rounds.project import Project
from beltline.rounds.records import Edit, Item, Kind
from beltline.rounds.sent import Sent, SentItem, SentObject, Tool, read_sent, sent_objects, sent_picture
from beltline.rounds.store import Store
from beltline.rounds.storing import digest_of

RETURNED = "returned.json"
Word: TypeAlias = Literal["stored", "conflict", "again", "untouched", "absent", "refused"]
WORDS: Mapping[Word, str] = {
    "stored": "stored", "conflict": "stored beside the work of somebody else: a conflict",
    "again": "as stored before", "untouched": "as sent; with --all-seen they count as found right",
    "absent": "not annotated yet", "refused": "refused",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        item: Number of the item; None of a picture that does not belong.
        file: As it went out, or as it came.
        word: "stored", "conflict" (stored, and somebody else's work stands beside it), "again" (stored
            before), "untouched" (as it went out, so perhaps nobody looked), "absent" (not back, or nobody
            annotated it), "refused".
        objects: By what became of them: "unchanged", "changed", "relabelled", "added", "deleted".
        reason: Why it was refused; of a conflict, whose work stands.
    """

    item: int | None
    file: str
    word: Word
    objects: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class CameBack:
    """What `bring_back` did.

    Attributes:
        outcomes: Of every picture that was sent, and of those that came besides.
        losses: What could not be taken over.
        notes: What else was odd, a line each.
    """

    outcomes: tuple[Outcome, ...]
    losses: Losses
    notes: tuple[str, ...]

    @property
    def refused(self) -> tuple[FailedScan, ...]:
        """Pictures that were passed over, and why."""
        return tuple(FailedScan(one.file, one.reason) for one in self.outcomes if one.word == "refused")

    def counts(self) -> dict[str, int]:
        """Pictures by what became of them, all six words named."""
        found = Counter(one.word for one in self.outcomes)
        return {word: found[word] for word in WORDS}

    def objects(self) -> dict[str, int]:
        """Objects of the stored pictures by what became of them."""
        tally: Counter[str] = Counter()
        for one in self.outcomes:
            if one.word in ("stored", "conflict"):
                tally.update(one.objects)
        return dict(tally)

    def lines(self) -> list[str]:
        """For people."""
        rows = [f"{count:10,d} pictures {WORDS[word]}" for word, count in self.counts().items() if count]  # type: ignore[index]
        rows += [f"{count:10,d} objects {name}" for name, count in self.objects().items() if count]
        told = [one for one in self.outcomes if one.reason]
        return [*rows, *(f"{one.file}: {one.word}, {one.reason}" for one in told), *self.notes]

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        outcomes = [
            {
                "item": o.item,
                "file": o.file,
                "outcome": o.word,
                "objects": dict(o.objects),
                "reason": o.reason,
            }
            for o in self.outcomes
        ]
        counts = {"pictures": self.counts(), "objects": self.objects()}
        return {**counts, "outcomes": outcomes, "notes": list(self.notes), "losses": self.losses.to_json()}


def bring_back(
    project: Project,
    out: str | Path,
    returned: str | Path | None = None,
    *,
    person: str | None = None,
    tool: Tool | None = None,
    all_seen: bool = False,
    release: bool = False,
) -> CameBack:
    """Store what a person made of the pictures that went out: one edit a picture, durable when it returns.

    What they left as it was stays made by who made it; what they changed or drew is theirs; what they deleted
    is gone. The same again writes nothing; a corrected file replaces the person's own edit, nobody else's.

    Args:
        project: Which.
        out: The folder of `send_out`.
        returned: The file or folder that the tool exported; None if it lies in ``out`` in the sent one's
            place.
        person: An author; None for the one it was sent to.
        tool: Format of what came back; None for the one that it was sent as.
        all_seen: Take pictures that are as they went out for looked at and right. CVAT and COCO do not tell
            them from pictures that nobody opened, so they are left alone otherwise. Label Studio tells.
        release: Give the leases of pictures back that were not stored.

    Returns:
        What became of each; also written to ``returned.json`` in ``out``.

    Raises:
        BadInputError: If the folder was sent to somebody else or by another project, the file cannot be read,
            or no picture in it was sent.
    """
    out = Path(out)
    sent = read_sent(out)
    if person not in (None, sent.person):
        raise BadInputError(f"{out}: was sent to {sent.person}, not to {person}")
    store = project.open()
    form = tool or sent.tool
    data = read_annotated(out if returned is None else returned, form)
    work = _Work(project, store, sent, out, Losses(), sure=all_seen or form == "labelstudio")
    outcomes, notes = work.outcomes(data)
    if release:
        done = {one.item for one in outcomes if one.word in ("stored", "conflict", "again")}
        for one in sent.items:
            if one.item not in done:
                store.leases.release(one.token)
    found = CameBack(tuple(outcomes), work.losses, tuple(notes))
    write_json(out / RETURNED, {"source": str(data.root), **found.to_json()}, indent=1)
    return found


@dataclass(frozen=True, eq=False)
class _Work:
    """One folder that comes back."""

    project: Project
    store: Store
    sent: Sent
    out: Path
    losses: Losses
    sure: bool

    def outcomes(self, data: Annotated) -> tuple[list[Outcome], list[str]]:
        for problem, kind in UNREAD.items():
            for line in data.problems.get(problem, ()):
                self.losses.add(kind, line)
        items = {one.item: self.store.items.get(one.item) for one in self.sent.items}
        pairs, refused = self._pairs(data.pictures, items)
        if data.pictures and not pairs and all(one.item is None for one in refused):
            first = data.pictures[0].file
            raise bad(data.root, f"none of {len(data)} pictures that came back was sent, first {first[:80]}")
        edits = {one.item: self.store.edits.get(one.edits) for one, _ in pairs}
        before = [sent_picture(items[one.item], one.file, edits[one.item], "coco") for one, _ in pairs]
        found = compare_returned(
            Annotated(self.out, self.project.classes, tuple(before)),
            Annotated(data.root, data.classes, tuple(back for _, back in pairs), data.problems),
        )
        kinds = ("unchanged", "changed", "relabelled")
        matches: dict[str, list[tuple[str, Match]]] = {}
        for kind in kinds:
            for match in getattr(found, kind):
                matches.setdefault(match.picture, []).append((kind, match))
        gone = Counter(file for file, _ in found.deleted)
        outcomes = list(refused)
        for one in self.sent.items:
            if one.file in found.pictures:
                back, own = found.pictures[one.file], matches.get(one.file, [])
                tally = Counter(kind for kind, _ in own)
                tally["added"], tally["deleted"] = len(back.objects or ()) - len(own), gone[one.file]
                objects = sent_objects(edits[one.item])
                outcomes.append(self._outcome(one, items[one.item], back, objects, own, +tally))
            elif one.item not in {other.item for other in refused}:
                outcomes.append(Outcome(one.item, one.file, "absent"))
        return outcomes, list(found.notes)

    def _pairs(
        self, pictures: Iterable[Picture], items: Mapping[int, Item]
    ) -> tuple[list[tuple[SentItem, Picture]], list[Outcome]]:
        """Pictures that can be taken, each with what was sent, and those that cannot."""
        by_stem = {Path(one.file).stem: one for one in self.sent.items}
        pairs: dict[int, tuple[SentItem, Picture]] = {}
        refused: list[Outcome] = []
        for picture in pictures:
            one = by_stem.get(picture.stem)
            if one is None:
                refused.append(Outcome(None, picture.file, "refused", reason="was not sent with this folder"))
            elif one.item in pairs:
                refused.append(Outcome(None, picture.file, "refused", reason="came twice; the first counts"))
            elif (reason := self._fault(one, items[one.item], picture)) is not None:
                refused.append(Outcome(one.item, one.file, "refused", reason=reason))
            else:
                pairs[one.item] = one, picture
        return list(pairs.values()), refused

    def _fault(self, one: SentItem, item: Item, back: Picture) -> str | None:
        """Why masks on this picture cannot be trusted."""
        if back.fault is not None:
            return f"cannot be read ({back.fault})"
        if back.size is not None and back.size != item.size:
            came, went = (f"{width}x{height}" for height, width in (back.size, item.size))
            return f"came back as {came} pixels but went out as {went}"
        path = self.out / one.file
        if path.is_file() and sha256_of(path) != one.sha256:
            return "the picture has changed since it was sent; masks on it may not fit the scan"
        known = self.project.classes
        strange = next((o.label for o in back.objects or () if o.label not in known), None)
        if strange is not None:
            return f"{strange!r} is none of the project's classes ({', '.join(known)}); rename it"
        try:
            for one_object in back.objects or ():
                if one_object.outline:
                    run_length(one_object.outline, item.size)
        except ShapeError as error:
            return f"a mask does not fit ({error})"
        return None

    def _outcome(
        self,
        one: SentItem,
        item: Item,
        back: Picture,
        objects: Sequence[SentObject],
        matches: Sequence[tuple[str, Match]],
        tally: Counter[str],
    ) -> Outcome:
        if not self.sure and not set(tally) - {"unchanged"}:
            return Outcome(one.item, one.file, "untouched", tally)
        by_place = {match.returned: (kind, match) for kind, match in matches}
        made = []
        for place, found in enumerate(back.objects or ()):
            kind, match = by_place.get(place, ("added", None))
            old = None if match is None else objects[match.sent]
            same = kind == "unchanged" or (match is not None and kind == "relabelled" and match.iou == 1)
            new = _kept(old, found.label) if old is not None and same else self._drawn(found, item, old)
            if new is None:
                self.losses.add("no_area", one.file)
            else:
                made.append(new)
        return self._stored(one, item, made, tally)

    def _drawn(self, found: AnnotatedObject, item: Item, old: SentObject | None) -> EditedObject | None:
        """An object that the person drew; None without area."""
        maker, proposed = self.sent.person, None if old is None else old.proposed
        if not found.outline:
            box = usable_box(found, item.size)
            return None if box is None else EditedObject(found.label, box, maker, proposed=proposed)
        masks = Masks.from_coco([run_length(found.outline, item.size)], item.size)
        if not masks.areas()[0]:
            return None
        left, top, right, bottom = (float(v) for v in masks.boxes()[0])
        return EditedObject(
            found.label, (left, top, right, bottom), maker, mask=masks.to_coco()[0], proposed=proposed
        )

    def _stored(
        self, one: SentItem, item: Item, made: Sequence[EditedObject], tally: Mapping[str, int]
    ) -> Outcome:
        kind: Kind = "review" if self.sent.purpose == "review" else "label"
        said = digest_of(item.sha256, self.sent.person, kind, made)
        before = self._before(one, kind)
        if before is not None and digest_of(item.sha256, before.author, kind, before.objects) == said:
            return Outcome(one.item, one.file, "again", tally)
        # Of item and content, and of what it replaces: a file that goes back to an earlier state is new.
        key = f"{said} {one.edits} {None if before is None else before.id}"
        request = f"back:{hashlib.sha256(key.encode()).hexdigest()}"
        edit = self.store.edits.submit(one.token, made, request=request, bases=one.edits)
        others = [h.author for h in self.store.edits.heads([one.item])[one.item] if h.id != edit.id]
        if others:
            return Outcome(one.item, one.file, "conflict", tally, f"{', '.join(others)} labelled it too")
        return Outcome(one.item, one.file, "stored", tally)

    def _before(self, one: SentItem, kind: Kind) -> Edit | None:
        """The person's latest edit of the item from the same start."""
        found = [
            edit
            for edit in self.store.edits.history(one.item)
            if (edit.author, edit.kind) == (self.sent.person, kind) and set(edit.bases) == set(one.edits)
        ]
        return found[-1] if found else None


def _kept(old: SentObject, label: str) -> EditedObject:
    """A mask that stayed as it was; the score of another class goes."""
    score = old.object.score if label == old.object.label else None
    return replace(old.object, label=label, score=score, clicks=(), proposed=old.proposed)
