"""The folder of a project: begun from a set, a COCO export or pictures; gone on with; read back."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from beltline.core import STARTER_CLASSES, BadInputError
from beltline.formats import SetWriter, sha256_of, write_png
from beltline.rounds import Draft, EditedObject, new_project, open_project

BAGS, VIEWS = 10, 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of ten bags, each seen twice."""
    root, rng = tmp_path_factory.mktemp("made") / "set", np.random.default_rng(0)
    writer = SetWriter(root, classes=("gun", "knife"))
    for bag in range(BAGS):
        for view in range(VIEWS):
            image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            writer.add(
                f"bag{bag}_v{view}", image=image, image_labels=[0, 1], extra={"bag": bag, "view": view}
            )
    writer.finish()
    return root


@pytest.fixture
def scans(made, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(made, tmp_path / "set")


def items_of(project):
    store = project.open()
    items = store.items.find()
    store.close()
    return items


def test_a_project_of_a_set(scans, tmp_path):
    begun = new_project(tmp_path / "rounds", scans, seed=4)
    assert (begun.added, begun.failed, begun.repeated) == (BAGS * VIEWS, (), 0)
    project = open_project(tmp_path / "rounds")
    assert project == begun.project
    assert (project.classes, project.source) == (("gun", "knife"), scans)
    first = items_of(project)[0]
    assert (first.path, first.size, first.state) == ("images/bag0_v0.png", (20, 30), "new")
    assert first.sha256 == sha256_of(project.path(first))
    assert project.scan(first).pixels.shape == (3, 20, 30)


def test_views_of_one_bag_stay_on_one_side(scans, tmp_path):
    project = new_project(tmp_path / "rounds", scans, gate_share=0.3).project
    sides = {}
    for item in items_of(project):
        sides.setdefault(item.path.split("_")[0], set()).add(item.split)
    assert sum(side == {"gate"} for side in sides.values()) == 3
    assert sum(side == {"pool"} for side in sides.values()) == 7


def test_a_view_that_comes_later_goes_to_the_side_of_its_bag(scans, tmp_path):
    annotations = scans / "annotations.json"
    whole = json.loads(annotations.read_text())
    first = {**whole, "images": [image for image in whole["images"] if image["view"] == 0]}
    annotations.write_text(json.dumps({**first, "images": first["images"][:6]}))
    for content in (None, first, whole):
        if content is not None:
            annotations.write_text(json.dumps(content))
        project = new_project(tmp_path / "rounds", scans, gate_share=0.5).project
        sides = {}
        for item in items_of(project):
            sides.setdefault(item.path.split("_")[0], set()).add(item.split)
        assert all(len(side) == 1 for side in sides.values())
        assert sum(side == {"gate"} for side in sides.values()) == len(sides) / 2


def test_the_split_depends_on_seed_and_content_not_on_names(scans, tmp_path):
    def gate(folder, source, seed):
        project = new_project(tmp_path / folder, source, seed=seed, gate_share=0.5).project
        return {item.sha256 for item in items_of(project) if item.split == "gate"}

    pictures = tmp_path / "pictures"
    (pictures / "deep").mkdir(parents=True)
    for number, file in enumerate(sorted((scans / "images").glob("*.png"))):
        shutil.copyfile(file, pictures / "deep" / f"{99 - number}.png")
    plain = gate("a", scans / "images", 1)
    assert plain == gate("b", pictures, 1)
    assert plain != gate("c", pictures, 2)
    assert len(plain) == BAGS


def test_pictures_alone(scans, tmp_path):
    (scans / "images" / "bag3_v1.png").write_bytes(b"no picture")
    shutil.copyfile(scans / "images" / "bag0_v0.png", scans / "images" / "zz.png")
    begun = new_project(tmp_path / "rounds", scans / "images", classes=["knife"], gate_share=0)
    assert (begun.added, begun.repeated) == (BAGS * VIEWS - 1, 1)
    [failed] = begun.failed
    assert failed.path == "bag3_v1.png"
    assert failed.reason.startswith("is neither PNG")
    assert begun.project.classes == ("knife",)
    assert {item.split for item in items_of(begun.project)} == {"pool"}
    whole = new_project(tmp_path / "starters", scans / "images").project
    assert whole.classes == STARTER_CLASSES


def test_a_coco_export(scans, tmp_path):
    (scans / "annotations").mkdir()
    (scans / "annotations.json").rename(scans / "annotations" / "instances_train.json")
    begun = new_project(tmp_path / "rounds", scans)
    items = items_of(begun.project)
    assert begun.added == len(items) == BAGS * VIEWS
    assert all(begun.project.path(item).is_file() for item in items)


def test_the_same_again_adds_what_has_come_since(scans, tmp_path):
    folder = tmp_path / "rounds"
    project = new_project(folder, scans / "images").project
    store = project.open()
    [edit] = store.edits.add([Draft(1, "person:ann", "label", (), "k")])
    write_png(scans / "images" / "later.png", np.full((16, 24, 3), 255, np.uint8))
    assert new_project(folder, scans / "images").added == 1
    assert store.edits.find() == [edit]
    assert store.items.find()[-1].path == "later.png"
    store.close()


def test_a_beginning_that_was_cut_off_goes_on(scans, tmp_path):
    folder = tmp_path / "rounds"
    new_project(folder, scans)
    for file in folder.glob("rounds.db*"):
        file.unlink()
    with pytest.raises(BadInputError, match="no such store"):
        open_project(folder).open()
    assert new_project(folder, scans).added == BAGS * VIEWS


def test_two_who_begin_at_once_begin_the_same_project(scans, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        begun = list(pool.map(lambda _: new_project(tmp_path / "p", scans, seed=3), range(4)))
    assert [one.project for one in begun] == 4 * [open_project(tmp_path / "p")]
    assert len(items_of(begun[0].project)) == max(one.added for one in begun)


def test_a_beginning_that_was_killed_while_writing_goes_on(scans, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / ".project.json.17.18.tmp").write_text('{"schema_ver')
    assert items_of(new_project(tmp_path / "p", scans, seed=3).project)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "seed was 0, now 1; give the same to go on, or name a new folder"),
        ({"gate_share": 0.5}, r"gate_share was 0\.2, now 0\.5"),
        ({"classes": ["gun"]}, "classes was"),
        ({"classes": []}, "classes are names, one at least"),
        ({"classes": ["gun", "gun"]}, "each once; got gun, gun"),
        ({"double_share": 2}, "double_share is a share in 0..1, got 2"),
    ],
)
def test_another_plan_is_refused(scans, tmp_path, options, message):
    new_project(tmp_path / "rounds", scans)
    with pytest.raises(BadInputError, match=message):
        new_project(tmp_path / "rounds", scans, **options)


