"""Every public set: its fake is whole, verify finds what is broken, import reads back in one taxonomy."""

import json
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, canonical, is_threat
from beltline.core.taxonomy import DATASETS
from beltline.data.public import (
    PUBLIC_SETS,
    fake_public_set,
    import_public_set,
    public_set,
    verify_public_set,
)
from beltline.data.public.coco_set import fake_coco_set
from beltline.data.public.gdxray import read_gdxray
from beltline.data.public.pidray import PIDRAY
from beltline.data.public.pixray import CLASSES, PARTS, read_pixray
from beltline.formats import read_set, verify_set

# Everyday classes of the sets: not threats, and no taxonomy name was invented for them by mistake.
EVERYDAY = {"laptop", "phone", "tablet", "cosmetics", "umbrella", "device", "object"}


def kinds(verdict):
    return {finding.kind: finding.names for finding in verdict.findings}


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_a_fake_has_no_fault_and_lacks_only_images(name, tmp_path):
    root = fake_public_set(name, tmp_path / "copy", each=4)
    verdict = verify_public_set(public_set(name), root, deep=True)
    assert verdict.faults == ()
    assert verdict.state == "partial"
    assert set(kinds(verdict)) - {"not_annotated", "missing_splits"} == {"counts_differ"}
    assert verdict.images == verdict.on_disk["all"] >= 8
    assert json.loads(json.dumps(verdict.to_json()))["ok"] is True


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_import_reads_back(name, tmp_path):
    root = fake_public_set(name, tmp_path / "copy", each=4)
    known = public_set(name)
    card = import_public_set(known, root, tmp_path / "set")
    assert card["skipped"] == {}
    assert verify_set(tmp_path / "set") == []
    opened, data = read_set(tmp_path / "set"), known.read(root)
    assert len(opened) == len(data)
    for number, picture in enumerate(data.pictures):
        sample = opened[number]
        if picture.objects is None:
            assert sample.instances is None
            continue
        assert sample.instances.labels == tuple(known.labels()[item.label] for item in picture.objects)
        np.testing.assert_allclose(sample.instances.boxes, [item.box for item in picture.objects], atol=1e-3)
        if picture.objects[0].outline:
            boxes = sample.instances.masks.boxes()
            assert np.abs(boxes - sample.instances.boxes).max() <= 1.5


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_reading_says_how_far_it_came(name, tmp_path):
    root = fake_public_set(name, tmp_path / "copy", each=4)
    told = []
    quiet, heard = (
        public_set(name).read(root),
        public_set(name).read(root, on_progress=lambda *t: told.append(t)),
    )
    steps = [done for done, _, _ in told]
    assert steps == list(range(len(steps)))
    assert {total for _, total, _ in told} == {steps[-1]}
    assert all(item for _, _, item in told[1:])
    assert heard.pictures == quiet.pictures


def test_pictures_of_polygon_files_are_told_one_by_one(tmp_path):
    root = fake_public_set("pixray", tmp_path / "copy", each=4)
    told = []
    data = read_pixray(root, on_progress=lambda *t: told.append(t))
    assert told[-1] == (8, 8, data.pictures[-1].file)


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_every_class_has_its_place_in_the_taxonomy(name):
    labels = public_set(name).labels()
    assert name in DATASETS
    for label in labels.values():
        assert is_threat(label) != (label in EVERYDAY), label
        assert canonical(label, name) == label


def test_hixrays_two_chargers_are_one_class_unless_asked_for_as_published(tmp_path):
    copy = fake_public_set("hixray", tmp_path / "copy", each=12)
    import_public_set(public_set("hixray"), copy, tmp_path / "ours")
    import_public_set(public_set("hixray"), copy, tmp_path / "theirs", names="published")
    ours, theirs = read_set(tmp_path / "ours"), read_set(tmp_path / "theirs")
    chargers = {"Portable_Charger_1", "Portable_Charger_2"}
    assert chargers < set(theirs.classes)
    batteries = [a for record in ours.annotations for a in record if a["name"] in chargers]
    assert {a["name"] for a in batteries} == chargers
    labels = {label for n in range(len(ours)) for label in ours.instances(n).labels}
    assert "battery" in labels
    assert not labels & {"power_bank", *chargers}


