"""PNG, JPEG, BMP and WebP in, PNG out."""

import io
import logging
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from beltline.core import BadInputError, Scan, ShapeError
from beltline.formats.atomic import write_atomic
from beltline.formats.limits import bad, check_size, header_size
from beltline.formats.memory import check_memory

# What a decoder raises on damaged bytes; SyntaxError is Pillow's and NumPy's word for a broken header.
DECODE_ERRORS = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, EOFError, SyntaxError, RuntimeError,
    AssertionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
CHANNELS = {1: ("gray",), 3: ("r", "g", "b")}
_BAND_PIXELS = 1_000_000  # converted at a time: copies of a whole picture would take gigabytes
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # its complaints become our one line


def image_to_scan(path: Path, data: bytes) -> Scan:
    """Decode PNG, JPEG, BMP, WebP or an 8-bit TIFF that Pillow knows; see ``read_scan`` for the rules.

    Raises:
        BadInputError: If the data are truncated, damaged or outside the limits of size and memory.
    """
    declared = header_size(data)
    if declared is not None:
        check_size(path, *declared)
    image = _decode(path, data)
    if data.startswith(b"\x89PNG") and data[24:25] == b"\x10":
        del image  # decoded to find damage, which OpenCV passes over
        return planes_to_scan(_png16(path, data))
    mode = _plain_mode(image)
    bands = 1 if mode in ("L", "I;16") else 3
    planes = np.empty((bands, image.height, image.width), np.float32)
    for top in range(0, image.height, _rows(image)):
        band = image.crop((0, top, image.width, min(top + _rows(image), image.height)))
        _fill(planes[:, top : top + band.height], _integers(band, mode))
    quantity = "transmission" if mode == "I;16" else "color"
    return Scan(planes, quantity, CHANNELS[bands])  # type: ignore[arg-type]


def planes_to_scan(array: NDArray[Any], *, pixel_mm: float | None = None) -> Scan:
    """A scan of decoded integers: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, 8 or 16 bit.

    One 16-bit channel is transmission; everything else here is colour. Alpha goes over white.
    """
    bands = 1 if array.ndim == 2 else 3
    planes = np.empty((bands, *array.shape[:2]), np.float32)
    step = max(1, _BAND_PIXELS // array.shape[1])
    for top in range(0, len(array), step):
        _fill(planes[:, top : top + step], array[top : top + step])
    quantity = "transmission" if bands == 1 and array.dtype == np.uint16 else "color"
    return Scan(planes, quantity, CHANNELS[bands], pixel_mm)  # type: ignore[arg-type]


def _fill(planes: NDArray[np.float32], array: NDArray[Any]) -> None:
    """Scale integers (h, w), (h, w, 3) or (h, w, 4) into planes (C, h, w) in 0..1; alpha goes over white."""
    full = np.float32(np.iinfo(array.dtype).max)
    if array.ndim == 2:
        np.divide(array, full, out=planes[0])
        return
    pixels = array.astype(np.float32) / full
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:]
        pixels = pixels[..., :3] * alpha + (1 - alpha)
    planes[:] = np.moveaxis(pixels, 2, 0)
    planes.clip(0, 1, out=planes)


def encode_png(pixels: NDArray[Any], *, level: int = 3) -> bytes:
    """PNG bytes of (H, W) or (H, W, 3) RGB, uint8 or uint16.

    Args:
        pixels: The picture.
        level: zlib effort, 0 to 9; 3 is fast and within a few per cent of the smallest.

    Raises:
        ShapeError: If the shape is another.
        ValueError: If the type is neither uint8 nor uint16.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"PNG holds uint8 or uint16, got {pixels.dtype}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ShapeError(f"PNG pixels must be (H, W) or (H, W, 3), got {pixels.shape}")
    ordered = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    done, coded = cv2.imencode(".png", np.ascontiguousarray(ordered), [cv2.IMWRITE_PNG_COMPRESSION, level])
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {pixels.shape}")
    return bytes(coded)


def write_png(path: str | Path, pixels: NDArray[Any]) -> None:
    """Write a picture atomically; see ``encode_png``."""
    write_atomic(path, encode_png(pixels))


def _decode(path: Path, data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about bombs (checked here) and odd but readable TIFF tags
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF", "BMP", "WEBP"))
            check_size(path, image.height, image.width)
            _check_image_memory(path, image, len(data))
            image.load()
    except BadInputError:
        raise
    except UnidentifiedImageError as error:  # its message is the address of our buffer
        raise bad(path, "truncated, damaged or unsupported image (its header makes no sense)") from error
    except Image.DecompressionBombError as error:
        raise bad(path, "a decompression bomb: more pixels than the limit") from error
    except DECODE_ERRORS as error:
        raise bad(path, f"damaged or truncated image ({error})") from error
    return image


def _check_image_memory(path: Path, image: Image.Image, length: int) -> None:
    """Pillow holds colour in 4 bytes a pixel; what a decoder needs beside is gone before the scan is made."""
    pixels = image.height * image.width
    mode = _plain_mode(image)
    decoded = pixels * (1 if image.mode in ("1", "L", "P") else 2 if mode == "I;16" else 4)
    scan = 4 * pixels * (1 if mode in ("L", "I;16") else 3)
    check_memory(path, length, decoded, scan)


def _plain_mode(image: Image.Image) -> str:
    """What an image of any Pillow mode is brought to: "L", "RGB", "RGBA", or "I;16" for 16-bit grey."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return "I;16"
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"  # RGB, P, CMYK, YCbCr, LAB, HSV


def _rows(image: Image.Image) -> int:
    return max(1, _BAND_PIXELS // image.width)


def _integers(band: Image.Image, mode: str) -> NDArray[Any]:
    if mode == "I;16":
        deep: NDArray[np.uint16] = np.clip(np.asarray(band), 0, 65535).astype(np.uint16)
        return deep
    plain: NDArray[np.uint8] = np.asarray(band if band.mode == mode else band.convert(mode))
    return plain


def _png16(path: Path, data: bytes) -> NDArray[np.uint16]:
    """16-bit PNG at its full depth: (H, W), RGB or RGBA; Pillow would cut colour to 8 bits."""
    height, width = header_size(data) or (0, 0)
    samples = {0: 1, 2: 3, 4: 4, 6: 4}.get(data[25], 4)  # OpenCV makes RGBA of grey with alpha
    check_memory(path, len(data), 2 * samples * height * width, 4 * min(samples, 3) * height * width)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise bad(path, "damaged 16-bit PNG")
    if decoded.ndim == 2:
        return np.asarray(decoded)
    order = cv2.COLOR_BGR2RGB if decoded.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(decoded, order, dst=decoded))
