"""Dual-energy arrays in and out: TIFF and npz."""

import io
import logging
import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan
from beltline.formats.images import DECODE_ERRORS, image_to_scan, planes_to_scan
from beltline.formats.limits import MAX_PIXELS, bad, check_size
from beltline.formats.memory import check_memory
from beltline.formats.tiff_segments import block_bytes, unpack_page

CHANNELS = {1: ("gray",), 2: ("low", "high")}
_MOST_PAGES = 1000
_NPY_HEADER = 12_000  # bytes; longer ones are no arrays of numbers
HIGHEST_TRANSMISSION = 2.0  # air is 1 and noise adds a little; counts or percent are far above
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its complaints become our one line


def tiff_to_scan(path: Path, data: bytes) -> Scan:
    """Decode a TIFF: one or two channels, as samples, planes or pages, or RGB; see ``read_scan``.

    Raises:
        BadInputError: If the data are truncated, damaged or outside the limits.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page: Any = tiff.pages.first
            check_size(path, page.imagelength, page.imagewidth)
            if len(tiff.pages) > _MOST_PAGES:
                raise bad(path, f"{len(tiff.pages)} pages; a scan has one or two")
            if page.dtype == np.uint8 and page.samplesperpixel != 2 and len(tiff.pages) == 1:
                return image_to_scan(path, data)  # Pillow knows palettes, CMYK, alpha, every codec
            _check_extent(path, tiff, len(data))
            array = _as_planes(path, tiff, data)
    except BadInputError:
        raise
    except DECODE_ERRORS as error:
        raise bad(path, f"damaged or unsupported TIFF ({error})") from error
    if array.shape[0] == 3:
        if array.dtype not in (np.uint8, np.uint16):
            raise bad(path, f"RGB TIFF of {array.dtype}; 8 or 16 bit expected")
        return planes_to_scan(np.moveaxis(array, 0, 2))
    return _transmission(path, list(array))


def npz_to_scan(path: Path, data: bytes) -> Scan:
    """Decode an npz with arrays ``low`` and ``high`` and an optional ``pixel_mm``.

    Raises:
        BadInputError: If an array is missing, of another shape, not numeric, or the archive is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = [_check_member(path, archive, key) for key in ("low", "high")]
            check_memory(path, len(data), *(size for pair in sizes for size in pair))
            pixel_mm = _pixel_mm(path, archive)
            low, high = (_member(archive, key) for key in ("low", "high"))
    except BadInputError:
        raise
    except (*DECODE_ERRORS, zipfile.BadZipFile, tokenize.TokenError) as error:
        raise bad(path, f"damaged npz ({error})") from error
    if low.shape != high.shape:
        raise bad(path, f"low is {low.shape} but high is {high.shape}")
    return _transmission(path, [low, high], pixel_mm=pixel_mm)


def quantize(transmission: NDArray[Any]) -> NDArray[np.uint16]:
    """``round(65535 * T)``, clipped to 0..65535."""
    return np.clip(np.rint(np.asarray(transmission, np.float64) * 65535), 0, 65535).astype(np.uint16)


def encode_tiff(low: NDArray[Any], high: NDArray[Any], *, pixel_mm: float | None = None) -> bytes:
    """16-bit TIFF bytes of two planes (low, high) of transmission, each (H, W), deflate-packed."""
    planes = np.stack([quantize(low), quantize(high)])
    stream = io.BytesIO()
    dots: dict[str, Any] = (
        {} if pixel_mm is None else {"resolution": (10 / pixel_mm, 10 / pixel_mm), "resolutionunit": 3}
    )
    tifffile.imwrite(
        stream, planes, photometric="minisblack", planarconfig="separate",
        compression="zlib", compressionargs={"level": 1}, metadata=None, **dots,
    )  # fmt: skip
    return stream.getvalue()


def encode_npz(low: NDArray[Any], high: NDArray[Any], *, pixel_mm: float | None = None) -> bytes:
    """Compressed npz bytes of ``low`` and ``high``, uint16 as of ``quantize``."""
    stream = io.BytesIO()
    extra: dict[str, Any] = {} if pixel_mm is None else {"pixel_mm": np.float64(pixel_mm)}
    np.savez_compressed(stream, low=quantize(low), high=quantize(high), **extra)
    return stream.getvalue()


def _transmission(path: Path, arrays: list[NDArray[Any]], *, pixel_mm: float | None = None) -> Scan:
    """Check and scale C planes (H, W) of numbers to transmission."""
    planes = np.empty((len(arrays), *arrays[0].shape), np.float32)
    for plane, array in zip(planes, arrays, strict=True):
        if array.dtype.kind == "u":
            np.divide(array, np.float32(np.iinfo(array.dtype).max), out=plane, casting="same_kind")
        elif array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # infinity is found below
                plane[:] = array
        else:
            raise bad(path, f"numbers of type {array.dtype}; expected uint8, uint16 or float transmission")
    lowest, highest = float(planes.min()), float(planes.max())  # NaN and infinities pass through both
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise bad(path, "holds NaN or infinity")
    if lowest < 0 or highest > HIGHEST_TRANSMISSION:
        raise bad(
            path, f"values {lowest:.3g} to {highest:.3g} are no transmission; divide by the air reading"
        )
    return Scan(planes, "transmission", CHANNELS[len(planes)], pixel_mm)


