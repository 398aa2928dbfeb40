"""Exports opened by the libraries that others use: the same pictures, classes, boxes and masks come out.

Datumaro pins older releases of OpenCV and Pillow than our checks run with: ``make readers`` tests it in an
environment of its own. The rest runs here.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from beltline.core import Instances, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture, compare_returned
from beltline.data.annotations.conversion import convert, read_annotated
from beltline.data.annotations.fake import write_picture
from beltline.formats import SetWriter

SIZE = (48, 64)
DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"
CLASSES = ("gun", "knife", "scissors")


def run_lengths(*corners):
    mask = np.zeros(SIZE, bool)
    for left, top, right, bottom in corners:
        mask[top:bottom, left:right] = True
    return Masks.encode(mask[None]).to_coco()[0]


def pictures(split, suffix):
    """A ring-free shape in two parts, a rectangle as polygon, a box alone, and an empty picture."""
    two = AnnotatedObject("gun", (3, 4, 30, 41), run_lengths((3, 4, 20, 30), (25, 35, 30, 41)))
    polygon = AnnotatedObject("knife", (10, 11, 21, 25), [[10.0, 11.0, 20.0, 11.0, 20.0, 24.0, 10.0, 24.0]])
    bare = AnnotatedObject("knife", (0, 0, 64, 48))
    name = split or "scan"
    return (
        Picture(f"{name}-a{suffix}", (two, polygon), split, SIZE),
        Picture(f"{name}-b{suffix}", (bare,), split, SIZE),
        Picture(f"{name}-c{suffix}", (), split, SIZE),
    )


def make(root, splits, suffix=".png", keep=lambda item: True):
    found = [picture for split in splits for picture in pictures(split, suffix)]
    for picture in found:
        write_picture(root, picture, rng=np.random.default_rng(0))
    return Annotated(root, CLASSES, tuple(found))


@pytest.fixture
def split_set(tmp_path):
    return make(tmp_path / "source", ("train", "test"))


def expected(data, split):
    """Name of a picture to the sorted (class, box) of its objects."""
    chosen = (picture for picture in data.pictures if picture.split == split)
    return {p.stem: sorted((i.label, tuple(map(float, i.box))) for i in p.objects) for p in chosen}


def mask_of(item):
    from beltline.data.annotations.polygons import run_length

    outline = item.outline if isinstance(item.outline, dict) else run_length(item.outline, SIZE)
    return Masks.from_coco([outline], SIZE)[0]


def run_snippet(name):
    """Run the code below a heading of the docs, and return what it has named."""
    found = re.search(rf"### {name}\n.*?```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found, f"docs/datasets.md shows no code for {name}"
    named = {}
    exec(found.group(1), named)
    return named


@pytest.fixture
def as_the_docs_say(split_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for target, folder in (("coco", "coco"), ("voc", "voc/VOCdevkit/VOC2007"), ("yolo", "yolo")):
        convert(split_set, folder, target, jpeg=target == "voc")
    return split_set


def corners(xywh):
    left, top, width, height = (round(float(v), 3) for v in xywh)
    return left, top, left + width, top + height


def torchvision_datasets():
    pytest.importorskip("beltline.models")  # operators for a torchvision that does not fit its torch
    return pytest.importorskip("torchvision.datasets")


def from_torchvision_coco(dataset):
    names = {number: category["name"] for number, category in dataset.coco.cats.items()}
    found = {}
    for number in dataset.ids:
        stem = Path(dataset.coco.imgs[number]["file_name"]).stem
        rows = dataset.coco.imgToAnns[number]
        found[stem] = sorted((names[row["category_id"]], corners(row["bbox"])) for row in rows)
    return found


@pytest.mark.parametrize("split", ["train", "test"])
def test_torchvision_opens_the_coco_export(split_set, tmp_path, split):
    datasets = torchvision_datasets()
    convert(split_set, tmp_path / "out", "coco")
    annotations = tmp_path / "out" / "annotations" / f"instances_{split}.json"
    dataset = datasets.CocoDetection(str(tmp_path / "out" / "images"), str(annotations))
    assert from_torchvision_coco(dataset) == expected(split_set, split)
    assert {dataset[i][0].size for i in range(3)} == {SIZE[::-1]}
    rows = next(rows for _, rows in dataset if len(rows) == 2)
    for row, item in zip(rows, split_set.pictures[0].objects, strict=True):
        np.testing.assert_array_equal(dataset.coco.annToMask(row), mask_of(item))
        assert row["area"] == pytest.approx(mask_of(item).sum(), rel=0.05)


@pytest.mark.parametrize(("splits", "image_set"), [(("train", "test"), "test"), (("",), "trainval")])
def test_torchvision_opens_the_voc_export(tmp_path, splits, image_set):
    datasets = torchvision_datasets()
    data = make(tmp_path / "source", splits)
    losses = convert(data, tmp_path / "voc" / "VOCdevkit" / "VOC2007", "voc", jpeg=True)
    assert losses.counts["recoded"] == len(data)
    dataset = datasets.VOCDetection(str(tmp_path / "voc"), year="2007", image_set=image_set)
    found = {}
    for image, target in dataset:
        assert image.size == SIZE[::-1]
        assert image.format in ("JPEG", None)
        rows = target["annotation"]["object"]
        boxes = [(row["name"], {k: int(v) for k, v in row["bndbox"].items()}) for row in rows]
        found[Path(target["annotation"]["filename"]).stem] = sorted(
            (name, (b["xmin"] - 1.0, b["ymin"] - 1.0, float(b["xmax"]), float(b["ymax"])))
            for name, b in boxes
        )
    assert found == expected(data, splits[-1])


def from_supervision(dataset):
    found = {}
    for path, _, detections in dataset:
        rows = zip(detections.class_id, detections.xyxy.tolist(), strict=True) if len(detections) else ()
        found[Path(path).stem] = sorted((dataset.classes[c], tuple(box)) for c, box in rows)
    return found


@pytest.mark.parametrize("split", ["train", "test"])
def test_supervision_opens_the_coco_export(split_set, tmp_path, split):
    supervision = pytest.importorskip("supervision")
    convert(split_set, tmp_path / "out", "coco")
    dataset = supervision.DetectionDataset.from_coco(
        str(tmp_path / "out" / "images"),
        str(tmp_path / "out" / "annotations" / f"instances_{split}.json"),
        force_masks=True,
    )
    assert tuple(dataset.classes) == CLASSES
    assert from_supervision(dataset) == expected(split_set, split)
    masks = next(found.mask for path, _, found in dataset if Path(path).stem == f"{split}-a")
    gun, knife = (mask_of(item) for item in split_set.pictures[0].objects)
    np.testing.assert_array_equal(masks[0], gun)
    # supervision draws the last row and column of a polygon too
    assert (masks[1] & knife).sum() == knife.sum()
    assert (masks[1] ^ knife).sum() <= 10 + 13 + 1


def test_supervision_opens_the_voc_export(split_set, tmp_path):
    supervision = pytest.importorskip("supervision")
    convert(split_set, tmp_path / "out", "voc")
    dataset = supervision.DetectionDataset.from_pascal_voc(
        str(tmp_path / "out" / "JPEGImages"), str(tmp_path / "out" / "Annotations")
    )
    assert from_supervision(dataset) == expected(split_set, "train") | expected(split_set, "test")


@pytest.mark.parametrize("split", ["train", "test"])
def test_supervision_opens_the_yolo_export(split_set, tmp_path, split):
    supervision = pytest.importorskip("supervision")
    convert(split_set, tmp_path / "out", "yolo")
    dataset = supervision.DetectionDataset.from_yolo(
        str(tmp_path / "out" / "images" / split),
        str(tmp_path / "out" / "labels" / split),
        str(tmp_path / "out" / "data.yaml"),
    )
    assert tuple(dataset.classes) == CLASSES
    found = from_supervision(dataset)
    assert {name: [label for label, _ in rows] for name, rows in found.items()} == {
        name: [label for label, _ in rows] for name, rows in expected(split_set, split).items()
    }
    for name, rows in expected(split_set, split).items():
        for (_, box), (_, wanted) in zip(found[name], rows, strict=True):
            np.testing.assert_allclose(box, wanted, atol=1e-3)


def from_datumaro(dataset, split):
    from datumaro import AnnotationType

    names = [item.name for item in dataset.categories()[AnnotationType.label].items]
    found = {}
    for item in dataset.get_subset(split):
        boxes = [a for a in item.annotations if a.type == AnnotationType.bbox]
        found[item.id] = sorted((names[box.label], corners(box.get_bbox())) for box in boxes)
        assert item.media.size == SIZE
        assert item.media.data.shape[:2] == SIZE
    return found


@pytest.mark.parametrize("split", ["train", "test"])
def test_datumaro_opens_the_coco_export(split_set, tmp_path, split):
    datumaro = pytest.importorskip("datumaro")
    convert(split_set, tmp_path / "out", "coco")
    dataset = datumaro.Dataset.import_from(str(tmp_path / "out"), "coco_instances")
    assert from_datumaro(dataset, split) == expected(split_set, split)
    item = dataset.get(f"{split}-a", split)
    mask = next(a for a in item.annotations if a.type == datumaro.AnnotationType.mask)
    np.testing.assert_array_equal(mask.image, mask_of(split_set.pictures[0].objects[0]))
    polygon = next(a for a in item.annotations if a.type == datumaro.AnnotationType.polygon)
    assert polygon.points == split_set.pictures[0].objects[1].outline[0]


@pytest.mark.parametrize(("splits", "subset"), [(("train", "test"), "test"), (("",), "trainval")])
def test_datumaro_opens_the_voc_export(tmp_path, splits, subset):
    datumaro = pytest.importorskip("datumaro")
    data = make(tmp_path / "source", splits)
    convert(data, tmp_path / "out", "voc")
    dataset = datumaro.Dataset.import_from(
        str(tmp_path / "out"), "voc_detection", coordinate_mode="voc-one-based"
    )
    assert from_datumaro(dataset, subset) == expected(data, splits[-1])


def shapes_of_datumaro(item, names):
    """(class, mask or box) of each object in order."""
    return [
        (names[a.label], a.image if a.type.name == "mask" else corners(a.get_bbox()))
        for a in item.annotations
    ]


@pytest.mark.parametrize(("splits", "subset"), [(("train", "test"), "test"), (("",), "annotations")])
def test_datumaro_opens_the_cvat_export(tmp_path, splits, subset):
    datumaro = pytest.importorskip("datumaro")
    data = make(tmp_path / "source", splits)
    convert(data, tmp_path / "out", "cvat")
    dataset = datumaro.Dataset.import_from(str(tmp_path / "out"), "cvat")
    names = [item.name for item in dataset.categories()[datumaro.AnnotationType.label].items]
    assert tuple(names) == CLASSES
    found = {item.id: item for item in dataset.get_subset(subset)}
    name = splits[-1] or "scan"
    assert sorted(found) == [f"{name}-{letter}" for letter in "abc"]
    (gun, one), (knife, other) = shapes_of_datumaro(found[f"{name}-a"], names)
    assert (gun, knife) == ("gun", "knife")
    for shape, item in zip((one, other), data.pictures[-3].objects, strict=True):
        np.testing.assert_array_equal(shape, mask_of(item))
    assert shapes_of_datumaro(found[f"{name}-b"], names) == [("knife", (0, 0, 64, 48))]
    assert found[f"{name}-c"].annotations == []
    assert found[f"{name}-a"].media.data.shape[:2] == SIZE
    assert found[f"{name}-a"].annotations[0].attributes["object_id"]


def test_cvat_files_of_datumaro_are_read(tmp_path):
    datumaro = pytest.importorskip("datumaro")
    data = make(tmp_path / "source", ("",))
    convert(data, tmp_path / "out", "cvat")
    dataset = datumaro.Dataset.import_from(str(tmp_path / "out"), "cvat")
    dataset.export(str(tmp_path / "theirs"), "cvat", save_media=True)
    (file,) = (tmp_path / "theirs").rglob("*.xml")
    back = read_annotated(file)
    assert back.problems == {}
    found = compare_returned(data, back)
    assert len(found.unchanged) == 3
    assert (found.changed, found.added, found.deleted, found.missing) == ((), (), (), ())


def test_datumaro_finds_the_coco_export_by_itself(split_set, tmp_path):
    datumaro = pytest.importorskip("datumaro")  # of VOC it has several readers and asks for one by name
    convert(split_set, tmp_path / "out", "coco")
    assert set(datumaro.Dataset.import_from(str(tmp_path / "out")).subsets()) == {"train", "test"}


def test_code_of_the_docs_for_torchvision(as_the_docs_say):
    torchvision_datasets()
    named = run_snippet("torchvision")
    assert from_torchvision_coco(named["coco"]) == expected(as_the_docs_say, "train")
    assert len(named["voc"]) == 3


def test_code_of_the_docs_for_supervision(as_the_docs_say):
    pytest.importorskip("supervision")
    named = run_snippet("supervision")
    assert from_supervision(named["coco"]) == expected(as_the_docs_say, "train")
    assert len(named["voc"]) == 6
    assert len(named["yolo"]) == 3


def test_code_of_the_docs_for_datumaro(as_the_docs_say):
    pytest.importorskip("datumaro")
    named = run_snippet("Datumaro")
    for split in ("train", "test"):
        assert from_datumaro(named["coco"], split) == expected(as_the_docs_say, split)
        assert from_datumaro(named["voc"], split) == expected(as_the_docs_say, split)


def test_our_own_sets_open_without_conversion(tmp_path, monkeypatch):
    pytest.importorskip("supervision")
    torchvision_datasets()
    monkeypatch.chdir(tmp_path)
    gun, knife = (mask_of(item) for item in pictures("", ".png")[0].objects)
    masks = Masks.encode(np.stack([gun, knife]))
    writer = SetWriter("SET", classes=CLASSES)
    instances = Instances(masks.boxes(), ("gun", "knife"), masks=masks)
    writer.add("bag0", image=np.full((*SIZE, 3), 255, np.uint8), instances=instances)
    writer.finish()
    named = run_snippet("Without conversion")
    boxes = sorted(
        (label, tuple(box.tolist())) for label, box in zip(instances.labels, masks.boxes(), strict=True)
    )
    assert from_torchvision_coco(named["scans"]) == from_supervision(named["also"]) == {"bag0": boxes}
    np.testing.assert_array_equal(named["also"][0][2].mask, [gun, knife])
    np.testing.assert_array_equal(named["scans"].coco.annToMask(named["scans"][0][1][0]), gun)
