"""What is in a scan, and a scan with its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core.boxes import as_boxes
from beltline.core.errors import ShapeError
from beltline.core.masks import Masks
from beltline.core.scan import Scan


@dataclass(frozen=True, eq=False)
class Instances:
    """N objects of one scan.

    Attributes:
        boxes: Shape (N, 4), xyxy pixels, right and bottom exclusive.
        labels: N names of the taxonomy.
        scores: Shape (N,), in [0, 1]; None for ground truth.
        masks: N amodal masks, or None.
        ignored: Shape (N,), objects that are neither to be found nor missed (VOC's difficult, COCO's crowd);
            None if all count.
        occlusion: Shape (N,), share in [0, 1] of each object's optical depth that other things add, NaN
            where not known; None if not known of any.

    Raises:
        ShapeError: If the counts differ.
        ValueError: If boxes are not ordered corners or a score is outside [0, 1].

    Example:
        >>> found = Instances(np.array([[1, 2, 5, 9]]), ("knife",), scores=np.array([0.9]))
        >>> len(found), found.labels
        (1, ('knife',))
    """

    boxes: NDArray[np.float32]
    labels: tuple[str, ...]
    scores: NDArray[np.float32] | None = None
    masks: Masks | None = None
    ignored: NDArray[np.bool_] | None = None
    occlusion: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", as_boxes(self.boxes))
        object.__setattr__(self, "labels", tuple(self.labels))
        if len(self.labels) != len(self.boxes):
            raise ShapeError(f"{len(self.boxes)} boxes but {len(self.labels)} labels")
        if self.masks is not None and len(self.masks) != len(self.boxes):
            raise ShapeError(f"{len(self.boxes)} boxes but {len(self.masks)} masks")
        self._set_column("scores", np.float32)
        self._set_column("ignored", np.bool_)
        self._set_column("occlusion", np.float32)
        if self.scores is not None and not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError("scores must be in [0, 1]; apply the sigmoid first")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Shape (N,), the objects that are not ignored."""
        return np.ones(len(self), np.bool_) if self.ignored is None else ~self.ignored

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Instances:
        """Some of the objects, by number."""
        index = np.asarray(rows, np.intp)

        def column(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if values is None else values[index]

        return Instances(
            self.boxes[index],
            tuple(self.labels[row] for row in index),
            column(self.scores),
            None if self.masks is None else self.masks.take(index),
            column(self.ignored),
            column(self.occlusion),
        )

    def _set_column(self, name: str, kind: type[np.generic]) -> None:
        values = getattr(self, name)
        if values is None:
            return
        column = np.asarray(values, dtype=kind)
        if column.shape != (len(self.boxes),):
            raise ShapeError(f"{len(self.boxes)} boxes but {name} of shape {column.shape}")
        object.__setattr__(self, name, column)


@dataclass(frozen=True, eq=False)
class Sample:
    """A scan with what is known about it.

    Attributes:
        scan: The scan.
        image_labels: Shape (K,), 0, 1 or NaN (not annotated), or None.
        instances: The annotated objects, or None where nobody annotated; an empty one says "none there".

    Raises:
        ShapeError: If masks have another size than the scan.
        ValueError: If an image label is none of 0, 1, NaN.
    """

    scan: Scan
    image_labels: NDArray[np.float32] | None = None
    instances: Instances | None = None

    def __post_init__(self) -> None:
        if self.image_labels is not None:
            labels = np.asarray(self.image_labels, dtype=np.float32)
            if labels.ndim != 1:
                raise ShapeError(f"image_labels must be (K,), got {labels.shape}")
            if not (np.isnan(labels) | (labels == 0) | (labels == 1)).all():
                raise ValueError("image_labels must be 0, 1 or NaN; SIXray's -1 means 0")
            object.__setattr__(self, "image_labels", labels)
        masks = self.instances.masks if self.instances is not None else None
        if masks is not None and masks.size != (self.scan.height, self.scan.width):
            raise ShapeError(f"masks of size {masks.size} in a scan of {self.scan.height}x{self.scan.width}")