def _as_planes(path: Path, tiff: Any, data: bytes) -> NDArray[Any]:
    """The first series as (C, H, W) with C in 1, 2, 3; a 'white is zero' file is turned round."""
    pages = [page for page in tiff.pages if (page.imagelength, page.imagewidth) == _first_size(tiff)]
    used = pages if len(pages) == 2 and pages[0].samplesperpixel == 1 else pages[:1]
    _check_pages(path, used, len(data))
    planes = [_page_planes(page, data) for page in used]
    array = np.concatenate(planes) if len(planes) == 2 else planes[0]
    if array.shape[0] == 4:
        array = array[:3]
    if array.shape[0] not in (1, 2, 3):
        raise bad(path, f"{array.shape[0]} channels; 1, 2 or RGB expected")
    if tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE and array.dtype.kind == "u":
        np.subtract(np.iinfo(array.dtype).max, array, out=array)
    return array


def _check_pages(path: Path, pages: list[Any], length: int) -> None:
    """Refuse what would not fit the memory: samples as stored, a strip of them, the planes of the scan."""
    pixels = sum(page.imagelength * page.imagewidth * page.samplesperpixel for page in pages)
    stored = max(-(-int(page.bitspersample) // 8) for page in pages)
    copies = stored * (2 if len(pages) > 1 else 1)  # two pages are brought together
    check_memory(path, length, 2 * max(block_bytes(page) for page in pages), pixels * copies, pixels * 4)


def _first_size(tiff: Any) -> tuple[int, int]:
    return tiff.pages.first.imagelength, tiff.pages.first.imagewidth


def _page_planes(page: Any, data: bytes) -> NDArray[Any]:
    array = unpack_page(page, data)
    if array is not None:
        return array
    try:
        array = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        packing = getattr(page.compression, "name", page.compression)
        raise ValueError(
            f"packed as {packing}: pip install 'beltline[tiff]', or save it without compression"
        ) from error
    if array.ndim == 2:
        return np.asarray(array[None])
    separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    return np.asarray(array if separate else np.moveaxis(array, 2, 0))


def _check_extent(path: Path, tiff: tifffile.TiffFile, length: int) -> None:
    """Refuse too many samples, and strips that point past the end of the file."""
    page = tiff.pages.first
    if page.imagelength * page.imagewidth * page.samplesperpixel > 4 * MAX_PIXELS:
        raise bad(path, "more samples than the limit")
    ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if not ends or max(ends) > length:
        raise bad(path, f"truncated: {max(ends, default=0)} bytes declared, {length} there")


def _check_member(path: Path, archive: zipfile.ZipFile, key: str) -> tuple[int, int]:
    """Bytes of a plane as stored and as scan, by its header, before anything is unpacked."""
    if f"{key}.npy" not in archive.namelist():
        names = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:8]) or "nothing"
        raise bad(path, f"npz needs arrays 'low' and 'high', has {names}")
    shape, dtype = _npy_header(archive, key)
    if len(shape) != 2:
        raise bad(path, f"{key} must be (height, width), has shape {shape}")
    if dtype.kind not in "uf":
        raise bad(path, f"{key} holds {dtype}; expected uint8, uint16 or float transmission")
    check_size(path, *shape)
    pixels = shape[0] * shape[1]
    return pixels * dtype.itemsize, pixels * 4


def _pixel_mm(path: Path, archive: zipfile.ZipFile) -> float | None:
    if "pixel_mm.npy" not in archive.namelist():
        return None
    shape, dtype = _npy_header(archive, "pixel_mm")
    if shape not in ((), (1,)) or dtype.kind not in "iuf":
        raise bad(path, f"npz needs one number as pixel_mm, has shape {shape} of {dtype}")
    pixel_mm = float(_member(archive, "pixel_mm").reshape(()))
    if not 0 < pixel_mm < np.inf:
        raise bad(path, f"pixel_mm must be positive, got {pixel_mm}")
    return pixel_mm


def _npy_header(archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of a member.

    Raises:
        ValueError: If it is packed in a way that takes memory by its header, or the header is no short one.
    """
    if archive.getinfo(f"{key}.npy").compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{key} is packed in another way than NumPy's")
    with archive.open(f"{key}.npy") as stream:
        head = io.BytesIO(stream.read(_NPY_HEADER))
    version = np.lib.format.read_magic(head)
    read = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
    shape, _, dtype = read(head)
    return shape, dtype


def _member(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
