"""The layout of click shards and what its reader makes of it, by bags made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.formats.click_shards import (
    OBJECT,
    ClickBag,
    open_click_shards,
    write_click_classes,
    write_click_shard,
)
from beltline.formats.draw_weights import draw_weights

SIZE = (48, 64)


def knife_window() -> np.ndarray:
    """A blade of 20 pixels and a handle of 10, joined; 4 rows high."""
    window = np.zeros((2, 4, 30), bool)
    window[0] = True
    window[1, :, :20] = True
    return window


def made_bag(seed: int) -> ClickBag:
    """Two knives that touch and a book, all of it random but for the masks."""
    rng = np.random.default_rng(seed)
    windows = [knife_window(), np.ones((2, 10, 10), bool), knife_window()]
    windows[1][1] = False
    objects = np.zeros(3, OBJECT)
    for row, (x, y, window) in enumerate(zip((5, 40, 5), (6, 30, 10), windows, strict=True)):
        h, w = window.shape[1:]
        objects[row]["x1"], objects[row]["y1"], objects[row]["x2"], objects[row]["y2"] = x, y, x + w, y + h
        objects[row]["area_px"] = window[0].sum()
    objects["family"], objects["label"], objects["threat"] = [1, 0, 1], [1, 0, 1], [True, False, True]
    objects["twin"], objects["group"] = [2, -1, 0], [0, 1, 0]
    image, energies = (rng.integers(0, 256, (planes, *SIZE), np.uint8) for planes in (3, 2))
    return ClickBag(image, energies, (1.5, 2, 60, 45), 3, objects, windows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_click_classes(tmp_path, ["book", "kitchen_knife"], ["", "knife"])
    write_click_shard(tmp_path, 0, [made_bag(0), made_bag(1)])
    write_click_shard(tmp_path, 1, [made_bag(2)])
    (tmp_path / "shard_00002.part").mkdir()
    return tmp_path


def test_pictures_come_back_as_they_were(folder: Path) -> None:
    shards = open_click_shards(folder)
    assert len(shards) == len(shards.images) == 3
    for image in shards.images:
        bag = made_bag(image)
        np.testing.assert_array_equal(shards.picture(image), bag.image)
        np.testing.assert_array_equal(shards.energies(image), bag.energies)
        assert shards.bag(image) == bag.box
    assert shards.style.tolist() == [3, 3, 3]
    with pytest.raises(IndexError):
        shards.picture(3)


def test_rows_count_over_all_shards(folder: Path) -> None:
    shards = open_click_shards(folder)
    assert shards.objects["image"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert shards.objects["twin"].tolist() == [2, -1, 0, 5, -1, 3, 8, -1, 6]
    assert shards.objects["group"].tolist() == [0, 1, 0, 3, 4, 3, 6, 7, 6]
    assert shards.rows(1).tolist() == [3, 4, 5]
    names = [shards.families[family] for family in shards.objects["family"][6:]]
    assert names == ["kitchen_knife", "book", "kitchen_knife"]
    book = np.zeros(SIZE, bool)
    book[30:40, 40:50] = True
    np.testing.assert_array_equal(shards.mask(7), book)
    assert not shards.metal(7).any()
    np.testing.assert_array_equal(shards.window(6), knife_window())
    assert shards.metal(6).sum() == 80


def test_a_click_means_a_part_an_object_or_a_group(folder: Path) -> None:
    shards = open_click_shards(folder)
    blade, handle = shards.nested(3, (10, 7)), shards.nested(3, (30, 7))
    assert blade.shape == (3, *SIZE)
    assert blade.sum(axis=(1, 2)).tolist() == [80, 120, 240]
    assert handle.sum(axis=(1, 2)).tolist() == [40, 120, 240]
    assert blade[0][7, 10]
    assert not (blade[0] & handle[0]).any()
    np.testing.assert_array_equal(blade[1], shards.mask(3))
    np.testing.assert_array_equal(blade[2], shards.mask(3) | shards.mask(5))
    book = shards.nested(4, (45, 35))
    np.testing.assert_array_equal(book, [shards.mask(4)] * 3)
    for click in ((0, 0), (45, 35), (-60, 7)):
        with pytest.raises(ValueError, match="click must lie on object 3"):
            shards.nested(3, click)


def test_only_the_connected_piece_of_a_material_is_the_part(tmp_path: Path) -> None:
    bag = made_bag(0)
    bag.windows[0][1] = False
    bag.windows[0][1, :, :5] = bag.windows[0][1, :, 25:] = True  # metal at both ends
    write_click_classes(tmp_path, ["book", "kitchen_knife"], ["", "knife"])
    write_click_shard(tmp_path, 0, [bag])
    part = open_click_shards(tmp_path).nested(0, (6, 7))[0]
    assert part.sum() == 20
    assert not part[:, 10:].any()


def damaged(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    path = folder / "shard_00000" / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(("change", "message"), [
    (lambda f: (f / "classes.json").unlink(), "no classes.json; expected a folder written by"),
    (lambda f: (f / "classes.json").write_text('["gun"]'), "these are no click shards"),
    (lambda f: (f / "classes.json").write_text("{"), "these are no click shards"),
    (lambda f: write_click_classes(f, ["book"], ["", "knife"]), "names fewer families"),
    (lambda f: damaged(f, "images.bin", lambda b: b[:-7]), "shard_00000: its files do not belong together"),
    (lambda f: damaged(f, "masks.bin", lambda b: b[:9]), "points beyond its files"),
    (lambda f: damaged(f, "objects.npy", lambda b: b[:40]), "not a readable click shard"),
    (lambda f: (f / "shard_00000/energies.bin").unlink(), "not a readable click shard"),
    (lambda f: np.save(f / "shard_00000/objects.npy", np.zeros((3, 6))), "do not belong together"),
    (lambda f: np.save(f / "shard_00000/style.npy", np.zeros(1)), "do not belong together"),
])  # fmt: skip
def test_damaged_shards_are_one_line(folder: Path, change: Callable[[Path], None], message: str) -> None:
    change(folder)
    with pytest.raises(BadInputError, match=message) as found:
        open_click_shards(folder)
    assert "\n" not in str(found.value)


def test_a_damaged_picture_or_mask_is_told_when_it_is_read(folder: Path) -> None:
    for name in ("images.bin", "energies.bin", "masks.bin"):
        damaged(folder, name, lambda blob: bytes(len(blob)))
    shards = open_click_shards(folder)
    for read in (shards.picture, shards.energies):
        with pytest.raises(BadInputError, match="shard_00000: picture 0 is damaged"):
            read(0)
    with pytest.raises(BadInputError, match="mask of object 1 is damaged"):
        shards.window(1)
    assert shards.picture(2).any()


def test_a_folder_without_shards_says_how_to_make_some(tmp_path: Path) -> None:
    write_click_classes(tmp_path, ["book"], [""])
    with pytest.raises(BadInputError, match="no complete click shard; make some with `beltline data clicks`"):
        open_click_shards(tmp_path)


def test_classes_are_plain_json(folder: Path) -> None:
    record = json.loads((folder / "classes.json").read_text())
    assert record == {"families": ["book", "kitchen_knife"], "labels": ["", "knife"]}


def test_draws_are_even_over_families_sizes_and_occlusions() -> None:
    rng = np.random.default_rng(0)
    objects = np.zeros(4000, OBJECT)
    objects["family"] = rng.choice(5, 4000, p=[0.6, 0.2, 0.1, 0.07, 0.03])
    objects["area_px"] = np.exp(rng.normal(8.5, 1.2, 4000))
    objects["occlusion"] = rng.beta(4, 2, 4000)
    weights = draw_weights(objects)
    assert weights.min() > 0
    assert np.bincount(objects["family"], weights) == pytest.approx([0.2] * 5, abs=1e-9)
    sizes = np.digitize(objects["area_px"], (500, 1500, 4000, 12000))
    assert np.bincount(sizes, weights) == pytest.approx([0.2] * 5, abs=0.01)
    hidden = np.digitize(objects["occlusion"], (0.25, 0.5, 0.7, 0.85))
    assert np.bincount(hidden, weights) == pytest.approx([0.2] * 5, abs=0.01)
    assert np.bincount(sizes, minlength=5).min() < 0.1 * 4000, "not even before"
    # a product of factors: the odds of two families are the same in all bins where both occur
    odds = []
    for size in (2, 3):
        first, second = (weights[(sizes == size) & (hidden == 2) & (objects["family"] == f)] for f in (0, 1))
        assert np.ptp(first) < 1e-12
        odds.append(second[0] / first[0])
    assert odds[0] == pytest.approx(odds[1])
    with pytest.raises(ValueError, match="at least one"):
        draw_weights(objects[:0])


def test_prohibited_objects_get_their_share_and_stay_even_among_themselves() -> None:
    objects = np.zeros(12, OBJECT)
    objects["family"], objects["area_px"] = np.arange(12) % 6, 900
    assert draw_weights(objects, threats=0.5) == pytest.approx(np.full(12, 1 / 12)), "none is prohibited"
    objects["threat"] = objects["family"] == 2
    weights = draw_weights(objects, threats=0.5)
    assert weights[objects["threat"]] == pytest.approx([0.25] * 2)
    assert weights[~objects["threat"]] == pytest.approx([0.05] * 10)
    assert draw_weights(objects) == pytest.approx(np.full(12, 1 / 12))
