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

CHANNELS = {1: ("gray",), 2: ("low", "high")}
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
            if page.dtype == np.uint8 and page.samplesperpixel != 2 and len(tiff.pages) == 1:
                return image_to_scan(path, data)  # Pillow knows palettes, CMYK, alpha, every codec
            _check_extent(path, tiff, len(data))
            array = _as_planes(path, tiff)
    except BadInputError:
        raise
    except DECODE_ERRORS as error:
        raise bad(path, f"damaged or unsupported TIFF ({error})") from error
    if array.shape[0] == 3:
        if array.dtype not in (np.uint8, np.uint16):
            raise bad(path, f"RGB TIFF of {array.dtype}; 8 or 16 bit expected")
        return planes_to_scan(np.moveaxis(array, 0, 2))
    return _transmission(path, array)


def npz_to_scan(path: Path, data: bytes) -> Scan:
    """Decode an npz with arrays ``low`` and ``high`` and an optional ``pixel_mm``.

    Raises:
        BadInputError: If an array is missing, of another shape, not numeric, or the archive is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for key in ("low", "high"):
                _check_npy_header(path, archive, key)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            low, high = arrays["low"], arrays["high"]
            pixel_mm = float(arrays["pixel_mm"]) if "pixel_mm" in arrays else None
    except BadInputError:
        raise
    except (*DECODE_ERRORS, zipfile.BadZipFile, tokenize.TokenError) as error:
        raise bad(path, f"damaged npz ({error})") from error
    if low.shape != high.shape:
        raise bad(path, f"low is {low.shape} but high is {high.shape}")
    if pixel_mm is not None and not pixel_mm > 0:
        raise bad(path, f"pixel_mm must be positive, got {pixel_mm}")
    return _transmission(path, np.stack([low, high]), pixel_mm=pixel_mm)


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


def _transmission(path: Path, array: NDArray[Any], *, pixel_mm: float | None = None) -> Scan:
    """Check and scale (C, H, W) numbers to transmission."""
    if array.dtype.kind == "u":
        planes = array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "f":
        planes = array.astype(np.float32)
    else:
        raise bad(path, f"numbers of type {array.dtype}; expected uint8, uint16 or float transmission")
    if not np.isfinite(planes).all():
        raise bad(path, "holds NaN or infinity")
    lowest, highest = float(planes.min()), float(planes.max())
    if lowest < 0 or highest > HIGHEST_TRANSMISSION:
        raise bad(
            path, f"values {lowest:.3g} to {highest:.3g} are no transmission; divide by the air reading"
        )
    return Scan(planes, "transmission", CHANNELS[planes.shape[0]], pixel_mm)


def _as_planes(path: Path, tiff: Any) -> NDArray[Any]:
    """The first series as (C, H, W) with C in 1, 2, 3; a 'white is zero' file is turned round."""
    pages = [page for page in tiff.pages if (page.imagelength, page.imagewidth) == _first_size(tiff)]
    planes = [_page_planes(page) for page in pages[:2]]
    array = np.concatenate(planes) if len(pages) == 2 and planes[0].shape[0] == 1 else planes[0]
    if array.shape[0] == 4:
        array = array[:3]
    if array.shape[0] not in (1, 2, 3):
        raise bad(path, f"{array.shape[0]} channels; 1, 2 or RGB expected")
    if tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE and array.dtype.kind == "u":
        array = np.iinfo(array.dtype).max - array
    return array


def _first_size(tiff: Any) -> tuple[int, int]:
    return tiff.pages.first.imagelength, tiff.pages.first.imagewidth


def _page_planes(page: Any) -> NDArray[Any]:
    array = page.asarray()
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


def _check_npy_header(path: Path, archive: zipfile.ZipFile, key: str) -> None:
    """Shape and type from the header, before anything is unpacked."""
    if f"{key}.npy" not in archive.namelist():
        names = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:8]) or "nothing"
        raise bad(path, f"npz needs arrays 'low' and 'high', has {names}")
    with archive.open(f"{key}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, _, dtype = read(stream)
    if len(shape) != 2:
        raise bad(path, f"{key} must be (height, width), has shape {shape}")
    if dtype.kind not in "uf":
        raise bad(path, f"{key} holds {dtype}; expected uint8, uint16 or float transmission")
    check_size(path, *shape)
