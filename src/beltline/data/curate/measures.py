"""What is measured of each picture, once: everything that filters and the search for duplicates ask."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan
from beltline.data.annotations.image_check import check_image
from beltline.data.curate.alignment import THUMBNAIL, thumbnail
from beltline.data.curate.codes import picture_code
from beltline.data.curate.sharpness import sharpness
from beltline.formats import read_scan
from beltline.formats.limits import read_bytes

Judge: TypeAlias = Callable[[Scan], str | None]
"""Why no model can judge a scan, or None."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_DIGEST = 16
_GREY = 0.06


@dataclass(frozen=True, eq=False)
class Measures:
    """Of N pictures.

    Attributes:
        faults: (N,) text: why one cannot be read, "" for those that can; the rest of their row is 0 then.
        unjudged: (N,) text: why no model can judge it, "" for those that can be.
        sizes: (N, 2) height and width in pixels.
        colored: (N,) whether there are colours in it.
        sharpness: (N,) variance of the Laplacian, see `sharpness`.
        codes: (N,) see `picture_code`.
        thumbnails: (N, S, S) uint8.
        digests: (N, 16) uint8, a hash of the file's bytes.
    """

    faults: NDArray[np.str_]
    unjudged: NDArray[np.str_]
    sizes: NDArray[np.int32]
    colored: NDArray[np.bool_]
    sharpness: NDArray[np.float32]
    codes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    digests: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.faults)


def measure(paths: Sequence[Path], judge: Judge | None = None) -> Measures:
    """Read and measure pictures; what cannot be read is a fault and stops nothing.

    Args:
        paths: JPEG or PNG files: what a set holds.
        judge: Asked of each picture that can be read.
    """
    rows = [_measured(path, judge) for path in paths]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields(Measures))
    kinds = (np.str_, np.str_, np.int32, np.bool_, np.float32, np.uint64, np.uint8, np.uint8)
    shapes: tuple[tuple[int, ...], ...] = ((), (), (2,), (), (), (), (THUMBNAIL, THUMBNAIL), (_DIGEST,))
    return Measures(
        *(
            np.array(column, kind).reshape(len(rows), *shape)
            for column, kind, shape in zip(columns, kinds, shapes, strict=True)
        )
    )


def joined(parts: Sequence[Measures]) -> Measures:
    """Measures of several runs of pictures, one after the other."""
    if len(parts) < 2:  # nothing to copy
        return parts[0] if parts else measure(())
    return Measures(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Measures)))


def to_bytes(measures: Measures) -> bytes:
    """The measures as an npz file."""
    stream = io.BytesIO()
    np.savez(stream, **{f.name: getattr(measures, f.name) for f in fields(Measures)})
    return stream.getvalue()


def from_bytes(data: bytes) -> Measures | None:
    """What `to_bytes` wrote; None if it is damaged or of an older version."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Measures(*(arrays[f.name] for f in fields(Measures)))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None


def luminance_of(scan: Scan) -> NDArray[np.float32]:
    """(H, W) in 0..255: Rec. 601 of colours, the mean of transmissions; air is bright."""
    pixels = np.exp(-scan.pixels) if scan.quantity == "attenuation" else scan.pixels
    weights = _LUMINANCE if scan.channels == ("r", "g", "b") else np.full(len(pixels), 1 / len(pixels))
    return np.asarray(np.tensordot(255 * weights.astype(np.float32), np.clip(pixels, 0, 1), 1), np.float32)


def _measured(path: Path, judge: Judge | None) -> tuple[Any, ...]:
    blank = np.zeros((THUMBNAIL, THUMBNAIL), np.uint8)
    fault = check_image(path).fault  # as import checks it, so that whatever passes can be brought into a set
    try:
        scan = read_scan(path) if fault is None else None
        data = read_bytes(path) if scan is not None else b""
    except BadInputError as error:
        scan, fault = None, str(error).removeprefix(f"{path}: ")
    if scan is None:
        return fault, "", (0, 0), False, 0.0, 0, blank, np.zeros(_DIGEST, np.uint8)
    unjudged = (judge(scan) if judge is not None else None) or ""
    seen = luminance_of(scan)
    digest = np.frombuffer(hashlib.blake2b(data, digest_size=_DIGEST).digest(), np.uint8)
    size = (scan.height, scan.width)
    seen_as = (sharpness(seen), picture_code(seen), thumbnail(seen))
    return "", unjudged, size, _has_colors(scan), *seen_as, digest


def _has_colors(scan: Scan) -> bool:
    """Whether the channels of some per cent of the pixels differ by more than JPEG makes them differ."""
    if scan.channels != ("r", "g", "b"):
        return False
    step = max(1, min(scan.height, scan.width) // 128)
    return bool(np.quantile(np.ptp(scan.pixels[:, ::step, ::step], axis=0), 0.97) > _GREY)
