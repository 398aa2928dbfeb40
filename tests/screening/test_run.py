import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.core import BadInputError, ClassFinding, Report, ScanReport
from beltline.formats import write_png
from beltline.screening import RunOptions, ScreeningModel, collect, screen_files
from beltline.screening.truth import TruthFinder, TruthItem, Verdict, judge

OPTIONS = RunOptions(pfa=0.10)

SCAN_KEYS = {"path": str, "sha256": str, "width": int, "height": int, "decision": str, "classes": list,
             "instances": list, "ms": dict}  # fmt: skip
CLASS_KEYS = {"label": str, "probability": float, "alarm": bool, "point": list, "box": list}


def write_bag(path: Path, level: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 50:110] = level
    write_png(path, picture)
    return path


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    folder = tmp_path / "bags"
    write_bag(folder / "bag10.png")
    write_bag(folder / "bag9.png", 250)
    write_bag(folder / "deep" / "bag1.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n half a file")
    (folder / "notes.txt").write_text("not a scan")
    (folder / ".hidden.png").write_bytes(b"x")
    return folder


def test_files_come_in_natural_order_and_once(bags: Path) -> None:
    files, failed, _ = collect([bags, bags / "bag9.png", bags / "gone.png"])
    assert [f.name for f in files] == ["bag9.png", "bag10.png", "broken.png", "bag1.png"]
    assert [f.path for f in failed] == [str(bags / "gone.png")]


def test_results_of_an_earlier_run_are_not_screened(bags: Path, model: ScreeningModel) -> None:
    screen_files([bags], bags / "out", model, options=OPTIONS)
    files, _, skipped = collect([bags])
    assert skipped == {".txt": 1, "hidden": 1}
    assert not [f for f in files if "overlays" in f.parts]


