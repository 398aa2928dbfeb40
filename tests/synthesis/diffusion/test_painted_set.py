"""Whole sets painted by hand: resumed, one by one, refused, given boxes, repainted, over projections."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.synthesis.diffusion.hand_painter import HandPainter, bag

from beltline.core import BadInputError, Instances, Masks
from beltline.formats import SetWriter, encode_tiff, read_scan, read_set, verify_set
from beltline.physics import colorize
from beltline.synthesis.diffusion.annotating import Refiner
from beltline.synthesis.diffusion.paint_plan import PaintPlan, groups_of
from beltline.synthesis.diffusion.paint_sources import (
    PaintSource,
    annotated_sources,
    benign_sources,
    boxed_sources,
    repaint_sources,
)
from beltline.synthesis.diffusion.painted_set import paint_set
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.scan_occlusion import OcclusionRule
from beltline.synthesis.library import read_library

CLASSES = ("gun", "knife", "dart")
PLAN = PaintPlan(CLASSES, count=3, benign=1, seed=5)
PAINTER = HandPainter(classes=CLASSES)


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bags")
    for number in range(4):
        (root / f"b{number}.tif").write_bytes(encode_tiff(*bag(number), pixel_mm=1.0))
    return root


@pytest.fixture(scope="module")
def sources(bags: Path) -> list[PaintSource]:
    return benign_sources(bags)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans with a gun and a shoe each, and a benign one."""
    writer = SetWriter(tmp_path_factory.mktemp("annotated"), classes=("gun",))
    boxes = np.array([[40, 40, 80, 70], [120, 90, 160, 120]], np.float32)
    masks = np.zeros((2, 160, 200), bool)
    masks[0, 40:70, 40:80] = masks[1, 90:120, 120:160] = True
    for number in range(3):
        planes, some = bag(number), slice(0, 2 if number < 2 else 0)
        known = Instances(boxes[some], ("gun", "shoes")[some], masks=Masks.encode(masks[some]))
        writer.add(f"s{number}", image=colorize(*planes), raw=(planes[0], planes[1]), instances=known)
    writer.finish()
    return writer.root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(sources: list[PaintSource], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "whole"
    paint_set(out, sources, PAINTER, PLAN)
    return out


def test_a_set_says_where_everything_came_from(whole: Path, bags: Path) -> None:
    assert verify_set(whole) == []
    made = read_set(whole, pixels="transmission")
    assert made.names == ("bag_000003", "xsyn_000000", "xsyn_000001", "xsyn_000002")
    assert made.classes == CLASSES
    assert made.card["model"] == {"name": "by hand", "sha256": "0" * 64}
    assert made.card["plan"]["sampler"]["steps"] == 25
    assert "terms" in made.card
    for index, record in enumerate(made.records):
        objects, scan = made.instances(index), made.scan(index)
        assert objects is not None
        before = read_scan(bags / f"{record['bag']}.tif").pixels
        if record["file_name"].startswith("images/bag"):
            assert len(objects) == 0
            assert (scan.pixels == before).all()
            continue
        assert objects.masks is not None
        (item,) = made.annotations[index]
        assert item["label"] in CLASSES
        assert item["prompt"] == f"one {item['label']}"
        assert item["refined"] == item["bbox"]
        assert item["tries"] == 1
        assert isinstance(item["seed"], int)
        assert 0 < item["occlusion"] < 1
        assert 0 <= item["quality"] <= 1
        inside = objects.masks[0]
        assert scan.pixels[0][inside].mean() < 0.8 * before[0][inside].mean()


def test_a_killed_run_goes_on_to_the_same_set(
    whole: Path, sources: list[PaintSource], tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def after_two(done: int, total: int, name: str) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        paint_set(tmp_path / "set", sources, PAINTER, PLAN, on_progress=after_two)
    assert not (tmp_path / "set" / "card.json").exists()
    paint_set(tmp_path / "set", sources, PAINTER, PLAN)
    assert contents(tmp_path / "set") == contents(whole)


def test_a_scan_does_not_depend_on_the_others(
    whole: Path, sources: list[PaintSource], tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "set")
    for file in out.rglob("*xsyn_000001*"):
        file.unlink()
    paint_set(out, sources, PAINTER, PLAN)
    assert contents(out) == contents(whole)
    more = paint_set(out, sources, PAINTER, PaintPlan(CLASSES, count=3, benign=2, seed=5))
    assert more["counts"]["images"] == 5
    assert contents(whole).items() - contents(out).items() == {
        (name, data) for name, data in contents(whole).items() if "/" not in name
    }


@pytest.mark.parametrize(
    ("plan", "painter", "words"),
    [
        (PaintPlan(CLASSES, 3, 1, 6), PAINTER, "plan.seed was 5, now 6"),
        (PaintPlan(CLASSES, 3, 1, 5, occlusion=OcclusionRule("off")), PAINTER, "occlusion.kind was physical"),
        (PaintPlan(CLASSES, 3, 1, 5, sampler=SamplerSettings(9)), PAINTER, "sampler.steps was 25, now 9"),
        (PLAN, HandPainter(classes=CLASSES, sha256="1" * 64), "model was"),
        (PaintPlan(CLASSES, 1, 1, 5), PAINTER, "more than the 2 asked for"),
    ],
)
def test_another_plan_or_model_is_refused(
    whole: Path, sources: list[PaintSource], plan: PaintPlan, painter: HandPainter, words: str
) -> None:
    before = contents(whole)
    with pytest.raises(BadInputError, match=words):
        paint_set(whole, sources, painter, plan)
    assert contents(whole) == before


def test_paintings_that_come_to_nothing_are_counted(sources: list[PaintSource], tmp_path: Path) -> None:
    plan = PaintPlan(CLASSES, count=1)
    paint_set(tmp_path / "set", sources, HandPainter(classes=CLASSES, misses=4), plan)
    made = read_set(tmp_path / "set")
    assert made.records[0]["thrown_away"] == 4
    assert made.annotations[0][0]["tries"] == 2
    with pytest.raises(BadInputError, match="not to be seen; raise --guidance"):
        paint_set(tmp_path / "none", sources, HandPainter(classes=CLASSES, misses=999), plan)
    thick = HandPainter(classes=CLASSES, opaque=True)
    with pytest.raises(BadInputError, match=r"passes --gate 0\.5, mostly for thickness"):
        paint_set(tmp_path / "gate", sources[:1], thick, PaintPlan(CLASSES, count=1, gate=0.5))


def test_given_boxes_are_painted_each_in_turn(bags: Path, tmp_path: Path) -> None:
    coco = {
        "categories": [{"id": 1, "name": "Pistol"}, {"id": 2, "name": "shoes"}],
        "images": [
            {"id": n, "file_name": f"b{n}.tif", "width": 200, "height": 160} for n in range(3)
        ],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [30, 30, 40, 30]},
            {"id": 2, "image_id": 0, "category_id": 1, "bbox": [120, 90, 50, 40]},
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": [60, 60, 30, 50]},
            {"id": 4, "image_id": 1, "category_id": 2, "bbox": [60, 60, 30, 50]},
        ],
    }  # fmt: skip
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(coco))
    found = boxed_sources(bags, file, ("gun",))
    assert [source.scan[0] for source in found] == ["b0", "b2"]
    plan = PaintPlan(("gun",), count=3, generator="boxes", car="off", occlusion=OcclusionRule("off"))
    paint_set(tmp_path / "set", found, PAINTER, plan)
    made = read_set(tmp_path / "set")
    assert [record["bag"] for record in made.records] == ["b0", "b2", "b0"]
    assert [[item["bbox"] for item in items] for items in made.annotations][:2] == [
        [[30, 30, 40, 30], [120, 90, 50, 40]], [[60, 60, 30, 50]],
    ]  # fmt: skip
    assert made.annotations[0][0]["refined"] is None
    assert made.annotations[0][0]["seed"] != made.annotations[2][0]["seed"]

    def broken(**changes: object) -> str:
        file.write_text(json.dumps({**coco, **changes}))
        with pytest.raises(BadInputError) as caught:
            paint_set(tmp_path / "never", boxed_sources(bags, file, ("gun",)), PAINTER, plan)
        return str(caught.value)

    assert "no benign scans" in broken(images=[{**record, "file_name": "x.tif"} for record in coco["images"]])
    assert "no box of gun" in broken(annotations=[])
    assert "not a COCO file" in broken(annotations=[{"id": 1, "image_id": 9}])
    assert "sticks out" in broken(annotations=[{**coco["annotations"][0], "bbox": [190, 30, 40, 30]}])
    wide = [{**record, "width": 400} for record in coco["images"]]
    outside = [{**coco["annotations"][0], "bbox": [300, 30, 40, 30]}]
    assert "is 200 x 160 pixels" in broken(images=wide, annotations=outside)


