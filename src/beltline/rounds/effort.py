"""What annotation costs a person: what was done, counted, and the seconds that it stands for."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class TimeModel:
    """Seconds per action of a person who knows the tool.

    Attributes:
        look: At a scan, until it has been searched. Reconstructed: screeners have about as long at the belt.
        judge: At one mask, whether it is good. A box is verified in 1.6 to 1.8 s (Papadopoulos et al., We
            don't need no bounding-boxes, CVPR 2016).
        click: That cuts out or mends, with the look at what it did. 2.4 s for the first point of an object
            (Bearman et al., What's the point, ECCV 2016).
        corner: Of a box. Four extreme points of an object take 7.0 s (Papadopoulos et al., Extreme clicking,
            ICCV 2017).
        vertex: Of an outline: a point exactly on the edge, as the extreme points are.
        label: Choosing a class. 1 s per class (Bearman et al.).
        delete: A wrong object. Reconstructed, as choosing a class.
        undo: A click that made the mask worse. Reconstructed, as choosing a class.
    """

    look: float = 4.0
    judge: float = 1.7
    click: float = 2.4
    corner: float = 1.75
    vertex: float = 1.75
    label: float = 1.0
    delete: float = 1.0
    undo: float = 1.0


SECONDS = TimeModel()


@dataclass(frozen=True)
class Effort:
    """Counted actions; efforts add up.

    Example:
        >>> box = Effort(corner=2, click=1, label=1)
        >>> (box + Effort(judge=1)).presses, box.seconds()
        (4, 6.9)
    """

    look: int = 0
    judge: int = 0
    click: int = 0
    corner: int = 0
    vertex: int = 0
    label: int = 0
    delete: int = 0
    undo: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def presses(self) -> int:
        """Every press of the mouse: clicks, corners, vertices, choices of a class, deletions and undoing."""
        return self.click + self.corner + self.vertex + self.label + self.delete + self.undo

    def seconds(self, model: TimeModel = SECONDS) -> float:
        """What they stand for."""
        each = (getattr(self, one.name) * getattr(model, one.name) for one in fields(self))
        return round(float(sum(each)), 3)
