"""One scan takes at most 1 GB: what would take more is refused from its header, everything else is read."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from beltline.core import BadInputError
from beltline.formats import decode_scan
from beltline.formats.memory import MAX_SCAN_BYTES

PROGRAM = Path(__file__).with_name("scan_memory.py")
SIDE = 8000


def read_within(megabytes, folder, files):
    """What a process of so much memory (beside its imports) says to each file."""
    paths = []
    for name, data in files.items():
        (folder / name).write_bytes(data)
        paths.append(str(folder / name))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(megabytes), *paths], capture_output=True, text=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True))


def png(width, height, kind, depth=8):
    """A PNG of zeros (kind as in its header), written without its pixels in memory."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    row = 1 + width * {0: 1, 2: 3, 4: 2, 6: 4}[kind] * depth // 8
    pack = zlib.compressobj(1)
    body = b"".join(pack.compress(bytes(row)) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg(mode, width, height, **options):
    stream = io.BytesIO()
    Image.new(mode, (width, height)).save(stream, "JPEG", **options)
    return stream.getvalue()


def npz(**headers):
    """An npz of members by (shape, type, bytes of zeros that follow the header, whatever it says)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, dtype, there) in headers.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                fields = {"descr": dtype, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, fields)
                for _ in range(there // 10_000_000):
                    member.write(bytes(10_000_000))
    return stream.getvalue()


def long_npy_header():
    """An npz of which the header of an array is said to be 2 GB long."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("low.npy", "high.npy"):
            archive.writestr(name, b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 20_000_000)
    return stream.getvalue()


def tiff(shape, dtype, strip, **options):
    """A TIFF of one strip that is given packed; it may hold more than it should."""
    stream = io.BytesIO()
    form = {"photometric": "minisblack", "metadata": None, "rowsperstrip": shape[0]}
    tifffile.imwrite(stream, iter([strip]), shape=shape, dtype=dtype, **form, **options)
    return stream.getvalue()


def zeros(length):
    pack = zlib.compressobj(1)
    return b"".join(pack.compress(bytes(10_000_000)) for _ in range(length // 10_000_000)) + pack.flush()


PLANE = ((40, 50), "<f4", 0)
MADE = {
    "alpha.png": lambda: png(SIDE, SIDE, 6),
    "gray.png": lambda: png(SIDE, SIDE, 0),
    "strip.png": lambda: png(12_000, 3_000, 2),
    "pitch.npz": lambda: npz(low=PLANE, high=PLANE, pixel_mm=((300_000_000,), "<f8", 0)),
    "planes.npz": lambda: npz(low=((SIDE, SIDE), "<f8", 0), high=((SIDE, SIDE), "<f8", 0)),
    "header.npz": long_npy_header,
    "large.tif": lambda: tiff((SIDE, SIDE), np.float64, zlib.compress(b""), compression="zlib"),
}
SLOWLY_MADE = {
    "rgb.png": lambda: png(SIDE, SIDE, 2),
    "deep.png": lambda: png(SIDE, 6500, 6, depth=16),
    "cmyk.jpg": lambda: jpeg("CMYK", SIDE, SIDE),
    "progressive.jpg": lambda: jpeg("RGB", 7000, 8000, progressive=True, subsampling=0),
    "bomb.tif": lambda: tiff((40, 50), np.uint16, zeros(2_000_000_000), compression="zlib"),
    "pitch_of_zeros.npz": lambda: npz(low=PLANE, high=PLANE, pixel_mm=((300_000_000,), "<f8", 2_400_000_000)),
}
FULL = "GB of memory, above the limit of 1 GB for one scan; cut it"


def test_what_would_take_gigabytes_is_refused_and_what_fits_is_read(tmp_path):
    said = read_within(1000, tmp_path, {name: make() for name, make in MADE.items()})
    for name in ("alpha.png", "planes.npz", "large.tif"):
        assert FULL in said[name]["refused"], name
    assert "'low' and 'high'" not in said["pitch.npz"]["refused"]
    assert "pixel_mm" in said["pitch.npz"]["refused"]
    assert "damaged npz" in said["header.npz"]["refused"]
    assert said["gray.png"] == {"shape": [1, SIDE, SIDE]}
    assert said["strip.png"] == {"shape": [3, 3_000, 12_000]}


@pytest.mark.slow
def test_every_kind_of_large_scan_stays_in_its_bounds(tmp_path):
    said = read_within(1000, tmp_path, {name: make() for name, make in SLOWLY_MADE.items()})
    for name in ("rgb.png", "deep.png", "cmyk.jpg"):
        assert FULL in said[name]["refused"], name
    assert said["progressive.jpg"] == {"shape": [3, 8000, 7000]}
    assert said["bomb.tif"] == {"shape": [1, 40, 50]}
    assert "pixel_mm" in said["pitch_of_zeros.npz"]["refused"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 0.0, "1.3", np.ones((2, 2))])
def test_a_pitch_is_one_positive_number(value):
    stream = io.BytesIO()
    np.savez(stream, low=np.ones((40, 50)), high=np.ones((40, 50)), pixel_mm=value)
    with pytest.raises(BadInputError, match="pixel_mm"):
        decode_scan(stream.getvalue())


def test_the_limit_is_one_gigabyte():
    assert MAX_SCAN_BYTES == 10**9
