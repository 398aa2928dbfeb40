"""Batches from image files: the same from any start, the recipe's views, odd and broken files."""

import dataclasses
import itertools
import threading

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from beltline.core import BadInputError, ShapeError
from beltline.data.annotations import ImageList
from beltline.training.files import FileBatches, read_pixels, warp_to, whole_images
from beltline.training.loop import FitOptions, fit

COUNT = 10
ORANGE = (230, 140, 40)


def smooth(height, width, seed=0):
    """A picture without fine detail, so that two ways to shrink it must agree."""
    rough = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Ten grey-level images; image i has the level 20 i and the label i."""
    root = tmp_path_factory.mktemp("files")
    for index in range(COUNT):
        Image.fromarray(np.full((40, 60, 3), 20 * index, np.uint8)).save(root / f"{index}.png")
    labels = np.arange(COUNT, dtype=np.float32)[:, None]
    return ImageList(root, tuple(f"{i}.png" for i in range(COUNT)), labels, ("level",))


def broken(images, *rows):
    """The same list where some files are cut off."""
    root = images.root.parent / f"broken_{'_'.join(map(str, rows))}"
    root.mkdir(exist_ok=True)
    for index, name in enumerate(images.files):
        data = images.path(index).read_bytes()
        (root / name).write_bytes(data[:60] if index in rows else data)
    return dataclasses.replace(images, root=root)


def take(batches, start, count):
    stream = batches(start)
    try:
        return list(itertools.islice(stream, count))
    finally:
        stream.close()


def small(images, **options):
    return FileBatches(images, **{"batch_size": 4, "size": 16, "warp": 20, **options})


def seen(batches):
    return np.concatenate([batch.labels[:, 0].numpy() for batch in batches]).astype(int).tolist()


# --- order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("train", [True, False])
def test_the_same_index_gives_the_same_batch_from_any_start(images, train, on_error):
    images = broken(images, 2, 3) if on_error == "skip" else images
    whole = take(small(images, train=train, on_error=on_error), 0, 8)
    later = take(small(images, train=train, on_error=on_error, workers=1), 5, 3)
    for one, other in zip(whole[5:], later, strict=True):
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.labels, other.labels)


def test_every_epoch_holds_every_image_once_in_another_order(images):
    order = seen(take(small(images), 0, 5))  # 20 samples: two epochs
    assert sorted(order[:COUNT]) == sorted(order[COUNT:]) == list(range(COUNT))
    assert order[:COUNT] != order[COUNT:]
    assert order != seen(take(small(images, seed=1), 0, 5))


def test_labels_belong_to_their_images(images):
    for batch in take(small(images), 3, 4):
        levels = batch.image.mean((1, 2, 3)) * 255 / 20
        assert levels.numpy() == pytest.approx(batch.labels[:, 0].numpy(), abs=1e-3)


def test_without_training_files_come_in_order(images):
    assert seen(take(small(images, train=False), 0, 3)) == [*range(COUNT), 0, 1]


def test_threads_end_with_the_iterator(images):
    stream = small(images)(0)
    next(stream)
    assert any(thread.name.startswith("files") for thread in threading.enumerate())
    stream.close()
    assert not any(thread.name.startswith("files") for thread in threading.enumerate())


def test_a_resumed_run_sees_the_same_files(images, tmp_path):
    def run(out, steps, *, resume=False):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 1))
        options = FitOptions(
            tensorboard=False, resume=resume, max_minutes=None, schedule=lambda progress: 1.0
        )
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)

        def loss(model, batch):
            return {"loss": (model(batch.image) - batch.labels).square().mean()}

        fitted = fit(model, small(images), loss, optimizer, steps=steps, options=options, out=out)
        return torch.cat([p.flatten() for p in fitted.model.parameters()])

    whole = run(tmp_path / "whole", 6)
    run(tmp_path / "halves", 3)
    assert torch.equal(run(tmp_path / "halves", 6, resume=True), whole)


# --- views ------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(tmp_path):
    """One picture with a different value everywhere, as a list of one image."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return ImageList(tmp_path, ("a.png",), np.zeros((1, 1), np.float32), ("x",))


