"""Scans go out as files of an annotation tool and come back as edits."""

import json
import os
from dataclasses import replace

import pytest
from tests.rounds.exchanges import ANN, BOB, MODEL, begun, drawn, rectangle, work

from beltline.cli.app import main
from beltline.core import BadInputError
from beltline.data.annotations import read_annotated
from beltline.formats import sha256_of, write_json, write_png
from beltline.rounds import EditedObject, masks_of
from beltline.rounds.returning import bring_back
from beltline.rounds.sending import send_out
from beltline.rounds.sent import SENT, TOOLS, read_sent

DAY = 86_400


def mend(number, objects):
    """The first scan: the gun kept, the knife moved, one drawn; the second: the knife deleted; third: not."""
    gun, knife = objects
    moved = replace(drawn("knife", 32, 12), extra=knife.extra)
    return ([gun, moved, drawn("gun", 10)], [gun], None)[number]


@pytest.mark.parametrize("tool", TOOLS)
def test_out_and_back(tool, tmp_path):
    project, store, items = begun(tmp_path)
    out = tmp_path / "out"
    went = send_out(project, out, tool, person=ANN)
    assert [one.item for one in went.sent.items] == items
    assert {store.items.get(item).state for item in items} == {"leased"}
    assert store.leases.live(ANN)[0].until > store.db.clock() + 6.9 * DAY
    assert read_sent(out) == went.sent
    first = out / went.sent.items[0].file
    assert os.path.samefile(first, project.path(store.items.get(items[0])))

    found = bring_back(project, out, work(out, tool, mend, tmp_path / "done"))
    assert [one.word for one in found.outcomes] == ["stored", "stored", COLD[tool]]
    assert found.objects() == {"unchanged": 2, "changed": 1, "added": 1, "deleted": 1}
    assert [store.items.get(item).state for item in items] == ["labelled", "labelled", "leased"]
    (edit,) = store.edits.heads()[items[0]]
    assert (edit.author, edit.kind, edit.bases) == (ANN, "label", went.sent.items[0].edits)
    assert [(one.label, one.made_by, one.proposed) for one in edit.objects] == [
        ("gun", MODEL, 0), ("knife", ANN, 1), ("gun", ANN, None),
    ]  # fmt: skip
    assert (edit.objects[0].score, edit.objects[1].score) == (0.7, None)
    masks = list(masks_of(edit.objects, (40, 60)))
    wanted = [rectangle(5), rectangle(32, 12), rectangle(10, 25)]
    assert all((one == other).all() for one, other in zip(masks, wanted, strict=True))
    report = json.loads((out / "returned.json").read_text())
    assert report["pictures"]["stored"] == 2
    assert report["losses"]["lossless"]


COLD = {"coco": "untouched", "cvat": "untouched", "labelstudio": "absent"}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_again_writes_nothing_and_a_correction_replaces_only_ones_own(tool, tmp_path):
    project, store, items = begun(tmp_path, 1)
    out = tmp_path / "out"
    send_out(project, out, tool, person=ANN)
    first = work(out, tool, lambda n, o: o[:1], tmp_path / "first")
    second = work(out, tool, lambda n, o: o[1:], tmp_path / "second")
    words = [
        bring_back(project, out, done).outcomes[0].word for done in (first, first, second, second, first)
    ]
    assert words == ["stored", "again", "stored", "again", "stored"]
    assert len(store.edits.history(items[0])) == 4
    (head,) = store.edits.heads()[items[0]]
    assert [one.label for one in head.objects] == ["gun"]


def test_an_accepted_picture_counts_where_the_tool_tells_or_the_person_says_so(tmp_path):
    project, store, items = begun(tmp_path, 2)
    out = tmp_path / "out"
    send_out(project, out, "cvat", person=ANN, count=1)
    assert bring_back(project, out).counts()["untouched"] == 1
    assert store.items.get(items[0]).state == "leased"
    assert bring_back(project, out, all_seen=True).counts()["stored"] == 1
    (edit,) = store.edits.heads()[items[0]]
    assert [one.made_by for one in edit.objects] == [MODEL, MODEL]
    send_out(project, tmp_path / "ls", "labelstudio", person=ANN)
    done = work(tmp_path / "ls", "labelstudio", lambda n, o: o, tmp_path / "done")
    assert bring_back(project, tmp_path / "ls", done).counts()["stored"] == 1


def test_a_mask_under_another_name_keeps_its_maker(tmp_path):
    project, store, items = begun(tmp_path, 1)
    out = tmp_path / "out"
    send_out(project, out, "coco", person=ANN)
    done = work(out, "coco", lambda n, o: [replace(o[0], label="knife"), o[1]], tmp_path / "done")
    assert bring_back(project, out, done).objects() == {"unchanged": 1, "relabelled": 1}
    one = store.edits.heads()[items[0]][0].objects[0]
    assert (one.label, one.made_by, one.score, one.proposed) == ("knife", MODEL, None, 0)