def test_objects_are_painted_anew_and_others_kept(annotated: Path, tmp_path: Path) -> None:
    found = repaint_sources(annotated, ("gun",))
    assert [source.scan[0] for source in found] == ["s0", "s1"]
    plan = PaintPlan(("gun",), count=2, generator="repaint", car="off", occlusion=OcclusionRule("off"))
    paint_set(tmp_path / "set", found, PAINTER, plan)
    made = read_set(tmp_path / "set", pixels="transmission")
    assert made.classes == ("gun", "shoes")
    for index in range(2):
        objects = made.instances(index)
        assert objects is not None
        assert objects.labels == ("gun", "shoes")
        assert objects.boxes.tolist() == [[40, 40, 80, 70], [120, 90, 160, 120]]
        assert "seed" in made.annotations[index][0]
        assert "seed" not in made.annotations[index][1]
        assert "occlusion" not in made.annotations[index][0]
        before = bag(index)
        assert (made.scan(index).pixels[:, 90:120, 120:160] == before[:, 90:120, 120:160]).all()
    with pytest.raises(BadInputError, match="no annotated knife"):
        repaint_sources(annotated, ("knife",))
    with pytest.raises(BadInputError, match="are not benign"):
        paint_set(
            tmp_path / "benign", found, PAINTER, PaintPlan(("gun",), 0, 1, generator="repaint", car="off")
        )
    with pytest.raises(BadInputError, match="--boxes FILE"):
        repaint_sources(tmp_path, ("gun",))


