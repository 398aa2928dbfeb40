"""Click shards from a library to the files and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.formats.click_shards import ClickShards, open_click_shards
from beltline.physics import dual_energy_transmission
from beltline.simulate.bags import family_facts
from beltline.simulate.click_shards import ClickPlan, write_click_shards
from beltline.simulate.composed import Composed
from beltline.simulate.framing import FramedPicture, framed_picture
from beltline.simulate.library import ObjectLibrary, compose
from beltline.simulate.shards import FULL_BAGS

PLAN = ClickPlan(height=224, width=320, count=3, twins=0.5, styles=(("white", 1.0),))
SEED = 7


@pytest.fixture(scope="module")
def folder(library: ObjectLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clicks")
    assert write_click_shards(out, library, PLAN, shards=2, seed=SEED) == 2
    return out


@pytest.fixture(scope="module")
def shards(folder: Path) -> ClickShards:
    return open_click_shards(folder)


@pytest.fixture(scope="module")
def composed(library: ObjectLibrary, shards: ClickShards) -> list[tuple[Composed, FramedPicture]]:
    """The bags of the first shard, composed again."""
    rng = np.random.default_rng(SEED * 100_003)
    recipe = replace(FULL_BAGS, classes=shards.labels[1:], positives=0.9, threats=(1, 6))
    found = []
    for _ in range(PLAN.count):
        bag = compose(rng, library, recipe, twins=PLAN.twins)
        found.append((bag, framed_picture(rng, bag, PLAN.styles, (PLAN.height, PLAN.width))))
    return found


def test_masks_are_what_was_composed(shards: ClickShards, composed) -> None:
    assert len(shards.rows(0)) >= 5
    for image, (bag, shot) in enumerate(composed):
        masks: dict[str, list[np.ndarray]] = {}
        for thing in bag.objects:
            plane = np.zeros(bag.basis.shape[1:], np.float32)
            plane[thing.lines] = thing.depth > PLAN.min_depth
            masks.setdefault(thing.family, []).append(shot.frame.lay(plane) >= 0.5)
        for row in shards.rows(image):
            one, mask = shards.objects[row], shards.mask(row)
            family = shards.families[one["family"]]
            assert any((mask == other).all() for other in masks[family]), family
            facts = family_facts()[family]
            assert shards.labels[one["label"]] == (facts.label if facts.threat else "")
            assert one["threat"] == facts.threat
            rows, columns = np.nonzero(mask)
            box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert tuple(one[["x1", "y1", "x2", "y2"]]) == box
            assert one["area_px"] == mask.sum() >= PLAN.min_area_px
            metal = shards.metal(row)
            assert not (metal & ~mask).any()
            assert one["metal_share"] == pytest.approx(metal.sum() / mask.sum(), abs=1e-6)
            assert 0 <= one["occlusion"] < 1


def test_everything_that_is_seen_and_large_is_listed(shards: ClickShards, composed) -> None:
    for image, (bag, shot) in enumerate(composed):
        things = [thing for thing in bag.objects if thing.role == "thing"]
        for thing in things:
            low = shot.clear_low[thing.lines][thing.depth > PLAN.min_depth]
            if len(low) > 100 and low.mean() > 0.2 and thing.depth.max() > 0.5:
                families = [shards.families[f] for f in shards.objects["family"][shards.rows(image)]]
                assert thing.family in families


def test_energies_are_the_transmissions_and_the_picture_shows_them(shards: ClickShards, composed) -> None:
    for image, (bag, shot) in enumerate(composed):
        low, high = dual_energy_transmission(bag.basis)
        measured = shards.energies(image).astype(float) / 255
        x1, y1, x2, y2 = shards.bag(image)
        outside = np.ones(measured.shape[1:], bool)
        outside[shot.frame.lines] = False
        assert (measured[:, outside] == 1).all()
        for plane, exact in zip(measured, (high, low), strict=True):
            off = plane - shot.frame.lay(exact, 1.0)
            assert abs(off.mean()) < 0.01
            assert np.abs(off).mean() < 0.04, "noise and blur of the detector"
        grey = shards.picture(image).mean(axis=0)
        assert np.corrcoef(grey.ravel(), measured[1].ravel())[0, 1] > 0.85
        inside = grey[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1]
        assert (grey < 200).sum() == (inside < 200).sum()


def test_shards_replay_and_another_seed_is_another_set(
    library: ObjectLibrary, folder: Path, tmp_path: Path
) -> None:
    write_click_shards(tmp_path / "again", library, PLAN, shards=1, first=1, seed=SEED)
    for path in sorted((folder / "shard_00001").iterdir()):
        assert (tmp_path / "again/shard_00001" / path.name).read_bytes() == path.read_bytes(), path.name
    assert write_click_shards(folder, library, PLAN, shards=2, seed=SEED) == 0
    first, second = ((folder / f"shard_0000{n}/images.bin").read_bytes() for n in (0, 1))
    assert first != second


def test_twins_in_the_shard_are_of_one_kind_and_touch(shards: ClickShards) -> None:
    objects = shards.objects
    rows = np.flatnonzero(objects["twin"] >= 0)
    assert len(rows) >= 4
    for row in rows:
        other = int(objects["twin"][row])
        assert objects["image"][other] == objects["image"][row]
        assert objects["group"][other] == objects["group"][row]
        same = "label" if objects["threat"][row] else "family"
        assert objects[same][other] == objects[same][row]
    alone = np.flatnonzero(objects["twin"] < 0)
    assert (objects["group"][alone] == alone).all()


def test_a_set_is_not_mixed(library: ObjectLibrary, folder: Path) -> None:
    with pytest.raises(BadInputError, match="seed was 7, now 8"):
        write_click_shards(folder, library, PLAN, shards=1, first=2, seed=8)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ClickPlan(twins=1.5), "twins must be in"),
    (lambda: ClickPlan(styles=(("white", -1.0),)), "share of style white"),
    (lambda: ClickPlan(styles=(("sepia", 1.0),)), "sepia"),
])  # fmt: skip
def test_plans_that_make_no_sense_are_refused(make: Callable[[], ClickPlan], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_library_without_anything_prohibited_says_so(library: ObjectLibrary, tmp_path: Path) -> None:
    benign = ObjectLibrary(library.root)
    benign.objects = [one for one in benign.objects if not one.threat]
    with pytest.raises(BadInputError, match="no prohibited object; bake another"):
        write_click_shards(tmp_path / "none", benign, PLAN, shards=1)
    assert not (tmp_path / "none").exists()