def test_classes_may_be_added_by_hand(scans, tmp_path):
    project = new_project(tmp_path / "rounds", scans).project
    file = tmp_path / "rounds" / "project.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "classes": ["gun", "knife", "baton"]}))
    assert new_project(tmp_path / "rounds", scans).project.classes == ("gun", "knife", "baton")
    baton = EditedObject("baton", (1, 1, 9, 9), "person:ann")
    draft = Draft(1, "person:ann", "label", (baton,), "k")
    before, after = project.open(), open_project(tmp_path / "rounds").open()
    with pytest.raises(BadInputError, match="none of the project's classes"):
        before.edits.add([draft])
    assert after.edits.add([draft])[0].objects == (baton,)
    before.close()
    after.close()


def test_models_are_named_by_role(scans, tmp_path):
    project = new_project(tmp_path / "rounds", scans).project
    clicks, detector = {"name": "starter-click-1", "sha256": "5b7a"}, {"name": "d", "sha256": "00"}
    project.with_models({"click": clicks}).with_models({"detector": detector})
    assert open_project(tmp_path / "rounds").models == {"click": clicks, "detector": detector}
    assert new_project(tmp_path / "rounds", scans).project.models == {"click": clicks, "detector": detector}


def test_a_scan_that_was_changed_is_not_shown(scans, tmp_path):
    project = new_project(tmp_path / "rounds", scans).project
    first, second = items_of(project)[:2]
    write_png(project.path(first), np.full((20, 30, 3), 255, np.uint8))
    with pytest.raises(BadInputError, match=r"bag0_v0\.png: has changed since it was added"):
        project.scan(first)
    project.path(second).unlink()
    with pytest.raises(BadInputError, match="no such file"):
        project.scan(second)


def test_files_that_a_set_lists_and_does_not_have(scans, tmp_path):
    (scans / "images" / "bag0_v0.png").unlink()
    begun = new_project(tmp_path / "rounds", scans)
    assert [(one.path, one.reason) for one in begun.failed] == [("images/bag0_v0.png", "no such file")]
    assert begun.added == BAGS * VIEWS - 1


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda root: None, "no such folder"),
        (lambda root: root.mkdir(), "holds no scan"),
        (
            lambda root: (root.mkdir(), (root / "a.png").write_bytes(b"x")),
            "no scan of 1 can be read, first a",
        ),
        (lambda root: (root.mkdir(), (root / "annotations.json").write_text("{}")), "not a COCO file"),
    ],
)
def test_sources_that_offer_nothing(tmp_path, prepare, message):
    prepare(tmp_path / "source")
    with pytest.raises(BadInputError, match=message):
        new_project(tmp_path / "rounds", tmp_path / "source")


def test_folders_that_are_no_project(scans, tmp_path):
    with pytest.raises(BadInputError, match=r"is no project of rounds \(no project.json\)"):
        open_project(scans)
    with pytest.raises(BadInputError, match="holds something else than a project of rounds"):
        new_project(scans / "images", scans)
    project = new_project(tmp_path / "rounds", scans).project
    file = project.folder / "project.json"
    whole = json.loads(file.read_text())
    for change, message in (({"schema_version": 2}, "is of version 2"), ({"models": []}, "damaged")):
        file.write_text(json.dumps({**whole, **change}))
        with pytest.raises(BadInputError, match=message):
            open_project(project.folder)
    file.write_text("{")
    with pytest.raises(BadInputError, match="damaged JSON"):
        open_project(project.folder)
