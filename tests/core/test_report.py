import json

import numpy as np
import pytest

from beltline.core import (
    BadInputError,
    ClassFinding,
    FailedScan,
    InstanceFinding,
    Interrupted,
    Masks,
    ModelRef,
    Report,
    ScanReport,
)


def full_report():
    mask = Masks.encode(np.eye(5, 7, dtype=bool)[None])
    return Report(
        ModelRef("starter", "ab" * 32),
        {"pfa": 0.05},
        (
            ScanReport(
                "bag.png", "cd" * 32, 7, 5, "alarm",
                (
                    ClassFinding("gun", 0.93, True, (3.0, 2.0), (1.0, 1.0, 4.0, 3.0)),
                    ClassFinding("knife", 0.01, False),
                ),
                (InstanceFinding("gun", 0.9, (1.0, 1.0, 4.0, 3.0)),),
                {"read": 1.5, "model": 20.0, "total": 22.0},
            ),
            ScanReport("späť.png", "ef" * 32, 9, 9, "no_machine_result", reason="the model took too long"),
        ),
        (FailedScan("broken.png", "truncated"),),
        {".dcm": 3, "without suffix": 1},
        Interrupted(2, 150),
    ), mask  # fmt: skip


def test_json_has_the_documented_keys_in_order():
    report, _ = full_report()
    record = json.loads(report.to_json())
    assert list(record) == [
        "schema_version", "model", "operating_point", "scans", "failed", "skipped", "interrupted", "warnings",
    ]  # fmt: skip
    assert record["schema_version"] == 1
    assert record["skipped"] == {".dcm": 3, "without suffix": 1}
    assert record["interrupted"] == {"screened": 2, "of": 150}
    scan = record["scans"][0]
    documented = ["path", "sha256", "width", "height", "decision", "classes", "instances", "ms"]
    assert list(scan) == documented
    assert list(scan["classes"][0]) == ["label", "probability", "alarm", "point", "box"]
    assert scan["classes"][1]["point"] is None
    assert record["scans"][1]["reason"] == "the model took too long"


def test_reading_gives_the_same_report():
    report, _ = full_report()
    assert Report.from_json(report.to_json()) == report


def test_masks_survive():
    _, mask = full_report()
    found = InstanceFinding("gun", 0.5, (0.0, 0.0, 5.0, 5.0), mask)
    scan = ScanReport("a", "b", 7, 5, "clear", instances=(found,))
    report = Report(ModelRef("m", "s"), {"pfa": 0.1}, (scan,))
    again = Report.from_json(report.to_json()).scans[0].instances[0].mask
    assert np.array_equal(again.decode(), mask.decode())


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"schema_version": 1}', "null"])
def test_other_files_are_refused(text):
    with pytest.raises(BadInputError, match=r"report\.json"):
        Report.from_json(text)


def test_another_schema_version_is_named():
    with pytest.raises(BadInputError, match="version 2"):
        Report.from_json('{"schema_version": 2}')


def test_impossible_findings_are_refused():
    with pytest.raises(ValueError, match="probability"):
        ClassFinding("gun", float("nan"), False)
    with pytest.raises(ValueError, match="decision"):
        ScanReport("a", "b", 1, 1, "maybe")
