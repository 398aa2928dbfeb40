"""What the store keeps and gives back: items, edits, leases, rounds, frozen versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from beltline.core import BadInputError
from beltline.rounds.objects import EditedObject, check_author

State: TypeAlias = Literal["new", "leased", "labelled", "reviewed", "frozen"]
Split: TypeAlias = Literal["pool", "gate"]
Kind: TypeAlias = Literal["proposal", "label", "review"]
Purpose: TypeAlias = Literal["label", "double", "review"]

STATES: tuple[State, ...] = get_args(State)
SPLITS: tuple[Split, ...] = get_args(Split)
KINDS: tuple[Kind, ...] = get_args(Kind)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
JUDGED: tuple[Kind, ...] = ("label", "review")
"""Kinds that say what is in a scan; a proposal only offers."""

LONGEST_REQUEST = 200
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class NewItem:
    """A scan to be annotated.

    Attributes:
        path: Below the source set, with forward slashes.
        sha256: Of the file, 64 hexadecimal letters.
        width: Pixels.
        height: Pixels.
        split: "pool" is trained on, "gate" is annotated too but only ever measured on.

    Raises:
        BadInputError: If one of them is not what it says here.
    """

    path: str
    sha256: str
    width: int
    height: int
    split: Split = "pool"

    def __post_init__(self) -> None:
        if not self.path:
            raise BadInputError("an item needs a path")
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise BadInputError(f"{self.path}: SHA-256 is 64 hexadecimal letters, got {self.sha256[:70]!r}")
        if min(self.width, self.height) < 1:
            raise BadInputError(f"{self.path}: a size must be positive, got {self.width}x{self.height}")
        if self.split not in SPLITS:
            raise BadInputError(f"{self.path}: split must be one of {SPLITS}, got {self.split!r}")


@dataclass(frozen=True)
class Item:
    """A scan of the project.

    Attributes:
        id: Its number in the store.
        path: Below the source set, with forward slashes.
        sha256: Of the file.
        width: Pixels.
        height: Pixels.
        split: "pool" or "gate".
        state: "new", "leased" (new, and somebody is at it), "labelled", "reviewed", "frozen". It is
            "labelled" too while heads stand in conflict.
        double_read: Whether chance chose it to be labelled by two people who do not see each other's work.
        scores: Of the last pick, by name.
    """

    id: int
    path: str
    sha256: str
    width: int
    height: int
    split: Split
    state: State
    double_read: bool = False
    scores: Mapping[str, float] = field(default_factory=lambda: _NOTHING)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width


@dataclass(frozen=True)
class Draft:
    """An edit that the store has not taken yet.

    Attributes:
        item: Number of the item.
        author: "person:ann", "model:starter-click-1@5b7a", "import:cvat".
        kind: "proposal", "label" or "review".
        objects: All objects of the scan as the author has them; none there if empty.
        request: Key that the author draws once for this edit: sent again, it stores nothing again.
        bases: The edits that it started from, the first being the one that ``proposed`` counts in; a review
            names those it judged.
        seconds: Time spent on it; None if nobody measured.

    Raises:
        BadInputError: If one of them is not what it says here.
    """

    item: int
    author: str
    kind: Kind
    objects: tuple[EditedObject, ...]
    request: str
    bases: tuple[int, ...] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "objects", tuple(self.objects))
        object.__setattr__(self, "bases", tuple(dict.fromkeys(int(base) for base in self.bases)))
        check_author(self.author)
        if self.kind not in KINDS:
            raise BadInputError(f"kind must be one of {KINDS}, got {self.kind!r}")
        if not self.request.isprintable() or not 1 <= len(self.request) <= LONGEST_REQUEST:
            most = f"1 to {LONGEST_REQUEST} printable letters"
            raise BadInputError(f"a request key has {most}, got {self.request[:40]!r}")
        if self.kind == "review" and not self.bases:
            raise BadInputError("a review names the edits that it judged (bases), got none")
        if self.seconds is not None and not 0 <= self.seconds < float("inf"):
            raise BadInputError(f"seconds spent are 0 or more, got {self.seconds}")


@dataclass(frozen=True)
class Edit:
    """An edit as stored; it never changes.

    Attributes:
        id: Its number; of two edits of one item the later has the larger.
        item: See `Draft`, as for author, kind, objects, request, bases, seconds.
        author: See `Draft`.
        kind: See `Draft`.
        objects: See `Draft`.
        request: See `Draft`.
        bases: See `Draft`.
        seconds: See `Draft`.
        time: When it was stored, seconds since 1970.
    """

    id: int
    item: int
    author: str
    kind: Kind
    objects: tuple[EditedObject, ...]
    request: str
    bases: tuple[int, ...]
    seconds: float | None
    time: float

    @property
    def base(self) -> int | None:
        """The edit it started from, the first of them, or None."""
        return self.bases[0] if self.bases else None


@dataclass(frozen=True)
class Lease:
    """An item in one person's hands.

    Attributes:
        token: Opens heartbeat, release and submit.
        item: Number of the item.
        person: An author, "person:ann".
        purpose: "label", "double" (a second label, unseen) or "review".
        bases: What the person starts from: the latest proposal if there is one, for a review the heads.
        until: When it returns by itself, seconds since 1970.
    """

    token: str
    item: int
    person: str
    purpose: Purpose
    bases: tuple[int, ...]
    until: float


@dataclass(frozen=True)
class Pick:
    """An item of a round, and why it was picked.

    Attributes:
        item: Its number.
        why: "score", "chance" or another word of the picker.
        scores: The parts of its score.
    """

    item: int
    why: str
    scores: Mapping[str, float] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True)
class RoundRecord:
    """A round of annotation.

    Attributes:
        number: 1, 2, ...
        models: SHA-256 of each model in use, by its name.
        picked: Its items, the most wanted first.
        started: Seconds since 1970.
        figures: JSON values by name.
        verdict: What the gate said of the new model; None before.
    """

    number: int
    models: Mapping[str, str]
    picked: tuple[Pick, ...]
    started: float
    figures: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    verdict: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Version:
    """A frozen list of annotations; it never changes.

    Attributes:
        name: Given once.
        digest: SHA-256 over every scan's and every edit's digest, so that equal annotations have equal ones
            in any store.
        time: When it was frozen, seconds since 1970.
        edits: The head edit of each item, by the item's number.
    """

    name: str
    digest: str
    time: float
    edits: Mapping[int, int]


@dataclass(frozen=True)
class Counts:
    """A project in numbers.

    Attributes:
        states: Items by state, all five named.
        splits: Items by split.
        conflicts: Items with more than one head.
        waiting_double: Labelled items that still want their second reader.
        leases: Live ones, whatever for.
        edits: Stored, by kind.
        authors: Labels and reviews, by author.
    """

    states: Mapping[State, int]
    splits: Mapping[Split, int]
    conflicts: int
    waiting_double: int
    leases: int
    edits: Mapping[Kind, int]
    authors: Mapping[str, int]