def test_an_item_may_be_added_to_what_is_annotated(annotated: Path, tmp_path: Path) -> None:
    found = annotated_sources(annotated)
    assert len(found) == 3
    paint_set(tmp_path / "set", found, PAINTER, PaintPlan(("gun",), count=4, seed=1))
    made = read_set(tmp_path / "set")
    for record, items in zip(made.records, made.annotations, strict=True):
        kept = [] if record["bag"] == "s2" else ["gun", "shoes"]
        assert [item["label"] for item in items] == ["gun", *kept]
        assert isinstance(items[0]["segmentation"], dict)


def test_projections_are_painted_over(bags: Path, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "lone" / "gun").mkdir(parents=True, exist_ok=True)
        planes = np.ones((2, 50, 60), np.float32)
        planes[0, 14:34, 12 : 40 + number], planes[1, 14:34, 12 : 40 + number] = 0.4, 0.5
        (tmp_path / "lone" / "gun" / f"{number}.tif").write_bytes(encode_tiff(*planes, pixel_mm=1.0))
    library = read_library(tmp_path / "lone")
    sampler = SamplerSettings(strength=0.4)
    plan = PaintPlan(("gun",), count=2, generator="project", sampler=sampler, occlusion=OcclusionRule("off"))
    found = benign_sources(bags)
    paint_set(tmp_path / "set", found, PAINTER, plan, library=library)
    made = read_set(tmp_path / "set")
    for index in range(2):
        objects = made.instances(index)
        assert objects is not None
        assert objects.masks is not None
        assert np.allclose(objects.boxes, objects.masks.boxes(), atol=1)
        assert made.annotations[index][0]["layout"] == made.annotations[index][0]["bbox"]
    assert made.card["threats"] == library.mark
    with pytest.raises(ValueError, match="needs a library"):
        paint_set(tmp_path / "none", found, PAINTER, plan)
    with pytest.raises(BadInputError, match="no threat of knife, only of gun"):
        library.only(("knife",))


def test_plans_that_make_no_sense_are_refused(sources: list[PaintSource], tmp_path: Path) -> None:
    for words, wrong in {
        "at least one class": {"classes": ()},
        "at least one scan": {"count": 0},
        "generator must be": {"generator": "draw"},
        "car must be": {"car": "guess"},
        "not told by change": {"generator": "repaint"},
        "belongs to painting over projections": {"generator": "project"},
        "is less than one": {"generator": "project", "sampler": SamplerSettings(strength=0.0)},
        "must be at least 1": {"tries": 0},
        "style must be": {"style": "pink"},
    }.items():
        with pytest.raises(ValueError, match=words):
            PaintPlan(**{"classes": CLASSES, **wrong})
    with pytest.raises(ValueError, match="paints gun, knife, got axe"):
        paint_set(tmp_path, sources, HandPainter(), PaintPlan(("axe",)))
    plain = np.full((2, 100, 100), 0.7, np.float32)
    (tmp_path / "plain.tif").write_bytes(encode_tiff(*plain))
    with pytest.raises(BadInputError, match="no place for gun, knife"):
        paint_set(tmp_path / "set", benign_sources(tmp_path), HandPainter(), PaintPlan(("gun", "knife"), 1))


def test_clicks_need_their_segmenter(sources: list[PaintSource], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="need a segmenter"):
        paint_set(tmp_path / "set", sources, PAINTER, PaintPlan(CLASSES, 1, car="clicks"))
    dark = Refiner("clicks", lambda picture, box, points: picture[..., 0] < 140)
    card = paint_set(tmp_path / "set", sources, PAINTER, PaintPlan(CLASSES, 1, car="clicks"), refiner=dark)
    assert card["counts"]["annotations"] == 1


def test_a_class_that_the_published_groups_lack_fits_every_region() -> None:
    groups = groups_of(("gun", "dart", "hammer"))
    assert (groups.small, groups.middle, groups.large) == (("dart",), ("gun", "dart"), ("dart", "hammer"))