def test_splits_and_parts_add_up_as_published():
    for known in PUBLIC_SETS.values():
        for release in known.releases:
            assert set(release.recalled) <= set(release.counts)
    first, second = PIDRAY.releases
    assert first.counts["train"] + first.counts["test"] == 47_677
    assert second.counts["train"] + second.counts["test"] == 124_486
    for release in PIDRAY.releases:
        assert sum(release.counts[part] for part in ("easy", "hard", "hidden")) == release.counts["test"]
    assert sum(public_set("clcxray").releases[0].counts.values()) == 9_565
    assert sum(public_set("hixray").releases[0].counts.values()) == 45_364
    assert sum(public_set("pixray").releases[0].counts.values()) == 5_046


def test_the_nearest_release_is_named():
    assert "47,677" in PIDRAY.nearest({"train": 29_000, "easy": 9_000, "hidden": 5_000}).name
    assert "124,486" in PIDRAY.nearest({"train": 76_913, "easy": 20_000}).name


def test_pidray_parts_and_masks(tmp_path):
    root = fake_public_set("pidray", tmp_path / "copy", each=3)
    data = PIDRAY.read(root)
    assert [p.subsets for p in data.pictures if p.split == "test"] == (
        [("easy",)] * 3 + [("hard",)] * 3 + [("hidden",)] * 3
    )
    import_public_set(PIDRAY, root, tmp_path / "hidden", part="hidden")
    assert all("hidden" in name for name in read_set(tmp_path / "hidden").names)
    with pytest.raises(BadInputError, match="train, test, easy, hard, hidden"):
        import_public_set(PIDRAY, root, tmp_path / "no", part="OL1")


def test_a_damaged_coco_copy(tmp_path):
    root = fake_public_set("pidray", tmp_path / "copy", each=3)
    path = root / "annotations/xray_train.json"
    coco = json.loads(path.read_text())
    coco["annotations"][0]["image_id"] = 99
    coco["annotations"][1]["bbox"] = [1, 2, None, 4]
    coco["images"][1]["file_name"] = "xray_train00002.jpg"
    coco["images"][2]["file_name"] = ".png"
    coco["images"][0]["height"] = 47
    path.write_text(json.dumps(coco))
    (root / "annotations/xray_test_hard.json").write_text("{")
    (root / "annotations/xray_test_easy.json").unlink()
    found = kinds(verify_public_set(PIDRAY, root))
    assert found["dangling"] == ("xray_train.json: annotation 1",)
    assert any("annotation 2 has no box" in line for line in found["damaged_annotation"])
    assert any("xray_test_hard.json: damaged JSON" in line for line in found["damaged_annotation"])
    assert found["wrong_extension"] == ("xray_train00002.jpg: is train/xray_train00002.png",)
    assert found["missing_images"] == ("train/.png",)
    assert found["unlisted_images"] == ("train/xray_train00003.png",)
    assert found["wrong_size"] == ("train/xray_train00001.png",)
    assert found["missing_splits"] == ("easy",)


def test_pixray_is_read_in_both_shapes(tmp_path):
    fake_public_set("pixray", tmp_path / "polygons", each=4, seed=1)
    fake_coco_set(tmp_path / "coco", PARTS, CLASSES, each=4, seed=1)
    one, other = read_pixray(tmp_path / "polygons"), read_pixray(tmp_path / "coco")
    assert [*dict.fromkeys(p.split for p in one.pictures)] == ["train", "test"]
    assert [p.split for p in one.pictures] == [p.split for p in other.pictures]
    for a, b in zip(one.pictures, other.pictures, strict=True):
        assert [(i.label, i.box, i.outline) for i in a.objects] == [
            (i.label, i.box, i.outline) for i in b.objects
        ]


def test_gdxray_truth_counts_from_1_and_may_be_the_wrong_way_round(tmp_path):
    root = fake_public_set("gdxray", tmp_path / "copy", each=2)
    truth = root / "Baggages/B0049/ground_truth.txt"
    truth.write_text("1.0e+00 11 30 4.1e+01 5\n7 1 2 3 4\n")
    data = read_gdxray(root)
    items = {picture.stem: picture.objects for picture in data.pictures}
    assert [(i.label, i.box) for i in items["B0049_0001"]] == [("Handgun", (10, 4, 30, 41))]
    assert items["B0049_0002"] == ()
    assert items["B0001_0001"] is None
    assert data.problems["annotation_without_image"] == ("Baggages/B0049/ground_truth.txt: 7",)


