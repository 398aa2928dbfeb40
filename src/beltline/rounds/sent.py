"""What went out to an annotation tool: ``sent.json`` beside the pictures, the objects as they went out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from beltline.data.annotations import AnnotatedObject, Picture
from beltline.data.annotations.object_facts import MADE_BY, OBJECT_ID, PREDICTED, SCORE
from beltline.formats import write_json
from beltline.formats.json_files import read_json
from beltline.formats.limits import bad
from beltline.rounds.objects import EditedObject
from beltline.rounds.records import PURPOSES, Edit, Item, Purpose

Tool: TypeAlias = Literal["coco", "cvat", "labelstudio"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
SENT = "sent.json"
SENT_VERSION = 1


@dataclass(frozen=True)
class SentItem:
    """One picture that went out.

    Attributes:
        item: Number of the item.
        file: Path of the picture below the folder.
        sha256: Of the picture as it lies there.
        token: Of the lease.
        edits: What the person starts from: the proposal, or for a review the heads.
    """

    item: int
    file: str
    sha256: str
    token: str
    edits: tuple[int, ...]


@dataclass(frozen=True)
class Sent:
    """A folder that went out.

    Attributes:
        tool: Its format.
        person: An author, "person:ann".
        purpose: "label", "double" or "review".
        until: When the leases run out, seconds since 1970.
        items: Its pictures.
    """

    tool: Tool
    person: str
    purpose: Purpose
    until: float
    items: tuple[SentItem, ...]


@dataclass(frozen=True)
class SentObject:
    """An object as it went out.

    Attributes:
        id: That it carries through the tool.
        object: As its edit has it.
        proposed: Its number in the first of the edits; None if it is another's.
    """

    id: str
    object: EditedObject
    proposed: int | None

    def annotated(self) -> AnnotatedObject:
        """As the formats take it."""
        one = self.object
        facts: dict[str, Any] = {OBJECT_ID: self.id, MADE_BY: one.made_by}
        facts |= {} if one.score is None else {SCORE: one.score}
        return AnnotatedObject(one.label, one.box, None if one.mask is None else dict(one.mask), extra=facts)


def sent_objects(edits: Sequence[Edit]) -> list[SentObject]:
    """The objects of the edits that a person starts from; what several heads have alike goes out once.

    Ids follow from the edits, which never change: the same edits give the same ids again.
    """
    found: list[SentObject] = []
    for edit in edits:
        before = [(one.object.label, one.object.box, one.object.mask) for one in found]
        for number, one in enumerate(edit.objects):
            if edit is edits[0] or (one.label, one.box, one.mask) not in before:
                found.append(SentObject(f"e{edit.id}-{number}", one, number if edit is edits[0] else None))
    return found


def sent_picture(item: Item, file: str, edits: Sequence[Edit], tool: Tool) -> Picture:
    """A picture as it goes out.

    To Label Studio everything goes as a prediction: there a task that nobody submitted can be told apart.
    """
    objects = tuple(one.annotated() for one in sent_objects(edits))
    extra = {PREDICTED: True} if tool == "labelstudio" else {}
    return Picture(file, objects, size=item.size, extra=extra)


def write_sent(folder: Path, sent: Sent) -> None:
    """Write ``sent.json``."""
    write_json(folder / SENT, {"schema_version": SENT_VERSION, **asdict(sent)}, indent=1)


def read_sent(folder: Path) -> Sent:
    """What went out with a folder.

    Raises:
        BadInputError: If it has no ``sent.json``, or a damaged one.
    """
    path = folder / SENT
    if not path.is_file():
        raise bad(folder, f"holds no {SENT}; name the folder that beltline rounds out made")
    fields = read_json(path)
    try:
        version = int(fields["schema_version"])
        tool = next(known for known in TOOLS if known == fields["tool"])
        purpose = next(known for known in PURPOSES if known == fields["purpose"])
        items = tuple(_item(row) for row in fields["items"])
        sent = Sent(tool, str(fields["person"]), purpose, float(fields["until"]), items)
    except (KeyError, TypeError, AttributeError, ValueError, StopIteration) as error:
        raise bad(path, f"damaged ({error!r}); send the scans out again") from error
    if version > SENT_VERSION:
        raise bad(path, f"is of version {version}, this Beltline reads {SENT_VERSION}; update it")
    return sent


def _item(row: Any) -> SentItem:
    edits = tuple(int(edit) for edit in row["edits"])
    return SentItem(int(row["item"]), str(row["file"]), str(row["sha256"]), str(row["token"]), edits)
