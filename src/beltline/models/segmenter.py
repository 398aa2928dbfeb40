"""The interface of every click segmenter: an image and clicks to mask logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from beltline.core.errors import ShapeError


class ClickSegmenter(nn.Module, ABC):
    """A segmenter of any make; images are (B, 3, side, side) RGB in [0, 1], not normalised.

    Attributes:
        promptable: Whether clicks change the answer; a segmenter that does not look at them cuts out whatever
            it holds for foreground, so its scores are no like-for-like comparison.
        side: Side of the square images, pixels.
    """

    promptable: ClassVar[bool] = True
    side: int

    def forward(self, image: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        """Mask logits (B, 1, h, w), h and w a fraction of the side.

        Args:
            image: (B, 3, side, side).
            points: (B, N, 2) xy, pixels of the image.
            labels: (B, N): 1 on the item, 0 beside it, -1 no click (rows differ in their number).

        Raises:
            ShapeError: If one of the shapes is another.
        """
        size = (3, self.side, self.side)
        if image.ndim != 4 or image.shape[1:] != size:
            raise ShapeError(f"expected images (B, {', '.join(map(str, size))}), got {tuple(image.shape)}")
        self._check_clicks(len(image), points, labels)
        return self.decode(self.encode(image), points, labels)

    @abstractmethod
    def encode(self, image: Tensor) -> Any:
        """What `decode` needs of the images; computed once, however many clicks follow."""

    @abstractmethod
    def decode(self, embedding: Any, points: Tensor, labels: Tensor) -> Tensor:
        """Mask logits (B, 1, h, w) of encoded images and their clicks; shapes as for `forward`."""

    @staticmethod
    def _check_clicks(rows: int, points: Tensor, labels: Tensor) -> None:
        if points.ndim != 3 or points.shape[::2] != (rows, 2) or labels.shape != points.shape[:2]:
            raise ShapeError(
                f"expected points ({rows}, N, 2) and labels ({rows}, N), "
                f"got {tuple(points.shape)} and {tuple(labels.shape)}"
            )
