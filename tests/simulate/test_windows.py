"""Windows of simulated bags: what they say they hold, they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.simulate import windows as module
from beltline.simulate.library import Composed, ComposedObject, ObjectLibrary, bake_library
from beltline.simulate.windows import WindowPlan, WindowSet, open_windows, write_windows

PLAN = WindowPlan({"gun": 4, "scissors": 3}, negatives=12, size=64, seed=5)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ObjectLibrary:
    return bake_library(
        tmp_path_factory.mktemp("library"), seed=2, split="train", pixel_mm=5.0, each=1, threats_each=2
    )


@pytest.fixture(scope="module")
def windows(library: ObjectLibrary, tmp_path_factory: pytest.TempPathFactory) -> WindowSet:
    return write_windows(tmp_path_factory.mktemp("windows") / "set", library, PLAN)


def test_counts_are_those_of_the_plan(windows: WindowSet) -> None:
    assert windows.images.shape == (19, 64, 64, 3)
    assert windows.classes == ("gun", "scissors")
    assert windows.labels[:4, 0].all()
    assert windows.labels[4:7, 1].all()
    assert not windows.labels[7:].any()


def test_each_label_has_its_box_and_nothing_else_has(windows: WindowSet) -> None:
    labelled = {(int(r), int(k)) for r, k in np.argwhere(windows.labels)}
    assert labelled == {(int(o[0]), int(o[1])) for o in windows.objects}
    x1, y1, x2, y2, area, occlusion = windows.objects[:, 2:].T
    assert (x1 < x2).all()
    assert (y1 < y2).all()
    assert windows.objects[:, 2:6].min() >= 0
    assert windows.objects[:, 2:6].max() <= 64
    assert ((area > 0) & (area <= (x2 - x1) * (y2 - y1) / 64**2 + 1e-6)).all()
    assert ((occlusion >= -1e-4) & (occlusion < 1)).all()


def test_windows_show_a_bag_and_know_its_contents(windows: WindowSet) -> None:
    dark = (windows.images.min(axis=3) < 240).mean(axis=(1, 2))
    assert (dark >= PLAN.filled).all()
    assert windows.families.any(axis=1).mean() > 0.5


def test_the_card_names_the_everyday_families(library: ObjectLibrary, tmp_path: Path) -> None:
    windows = write_windows(tmp_path, library, replace(PLAN, positives={"gun": 1}, negatives=1))
    families = json.loads((tmp_path / "card.json").read_text())["families"]
    assert len(families) == windows.families.shape[1]
    assert "gun" not in families


def test_the_seed_decides_everything(library: ObjectLibrary, windows: WindowSet, tmp_path: Path) -> None:
    again = write_windows(tmp_path / "again", library, PLAN)
    np.testing.assert_array_equal(again.images, windows.images)
    np.testing.assert_array_equal(again.objects, windows.objects)
    other = write_windows(tmp_path / "other", library, replace(PLAN, seed=6))
    assert (np.asarray(other.images) != windows.images).any()


def test_a_finished_set_is_read_and_another_plan_refused(library: ObjectLibrary, tmp_path: Path) -> None:
    small = WindowPlan({"gun": 1}, negatives=1, size=64)
    write_windows(tmp_path, library, small)
    stamp = (tmp_path / "images.npy").stat().st_mtime_ns
    assert len(write_windows(tmp_path, library, small)) == 2
    assert (tmp_path / "images.npy").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match="another plan: negatives was 1, now 2; name a new folder"):
        write_windows(tmp_path, library, replace(small, negatives=2))


def test_an_unfinished_set_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no complete set"):
        open_windows(tmp_path)


def test_an_item_cut_in_half_makes_no_window() -> None:
    depth = np.ones((10, 10), np.float32)
    bag = Composed(np.ones((6, 40, 40), np.float32), (ComposedObject("gun", True, depth, (0, 0)),))
    rgb = np.zeros((40, 40, 3), np.uint8)
    plan = WindowPlan({"gun": 1}, negatives=0, size=20)
    assert module._cut(bag, rgb, (5, 0), plan) is None  # half of it seen
    whole = module._cut(bag, rgb, (0, 0), plan)
    assert whole is not None
    assert whole.labels.tolist() == [1]
    assert whole.objects[0][1:5] == (0, 0, 10, 10)
    away = module._cut(bag, rgb, (20, 20), plan)
    assert away is not None
    assert away.labels.tolist() == [0]


def test_occlusion_is_the_share_of_other_things() -> None:
    basis = np.zeros((6, 8, 8), np.float32)
    basis[1] = 5.0
    probe = Composed(basis, ())
    unit = float(probe.optical_depth[0, 0])
    half = np.full((8, 8), unit / 2, np.float32)
    gun = ComposedObject("gun", True, half, (0, 0))
    covered = half > module.MIN_DEPTH
    assert covered.all()
    assert Composed(basis, (gun,)).occlusion(gun, module.MIN_DEPTH) == pytest.approx(0.5, abs=1e-5)
