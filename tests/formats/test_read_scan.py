"""Every kind of file that is a scan, and what quantity it turns out to hold."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from beltline.core import BadInputError
from beltline.formats import (
    decode_scan,
    encode_npz,
    encode_png,
    encode_tiff,
    find_scans,
    quantize,
    read_scan,
    write_png,
)

RGB = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY16 = np.random.default_rng(2).integers(0, 65536, (20, 30), dtype=np.uint16)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def bytes_of(scan):
    return np.rint(np.moveaxis(scan.pixels, 0, 2) * 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_8_bit_rgb_is_color_and_exact(kind):
    scan = decode_scan(saved(Image.fromarray(RGB), kind))
    assert (scan.quantity, scan.channels) == ("color", ("r", "g", "b"))
    assert np.array_equal(bytes_of(scan), RGB)


def test_jpeg_is_color():
    smooth = cv2.GaussianBlur(RGB, (0, 0), 6)
    scan = decode_scan(saved(Image.fromarray(smooth), "JPEG", quality=97))
    assert scan.quantity == "color"
    assert np.abs(bytes_of(scan).astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_8_bit_grey_is_color(kind):
    scan = decode_scan(saved(Image.fromarray(np.full((20, 30), 200, np.uint8)), kind))
    assert (scan.quantity, scan.channels) == ("color", ("gray",))
    assert scan.pixels == pytest.approx(200 / 255, abs=1 / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_one_16_bit_channel_is_transmission(kind):
    scan = decode_scan(saved(Image.fromarray(GREY16), kind))
    assert (scan.quantity, scan.channels) == ("transmission", ("gray",))
    assert np.array_equal(quantize(scan.pixels[0]), GREY16)


def test_16_bit_rgb_keeps_its_depth():
    deep = np.stack([GREY16, GREY16 // 2, GREY16 // 3], axis=2)
    for data in (encode_png(deep), tiff(deep, photometric="rgb")):
        scan = decode_scan(data)
        assert scan.quantity == "color"
        assert np.array_equal(quantize(np.moveaxis(scan.pixels, 0, 2)), deep)


@pytest.mark.parametrize("layout", ["pages", "separate", "contiguous", "bigtiff", "plain"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_two_channels_are_low_and_high(layout, dtype):
    pair = np.stack([GREY16, GREY16[::-1]])
    pair = {
        np.uint16: pair,
        np.uint8: (pair >> 8).astype(np.uint8),
        np.float32: (pair / 65535).astype(np.float32),
    }[dtype]
    options = {
        "pages": {"photometric": "minisblack", "planarconfig": None, "metadata": None},
        "separate": {"photometric": "minisblack", "planarconfig": "separate"},
        "contiguous": {"photometric": "minisblack", "planarconfig": "contig"},
        "bigtiff": {"photometric": "minisblack", "bigtiff": True, "byteorder": ">"},
        "plain": {"photometric": "minisblack", "compression": "zlib", "rowsperstrip": 7},
    }[layout]
    array = np.moveaxis(pair, 0, 2) if layout == "contiguous" else pair
    scan = decode_scan(tiff(array, **options))
    assert (scan.quantity, scan.channels) == ("transmission", ("low", "high"))
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    assert scan.pixels == pytest.approx(pair / scale, abs=1e-6)


def test_white_is_zero_tiff_is_turned_round():
    assert np.array_equal(
        quantize(decode_scan(tiff(GREY16, photometric="miniswhite")).pixels[0]), 65535 - GREY16
    )


@pytest.mark.parametrize("encode", [encode_tiff, encode_npz])
@given(seed=st.integers(0, 1000), height=st.integers(8, 30), width=st.integers(8, 30))
def test_raw_transmission_comes_back_within_half_a_step(encode, seed, height, width):
    pair = np.random.default_rng(seed).random((2, height, width), dtype=np.float32)
    scan = decode_scan(encode(*pair))
    assert scan.channels == ("low", "high")
    assert np.abs(scan.pixels - pair).max() <= 0.5001 / 65535


def test_npz_of_floats_keeps_the_pixel_size():
    stream = io.BytesIO()
    low = np.full((9, 11), 1.01)  # noise over air
    np.savez(stream, low=low, high=low * 0.5, pixel_mm=0.8)
    scan = decode_scan(stream.getvalue())
    assert scan.pixel_mm == pytest.approx(0.8)
    assert scan.channel("low") == pytest.approx(1.01)


def test_alpha_goes_over_white():
    picture = np.zeros((10, 12, 4), np.uint8)
    picture[:5, :, 3] = 255  # black above, nothing below
    scan = decode_scan(saved(Image.fromarray(picture), "PNG"))
    assert (scan.pixels[:, :5] == 0).all()
    assert (scan.pixels[:, 5:] == 1).all()
    deep = np.zeros((10, 12, 4), np.uint16)
    done, coded = cv2.imencode(".png", deep)
    assert done
    assert (decode_scan(coded.tobytes()).pixels == 1).all()


def test_transparent_palette_goes_over_white():
    picture = Image.new("P", (12, 10), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    opaque = decode_scan(saved(picture, "PNG"))
    assert bytes_of(opaque)[0, 0].tolist() == [10, 20, 30]
    clear = decode_scan(saved(picture, "PNG", transparency=0))
    assert (clear.pixels == 1).all()


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("1", "PNG"), ("LA", "PNG")])
def test_other_modes_become_color(mode, kind):
    picture = Image.fromarray(RGB).convert(mode)
    scan = decode_scan(saved(picture, kind))
    assert scan.quantity == "color"
    assert (scan.height, scan.width) == (20, 30)


def test_white_cmyk_is_white():
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert decode_scan(saved(white, "JPEG", quality=95)).pixels.min() > 0.98


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "scan.jpg"
    path.write_bytes(encode_png(RGB))
    assert np.array_equal(bytes_of(read_scan(path)), RGB)


def test_finding_scans(tmp_path):
    for name in ("b.png", "a.PNG", "deep/c.tiff", ".hidden/d.png"):
        write_png(tmp_path / name, RGB)
    (tmp_path / "notes.txt").write_text("no scan")
    found = [path.relative_to(tmp_path).as_posix() for path in find_scans(tmp_path)]
    assert found == ["a.PNG", "b.png", "deep/c.tiff"]
    assert find_scans(tmp_path / "b.png") == (tmp_path / "b.png",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no scan"):
        find_scans(tmp_path / "empty")
    with pytest.raises(BadInputError, match="no such file"):
        find_scans(tmp_path / "gone")


def test_png_refuses_other_arrays():
    with pytest.raises(ValueError, match="float64"):
        encode_png(np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"must be"):
        encode_png(np.ones((4, 4, 2), np.uint8))