def bytes_of(image):
    return (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()


def test_views_are_windows_of_the_warped_image_or_its_mirror(picture):
    warped = warp_to(read_pixels(picture.path(0), 20), 20)
    found = set()
    for image in take(small(picture, batch_size=64), 0, 1)[0].image:
        view = bytes_of(image)
        places = [
            (mirrored, top, left)
            for mirrored, whole in enumerate((warped, warped[:, ::-1]))
            for top, left in itertools.product(range(5), range(5))
            if np.array_equal(whole[top : top + 16, left : left + 16], view)
        ]
        assert len(places) == 1
        found.update(places)
    assert {mirrored for mirrored, _, _ in found} == {0, 1}
    assert {top for _, top, _ in found} == {left for _, _, left in found} == set(range(5))


def test_a_crop_beyond_the_image_is_white(picture):
    warped = warp_to(read_pixels(picture.path(0), 20), 20)
    for image in take(small(picture, size=24), 0, 1)[0].image:
        view = bytes_of(image)
        inside = (view != 255).any(2)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        part = view[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.array_equal(part, warped) or np.array_equal(part, warped[:, ::-1])
        assert view.shape == (24, 24, 3)


@pytest.mark.parametrize(("side", "decoded"), [(256, (350, 500)), (150, (175, 250)), (80, (88, 125))])
def test_a_large_jpeg_is_decoded_small_and_looks_the_same(tmp_path, side, decoded):
    path = tmp_path / "large.jpg"
    Image.fromarray(smooth(700, 1000)).save(path, quality=95)
    small_pixels = read_pixels(path, side)
    assert small_pixels.shape == (*decoded, 3)
    with Image.open(path) as image:
        reference = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
    difference = np.abs(warp_to(small_pixels, side).astype(int) - reference)
    assert difference.mean() < 1.5
    assert difference.max() < 12


@pytest.mark.parametrize(("height", "width"), [(40, 44), (50, 63), (90, 120), (24, 200), (20, 30), (32, 64)])
def test_warping_is_pil_s_antialiased_resize(height, width):
    """Edges and noise, so that aliasing would show."""
    rng = np.random.default_rng(0)
    pixels = np.repeat(np.repeat(rng.integers(0, 256, (height // 4, width // 4, 3)), 4, 0), 4, 1)
    pixels = (0.8 * pixels + 0.2 * rng.integers(0, 256, pixels.shape)).astype(np.uint8)
    reference = np.asarray(Image.fromarray(pixels).resize((32, 32), Image.Resampling.BILINEAR)).astype(float)
    error = np.abs(warp_to(pixels, 32) - reference).mean()
    aliased = np.abs(cv2.resize(pixels, (32, 32)) - reference).mean()
    assert error < 8  # of 255, on a picture of nothing but edges
    if max(height, width) > 48:
        assert error < 0.7 * aliased


def test_an_empty_image_cannot_be_warped():
    with pytest.raises(ShapeError, match=r"\(h, w, 3\)"):
        warp_to(np.zeros((0, 4, 3), np.uint8), 8)


# --- odd files --------------------------------------------------------------------------------------------


def save_modes(path):
    """Write one orange image in the mode that the file's name says."""
    colour = Image.new("RGB", (40, 32), ORANGE)
    name = path.stem
    if name == "palette":
        colour.quantize(4).save(path)
    elif name == "transparent_palette":
        image = Image.new("P", (40, 32), 0)
        image.putpalette([*ORANGE, 0, 0, 0])
        image.save(path, transparency=0)
    elif name == "alpha":
        Image.new("RGBA", (40, 32), (*ORANGE, 128)).save(path)
    elif name == "sixteen":
        pixels = np.full((32, 40, 3), ORANGE[::-1], np.uint16) * 257
        cv2.imwrite(str(path), pixels)
    elif name.startswith("grey"):
        Image.new("L", (40, 32), 77).save(path)
    elif name == "cmyk":
        Image.new("CMYK", (40, 32), (0, 100, 200, 30)).save(path, quality=95)
    else:
        colour.save(path)


OVER_WHITE = tuple(round(128 / 255 * c + 127) for c in ORANGE)
MODES = {
    "plain.png": ORANGE,
    "plain.jpg": ORANGE,
    "plain.bmp": ORANGE,
    "palette.png": ORANGE,
    "transparent_palette.png": (255, 255, 255),
    "alpha.png": OVER_WHITE,
    "sixteen.png": ORANGE,
    "grey.png": (77, 77, 77),
    "grey.jpg": (77, 77, 77),
    "cmyk.jpg": (225, 137, 49),  # (255 - c) (255 - k) / 255
}


@pytest.mark.parametrize("name", list(MODES))
def test_every_mode_becomes_rgb(tmp_path, name):
    save_modes(tmp_path / name)
    pixels = read_pixels(tmp_path / name, 16)
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.reshape(-1, 3).mean(0) == pytest.approx(MODES[name], abs=3)


def test_the_camera_s_rotation_is_not_applied(tmp_path):
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_pixels(tmp_path / "turned.jpg", 16).shape == (20, 40, 3)


def damaged(tmp_path, kind):
    """The path of a file that no reader can read whole."""
    path = tmp_path / f"{kind}.jpg"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not found")
    elif kind == "strip":
        Image.new("RGB", (40, 2)).save(path)
    elif kind != "missing":
        suffix = kind.split("_")[1]
        Image.fromarray(smooth(200, 300)).save(path.with_suffix(f".{suffix}"))
        data = path.with_suffix(f".{suffix}").read_bytes()
        path.write_bytes(data[: len(data) // 2])
    return path


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "strip", "half_jpg", "half_png"])
def test_a_broken_file_is_one_clear_line(tmp_path, kind):
    path = damaged(tmp_path, kind)
    with pytest.raises(BadInputError, match=rf"{kind}\.jpg") as caught:
        read_pixels(path, 64)
    assert "\n" not in str(caught.value)
    images = ImageList(tmp_path, (path.name,), np.zeros((1, 1), np.float32), ("x",))
    with pytest.raises(BadInputError, match=rf"{kind}\.jpg"):
        take(small(images), 0, 1)
    with pytest.raises(BadInputError, match=rf"{kind}\.jpg"):
        list(whole_images(images, batch_size=1, size=16))


def test_a_colour_beyond_rgb_is_refused(tmp_path):
    np.savez(tmp_path / "dual.npz", low=np.ones((20, 20), np.float32), high=np.ones((20, 20), np.float32))
    with pytest.raises(BadInputError, match="2 channels"):
        read_pixels(tmp_path / "dual.npz", 16)


def test_the_next_sample_takes_the_place_of_an_unreadable_one(images):
    whole = seen(take(small(images), 0, 5))
    batches = small(broken(images, 2, 3), on_error="skip")
    found = seen(take(batches, 0, 5))
    assert batches.unreadable == {"2.png", "3.png"}
    for epoch in (whole[:COUNT], whole[COUNT:]):
        for slot, label in enumerate(epoch):
            following = [epoch[(slot + step) % COUNT] for step in range(3)]
            expected = next(value for value in following if value not in (2, 3))
            assert found.pop(0) == expected, label


def test_no_readable_file_at_all_is_an_error(images):
    with pytest.raises(BadInputError, match="none of the 10"):
        take(small(broken(images, *range(COUNT)), on_error="skip"), 0, 1)


# --- measuring --------------------------------------------------------------------------------------------


def test_whole_images_come_once_and_in_order(images):
    parts = list(whole_images(images, batch_size=4, size=16, workers=1))
    assert [rows.tolist() for rows, _ in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    levels = torch.cat([image.mean((1, 2, 3)) for _, image in parts]) * 255 / 20
    assert levels.tolist() == pytest.approx(list(range(COUNT)), abs=1e-3)
    assert parts[2][1].shape == (2, 3, 16, 16)


def test_rows_of_unreadable_images_do_not_come_up(images):
    parts = list(whole_images(broken(images, 1, 8, 9), batch_size=4, size=16, on_error="skip"))
    assert [rows.tolist() for rows, _ in parts] == [[0, 2, 3], [4, 5, 6, 7], []]
    assert [len(image) for _, image in parts] == [3, 4, 0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "at least 1"),
        ({"workers": 0}, ValueError, "at least 1"),
        ({"on_error": "ignore"}, ValueError, "'raise', 'skip'"),
    ],
)
def test_bad_options_are_refused(images, options, error, message):
    with pytest.raises(error, match=message):
        small(images, **options)


def test_an_empty_list_is_refused(images):
    with pytest.raises(BadInputError, match="found none"):
        small(images.take([]))
