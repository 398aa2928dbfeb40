"""What is in a scan, and a scan with its labels."""

from dataclasses import dataclass

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", as_boxes(self.boxes))
        object.__setattr__(self, "labels", tuple(self.labels))
        if len(self.labels) != len(self.boxes):
            raise ShapeError(f"{len(self.boxes)} boxes but {len(self.labels)} labels")
        if self.masks is not None and len(self.masks) != len(self.boxes):
            raise ShapeError(f"{len(self.boxes)} boxes but {len(self.masks)} masks")
        if self.scores is not None:
            scores = np.asarray(self.scores, dtype=np.float32)
            if scores.shape != (len(self.boxes),):
                raise ShapeError(f"{len(self.boxes)} boxes but scores of shape {scores.shape}")
            if not ((scores >= 0) & (scores <= 1)).all():
                raise ValueError("scores must be in [0, 1]; apply the sigmoid first")
            object.__setattr__(self, "scores", scores)

    def __len__(self) -> int:
        return len(self.labels)


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
