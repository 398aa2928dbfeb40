"""What a scan file may be, checked from its header before a pixel is decoded."""

import struct
from pathlib import Path

from beltline.core import BadInputError

MAX_PIXELS = 64_000_000
MAX_FILE_BYTES = 1_000_000_000
MIN_SIDE = 8


def bad(path: str | Path, reason: str) -> BadInputError:
    """The one clear line: file and reason."""
    return BadInputError(f"{path}: {' '.join(reason.split())}")


def check_size(path: str | Path, height: int, width: int) -> None:
    """Refuse zero size, strips and bombs.

    Raises:
        BadInputError: Naming the file, the size and the limit.
    """
    if height < 1 or width < 1:
        raise bad(path, f"zero size ({width}x{height} pixels)")
    if height * width > MAX_PIXELS:
        raise bad(path, f"{width}x{height} pixels are above the limit of {MAX_PIXELS // 1_000_000} MP")
    if min(height, width) < MIN_SIDE:
        raise bad(path, f"a strip of {width}x{height} pixels; a scan has at least {MIN_SIDE} each way")


def read_bytes(path: Path) -> bytes:
    """The whole file.

    Raises:
        BadInputError: If it is missing, a folder, unreadable, empty or larger than ``MAX_FILE_BYTES``.
    """
    try:
        if path.is_dir():
            raise bad(path, "is a folder, not a file")
        size = path.stat().st_size
        if not path.is_file():
            raise bad(path, "is not a regular file")
        if size == 0:
            raise bad(path, "empty file (0 bytes)")
        if size > MAX_FILE_BYTES:
            raise bad(path, f"{size} bytes are above the limit of {MAX_FILE_BYTES}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise bad(path, "no such file") from error
    except OSError as error:
        raise bad(path, f"cannot be read ({error.strerror or error})") from error


def header_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) that a PNG or JPEG header declares; None for others or where it is cut off.

    Read by hand because Pillow warns about a bomb only after it has opened it.
    """
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return height, width
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