def test_bad_files_are_listed_and_the_others_go_on(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    report = screen_files([bags], tmp_path / "out", model, options=OPTIONS)
    assert [(Path(s.path).name, s.decision) for s in report.scans] == [
        ("bag9.png", "clear"), ("bag10.png", "alarm"), ("bag1.png", "alarm"),
    ]  # fmt: skip
    assert [Path(f.path).name for f in report.failed] == ["broken.png"]
    assert str(bags) not in report.failed[0].reason
    assert len(list((tmp_path / "out" / "overlays").glob("*.jpg"))) == 3


def test_report_json_keeps_its_schema(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    report = screen_files([bags], tmp_path / "out", model, options=OPTIONS)
    text = (tmp_path / "out" / "report.json").read_text()
    record = json.loads(text)
    assert list(record) == [
        "schema_version", "model", "operating_point", "scans", "failed", "skipped", "interrupted", "warnings",
    ]  # fmt: skip
    assert record["schema_version"] == 1
    assert record["model"] == {"name": "fake-darkness", "sha256": model.sha256}
    assert record["operating_point"] == {"pfa": 0.10}
    for scan in record["scans"]:
        assert {key: type(scan[key]) for key in SCAN_KEYS} == SCAN_KEYS
        assert set(scan) - set(SCAN_KEYS) <= {"reason"}
        assert scan["decision"] in ("alarm", "clear", "no_machine_result")
        assert [c["label"] for c in scan["classes"]] == ["gun", "knife", "liquid"]
        for finding in scan["classes"]:
            assert {key: type(value) for key, value in finding.items()} == CLASS_KEYS
            assert (len(finding["point"]), len(finding["box"])) == (2, 4)
        assert {"read", "model", "total"} <= set(scan["ms"])
    assert all(set(item) == {"path", "reason"} for item in record["failed"])
    assert record["skipped"] == {".txt": 1, "hidden": 1}
    assert record["interrupted"] is None
    assert Report.from_json(text) == report
    before = {key: value for key, value in record.items() if key not in ("skipped", "interrupted")}
    assert Report.from_json(json.dumps(before)).scans == report.scans


def test_report_json_grows_while_the_run_goes_on(
    bags: Path, tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_SAVE_EVERY_S", "_SAVE_SHARE"):
        monkeypatch.setattr(sys.modules["beltline.screening.run"], name, 0)
    seen: list[int] = []

    def count(done: int, total: int, path: str) -> None:
        file = tmp_path / "out" / "report.json"
        if file.is_file():
            record = json.loads(file.read_text())
            seen.append(len(record["scans"]) + len(record["failed"]))

    screen_files([bags], tmp_path / "out", model, options=OPTIONS, on_progress=count)
    assert seen[-1] == 4
    assert seen == sorted(seen)


def test_limit_and_overlay_choice(bags: Path, tmp_path: Path, model: ScreeningModel) -> None:
    report = screen_files([bags], tmp_path / "a", model, options=RunOptions(limit=1, overlays="none"))
    assert len(report.scans) == 1
    assert not (tmp_path / "a" / "overlays").exists()
    screen_files([bags], tmp_path / "b", model, options=RunOptions(limit=1, overlays="png"))
    assert [f.suffix for f in (tmp_path / "b" / "overlays").iterdir()] == [".png"]


def test_a_folder_without_scans_is_bad_input(tmp_path: Path, model: ScreeningModel) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no scans found"):
        screen_files([tmp_path / "empty"], tmp_path / "out", model)


def test_a_place_that_cannot_be_written_is_bad_input(
    bags: Path, tmp_path: Path, model: ScreeningModel
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInputError, match="file"):
        screen_files([bags], tmp_path / "file", model)


def annotated(root: Path) -> Path:
    write_bag(root / "images" / "a.png")  # a gun, found
    write_bag(root / "images" / "b.png")  # said to hold a knife: missed, and the gun is a false alarm
    write_bag(root / "images" / "c.png", 250)  # nothing
    coco: dict[str, Any] = {
        "images": [{"id": i, "file_name": f"images/{n}.png"} for i, n in enumerate("abc")],
        "categories": [{"id": 1, "name": "Pistol"}, {"id": 2, "name": "knife"}, {"id": 3, "name": "shoe"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [50, 40, 60, 40]},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [0, 0, 10, 10]},
            {"id": 3, "image_id": 2, "category_id": 3, "bbox": [0, 0, 10, 10]},
        ],
    }
    (root / "annotations.json").write_text(json.dumps(coco))
    return root


def test_ground_truth_beside_the_images_is_counted(tmp_path: Path, model: ScreeningModel) -> None:
    screen_files([annotated(tmp_path / "set")], tmp_path / "out", model, options=OPTIONS)
    page = " ".join((tmp_path / "out" / "report.html").read_text().split())
    assert "<strong>1</strong> of 2 found" in page
    assert "<strong>1</strong> with the mark on target" in page
    assert "<strong>1</strong> missed" in page
    assert "<strong>1</strong> false class alarm<" in page
    assert "2 of 2 with such an item alarmed, 0 of 1 without one" in page
    assert page.count('<rect class="truth"') == 2


@pytest.mark.parametrize("text", [
    "[" * 100_000,
    '{"categories": [{"id": 1e999, "name": "gun"}], "images": [], "annotations": []}',
    '{"categories": [{"id": 1, "name": "刀"}], "images": [], "annotations": []}',
    '{"categories": [{"id": 1, "name": "gun"}], "images": [{"id": 1, "file_name": "a.png"}],'
    ' "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1e999, 1]}]}',
])  # fmt: skip
def test_ground_truth_that_makes_no_sense_is_none(text, tmp_path: Path) -> None:
    (tmp_path / "annotations.json").write_text(text, encoding="utf-8")
    assert TruthFinder().find(tmp_path / "a.png") is None


def test_broken_ground_truth_does_not_stop_screening(tmp_path: Path, model: ScreeningModel) -> None:
    root = annotated(tmp_path / "set")
    (root / "annotations.json").write_text('{"images": 3}')
    assert len(screen_files([root], tmp_path / "out", model).scans) == 3


def test_items_of_foreign_classes_are_neither_hit_nor_miss(model: ScreeningModel) -> None:
    truth = (TruthItem("gun", (0, 0, 9, 9)), TruthItem("axe", (0, 0, 9, 9)))
    findings = tuple(ClassFinding(label, 0.9, label == "gun", (50.0, 50.0)) for label in model.card.classes)
    entry = ScanReport("a", "", 100, 100, "alarm", findings)
    verdict = judge(entry, truth, classes=model.card.classes)
    assert verdict == Verdict(hits=("gun",), unknown=("axe",))  # the mark lies off target
    late = ScanReport("a", "", 100, 100, "no_machine_result")
    assert judge(late, truth, classes=model.card.classes) == Verdict(misses=("gun",), unknown=("axe",))


def test_a_model_with_a_label_of_earlier_versions_is_judged_by_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "annotations.json").write_text(json.dumps({
        "categories": [{"id": 1, "name": "bat"}], "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}],
    }))  # fmt: skip
    truth = TruthFinder().find(tmp_path / "a.png")
    assert truth == (TruthItem("baton", (10, 10, 30, 30)),)
    findings = (ClassFinding("bat", 0.9, True, (15.0, 15.0)), ClassFinding("gun", 0.1, False, None))
    entry = ScanReport("a", "", 100, 100, "alarm", findings)
    assert judge(entry, truth, classes=("bat", "gun")) == Verdict(hits=("bat",), located=("bat",))
