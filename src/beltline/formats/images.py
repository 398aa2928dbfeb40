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
from PIL import Image

from beltline.core import BadInputError, Scan, ShapeError
from beltline.formats.atomic import write_atomic
from beltline.formats.limits import bad, check_size, header_size

# What a decoder raises on damaged bytes; SyntaxError is Pillow's and NumPy's word for a broken header.
DECODE_ERRORS = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, EOFError, SyntaxError, RuntimeError,
    AssertionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # its complaints become our one line


def image_to_scan(path: Path, data: bytes) -> Scan:
    """Decode PNG, JPEG, BMP, WebP or an 8-bit TIFF that Pillow knows; see ``read_scan`` for the rules.

    Raises:
        BadInputError: If the data are truncated, damaged or outside the limits.
    """
    declared = header_size(data)
    if declared is not None:
        check_size(path, *declared)
    image = _decode(path, data)
    if data.startswith(b"\x89PNG") and data[24:25] == b"\x10":
        return planes_to_scan(_png16(path, data))
    return planes_to_scan(_eight_bit(image))


def planes_to_scan(array: NDArray[Any], *, pixel_mm: float | None = None) -> Scan:
    """A scan of decoded integers: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, 8 or 16 bit.

    One 16-bit channel is transmission; everything else here is colour. Alpha goes over white.
    """
    full = float(np.iinfo(array.dtype).max)
    pixels = array.astype(np.float32) / np.float32(full)
    if pixels.ndim == 2:
        quantity = "transmission" if array.dtype == np.uint16 else "color"
        return Scan(pixels[None], quantity, ("gray",), pixel_mm)  # type: ignore[arg-type]
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:]
        pixels = pixels[..., :3] * alpha + (1 - alpha)
    planes = np.ascontiguousarray(np.moveaxis(pixels, 2, 0)).clip(0, 1)
    return Scan(planes, "color", ("r", "g", "b"), pixel_mm)


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
            image.load()
    except BadInputError:
        raise
    except Image.DecompressionBombError as error:
        raise bad(path, "a decompression bomb: more pixels than the limit") from error
    except DECODE_ERRORS as error:
        raise bad(path, f"damaged or truncated image ({error})") from error
    return image


def _eight_bit(image: Image.Image) -> NDArray[Any]:
    """8-bit (H, W), RGB or RGBA of any Pillow mode; 16-bit grey stays 16-bit."""
    if image.mode.startswith("I;16") or image.mode == "I":
        grey: NDArray[np.uint16] = np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
        return grey
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return np.asarray(image.convert("L"))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))  # RGB, P, CMYK, YCbCr, LAB, HSV


def _png16(path: Path, data: bytes) -> NDArray[np.uint16]:
    """16-bit PNG at its full depth: (H, W), RGB or RGBA; Pillow would cut colour to 8 bits."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise bad(path, "damaged 16-bit PNG")
    if decoded.ndim == 2:
        return decoded.astype(np.uint16)
    order = [2, 1, 0, 3][: decoded.shape[2]]
    return decoded[..., order].astype(np.uint16)
