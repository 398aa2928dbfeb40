"""Pictures of the page: embedded while that keeps it small, else in files beside it with thumbnails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.screening.pictures import heat_png, jpeg
from beltline.screening.results import PICTURES, ResultFolder

_MB = 2**20
_THUMB_QUALITY = 50


@dataclass(frozen=True)
class Limits:
    """How large the pictures of a page may be.

    Attributes:
        long_side: Longer side in pixels.
        quality: Of JPEG.
        total_bytes: What the page embeds in all.
        thumb_side: Longer side of thumbnails, for a page whose pictures lie beside it; None embeds the
            pictures themselves.
    """

    long_side: int
    quality: int
    total_bytes: int = 10 * _MB
    thumb_side: int | None = None

    @classmethod
    def for_count(cls, count: int) -> Limits:
        """Smaller pictures for longer reports, so that a browser opens them and a mail carries them."""
        if count <= 60:
            return cls(1100, 84)
        if count <= 150:
            return cls(860, 80)
        if count <= 600:
            return cls(760, 78, 6 * _MB, thumb_side=240)
        return cls(640, 76, 6 * _MB, thumb_side=144)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of one card.

    Attributes:
        embedded: JPEG bytes of the picture or its thumbnail; None where the page has no room for it.
        file: The picture beside the page, as a relative path; None where the embedded one is all.
        heats: Transparent PNG by alarmed class: its bytes, or its relative path.
    """

    embedded: bytes | None = None
    file: str | None = None
    heats: Mapping[str, bytes | str] = field(default_factory=dict)


class Album:
    """Takes the pictures of a run one by one and keeps the page within its limits.

    Args:
        folder: Where the pictures beside the page go.
        limits: See `Limits`.
    """

    def __init__(self, folder: ResultFolder, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._embedded = 0

    def add(
        self, number: int, picture: NDArray[np.uint8], maps: Mapping[str, NDArray[np.float32]]
    ) -> Pictures:
        """Keep one picture, RGB (h, w, 3), and the class maps over it.

        Args:
            number: Of the scan, from 1; part of the file names.
            picture: As large as it is shown.
            maps: Activation (h, w) in 0..1 by class.
        """
        whole = jpeg(picture, quality=self._limits.quality)
        heats = {label: heat_png(activation) for label, activation in maps.items()}
        if self._limits.thumb_side is None and self._fits(len(whole) + sum(map(len, heats.values()))):
            return Pictures(whole, None, heats)
        file = self._write(f"{number:05d}.jpg", whole)
        # the label is not part of the name: it comes from the model's file and may hold anything
        beside = {
            label: self._write(f"{number:05d}_{index}.png", heat)
            for index, (label, heat) in enumerate(heats.items())
        }
        return Pictures(self._thumbnail(picture), file, beside)

    def _thumbnail(self, picture: NDArray[np.uint8]) -> bytes | None:
        side = self._limits.thumb_side
        if side is None:
            return None
        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = jpeg(
            np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), quality=_THUMB_QUALITY
        )
        return small if self._fits(len(small)) else None

    def _fits(self, size: int) -> bool:
        fits = self._embedded + size <= self._limits.total_bytes
        self._embedded += size if fits else 0
        return fits

    def _write(self, name: str, payload: bytes) -> str:
        self._folder.write(f"{PICTURES}/{name}", payload)
        return f"{PICTURES}/{name}"
