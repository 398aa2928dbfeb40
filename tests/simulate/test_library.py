"""The object library and the training shards made from it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import ANOMALY, PROHIBITED, BadInputError
from beltline.physics import STYLES, dual_energy_transmission
from beltline.simulate.bags import BagRecipe, family_facts, split_of
from beltline.simulate.clickable import touching
from beltline.simulate.composed import Composed, ComposedObject
from beltline.simulate.library import INDEX, ObjectLibrary, _shares, bake_library, compose, open_library
from beltline.simulate.photograph import TEST_STYLES
from beltline.simulate.shards import STYLE_NUMBERS, ShardPlan, compose_shard, write_shards

CLASSES = ("gun", "knife")
RECIPE = BagRecipe(classes=CLASSES, positives=1.0, items=(3, 6), garments=(1, 2))


def test_objects_are_of_the_split(library: ObjectLibrary) -> None:
    assert {split_of(o.seed) for o in library.objects} == {"test"}
    assert {o.role for o in library.objects} == {"container", "garment", "thing"}


def test_composed_bags_hold_what_they_say(library: ObjectLibrary) -> None:
    for seed in range(5):
        bag = compose(np.random.default_rng(seed), library, RECIPE)
        assert set(CLASSES) & {thing.label for thing in bag.objects if thing.threat}
        low, high = dual_energy_transmission(bag.basis)
        assert np.isfinite(low).all()
        assert 0 < low.min() < 0.9
        assert (high >= low - 0.02).all()
        for rows, columns in (thing.lines for thing in bag.objects):
            assert rows.stop <= bag.basis.shape[1]
            assert columns.stop <= bag.basis.shape[2]


def test_the_same_generator_gives_the_same_bag(library: ObjectLibrary) -> None:
    first, again = (compose(np.random.default_rng(9), library, RECIPE) for _ in range(2))
    np.testing.assert_array_equal(first.basis, again.basis)


def test_bags_are_those_of_earlier_versions(library: ObjectLibrary) -> None:
    """Pins, by our code before twins: where things lie, and how far the generator was drawn from."""
    rng = np.random.default_rng(2)
    bag = compose(rng, library, RECIPE)
    assert [thing.corner for thing in bag.objects] == [(33, 46), (14, 14), (40, 85), (17, 72), (35, 38)]
    assert rng.random() == 0.9161776440646524


def test_twins_touch_one_of_their_family(library: ObjectLibrary) -> None:
    beside, total = 0, 0
    for seed in range(6):
        bag = compose(np.random.default_rng(seed), library, RECIPE, twins=1.0)
        things = [thing for thing in bag.objects if thing.role == "thing"]
        total += len(things)
        twins, _ = touching([t.family for t in things], [on_canvas(bag, t) for t in things])
        beside += sum(twin >= 0 for twin in twins)
    assert total > 30
    assert beside > 0.85 * total


def on_canvas(bag: Composed, thing: ComposedObject) -> np.ndarray:
    mask = np.zeros(bag.basis.shape[1:], bool)
    mask[thing.lines] = thing.depth > 0.05
    return mask


def test_garments_fit_bags_that_they_were_not_baked_for(library: ObjectLibrary) -> None:
    tight = replace(RECIPE, garments=(8, 8), sparse=0.0, containers={"handbag": 1.0, "backpack": 1.0})
    bare = replace(tight, garments=(0, 0))
    filled, empty = (
        np.mean([compose(np.random.default_rng(s), library, r).basis.sum() for s in range(12)])
        for r in (tight, bare)
    )
    assert filled > 1.3 * empty


def test_every_look_has_its_number_and_old_ones_keep_theirs() -> None:
    assert STYLE_NUMBERS[:5] == ("random", "grey", "tray", "white", "unseen")
    assert set(STYLE_NUMBERS) == {"random", *STYLES, *TEST_STYLES}


def test_shards_have_the_layout_of_training(library: ObjectLibrary, tmp_path: Path) -> None:
    plan = ShardPlan(CLASSES, height=64, width=96, count=6)
    path = compose_shard(tmp_path, 3, library, RECIPE, plan, seed=5)
    assert path.name == "shard_00003"
    assert json.loads((tmp_path / "classes.json").read_text()) == list(CLASSES)
    images, masks, labels = (np.load(path / f"{name}.npy") for name in ("images", "masks", "labels"))
    assert images.shape == (6, 3, 64, 96)
    assert masks.shape == (6, 2, 8, 12)
    assert ((masks.max(axis=(2, 3)) > 0) == (labels > 0)).all()
    assert labels.any(axis=1).all(), "every bag of this recipe is positive"
    assert not list(tmp_path.glob("*.part"))
    again = compose_shard(tmp_path / "again", 3, library, RECIPE, plan, seed=5)
    np.testing.assert_array_equal(np.load(again / "images.npy"), images)


def test_boxes_of_a_shard_enclose_its_masks(library: ObjectLibrary, tmp_path: Path) -> None:
    plan = ShardPlan(classes=RECIPE.classes, count=6, styles=(("white", 1.0),))
    path = compose_shard(tmp_path, 0, library, replace(RECIPE, positives=1.0), plan, seed=2)
    objects, masks = np.load(path / "objects.npy"), np.load(path / "masks.npy")
    assert len(objects) >= 6
    assert (objects[:, 4:] > objects[:, 2:4]).all()
    for image in range(6):
        for k in range(len(RECIPE.classes)):
            mine = objects[(objects[:, 0] == image) & (objects[:, 1] == k), 2:]
            rows, columns = np.nonzero(masks[image, k])
            assert bool(len(mine)) == bool(len(rows))
            if len(mine):
                x1, y1 = mine[:, :2].min(0)
                x2, y2 = mine[:, 2:].max(0)
                # planes have cells of 8 pixels
                np.testing.assert_allclose(
                    [x1, y1, x2, y2],
                    [8 * columns.min(), 8 * rows.min(), 8 * columns.max() + 8, 8 * rows.max() + 8],
                    atol=9,
                )


def test_negative_recipes_make_negative_shards(library: ObjectLibrary, tmp_path: Path) -> None:
    plan = ShardPlan(CLASSES, height=64, width=96, count=4)
    path = compose_shard(tmp_path, 0, library, replace(RECIPE, positives=0.0), plan, seed=1)
    assert not np.load(path / "labels.npy").any()


def test_a_folder_without_a_library_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no object library"):
        ObjectLibrary(tmp_path)


def test_every_label_gets_as_many_objects_whatever_its_families(tmp_path: Path) -> None:
    library = bake_library(tmp_path, seed=1, split="val", pixel_mm=9.0, each=1, per_class=15)
    assert library.exemplars() == dict.fromkeys(sorted([*PROHIBITED, ANOMALY]), 15)
    knives = Counter(o.family for o in library.objects if o.label == "knife")
    assert set(knives) == {name for name, f in family_facts().items() if f.threat and f.label == "knife"}
    assert set(knives.values()) <= {1, 2}
    assert open_library(tmp_path, per_class=15, threats_each=None).baked["per_class"] == 15
    with pytest.raises(BadInputError, match="per_class was 15, now 20"):
        open_library(tmp_path, per_class=20)
    with pytest.raises(BadInputError, match="threats_each was null, now 45"):
        open_library(tmp_path, threats_each=45)


def test_no_family_is_left_out_for_want_of_objects() -> None:
    shares = _shares(2, ("battery", "screwdriver"))
    assert sum(shares[name] for name in ("battery_cells", "battery_pack", "power_bank")) == 3
    assert shares["screwdriver"] == 2
    assert shares["pistol"] == 0


def test_only_the_labels_that_are_wanted_are_baked_and_a_shard_of_others_is_refused(tmp_path: Path) -> None:
    asked = ("gun", "liquid", "knife")
    library = bake_library(
        tmp_path / "few", seed=1, split="val", pixel_mm=9.0, each=1, per_class=2, labels=asked
    )
    knives = sum(f.threat and f.label == "knife" for f in family_facts().values())
    assert knives > 2
    assert library.exemplars() == {"gun": 2, "knife": knives, "liquid": 4}, "one of every family at least"
    assert library.baked["labels"] == ["gun", "knife", "liquid"]
    plan = ShardPlan(("gun", "dart"), height=64, width=96, count=1)
    with pytest.raises(BadInputError, match="few: no object of dart; bake"):
        write_shards(tmp_path / "shards", library, plan, shards=1)
    assert not (tmp_path / "shards").exists()


def test_a_library_of_an_earlier_version_is_drawn_from_by_the_new_labels(
    library: ObjectLibrary, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(library.root, tmp_path / "old"))
    record = json.loads((root / INDEX).read_text())
    former = {"power_bank": "power_bank", "baseball_bat": "bat", "hand_saw": "saw"}
    for entry in record["objects"]:
        entry["label"] = former.get(entry["family"], entry["label"])
    (root / INDEX).write_text(json.dumps(record))
    assert ObjectLibrary(root).exemplars() == library.exemplars()
    everyday = {o.family for o in ObjectLibrary(root).by_role["thing"]}
    assert not everyday & set(former)


def test_processes_bake_the_same_library_and_shards(tmp_path):
    plan = ShardPlan(("gun", "knife"), height=64, width=96, count=2)
    for name, processes in (("alone", 1), ("shared", 3)):
        library = bake_library(
            tmp_path / name, seed=4, split="train", pixel_mm=8, each=1, threats_each=1, processes=processes
        )
        assert (
            write_shards(tmp_path / f"{name}-set", library, plan, shards=4, seed=2, processes=processes) == 4
        )
    for folder, files in (("", ("objects.f16", "index.json")), ("-set", ("shard_00003/images.npy",))):
        for file in files:
            assert (tmp_path / f"alone{folder}" / file).read_bytes() == (
                tmp_path / f"shared{folder}" / file
            ).read_bytes()
