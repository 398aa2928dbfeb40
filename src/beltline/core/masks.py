"""Amodal masks of overlapping objects, held as COCO compressed run lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError
from beltline.core.run_lengths import check_run_lengths


@dataclass(frozen=True, eq=False)
class Masks:
    """N masks of one scan, each a COCO compressed run-length string.

    X-ray objects are transparent, so masks may overlap and each covers its whole object (amodal).

    Attributes:
        counts: N compressed run-length byte strings, column-major as COCO defines them.
        size: (H, W) of the scan, pixels.

    Source:
        COCO mask API, the compressed RLE of pycocotools.

    Example:
        >>> disc = np.zeros((1, 4, 5), bool); disc[0, 1:3, 2] = True
        >>> masks = Masks.encode(disc)
        >>> len(masks), masks.areas().tolist(), bool((masks.decode() == disc).all())
        (1, [2], True)
    """

    counts: tuple[bytes, ...]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        height, width = (int(side) for side in self.size)
        if height < 1 or width < 1:
            raise ShapeError(f"mask size must be positive (H, W), got {self.size}")
        object.__setattr__(self, "size", (height, width))
        object.__setattr__(self, "counts", tuple(bytes(count) for count in self.counts))

    @classmethod
    def encode(cls, masks: NDArray[Any]) -> Masks:
        """Encode boolean masks, shape (N, H, W)."""
        from pycocotools import mask as coco

        array = np.asarray(masks)
        if array.ndim != 3:
            raise ShapeError(f"masks must be (N, H, W), got {array.shape}")
        size = (int(array.shape[1]), int(array.shape[2]))
        if len(array) == 0:
            return cls((), size)
        stack = np.asfortranarray(np.moveaxis(array.astype(bool), 0, 2).astype(np.uint8))
        return cls(tuple(rle["counts"] for rle in coco.encode(stack)), size)

    @classmethod
    def from_coco(cls, segmentations: Sequence[dict[str, Any]], size: tuple[int, int]) -> Masks:
        """Take COCO run-length objects, compressed (string) or not (list of counts).

        Raises:
            ShapeError: If an object has another size than the scan, or counts that do not fill it.
        """
        from pycocotools import mask as coco

        counts = []
        for rle in segmentations:
            own = check_run_lengths(rle)
            if own != tuple(size):
                raise ShapeError(f"mask of size {own} in a scan of size {tuple(size)}")
            value = rle["counts"]
            if isinstance(value, list):
                value = coco.frPyObjects([rle], *size)[0]["counts"]
            counts.append(value.encode("ascii") if isinstance(value, str) else value)
        return cls(tuple(counts), size)

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Masks:
        """Some of the masks, by number."""
        return Masks(tuple(self.counts[int(row)] for row in rows), self.size)

    def to_coco(self) -> list[dict[str, Any]]:
        """N objects ``{"size": [H, W], "counts": str}``, ready for JSON and pycocotools."""
        return [{"size": list(self.size), "counts": count.decode("ascii")} for count in self.counts]

    def decode(self) -> NDArray[np.bool_]:
        """The masks as booleans, shape (N, H, W)."""
        from pycocotools import mask as coco

        if not self.counts:
            return np.zeros((0, *self.size), dtype=bool)
        stacked = coco.decode(self._objects())  # (H, W, N)
        return np.ascontiguousarray(np.moveaxis(stacked, 2, 0)).astype(bool)

    def areas(self) -> NDArray[np.int64]:
        """Pixels in each mask, shape (N,)."""
        from pycocotools import mask as coco

        if not self.counts:
            return np.zeros(0, dtype=np.int64)
        return np.asarray(coco.area(self._objects()), dtype=np.int64)

    def boxes(self) -> NDArray[np.float32]:
        """Tight boxes, shape (N, 4), xyxy, right and bottom exclusive; an empty mask gives zeros."""
        from pycocotools import mask as coco

        if not self.counts:
            return np.zeros((0, 4), dtype=np.float32)
        xywh = np.asarray(coco.toBbox(self._objects()), dtype=np.float32).reshape(-1, 4)
        return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)

    def iou(self, other: Masks) -> NDArray[np.float64]:
        """Intersection over union of every pair, shape (N, M); two empty masks give 0."""
        from pycocotools import mask as coco

        if self.size != other.size:
            raise ShapeError(f"masks of size {self.size} against {other.size}")
        if not self.counts or not other.counts:
            return np.zeros((len(self), len(other)))
        overlap = coco.iou(self._objects(), other._objects(), [False] * len(other))
        return np.nan_to_num(np.asarray(overlap, dtype=np.float64).reshape(len(self), len(other)))

    def _objects(self) -> list[dict[str, Any]]:
        return [{"size": list(self.size), "counts": count} for count in self.counts]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: int) -> NDArray[np.bool_]:
        """One decoded mask, shape (H, W)."""
        mask: NDArray[np.bool_] = Masks((self.counts[index],), self.size).decode()[0]
        return mask

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        return (self[index] for index in range(len(self)))
