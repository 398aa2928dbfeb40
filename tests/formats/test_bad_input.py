"""Bad input of every kind the command contract lists: one clear line naming the file and the reason."""

import contextlib
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from beltline.core import BadInputError
from beltline.formats import decode_scan, encode_npz, encode_png, encode_tiff, read_scan

RGB = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)
PLANE = np.linspace(0, 1, 2000).reshape(40, 50)


def jpeg():
    stream = io.BytesIO()
    Image.fromarray(RGB).save(stream, "JPEG")
    return stream.getvalue()


def png_header(width, height):
    """A PNG that only declares its size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_header(width, height):
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npz_header(shape):
    """An npz whose arrays only declare their shape."""
    body = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(body, fields)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("low.npy", body.getvalue())
        archive.writestr("high.npy", body.getvalue())
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def patched_tiff(tag, value):
    """A valid TIFF with one number in its directory changed."""
    data = bytearray(tiff(np.zeros((40, 50), np.uint16), photometric="minisblack", metadata=None))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as opened:
        found = opened.pages.first.tags[tag]
        offset, kind = found.valueoffset, "<H" if found.dtype == 3 else "<I"
    data[offset : offset + struct.calcsize(kind)] = struct.pack(kind, value)
    return bytes(data)


NAN = np.where(np.arange(2000).reshape(40, 50) == 7, np.nan, PLANE)
CASES = {
    "empty file": (b"", "empty"),
    "text": (b"I am no picture at all, whatever my name says." * 9, "neither PNG"),
    "gif": (b"GIF89a" + b"\0" * 90, "neither PNG"),
    "dicom": (b"\0" * 128 + b"DICM" + b"\0" * 40, "DICOM"),
    "truncated png": (encode_png(RGB)[:-2000], "truncated"),
    "truncated png header": (encode_png(RGB)[:20], "truncated"),
    "truncated jpeg": (jpeg()[:-900], "truncated"),
    "jpeg of two bytes more": (b"\xff\xd8\xff\xe0", "truncated"),
    "truncated tiff": (encode_tiff(PLANE, PLANE)[:600], "TIFF|truncated"),
    "truncated plain tiff": (
        tiff(np.zeros((40, 50), np.uint16), photometric="minisblack")[:-99],
        "truncated",
    ),
    "truncated npz": (encode_npz(PLANE, PLANE)[:-200], "npz"),
    "flipped png byte": (
        encode_png(RGB)[:300] + bytes([encode_png(RGB)[300] ^ 255]) + encode_png(RGB)[301:],
        "damaged",
    ),
    "png bomb": (png_header(60_000, 60_000), "64 MP"),
    "png bomb above Pillow's own limit": (png_header(200_000, 200_000), "64 MP"),
    "jpeg bomb": (jpeg_header(65_000, 65_000), "64 MP"),
    "tiff bomb": (patched_tiff("ImageWidth", 2_000_000_000), "64 MP"),
    "npz bomb": (npz_header((1_000_000, 1_000_000)), "64 MP"),
    "png of zero width": (png_header(0, 50), "zero size"),
    "jpeg of zero height": (jpeg_header(50, 0), "zero size"),
    "npz of zero size": (npz(low=np.ones((0, 5)), high=np.ones((0, 5))), "zero size"),
    "tiff of zero height": (patched_tiff("ImageLength", 0), "zero size|TIFF"),
    "strip one pixel high": (encode_png(RGB[:1]), "strip of 50x1"),
    "strip one pixel wide": (encode_png(RGB[:, :1]), "strip of 1x40"),
    "strip tiff": (encode_tiff(PLANE[:1], PLANE[:1]), "strip"),
    "strip npz": (npz(low=PLANE[:1], high=PLANE[:1]), "strip"),
    "nan npz": (npz(low=NAN, high=PLANE), "NaN"),
    "infinite npz": (npz(low=PLANE, high=np.full_like(PLANE, np.inf)), "NaN or inf"),
    "nan tiff": (tiff(NAN.astype(np.float32), photometric="minisblack"), "NaN"),
    "raw counts": (npz(low=PLANE * 4000.0, high=PLANE), "no transmission"),
    "negative": (npz(low=PLANE - 0.5, high=PLANE), "no transmission"),
    "other names": (npz(image=PLANE), "'low' and 'high'"),
    "one array": (npz(low=PLANE), "'low' and 'high'"),
    "shapes differ": (npz(low=PLANE, high=PLANE.T), "low is"),
    "three dimensions": (npz(low=PLANE[None], high=PLANE[None]), "shape"),
    "text array": (npz(low=np.full((40, 50), "a"), high=PLANE), "holds"),
    "signed": (npz(low=np.ones((40, 50), np.int32), high=np.ones((40, 50), np.int32)), "int32"),
    "complex": (npz(low=PLANE + 1j, high=PLANE), "complex"),
    "pixel of zero mm": (npz(low=PLANE, high=PLANE, pixel_mm=0.0), "pixel_mm"),
    "pixel_mm of many": (npz(low=PLANE, high=PLANE, pixel_mm=np.ones(3)), "npz"),
    "zip without arrays": (b"PK\x03\x04" + b"\0" * 60, "npz"),
    "signed tiff": (tiff(np.ones((40, 50), np.int16), photometric="minisblack"), "int16"),
    "five channels": (
        tiff(np.ones((40, 50, 5), np.uint16), photometric="minisblack", planarconfig="contig"),
        "5 channels",
    ),
    "float rgb": (tiff(np.ones((40, 50, 3), np.float32), photometric="rgb"), "RGB TIFF of float32"),
    "tiff header only": (b"II*\x00" + b"\xff" * 40, "TIFF"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_with_file_and_reason(case, tmp_path):
    data, reason = CASES[case]
    path = tmp_path / "bad scan.png"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=reason) as caught:
        read_scan(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert caught.value.exit_code == 3


def test_objects_in_an_npz_are_never_unpickled(tmp_path):
    low = np.empty((40, 50), object)
    with pytest.raises(BadInputError, match="holds object"):
        decode_scan(npz(low=low, high=low))


def test_missing_file_folder_and_pipe(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_scan(tmp_path / "gone.png")
    with pytest.raises(BadInputError, match="folder"):
        read_scan(tmp_path)
    with pytest.raises(BadInputError, match=r"cannot be read|no such"):
        read_scan(tmp_path / ("x" * 300))


WHOLE = {
    "png": encode_png(RGB),
    "jpeg": jpeg(),
    "tiff": encode_tiff(PLANE, PLANE),
    "npz": encode_npz(PLANE, PLANE),
}


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
def test_damage_anywhere_is_read_or_refused_never_a_crash(kind, data):
    whole = WHOLE[kind]
    position = data.draw(st.integers(4, len(whole) - 1))
    value = data.draw(st.integers(0, 255))
    length = data.draw(st.one_of(st.just(len(whole)), st.integers(4, len(whole))))
    damaged = bytearray(whole)
    damaged[position] = value
    with contextlib.suppress(BadInputError):
        assert np.isfinite(decode_scan(bytes(damaged[:length])).pixels).all()
