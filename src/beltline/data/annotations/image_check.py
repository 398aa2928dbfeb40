"""Is an image file whole: by its header and end marker, or by decoding it."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from beltline.core import BadInputError
from beltline.formats.images import DECODE_ERRORS
from beltline.formats.limits import MAX_FILE_BYTES, check_size, header_size

_HEAD, _LONG_HEAD, _TAIL = 4096, 1 << 20, 4096
_KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """What a look into one file told.

    Attributes:
        fault: Why it cannot be read, None if it can.
        empty: Whether it has 0 bytes.
        size: (height, width) in pixels, None where the header does not tell.
        wrong_type: Whether the content is another format than the extension says.
        digest: Hash of the bytes, after decoding only.
    """

    fault: str | None = None
    empty: bool = False
    size: tuple[int, int] | None = None
    wrong_type: bool = False
    digest: bytes | None = None


def check_image(path: str | Path, *, deep: bool = False) -> ImageCheck:
    """Look at header and end marker, in some 8 kB; with ``deep`` read, hash and decode the whole file.

    Any content is read that the header tells: scans exist whose extension is wrong. A JPEG has no checksum:
    a changed bit between header and end that still decodes is not found.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            length = os.fstat(stream.fileno()).st_size
            if length == 0:
                return ImageCheck("empty file (0 bytes)", empty=True)
            if length > MAX_FILE_BYTES:
                return ImageCheck(f"{length} bytes are above the limit of {MAX_FILE_BYTES}")
            head = stream.read(length if deep else _HEAD)
            size = header_size(head)
            if size is None and len(head) < length:  # long metadata before the frame
                head += stream.read(_LONG_HEAD)
                size = header_size(head)
            stream.seek(max(0, length - _TAIL))
            tail = stream.read(_TAIL)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        return ImageCheck(f"cannot be read ({getattr(error, 'strerror', None) or error})")
    kind = _kind(head)
    fault = _fault(path, kind, size, tail)
    if fault is None and deep:
        fault = _decode_fault(head)
    wrong = kind is not None and kind != _KINDS.get(path.suffix.lower())
    digest = hashlib.blake2b(head, digest_size=16).digest() if deep else None
    return ImageCheck(fault, False, size, wrong, digest)


def _kind(head: bytes) -> str | None:
    starts = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def _fault(path: Path, kind: str | None, size: tuple[int, int] | None, tail: bytes) -> str | None:
    if kind is None:
        return "neither JPEG nor PNG"
    if size is None:
        return f"{kind} header damaged or cut off"
    try:
        check_size(path, *size)
    except BadInputError as error:
        return str(error).removeprefix(f"{path}: ")
    return None if _ENDS[kind] in tail else f"truncated: the end marker of {kind} is missing"


def _decode_fault(data: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            image.load()
    except (Image.DecompressionBombError, *DECODE_ERRORS) as error:
        return f"damaged ({' '.join(str(error).split())})"
    return None
