"""A whole project: scans, picks, people at the store, status, training, promotion."""

import json

import numpy as np
import pytest

from beltline.core import BadInputError, QualityGateError
from beltline.formats.set_reader import read_set
from beltline.rounds import working
from beltline.rounds.annotator import Thing
from beltline.rounds.current_models import author_of, clicker_of
from beltline.rounds.prelabels import PreLabel, Proposal
from beltline.rounds.project import new_project, open_project
from beltline.rounds.records import Draft
from beltline.rounds.round_figures import change_rate
from beltline.rounds.simulated.people import Workplace, agreement
from beltline.rounds.status import CLICKS_NOTE, status_lines, status_of
from beltline.rounds.status_page import render_status
from beltline.rounds.survey import read_survey
from beltline.rounds.working import pick_round, promote_round, reviewed_edits, train_round
from beltline.simulate import Scanner, SetPlan, simulate_set
from beltline.simulate.bags import BagRecipe

CLASSES = ("gun", "knife", "wrench")
SCANS = 12


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans") / "set"
    recipe = BagRecipe(
        CLASSES,
        1.0,
        items=(1, 3),
        garments=(0, 0),
        containers={"tray": 1.0},
        everyday_prohibited=(),
        neighbour=0.0,
    )
    simulate_set(root, SetPlan(SCANS, 5, recipe, Scanner(pixel_mm=2.0), "white", everyday=False))
    return root


@pytest.fixture(scope="module")
def begun(scans, tmp_path_factory):
    """A project with one round picked, labelled and reviewed by simulated people."""
    folder = tmp_path_factory.mktemp("project") / "tray <lane> & co"
    new_project(folder, scans, classes=CLASSES, gate_share=0.4, double_share=0.3, seed=1)
    record = pick_round(open_project(folder), 4, gate=5)
    desk = workplace(folder, scans)
    order = [one.item for one in record.picked]
    desk.work("person:ann", order)
    desk.work("person:eve", order, purpose="double")
    desk.work("person:bob", order, purpose="review")
    return folder


def workplace(folder, scans):
    project = open_project(folder)
    found = read_set(scans)
    numbers = {record["file_name"]: number for number, record in enumerate(found.records)}

    def truth(item):
        objects = found.instances(numbers[item.path])
        return [Thing(label, mask) for label, mask in zip(objects.labels, objects.masks, strict=True)]

    return Workplace(
        project.open(), project.scan, truth, CLASSES, clicker_of(project), author_of(project), seed=3
    )


def test_a_round_holds_picks_of_the_pool_and_of_the_gate(begun):
    store = open_project(begun).open()
    record = store.rounds.last()
    splits = [store.items.get(one.item).split for one in record.picked]
    assert splits == ["pool"] * 4 + ["gate"] * 5
    assert [one.why for one in record.picked[4:]] == ["gate"] * 5
    assert set(record.models) == {"starter-click-1", "starter-detector-2"}


def test_every_picked_item_has_the_models_proposal_and_the_pool_was_looked_at_once(begun):
    project = open_project(begun)
    store = project.open()
    record = store.rounds.last()
    proposals = store.edits.find([one.item for one in record.picked], ["proposal"])
    assert {edit.author for edit in proposals} == {author_of(project)}
    assert len({edit.item for edit in proposals}) == len(record.picked)
    assert all(one.made_by == author_of(project) for edit in proposals for one in edit.objects)
    assert len(read_survey(begun, len(CLASSES)).items) == len(store.items.find(split="pool"))


def test_what_people_left_is_near_the_truth_and_says_who_made_it(begun, scans):
    desk = workplace(begun, scans)
    done = [*reviewed_edits(desk.store, "pool"), *reviewed_edits(desk.store, "gate")]
    assert len(done) >= 8
    near = [agreement(item, edit.objects, desk.truth(item)) for item, edit in done]
    assert sum(near) / len(near) > 0.75
    makers = {one.made_by.split(":")[0] for _, edit in done for one in edit.objects}
    assert makers <= {"model", "person"}
    assert "person" in makers


def test_status_tells_counts_rounds_and_the_next_step(begun):
    project = open_project(begun)
    store = project.open()
    found = status_of(project, store)
    (line,) = found.rounds
    assert line.figures["items"] == 9
    assert line.figures["labelled"] == 9
    assert line.seconds > 0
    assert 0 <= change_rate(line.figures) <= 1
    assert sum(found.classes.values()) == line.figures["masks"]
    lines = status_lines(found)
    assert max(map(len, lines)) <= 100
    assert f"  {CLICKS_NOTE}" in lines
    assert "train" in lines[-1] or "Review" in lines[-1] or "Settle" in lines[-1]
    json.dumps(found.to_json(), allow_nan=False)


