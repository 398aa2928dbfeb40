"""Any scan file in, by what its first bytes say."""

import json
from pathlib import Path
from typing import Any

from beltline.core import Scan
from beltline.formats.arrays import npz_to_scan, tiff_to_scan
from beltline.formats.images import image_to_scan
from beltline.formats.limits import bad, read_bytes

SCAN_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".npz")
SET_COMPANIONS = ("raw", "scenes", "masks")  # folders of a set beside images/: the same bags once more
HEAD_BYTES = 32  # what `is_picture` looks at
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def read_scan(path: str | Path) -> Scan:
    """Read a PNG, JPEG, TIFF, BMP, WebP or npz; the content decides, not the file name.

    How the quantity is decided:

    - one 16-bit channel, or one floating-point channel: ``transmission`` ("gray",);
    - two channels (TIFF samples, planes or pages; npz low and high): ``transmission`` ("low", "high");
    - everything else, 8-bit grey and RGB of any depth: ``color``, in [0, 1].

    Integers are divided by their full scale (255 or 65535), floats are taken as they are. Palettes and CMYK
    become RGB, alpha goes over white (white is air), of several pages or frames the first counts. EXIF
    rotation is not applied: annotations refer to the stored pixels.

    Raises:
        BadInputError: One line with the file and the reason: missing, empty, of an unknown type, truncated or
            damaged, above 64 MP or 1 GB of memory, a side under 8 pixels, NaN, or numbers that are no
            transmission.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> from beltline.formats import write_png
        >>> import numpy as np
        >>> path = Path(folder.name) / "bag.png"
        >>> write_png(path, np.full((32, 48, 3), 255, np.uint8))
        >>> scan = read_scan(path)
        >>> scan.quantity, scan.channels, scan.pixels.shape
        ('color', ('r', 'g', 'b'), (3, 32, 48))
        >>> folder.cleanup()
    """
    return decode_scan(read_bytes(Path(path)), path)


def decode_scan(data: bytes, path: str | Path = "upload") -> Scan:
    """The same from bytes, for uploads; ``path`` only names the source in messages."""
    source = Path(path)
    if data.startswith(_TIFF):
        return tiff_to_scan(source, data)
    if is_picture(data):
        return image_to_scan(source, data)
    if data.startswith(b"PK\x03\x04"):
        return npz_to_scan(source, data)
    if data[128:132] == b"DICM":
        raise bad(source, "is DICOM, which this version does not read; export PNG or 16-bit TIFF")
    if not data:
        raise bad(source, "empty file (0 bytes)")
    raise bad(source, "is neither PNG, JPEG, TIFF, BMP, WebP nor npz, whatever its name says")


def is_picture(head: bytes) -> bool:
    """Whether the first `HEAD_BYTES` of a file are those of a PNG, JPEG, TIFF, BMP or WebP."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", *_TIFF)):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    # "BM" alone begins many a text; a bitmap goes on with two reserved zeros and a header of 12 to 124 bytes
    return head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and 12 <= _word(head[14:18]) <= 124


def is_set(folder: Path) -> bool:
    """Whether ``annotations.json`` shows a folder to be a set: it lists a picture in ``images/``.

    A damaged file, or one that is about something else, makes no set.
    """
    try:
        records = json.loads((folder / "annotations.json").read_text("utf-8"))["images"]
        return any(_in_images(folder, record) for record in records)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def _in_images(folder: Path, record: Any) -> bool:
    name = Path(str(record["file_name"]))
    inside = name if name.parts[:1] == ("images",) else Path("images", name.name)
    return (folder / inside).is_file()


def _word(data: bytes) -> int:
    return int.from_bytes(data, "little")


def find_scans(path: str | Path) -> tuple[Path, ...]:
    """The file itself, or every scan file below a folder, sorted; hidden ones are left out.

    Of a Beltline set the pictures are taken, not the raw arrays of the same bags.

    Raises:
        BadInputError: If the path does not exist or a folder holds no scan.
    """
    root = Path(path)
    if not root.is_dir():
        if not root.exists():
            raise bad(root, "no such file or folder")
        return (root,)
    if is_set(root):
        root = root / "images"
    found = sorted(
        file
        for file in root.rglob("*")
        if file.suffix.lower() in SCAN_SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    )
    if not found:
        raise bad(root, f"no scan in this folder; looked for {', '.join(SCAN_SUFFIXES)}")
    return tuple(found)