def test_eds_names_start_anew_in_each_domain(tmp_path):
    root = fake_public_set("eds", tmp_path / "copy", each=2)
    for folder in ("image", "txt"):
        for path in (root / "domain2" / folder).iterdir():
            path.rename(path.with_name("0" + path.name[1:]))
    verdict = verify_public_set(public_set("eds"), root)
    assert "split_overlap" not in kinds(verdict)
    card = import_public_set(public_set("eds"), root, tmp_path / "set")
    assert card["counts"]["images"] == 6
    assert read_set(tmp_path / "set").names[:3] == ("domain1_000001", "domain1_000002", "domain2_000001")


def test_a_fake_goes_into_a_new_folder_only(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInputError, match="holds something"):
        fake_public_set("eds", tmp_path)
    with pytest.raises(BadInputError, match="sixray, opixray"):
        public_set("cifar")


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_another_folder_is_bad_input(name, tmp_path):
    with pytest.raises(BadInputError, match="expected"):
        public_set(name).read(tmp_path)


@pytest.mark.parametrize(
    "outline",
    [[1, 2, 3, 4, 5, 6], [[1, 2, 3, 4]], [[1, 2, None, 4, 5, 6]], {"size": [48]}, "mask", [[1, 2, 3] * 3]],
)
def test_an_odd_outline_leaves_the_box(outline, tmp_path):
    root = fake_public_set("pidray", tmp_path / "copy", each=1)
    path = root / "annotations/xray_train.json"
    coco = json.loads(path.read_text())
    coco["annotations"][0]["segmentation"] = outline
    path.write_text(json.dumps(coco))
    assert kinds(verify_public_set(PIDRAY, root))["odd_outline"] == ("xray_train.json: annotation 1",)
    assert import_public_set(PIDRAY, root, tmp_path / "set")["skipped"] == {}


def test_run_lengths_of_another_size_leave_the_image_out(tmp_path):
    root = fake_public_set("pidray", tmp_path / "copy", each=1)
    path = root / "annotations/xray_train.json"
    coco = json.loads(path.read_text())
    coco["annotations"][0]["segmentation"] = {"size": [9, 9], "counts": [40, 41]}
    path.write_text(json.dumps(coco))
    assert "outline_other_size" in kinds(verify_public_set(PIDRAY, root))
    skipped = import_public_set(PIDRAY, root, tmp_path / "set")["skipped"]
    assert list(skipped) == ["train/xray_train00001.png"]
    assert not (tmp_path / "set/images/xray_train00001.png").exists()


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"images": 3, "categories": []}', '{"categories": ["gun"]}', "nul"]
)
def test_other_json_is_a_damaged_annotation(text, tmp_path):
    root = fake_public_set("clcxray", tmp_path / "copy", each=1)
    (root / "annotations/instances_train2017.json").write_text(text)
    verdict = verify_public_set(public_set("clcxray"), root)
    assert [fault.kind for fault in verdict.faults] == ["damaged_annotation"]


def test_the_page_says_what_the_code_knows():
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text("utf-8")
    for known in PUBLIC_SETS.values():
        cells = [
            f"{name}: {label if is_threat(label) else f'*{label}*'}" for name, label in known.labels().items()
        ]
        assert f"| `{known.name}` | {', '.join(cells)} |" in page
        for release in known.releases:
            for part, count in release.counts.items():
                assert f"{count:,d}{'*' if part in release.recalled else ''}" in page, (known.name, part)


def test_gdxray_with_matlab_truth_only_is_not_annotated_and_says_so(tmp_path):
    root = fake_public_set("gdxray", tmp_path / "copy", each=2)
    (root / "Baggages/B0001/BoundingBox.mat").write_bytes(b"MATLAB 5.0")
    verdict = verify_public_set(public_set("gdxray"), root)
    assert kinds(verdict)["unread_truth"] == ("Baggages/B0001/BoundingBox.mat",)
    assert verdict.faults == ()
