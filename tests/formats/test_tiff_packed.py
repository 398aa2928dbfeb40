"""TIFFs as other programs pack them: 16-bit LZW in every layout; what is not read names the way out."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from beltline.core import BadInputError
from beltline.formats import decode_scan

HEIGHT, WIDTH = 70, 90
TILE = (32, 48)
LZW, JPEG2000 = 5, 34712


def numbers(channels, rng):
    return rng.integers(0, 65536, (HEIGHT, WIDTH, channels), dtype=np.uint16)


def lzw(block, predictor):
    """One strip or tile (h, w, samples), packed by libtiff as rows of bytes."""
    if predictor:
        block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1]))
    rows = np.ascontiguousarray(block).view(np.uint8).reshape(len(block), -1)
    stream = io.BytesIO()
    Image.fromarray(rows).save(stream, "TIFF", compression="tiff_lzw", tiffinfo={278: len(rows)})
    with tifffile.TiffFile(io.BytesIO(stream.getvalue())) as opened:
        page = opened.pages.first
        assert len(page.dataoffsets) == 1
        start, count = page.dataoffsets[0], page.databytecounts[0]
    return stream.getvalue()[start : start + count]


def said_to_be(stream, packing):
    """The file with another number for how its strips are packed; tifffile alone writes no LZW."""
    whole = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(stream.getvalue())) as opened:
        offset = opened.pages.first.tags["Compression"].valueoffset
    whole[offset : offset + 2] = packing.to_bytes(2, "little")
    return bytes(whole)


def lzw_tiff(array, *, planar, tiled, predictor):
    """A TIFF of (H, W, C) packed strip by strip, or tile by tile."""
    height, width = TILE if tiled else (16, WIDTH)
    samples = [array[..., c : c + 1] for c in range(array.shape[2])] if planar else [array]
    blocks = []
    for plane in samples:
        for top in range(0, HEIGHT, height):
            for left in range(0, WIDTH, width):
                block = plane[top : top + height, left : left + width]
                missing = (height - block.shape[0], width - block.shape[1]) if tiled else (0, 0)
                blocks.append(lzw(np.pad(block, ((0, missing[0]), (0, missing[1]), (0, 0))), predictor))
    shape = array.shape if not planar else (array.shape[2], HEIGHT, WIDTH)
    places = {"tile": TILE} if tiled else {"rowsperstrip": 16}
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, iter(blocks), shape=shape, dtype=array.dtype, compression="zlib", predictor=predictor or None,
        photometric="minisblack", planarconfig="separate" if planar else "contig", metadata=None, **places,
    )  # fmt: skip
    return said_to_be(stream, LZW)


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("planar", [False, True])
def test_two_channels_packed_by_lzw(planar, tiled, predictor, rng):
    array = numbers(2, rng)
    scan = decode_scan(lzw_tiff(array, planar=planar, tiled=tiled, predictor=predictor))
    assert scan.channels == ("low", "high")
    assert (np.rint(scan.pixels * 65535) == np.moveaxis(array, 2, 0)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_lzw_of_opencv(channels, rng):
    array = numbers(channels, rng)
    coded = cv2.imencode(".tif", array[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1]
    scan = decode_scan(bytes(coded))
    assert scan.quantity == ("transmission" if channels == 1 else "color")
    assert (np.rint(scan.pixels * 65535) == np.moveaxis(array, 2, 0)).all()


def test_lzw_of_pillow(rng):
    array = numbers(1, rng)[..., 0]
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "TIFF", compression="tiff_lzw")
    assert (np.rint(decode_scan(stream.getvalue()).pixels[0] * 65535) == array).all()


@pytest.mark.parametrize("packing", [None, "zlib", "lzma"])
@pytest.mark.parametrize("places", [{"rowsperstrip": 16}, {"tile": TILE}, {"byteorder": ">"}])
@pytest.mark.parametrize("planar", [False, True])
def test_other_packings_as_tifffile_reads_them(packing, places, planar, rng):
    array = numbers(2, rng)
    shaped = np.moveaxis(array, 2, 0) if planar else array
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, shaped, compression=packing, photometric="minisblack", metadata=None, **places,
        planarconfig="separate" if planar else "contig",
    )  # fmt: skip
    scan = decode_scan(stream.getvalue())
    assert (np.rint(scan.pixels * 65535) == np.moveaxis(array, 2, 0)).all()


def test_damaged_lzw_is_refused(rng):
    whole = bytearray(lzw_tiff(numbers(2, rng), planar=False, tiled=False, predictor=True))
    with tifffile.TiffFile(io.BytesIO(bytes(whole))) as opened:
        start = opened.pages.first.dataoffsets[1]
    whole[start : start + 60] = b"\xff" * 60
    with pytest.raises(BadInputError, match="TIFF"):
        decode_scan(bytes(whole))


def test_a_page_of_fewer_tiles_than_it_needs_is_refused_before_they_are_counted_out(rng):
    whole = bytearray(lzw_tiff(numbers(2, rng), planar=False, tiled=True, predictor=False))
    with tifffile.TiffFile(io.BytesIO(bytes(whole))) as opened:
        tags = opened.pages.first.tags
        offsets = {name: tags[name].valueoffset for name in ("ImageWidth", "ImageLength", "TileWidth")}
    for name, value in (("ImageWidth", 8000), ("ImageLength", 4000), ("TileWidth", 16)):
        whole[offsets[name] : offsets[name] + 2] = value.to_bytes(2, "little")
    with pytest.raises(BadInputError, match=r"strips or tiles, 62500 expected"):
        decode_scan(bytes(whole))


def test_a_packing_that_is_not_read_names_the_extra():
    stream = io.BytesIO()
    zeros = np.zeros((HEIGHT, WIDTH), np.uint16)
    tifffile.imwrite(stream, zeros, compression="zlib", photometric="minisblack", metadata=None)
    with pytest.raises(BadInputError, match=r"packed as JPEG2000: pip install 'beltline\[tiff\]', or save"):
        decode_scan(said_to_be(stream, JPEG2000))
