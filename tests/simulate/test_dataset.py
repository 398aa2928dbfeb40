"""Sets on disk: the same whatever the workers, continued after a stop, readable by others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.formats import read_set, verify_set
from beltline.simulate import SetPlan, simulate_set
from beltline.simulate.generate import PREVIEW_RECIPE, PREVIEW_SCANNER

PLAN = SetPlan(3, 4, replace(PREVIEW_RECIPE, positives=1.0, classes=("gun", "anomaly")), PREVIEW_SCANNER)


def test_a_set_is_read_back_with_masks_and_scenes(tmp_path: Path) -> None:
    card = simulate_set(tmp_path, PLAN)
    assert card["counts"]["images"] == 3
    assert card["source"] == "simulated"
    assert verify_set(tmp_path) == []
    scans = read_set(tmp_path)
    for sample in scans:
        assert sample.instances is not None
        assert sample.instances.masks is not None
        masks = sample.instances.masks.decode()
        assert masks.any(axis=(1, 2)).all()
        assert {"gun", "anomaly"} & set(sample.instances.labels)
    annotations = json.loads((tmp_path / "annotations.json").read_text())["annotations"]
    assert {"material", "occlusion", "object_id", "family"} <= set(annotations[0])


def test_anomalies_say_what_and_where_they_are(tmp_path: Path) -> None:
    recipe = replace(PREVIEW_RECIPE, positives=1.0, classes=("anomaly",))
    simulate_set(tmp_path, SetPlan(2, 4, recipe, PREVIEW_SCANNER))
    annotations = json.loads((tmp_path / "annotations.json").read_text())["annotations"]
    hidden = [a for a in annotations if a["role"] == "anomaly"]
    assert hidden
    assert all({"kind", "material", "size_mm"} <= set(a["site"]) for a in hidden)


def test_a_stopped_run_goes_on_and_gives_the_same_set(tmp_path: Path) -> None:
    whole = simulate_set(tmp_path / "whole", PLAN)
    simulate_set(tmp_path / "parts", replace(PLAN, bags=1))
    calls: list[tuple[int, int]] = []
    parts = simulate_set(
        tmp_path / "parts", PLAN, on_progress=lambda done, total, item: calls.append((done, total))
    )
    assert calls[0] == (1, 3)
    assert calls[-1] == (3, 3)
    assert parts["sha256"] == whole["sha256"]


@pytest.mark.slow
def test_workers_do_not_change_the_set(tmp_path: Path) -> None:
    one, two = (simulate_set(tmp_path / str(n), PLAN, workers=n) for n in (1, 2))
    assert one["sha256"] == two["sha256"]


def test_two_views_share_their_objects(tmp_path: Path) -> None:
    plan = replace(PLAN, bags=1, scanner=replace(PREVIEW_SCANNER, views=2))
    simulate_set(tmp_path, plan)
    coco = json.loads((tmp_path / "annotations.json").read_text())
    objects = [(a["image_id"], a["object_id"]) for a in coco["annotations"]]
    views = [{thing for image, thing in objects if image == i["id"]} for i in coco["images"]]
    assert len(views) == 2
    assert views[0] & views[1]


def test_the_verb_refuses_unknown_classes_and_splits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", str(tmp_path / "a"), "--classes", "sword"]) == 2
    assert "classes must be among" in " ".join(capsys.readouterr().err.split())
    assert main(["simulate", str(tmp_path / "b"), "--split", "later"]) == 2
    assert not np.any([p.exists() for p in (tmp_path / "a", tmp_path / "b")])
