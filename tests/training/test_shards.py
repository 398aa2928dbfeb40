"""Shards: written whole or not at all, read in any class order, batches that start anywhere."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch

from beltline.core import BadInputError, ShapeError
from beltline.formats import write_shard
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.shards import (
    UNKNOWN,
    ShardBatches,
    labels_after_crop,
    open_shards,
    require_shards,
    whole_scans,
)
from beltline.training.sides import padded, to_long_side

CLASSES = ("gun", "knife")


def arrays(rng, count=3, planes=2):
    return {
        "images": rng.integers(0, 256, (count, 3, 32, 64), np.uint8),
        "masks": rng.integers(0, 256, (count, planes, 4, 8), np.uint8),
        "labels": rng.integers(0, 2, (count, planes), np.uint8),
    }


def batches(folder, **changes):
    options = {"batch_size": 4, "size": (64, 96), "ranges": NO_AUGMENTATION, "seed": 1, **changes}
    return ShardBatches(folder, options.pop("classes", CLASSES), **options)


def first(source, count, start=0):
    stream = source(start)
    found = list(itertools.islice(stream, count))
    stream.close()
    return found


def same(a, b):
    return all(torch.equal(x.nan_to_num(-1), y.nan_to_num(-1)) for x, y in zip(a, b, strict=True))


def test_what_is_written_is_read(tmp_path, rng):
    written = arrays(rng)
    write_shard(tmp_path, 7, classes=CLASSES, **written)
    (shard,) = open_shards(tmp_path, CLASSES)
    assert shard.path.name == "shard_00007"
    for name, array in written.items():
        assert np.array_equal(getattr(shard, name), array)


def test_planes_come_in_the_readers_order(tmp_path, rng):
    written = arrays(rng)
    write_shard(tmp_path, 0, classes=CLASSES, **written)
    (shard,) = open_shards(tmp_path, ("knife",))
    assert np.array_equal(shard.masks[1], written["masks"][1, 1:])
    assert np.array_equal(shard.labels, written["labels"][:, 1:])
    (shard,) = open_shards(tmp_path, ("knife", "gun"))
    assert np.array_equal(shard.masks[2], written["masks"][2, ::-1])


def test_a_shard_that_is_being_written_is_not_seen(tmp_path, rng):
    write_shard(tmp_path, 0, classes=CLASSES, **arrays(rng))
    part = tmp_path / "shard_00001.part"
    part.mkdir()
    (part / "images.npy").write_bytes(b"half")
    assert len(open_shards(tmp_path, CLASSES)) == 1


def test_arrays_that_do_not_belong_together_are_refused(tmp_path, rng):
    with pytest.raises(ShapeError, match=r"need masks \(3, 2, 4, 8\)"):
        write_shard(tmp_path, 0, classes=CLASSES, **{**arrays(rng), "masks": np.zeros((3, 2, 4, 4), "u1")})
    with pytest.raises(ShapeError, match="3 classes"):
        write_shard(tmp_path, 0, classes=("a", "b", "c"), **arrays(rng))
    assert not list(tmp_path.glob("shard_*"))


def test_a_folder_holds_one_set_of_classes(tmp_path, rng):
    write_shard(tmp_path, 0, classes=CLASSES, **arrays(rng))
    with pytest.raises(BadInputError, match="gun"):
        write_shard(tmp_path, 1, classes=("saw", "axe"), **arrays(rng))


def test_a_missing_class_is_named(tmp_path, rng):
    write_shard(tmp_path, 0, classes=CLASSES, **arrays(rng))
    with pytest.raises(BadInputError, match=r"no class saw; it has gun, knife"):
        open_shards(tmp_path, ("gun", "saw"))


def test_folders_that_are_no_shards(tmp_path):
    with pytest.raises(BadInputError, match=r"no classes\.json"):
        open_shards(tmp_path, CLASSES)
    for text in ("{", '{"gun": 1}', "[1, 2]"):
        (tmp_path / "classes.json").write_text(text)
        with pytest.raises(BadInputError, match=r"classes\.json"):
            open_shards(tmp_path, CLASSES)
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES))
    assert open_shards(tmp_path, CLASSES) == []
    for read in (require_shards, lambda f, c: next(whole_scans(f, c, batch_size=2))):
        with pytest.raises(BadInputError, match="no complete shard"):
            read(tmp_path, CLASSES)
    with pytest.raises(BadInputError, match="no complete shard"):
        next(batches(tmp_path)(0))


@pytest.mark.parametrize("name", ["images", "masks", "labels"])
@pytest.mark.parametrize("fault", ["empty", "cut", "gone", "short", "float"])
def test_damaged_shards_are_named(tmp_path, rng, name, fault):
    path = write_shard(tmp_path, 0, classes=CLASSES, **arrays(rng))
    file = path / f"{name}.npy"
    array = np.load(file)
    if fault == "empty":
        file.write_bytes(b"")
    elif fault == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif fault == "gone":
        file.unlink()
    else:
        np.save(file, array[:-1] if fault == "short" else array.astype(np.float32))
    with pytest.raises(BadInputError, match="shard_00000"):
        open_shards(tmp_path, CLASSES)


def test_a_batch_does_not_depend_on_where_the_stream_began(tiny_shards):
    source = batches(tiny_shards, ranges=dataclasses.replace(NO_AUGMENTATION, flip=0.5, noise=1.0, jpeg=0.5))
    whole = first(source, 9)
    late = first(source, 4, start=5)
    assert all(same(a, b) for a, b in zip(whole[5:], late, strict=True))


def test_workers_change_nothing(tiny_shards):
    ranges = dataclasses.replace(NO_AUGMENTATION, flip=0.5, noise=1.0, jpeg=0.5)
    one, three = (first(batches(tiny_shards, ranges=ranges, workers=n), 6) for n in (1, 3))
    assert all(same(a, b) for a, b in zip(one, three, strict=True))


def test_seeds_differ(tiny_shards):
    one, other = (first(batches(tiny_shards, seed=n), 1)[0] for n in (1, 2))
    assert not torch.equal(one.image, other.image)


def test_an_epoch_shows_every_scan_once(tiny_shards):
    """20 scans in batches of 4, no augmentation: five batches hold every scan, the next five again."""
    stored = np.concatenate([shard.images for shard in open_shards(tiny_shards, CLASSES)])
    expected = sorted(scan.tobytes() for scan in stored)
    found = first(batches(tiny_shards), 10)
    for epoch in (found[:5], found[5:]):
        scans = torch.cat([batch.image for batch in epoch]) * 255
        assert sorted(scan.round().byte().numpy().tobytes() for scan in scans) == expected


def test_batches_are_in_the_networks_units(tiny_shards):
    (batch,) = first(batches(tiny_shards, size=(32, 64)), 1)
    assert batch.image.shape == (4, 3, 32, 64)
    assert batch.image.is_contiguous(memory_format=torch.channels_last)
    assert batch.masks.shape == (4, 2, 4, 8)
    for values in (batch.image, batch.masks):
        assert values.dtype == torch.float32
        assert 0 <= values.min() <= values.max() <= 1


def test_new_shards_are_taken_up_while_training(tmp_path, write_tiny_shards):
    folder = write_tiny_shards(tmp_path / "grow", shards=1, scans=4)
    stream = batches(folder, refresh=2)(0)
    before = {next(stream).image.sum().item() for _ in range(2)}
    write_tiny_shards(tmp_path / "more", shards=2, scans=4, seed=9)
    (tmp_path / "more" / "shard_00001").rename(folder / "shard_00001")
    after = {next(stream).image.sum().item() for _ in range(8)}
    stream.close()
    assert len(after) > 1
    assert len(before) == 1  # four scans, batches of four: always all of them


def test_a_fault_in_a_worker_reaches_the_trainer(tiny_shards):
    with pytest.raises(BadInputError, match="no class saw"):
        first(batches(tiny_shards, classes=("saw",)), 1)


@pytest.mark.parametrize("limit", [None, 0, 1, 7, 13, 99])
def test_whole_scans_come_once_in_order_up_to_the_limit(tiny_shards, limit):
    found = [batch.image for batch in whole_scans(tiny_shards, CLASSES, batch_size=3, limit=limit)]
    count = min(20, 20 if limit is None else limit)
    assert sum(len(images) for images in found) == count
    if count:
        stored = np.concatenate([shard.images for shard in open_shards(tiny_shards, CLASSES)])[:count]
        assert np.array_equal((torch.cat(found) * 255).round().byte().numpy(), stored)


def test_unknown_labels_become_nan(tmp_path, rng):
    written = arrays(rng)
    written["labels"][0] = [UNKNOWN, 1]
    write_shard(tmp_path, 0, classes=CLASSES, **written)
    (batch,) = whole_scans(tmp_path, CLASSES, batch_size=3)
    assert batch.labels[0].isnan().tolist() == [True, False]
    found = first(batches(tmp_path, size=(32, 64)), 1)[0]
    assert found.labels.isnan().any()


@pytest.mark.parametrize(
    ("left", "expected"), [(16, 1.0), (7, 1.0), (6, np.nan), (2, np.nan), (1, 0.0), (0, 0.0)]
)
def test_labels_follow_what_is_left_of_the_object(left, expected):
    """An object of 16 cells: 40 % left is present, under 10 % absent, between the two unknown."""
    before, after = np.zeros((1, 8, 8), np.uint8), np.zeros((1, 8, 8), np.uint8)
    before[0, :4, :4] = 255
    after.reshape(-1)[:left] = 255
    found = labels_after_crop(np.array([1], np.uint8), before, after, 1.0)
    assert np.array_equal(found, [expected], equal_nan=True)


def test_labels_account_for_the_zoom():
    before, after = np.zeros((1, 8, 8), np.uint8), np.zeros((1, 8, 8), np.uint8)
    before[0, :2, :2] = 255
    after[0, :4, :4] = 255  # all of it, magnified twice
    assert labels_after_crop(np.array([1], np.uint8), before, after, 4.0).tolist() == [1]
    after[0, 1:] = 0  # a quarter of it
    found = labels_after_crop(np.array([1], np.uint8), before, after, 4.0)
    assert np.isnan(found).all()


def test_labels_without_a_mask_or_unknown_are_left_alone():
    nothing = np.zeros((3, 4, 4), np.uint8)
    found = labels_after_crop(np.array([1, 0, UNKNOWN], np.uint8), nothing, nothing, 1.0)
    assert np.array_equal(found, [1, 0, np.nan], equal_nan=True)


def test_larger_scans_are_brought_down_to_the_networks_side(tiny_shards):
    """Shards of 64 by 96 for a network of 64: what is measured is what a smaller shard would have held."""
    plain = next(whole_scans(tiny_shards, CLASSES, batch_size=3))
    small = next(whole_scans(tiny_shards, CLASSES, batch_size=3, long_side=64))
    assert small.image.shape == (3, 3, 64, 64)  # 43 rows, padded with air to a multiple of 32
    assert small.masks.shape == (3, len(CLASSES), 8, 8)
    assert (small.image[:, :, 43:] == 1).all()
    assert torch.equal(small.labels, plain.labels)
    picture = np.rint(255 * plain.image[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    expected = padded(to_long_side(picture, 64)[0])
    assert np.array_equal(np.rint(255 * small.image[0].permute(1, 2, 0).numpy()), expected)
    shrunk = small.masks.sum((2, 3)) / plain.masks.sum((2, 3)).clamp(min=1)
    there = plain.masks.sum((2, 3)) > 8
    assert (shrunk[there] - 4 / 9).abs().max() < 0.2
    for whole in (96, 128, None):  # as large, larger, or none: as they are stored
        same = next(whole_scans(tiny_shards, CLASSES, batch_size=3, long_side=whole))
        assert torch.equal(same.image, plain.image)


def test_crops_of_larger_scans_show_them_at_the_networks_side(tiny_shards):
    plain, small = (first(batches(tiny_shards, long_side=side), 1)[0] for side in (None, 48))
    share = [
        float((1 - batch.image.mean(1)).clamp(min=0).gt(0.05).float().mean()) for batch in (plain, small)
    ]
    assert share[1] / share[0] == pytest.approx(0.25, abs=0.05)  # half the side, a quarter of the area
    covered = [batch.masks.sum() for batch in (plain, small)]
    assert covered[1] / covered[0] == pytest.approx(0.25, abs=0.08)
