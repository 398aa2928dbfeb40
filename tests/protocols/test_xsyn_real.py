"""The Xsyn experiment on sets off the disk, in colour: items are added to the scans themselves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, Instances
from beltline.formats import SetWriter
from beltline.models.painter import Painter
from beltline.protocols.xsyn import SCALES, RealSets, reproduce_xsyn
from beltline.protocols.xsyn.arms import arm_of
from beltline.protocols.xsyn.finishing import made_set
from beltline.protocols.xsyn.painted import Makers
from beltline.protocols.xsyn.painters import PainterInUse
from beltline.protocols.xsyn.real import real_data

CLASSES = ("gun", "knife")
SCALE = replace(
    SCALES["smoke"], real=6, bags=6, size=96, shown=64, sampler_steps=1, guidance=1.0, detector_steps=2,
    percents=(50,),
)  # fmt: skip


def write(folder: Path, items: list[int], seed: int) -> Path:
    """Orange bags on white with dark bars in them, in the colours of an organic and a metal."""
    rng = np.random.default_rng(seed)
    writer = SetWriter(folder, classes=CLASSES)
    for row, count in enumerate(items):
        image, boxes = np.full((110, 120, 3), 252, np.uint8), []
        image[8:102, 8:112] = (238, 200, 150)
        for number in range(count):
            y, x = 16 + 40 * number + int(rng.integers(0, 6)), int(rng.integers(16, 60))
            image[y : y + 12, x : x + 34] = (40, 70, 130)
            boxes.append([x, y, x + 34, y + 12])
        labels = tuple(CLASSES[(row + k) % 2] for k in range(count))
        writer.add(f"bag{row:02d}", image=image, instances=Instances(np.array(boxes).reshape(-1, 4), labels))
    writer.finish()
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> RealSets:
    root = tmp_path_factory.mktemp("sets")
    write(root / "bags", [0, 0, 0], 2)
    return RealSets(write(root / "positives", [1, 2, 1, 2, 1, 1, 0, 2], 1), write(root / "test", [1, 0], 3))


def makers(sets: RealSets, folder: Path) -> Makers:
    painter = Painter(2, 3, (8, 8, 8, 8), (8, 8, 8)).eval()
    use = PainterInUse(painter, CLASSES, "none", "not trained")
    return Makers(real_data(sets, SCALE, lambda text: None), SCALE, use, folder)


def never(picture, box, points):
    """A segmenter that finds nothing."""
    return np.zeros(picture.shape[:2], bool)


def test_an_item_is_added_to_scans_of_the_fraction_that_keep_their_own(sets: RealSets, tmp_path: Path):
    made_by = makers(sets, tmp_path)
    assert len(made_by.data.real) == 6
    assert made_by.data.bags is made_by.data.real
    for name in ("TIP", "Xsyn-A, plain"):
        made = made_set(name, arm_of(name), 50, made_by, never)
        pieces = list(made_by.pieces(arm_of(name).generator, 3, maps="conditional", percent=50))
        sources = pieces[0].source
        assert len(made) == 3
        assert sources.max() < SCALE.real_windows(50) == 3
        own = [len(made_by.data.real.of(int(row))) for row in sources]
        assert np.bincount(made.objects.image).tolist() == [count + 1 for count in own]


def test_every_object_is_painted_anew(sets: RealSets, tmp_path: Path):
    made_by = makers(sets, tmp_path)
    made = made_set("GLIGEN", arm_of("GLIGEN"), 100, made_by, never)
    assert len(made.objects) == len(made_by.data.real.objects)
    before = made_set("real", arm_of("real"), 100, made_by, never)
    for image, (x1, y1, x2, y2) in zip(made.objects.image, made.objects.box.astype(int), strict=True):
        assert (made.images[image][y1:y2, x1:x2] != before.images[image][y1:y2, x1:x2]).any()


def test_bad_sets_are_refused(sets: RealSets, tmp_path: Path):
    with pytest.raises(BadInputError, match="name benign scans"):
        real_data(replace(sets, bags=sets.positives), SCALE, lambda text: None)
    with pytest.raises(BadInputError, match="no scan with an item"):
        real_data(replace(sets, positives=sets.positives.parent / "bags"), SCALE, lambda text: None)
    with pytest.raises(BadInputError, match="name one with --model"):
        reproduce_xsyn(tmp_path / "out", sets=sets, scale=SCALE)
    assert "data" in json.loads((tmp_path / "out" / "scale.json").read_text(encoding="utf-8"))