def test_work_of_somebody_else_since_stands_beside(tmp_path):
    project, store, items = begun(tmp_path, 1)
    out = tmp_path / "out"
    send_out(project, out, "cvat", person=ANN, days=1e-9)  # has run out when the next line is read
    lease = store.leases.take(BOB)
    theirs = store.edits.submit(
        lease.token, [EditedObject.drawn("gun", rectangle(5), made_by=BOB)], request="b"
    )
    found = bring_back(project, out, work(out, "cvat", lambda n, o: o[:1], tmp_path / "done"))
    (one,) = found.outcomes
    assert (one.word, one.reason) == ("conflict", "person:bob labelled it too")
    assert theirs in store.edits.heads()[items[0]]
    assert [edit.author for edit in store.edits.heads()[items[0]]] == [BOB, ANN]

    review = tmp_path / "review"
    send_out(project, review, "cvat", person="person:eve", purpose="review")
    (picture,) = read_annotated(review, "cvat").pictures
    assert len(picture.objects) == 1  # the two masks are alike but for their makers
    done = bring_back(project, review, all_seen=True)
    assert done.counts()["stored"] == 1
    (head,) = store.edits.heads()[items[0]]
    assert (head.kind, head.author, store.items.get(items[0]).state) == ("review", "person:eve", "reviewed")


def test_what_does_not_belong_is_refused_in_a_line_and_the_rest_goes_on(tmp_path):
    project, store, items = begun(tmp_path, 4)
    out = tmp_path / "out"
    sent = send_out(project, out, "coco", person=ANN).sent
    names = [one.file for one in sent.items]
    done = work(
        out, "coco", lambda n, o: [replace(o[0], label="hat")] if n == 1 else o[:1], tmp_path / "done"
    )
    path = done / "annotations.json"
    coco = json.loads(path.read_text())
    coco["images"][2]["width"] = 61
    coco["images"].append({"id": 99, "file_name": "images/holiday.png", "width": 60, "height": 40})
    write_json(path, coco)
    os.unlink(out / names[3])
    write_png(out / names[3], 255 * rectangle(3).astype("uint8"))
    found = bring_back(project, out, path, release=True)
    reasons = {one.path: one.reason for one in found.refused}
    assert set(reasons) == {*names[1:], "images/holiday.png"}
    assert "'hat' is none of the project's classes (gun, knife)" in reasons[names[1]]
    assert "came back as 61x40 pixels" in reasons[names[2]]
    assert "has changed since it was sent" in reasons[names[3]]
    assert "was not sent" in reasons["images/holiday.png"]
    assert [store.items.get(item).state for item in items] == ["labelled", "new", "new", "new"]


def test_a_changed_scan_stays_and_its_lease_is_given_back(tmp_path):
    project, store, items = begun(tmp_path, 2)
    write_png(project.path(store.items.get(items[0])), 255 * rectangle(3).astype("uint8"))
    went = send_out(project, tmp_path / "out", "coco", person=ANN)
    assert [one.item for one in went.sent.items] == items[1:]
    assert "has changed" in went.failed[0].reason
    assert [store.items.get(item).state for item in items] == ["new", "leased"]


def test_errors_leave_nothing_leased(tmp_path, monkeypatch):
    project, store, _ = begun(tmp_path, 2)
    monkeypatch.setattr("beltline.rounds.sending.convert", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send_out(project, tmp_path / "out", "coco", person=ANN)
    assert store.leases.live() == []
    assert [path.name for path in tmp_path.glob(".beltline*")] == []
    monkeypatch.undo()
    send_out(project, tmp_path / "out", "coco", person=ANN)
    with pytest.raises(BadInputError, match="nothing is left to label for person:bob"):
        send_out(project, tmp_path / "more", "coco", person=BOB)
    with pytest.raises(BadInputError, match="was sent to person:ann"):
        bring_back(project, tmp_path / "out", person=BOB)
    with pytest.raises(BadInputError, match=r"no sent\.json"):
        bring_back(project, tmp_path / "set")
    (tmp_path / "out" / SENT).write_text('{"schema_version": 1}')
    with pytest.raises(BadInputError, match="damaged"):
        bring_back(project, tmp_path / "out")


def test_a_scan_that_no_tool_opens_goes_as_a_picture(tmp_path):
    import numpy as np
    from PIL import Image

    from beltline.rounds import Pick, new_project

    (tmp_path / "scans").mkdir()
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "scans" / "a.bmp")
    project = new_project(tmp_path / "rounds", tmp_path / "scans", classes=("gun",), gate_share=0.0).project
    store = project.open()
    store.rounds.start({}, [Pick(store.items.find()[0].id, "chance")])
    sent = send_out(project, tmp_path / "out", "coco", person=ANN).sent
    assert sent.items[0].file == "images/000001_a.png"
    assert sent.items[0].sha256 == sha256_of(tmp_path / "out" / sent.items[0].file)


def test_the_commands(tmp_path, capsys):
    begun(tmp_path, 2)
    rounds, out, done = tmp_path / "rounds", tmp_path / "out", tmp_path / "done"
    assert main(["rounds", "out", str(rounds), str(out), "--to", "cvat", "--person", "ann"]) == 0
    assert "2 scans for ann to label, lent for 7 days" in capsys.readouterr().out
    work(out, "cvat", lambda n, o: o[:1], done)
    back = ["rounds", "back", str(rounds), str(out), str(done), "--from", "cvat", "--person", "ann"]
    assert main([*back, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"]["stored"] == 2
    assert main(back) == 0
    assert "2 pictures as stored before" in capsys.readouterr().out
    review = ["rounds", "out", str(rounds), str(tmp_path / "r"), "--to", "coco", "--person", "ann"]
    assert main([*review, "--purpose", "review"]) == 3
    assert main([*review, "--purpose", "review", "--own"]) == 0
    assert main(["rounds", "back", str(rounds), str(tmp_path / "r"), "--all-seen"]) == 0
    assert main(["rounds", "freeze", str(rounds), "v1", "--out", str(tmp_path / "v1")]) == 0
    assert "2 scans, 2 masks" in capsys.readouterr().out
