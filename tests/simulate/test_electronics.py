"""Scans of devices: twins alike but for what is concealed, splits kept, and the options honoured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.formats import verify_set
from beltline.simulate import (
    DEVICES,
    KINDS,
    PAPER_KINDS,
    ElectronicsRecipe,
    Scene,
    SetPlan,
    draw_electronics,
    scan_scene,
    simulate_set,
    split_of,
)
from beltline.simulate.generate import PREVIEW_SCANNER, photograph_scene
from beltline.simulate.items.anomalies import twin_of
from beltline.simulate.scanner import MASK_DEPTH

TRAYS = ElectronicsRecipe(in_bags=0.0)
SEEDS = range(6)


def devices_of(scene: Scene) -> list[str]:
    """Families of the devices in a scene."""
    kinds = [placed.kind.removesuffix("_anomaly") for placed in scene.placed if placed.role == "content"]
    return [kind for kind in kinds if kind in DEVICES]


def pairs(recipe: ElectronicsRecipe) -> Iterator[tuple[Scene, Scene]]:
    """Benign and anomalous scenes of the same seeds."""
    for seed in SEEDS:
        yield (
            draw_electronics(seed, recipe, concealed=False),
            draw_electronics(seed, recipe, concealed=True),
        )


@pytest.mark.parametrize("in_bags", [0.0, 1.0])
def test_twins_share_everything_but_the_anomaly(in_bags: float) -> None:
    for benign, hidden in pairs(replace(TRAYS, in_bags=in_bags)):
        assert benign.notes == {**hidden.notes, "positive": False}
        assert hidden.notes["positive"]
        changed = [(a, b) for a, b in zip(benign.placed, hidden.placed, strict=True) if a.kind != b.kind]
        ((before, after),) = changed
        assert after.kind == f"{before.kind}_anomaly"
        assert after.build().params["twin_seed"] == before.seed == benign.notes["pair"]
        for a, b in zip(benign.placed, hidden.placed, strict=True):
            assert (a.pose.rotation == b.pose.rotation).all()
            assert (a.pose.offset == b.pose.offset).all()


def test_the_scans_of_twins_differ_under_the_mask_alone() -> None:
    for benign, hidden in pairs(TRAYS):
        (one,), (other,) = scan_scene(benign, PREVIEW_SCANNER), scan_scene(hidden, PREVIEW_SCANNER)
        (mask,) = [seen.mask for seen in other.seen if seen.role == "anomaly"]
        depth = np.abs(np.log(one.low) - np.log(other.low))
        assert depth[~mask].max() <= MASK_DEPTH
        assert depth[mask].max() > MASK_DEPTH
        assert not [seen for seen in one.seen if seen.role == "anomaly"]


def test_noise_and_look_of_twins_are_the_same() -> None:
    benign, hidden = next(pairs(TRAYS))
    one, other = (photograph_scene(scene, scanner=PREVIEW_SCANNER) for scene in (benign, hidden))
    assert one.look == other.look or one.look.name == other.look.name
    air = (one.views[0].low == 1) & (other.views[0].low == 1)
    apart = np.abs(one.photographs[0].low - other.photographs[0].low)[air]
    assert np.median(apart) < 1e-3  # other noise would be at 0.02


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_no_item_and_no_twin_is_of_another_split(split: str) -> None:
    recipe = ElectronicsRecipe(split=split)  # type: ignore[arg-type]
    for benign, hidden in pairs(recipe):
        seeds = [placed.seed for scene in (benign, hidden) for placed in scene.placed]
        assert {split_of(seed) for seed in seeds} == {split}


@pytest.mark.parametrize("in_bags", [0.0, 1.0])
def test_there_is_one_device_a_scan(in_bags: float) -> None:
    recipe = replace(TRAYS, in_bags=in_bags)
    for seed in SEEDS:
        scene = draw_electronics(seed, recipe)
        assert devices_of(scene) == [scene.notes["device"]]
        assert scene.notes["place"] == ("bag" if in_bags else "tray")
        assert (scene.placed[0].kind == "tray") == (not in_bags)


def test_only_the_wanted_families_and_kinds_occur() -> None:
    recipe = replace(TRAYS, families=("phone", "radio"), kinds=PAPER_KINDS, anomalies=1.0)
    seen, kinds = Counter[str](), Counter[str]()
    for seed in range(40):
        scene = draw_electronics(seed, recipe)
        (hidden,) = [placed for placed in scene.placed if placed.kind.endswith("_anomaly")]
        seen[str(scene.notes["device"])] += 1
        kinds[twin_of(hidden.seed)[1]] += 1
    assert set(seen) == {"phone", "radio"}
    assert set(kinds) == set(PAPER_KINDS)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_anomalies_is_kept(share: float) -> None:
    scenes = [draw_electronics(seed, replace(TRAYS, anomalies=share)) for seed in SEEDS]
    assert {scene.notes["positive"] for scene in scenes} == {bool(share)}


def test_a_set_of_twins_names_devices_places_and_pairs(tmp_path: Path) -> None:
    recipe = replace(TRAYS, twins=True)
    card = simulate_set(tmp_path, SetPlan(4, 1, recipe, PREVIEW_SCANNER))
    assert verify_set(tmp_path) == []
    assert card["counts"]["positives"] == 2
    assert card["recipe"]["kinds"] == KINDS
    coco = json.loads((tmp_path / "annotations.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    for benign, hidden in zip(coco["images"][::2], coco["images"][1::2], strict=True):
        assert benign["pair"] == hidden["pair"]
        assert benign["place"] == "tray"
        labels = {
            image["id"]: {
                names[a["category_id"]] for a in coco["annotations"] if a["image_id"] == image["id"]
            }
            for image in (benign, hidden)
        }
        assert benign["device"] in labels[benign["id"]]
        assert benign["device"] in labels[hidden["id"]]
        assert "anomaly" not in labels[benign["id"]]
        assert "anomaly" in labels[hidden["id"]]
    found = [a["site"] for a in coco["annotations"] if a["role"] == "anomaly"]
    assert all({"kind", "size_mm", "site", "difficulty"} <= set(site) for site in found)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"families": ("car",)}, "families must be one or more of laptop"),
        ({"families": ()}, "families must be one or more"),
        ({"kinds": ("bomb",)}, "kinds must be one or more of metal_plate"),
        ({"anomalies": 1.5}, r"anomalies must be in \[0, 1\], got 1.5"),
        ({"in_bags": -0.1}, r"in_bags must be in \[0, 1\]"),
        ({"twins": True, "anomalies": 0.2}, "anomalies must be 0.5, got 0.2"),
        ({"split": "dev"}, "split must be one of"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ElectronicsRecipe(**wrong)  # type: ignore[arg-type]