def test_the_page_is_one_file_that_loads_nothing_and_escapes_names(begun):
    project = open_project(begun)
    store = project.open()
    page = render_status(status_of(project, store), store)
    assert "tray &lt;lane&gt; &amp; co" in page
    assert "<lane>" not in page
    assert CLICKS_NOTE in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page
    assert "data:image/jpeg;base64," in page


@pytest.fixture
def quick_models(monkeypatch):
    """One proposal a scan, without asking a network."""

    def look(scan, detector, clicker, classes):
        mask = np.zeros((scan.height, scan.width), bool)
        mask[10:30, 10:40] = True
        one = Proposal("gun", mask, 0.9, 0.8, 0.1, box=(10, 10, 40, 30))
        return PreLabel((one,), np.full(len(classes), 0.3), np.array([scan.pixels.mean(), 0], np.float32))

    monkeypatch.setattr("beltline.rounds.working.prelabel", look)


@pytest.mark.usefixtures("quick_models")
def test_a_round_is_finished_before_the_next_begins(scans, tmp_path):
    new_project(tmp_path / "p", scans, classes=CLASSES, seed=2)
    with pytest.raises(BadInputError, match="rounds pick"):
        train_round(open_project(tmp_path / "p"), None)
    with pytest.raises(BadInputError, match="nothing was trained"):
        promote_round(open_project(tmp_path / "p"))
    pick_round(open_project(tmp_path / "p"), 2, gate=0)
    with pytest.raises(BadInputError, match="2 items that nobody has labelled"):
        pick_round(open_project(tmp_path / "p"), 2)
    with pytest.raises(BadInputError, match="nothing is reviewed"):
        train_round(open_project(tmp_path / "p"), None)


@pytest.mark.usefixtures("quick_models")
def test_disagreements_are_shown_side_by_side(begun, scans, tmp_path):
    new_project(tmp_path / "p", scans, classes=CLASSES, seed=2, double_share=0.0)
    record = pick_round(open_project(tmp_path / "p"), 1, gate=0)
    desk = workplace(tmp_path / "p", scans)
    item = record.picked[0].item
    desk.work("person:ann", [item])
    (head,) = desk.store.edits.heads([item])[item]
    desk.store.edits.add([Draft(item, "person:zoe", "label", (), "zoe-1", head.bases)])
    project = open_project(tmp_path / "p")
    found = status_of(project, desk.store)
    assert found.conflicts == (item,)
    assert found.next_step.startswith("Settle 1 scan")
    page = render_status(found, desk.store)
    assert "What people disagree on" in page
    assert "zoe: nothing" in page


@pytest.mark.slow
def test_training_meets_the_gate_and_promotion_changes_the_models(begun, scans):
    from beltline.rounds.learning import LearningPlan

    record = train_round(open_project(begun), LearningPlan(2, side=96))
    verdict = record.verdict
    assert verdict["low"] <= verdict["difference"] <= verdict["high"]
    again = train_round(open_project(begun), LearningPlan(2, side=96)).verdict
    assert again["model"]["sha256"] == verdict["model"]["sha256"]
    if not verdict["promoted"]:
        with pytest.raises(QualityGateError, match="gate scans"):
            promote_round(open_project(begun))
    promote_round(open_project(begun), force=True)
    project = open_project(begun)
    assert author_of(project).startswith("model:click-round-1@")
    store = project.open()
    record = pick_round(project, 2, gate=0)
    assert "click-round-1" in record.models
    assert status_of(project, store).rounds[0].verdict["promoted_at"] > 0
    (begun / project.models["click"]["file"]).write_bytes(b"other")
    with pytest.raises(ValueError, match="not the model that was promoted"):
        clicker_of(project)


@pytest.mark.usefixtures("quick_models")
def test_of_two_who_pick_at_once_one_begins_the_round(scans, tmp_path, monkeypatch):
    project = new_project(tmp_path / "p", scans, classes=CLASSES, seed=2).project
    look = working.prelabel

    def look_while_somebody_else_picks(*values):
        monkeypatch.setattr(working, "prelabel", look)
        pick_round(project, 2, gate=0)
        return look(*values)

    monkeypatch.setattr(working, "prelabel", look_while_somebody_else_picks)
    with pytest.raises(BadInputError, match="somebody else began one meanwhile"):
        pick_round(project, 3, gate=0)
    assert [len(record.picked) for record in project.open().rounds.all()] == [2]
    with pytest.raises(BadInputError, match="round 1 has 2 items that nobody has labelled"):
        pick_round(project, 3, gate=0)
