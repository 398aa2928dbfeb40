"""Batches decoded from image files: real data sets that do not fit in memory."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from beltline.core import BadInputError, ShapeError
from beltline.data.annotations import ImageList
from beltline.formats import MAX_PIXELS, MIN_SIDE, decode_scan
from beltline.training.ahead import built_ahead
from beltline.training.arrays import ImageBatch, as_input

OnError = Literal["raise", "skip"]
Pixels = NDArray[np.uint8]

_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)


@dataclass(frozen=True, eq=False)
class FileBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the files, the seed and ``i``.

    The released CHR recipe: warp to ``warp`` x ``warp``, flip left to right, cut ``size`` x ``size`` at
    random; where the crop is the larger one, the rest is white (air).

    Attributes:
        images: Files and labels.
        batch_size: Images a batch; the last of an epoch are followed by the first of the next.
        size: Side of what the network sees, in pixels.
        warp: Side to which the whole image is warped before the crop, in pixels.
        seed: Of order, flips and crops.
        workers: Threads that prepare batches ahead; OpenCV and NumPy release the interpreter's lock.
        train: False keeps the order of the files and warps to ``size`` without flip and crop.
        on_error: ``skip`` puts the next sample of the epoch in the place of an unreadable file.
        unreadable: Files skipped so far.

    Raises:
        BadInputError: If there is no image, or one (with ``skip``: every one) cannot be read.
        ValueError: If a number is below 1 or ``on_error`` is another word.

    Source:
        methods.md, section 1.3 (the released code's main.py and engine.py).

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> root = Path(folder.name)
        >>> cv2.imwrite(str(root / "bag.png"), np.full((40, 60, 3), 255, np.uint8))
        True
        >>> images = ImageList(root, ("bag.png",), np.ones((1, 5), np.float32), tuple("abcde"))
        >>> batch = next(FileBatches(images, batch_size=2, size=32, warp=36)(0))
        >>> batch.image.shape, batch.labels.shape
        (torch.Size([2, 3, 32, 32]), torch.Size([2, 5]))
        >>> folder.cleanup()
    """

    images: ImageList
    batch_size: int
    size: int = 224
    warp: int = 256
    seed: int = 0
    workers: int = 2
    train: bool = True
    on_error: OnError = "raise"
    unreadable: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        if not len(self.images):
            raise BadInputError(f"{self.images.root}: expected images to train on, found none")
        numbers = (self.batch_size, self.size, self.warp, self.workers)
        if min(numbers) < 1:
            raise ValueError(f"batch_size, size, warp and workers must be at least 1, got {numbers}")
        if self.on_error not in get_args(OnError):
            raise ValueError(f"on_error must be one of {get_args(OnError)}, got {self.on_error!r}")

    def __call__(self, start: int, stride: int = 1) -> Iterator[ImageBatch]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        return built_ahead(self.build, itertools.count(start, stride), self.workers, "files")

    def build(self, index: int) -> ImageBatch:
        """Batch number ``index``."""
        image = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        labels = np.empty((self.batch_size, len(self.images.classes)), np.float32)
        for slot in range(self.batch_size):
            image[slot], row = self._sample(index * self.batch_size + slot)
            labels[slot] = self.images.labels[row]
        return ImageBatch(as_input(image), torch.from_numpy(labels))

    def _sample(self, position: int) -> tuple[Pixels, int]:
        count = len(self.images)
        order = _epoch_order(self.seed, position // count, count) if self.train else np.arange(count)
        for step in range(count):
            row = int(order[(position + step) % count])
            try:
                return self._view(row, position), row
            except BadInputError:
                if self.on_error == "raise":
                    raise
                self.unreadable.add(self.images.files[row])
        raise BadInputError(f"{self.images.root}: none of the {count} images can be read")

    def _view(self, row: int, position: int) -> Pixels:
        side = self.warp if self.train else self.size
        pixels = warp_to(read_pixels(self.images.path(row), side), side)
        if not self.train:
            return pixels
        rng = np.random.default_rng((self.seed, 1, position))
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        return _random_crop(pixels, self.size, rng)


def whole_images(
    images: ImageList, *, batch_size: int, size: int = 224, workers: int = 2, on_error: OnError = "raise"
) -> Iterator[tuple[NDArray[np.intp], Tensor]]:
    """Every image once, in order, warped to ``size`` x ``size``, for measuring.

    Args:
        images: Files; a box in pixels of the file scales with each axis on its own.
        batch_size: Images a batch; the last one may be smaller.
        size: Side of what the network sees, in pixels.
        workers: Threads that prepare batches ahead.
        on_error: ``skip`` leaves unreadable files out, so that their rows do not come up.

    Yields:
        Rows of the batch (B,), and images (B, 3, size, size) float32 in 0..1.

    Raises:
        BadInputError: Naming the first file that cannot be read.
    """

    def build(first: int) -> tuple[NDArray[np.intp], Tensor]:
        rows, pixels = [], []
        for row in range(first, min(first + batch_size, len(images))):
            try:
                pixels.append(warp_to(read_pixels(images.path(row), size), size))
                rows.append(row)
            except BadInputError:
                if on_error == "raise":
                    raise
        stacked = np.stack(pixels) if pixels else np.empty((0, size, size, 3), np.uint8)
        return np.array(rows, np.intp), as_input(stacked)

    return built_ahead(build, range(0, len(images), batch_size), workers, "files")


def read_pixels(path: Path, side: int) -> Pixels:
    """Decode an image, a JPEG no larger than needed.

    A JPEG of at least twice ``side`` both ways is decoded at 1/2, 1/4 or 1/8 of its size, which costs a
    fraction. Palettes, grey and CMYK become RGB, alpha goes over white, EXIF rotation is not applied.

    Args:
        path: JPEG, PNG or BMP, or what `decode_scan` reads; the content decides, not the name.
        side: The image will be scaled to ``side`` x ``side``, in pixels.

    Returns:
        (h, w, 3) RGB, ``h`` and ``w`` at least ``side`` where the file's are.

    Raises:
        BadInputError: Naming the file and the reason: missing, cut off, damaged, outside the size limits.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror or error})") from error
    flags = _fast_flags(path, data, side)
    if flags is None:
        return _by_scan(path, data)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        return _by_scan(path, data)  # which knows the reason
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def warp_to(pixels: Pixels, side: int) -> Pixels:
    """The whole image at ``side`` x ``side``, each axis scaled on its own, without aliasing.

    A triangle filter as wide as PIL's, in steps that are fast: down to half by three taps of the same
    variance and bilinear interpolation, beyond that by averaging areas.

    Args:
        pixels: (h, w, 3).
        side: Side of the result, in pixels.

    Raises:
        ShapeError: If the image is empty.
    """
    if pixels.ndim != 3 or not pixels.size:
        raise ShapeError(f"expected an (h, w, 3) image, got {pixels.shape}")
    height, width = pixels.shape[:2]
    if max(height, width) > 2 * side:
        smaller = (min(width, side), min(height, side))
        pixels = np.asarray(cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    elif max(height, width) > side:
        smooth = cv2.sepFilter2D(pixels, -1, _taps(width / side), _taps(height / side))
        pixels = np.asarray(smooth, np.uint8)
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _taps(ratio: float) -> NDArray[np.float64]:
    # Triangle of half-width r: variance r^2 / 6, of which bilinear interpolation brings 1 / 6; taps
    # (a, 1 - 2 a, a) have 2 a.
    a = max(0.0, (ratio * ratio - 1) / 12)
    return np.array([a, 1 - 2 * a, a])


@lru_cache(maxsize=4)
def _epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.intp]:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _random_crop(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    missing = size - pixels.shape[0]
    if missing > 0:
        out = np.full((size, size, 3), 255, np.uint8)
        top, left = rng.integers(0, missing + 1, 2)
        out[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        return out
    top, left = rng.integers(0, -missing + 1, 2)
    return pixels[top : top + size, left : left + size]


def _fast_flags(path: Path, data: bytes, side: int) -> int | None:
    # OpenCV's flags for the plain cases it decodes faithfully, None for all others
    try:
        header = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "BMP"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None
    height, width = header.height, header.width
    plain = header.mode in ("RGB", "L") and "transparency" not in header.info
    if not plain or min(height, width) < MIN_SIDE or height * width > MAX_PIXELS or not _complete(data):
        return None
    if header.format == "BMP":
        return int(cv2.IMREAD_COLOR)
    if header.format == "JPEG":
        for factor, flags in _REDUCED:
            if min(height, width) >= factor * side:
                return int(flags)
    return int(cv2.IMREAD_COLOR)


def _complete(data: bytes) -> bool:
    # OpenCV fills what is cut off with grey and says nothing; the careful reader refuses it
    if data.startswith(b"\xff\xd8"):
        return data.rstrip(b"\x00").endswith(b"\xff\xd9")
    return data.startswith(b"BM") or b"IEND" in data[-64:]


def _by_scan(path: Path, data: bytes) -> Pixels:
    pixels: NDArray[Any] = decode_scan(data, path).pixels
    if pixels.shape[0] == 1:
        pixels = np.repeat(pixels, 3, axis=0)
    if pixels.shape[0] != 3:
        raise BadInputError(
            f"{path}: expected grey or colour, got {pixels.shape[0]} channels; export it as PNG"
        )
    scaled = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(scaled, 0, 2))
