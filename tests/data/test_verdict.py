"""The verdict on a copy: complete, partial or unknown, beside what was published."""

from dataclasses import replace
from pathlib import Path

import pytest

from beltline.data import SetVerdict
from beltline.data.sixray.verification import RELEASE, TABLE_1
from beltline.data.verdict import Release, findings_of

VERDICT = SetVerdict(Path("copy"), "SIXray", RELEASE, TABLE_1, TABLE_1, {}, annotations=0, lists={})


@pytest.mark.parametrize(
    ("on_disk", "state"),
    [
        (TABLE_1, "complete"),
        ({**TABLE_1, "hammer": 0}, "complete"),  # no list tells hammers
        ({**TABLE_1, "negative": 1}, "partial"),
        ({}, "partial"),
    ],
)
def test_complete_is_every_published_count_that_lists_tell(on_disk, state):
    assert replace(VERDICT, on_disk=on_disk).state == state


def test_without_a_release_the_state_is_unknown():
    verdict = replace(VERDICT, release=None)
    assert verdict.state == "unknown"
    assert verdict.to_json()["published"] == {}


def test_recalled_counts_are_marked():
    release = Release("of 2020", {"train": 10}, recalled=("train",))
    lines = replace(VERDICT, release=release, listed={"train": 9}, on_disk={"train": 8}).lines()
    assert lines[0] == "copy: SIXray, partial (of 2020)"
    assert [line.split() for line in lines if line.startswith("train")] == [["train", "9", "8", "10*"]]
    assert "* recalled, not read at the source" in lines


def test_faults_come_first_and_alone_make_a_copy_not_ok():
    found = {"packed": {"a.zip"}, "zero_byte": {"b.jpg", "a.jpg"}}
    findings = findings_of(found, {"zero_byte": "empty files"}, {"packed": "archives"})
    verdict = replace(VERDICT, findings=findings)
    assert [(f.kind, f.count, f.names) for f in findings] == [
        ("zero_byte", 2, ("a.jpg", "b.jpg")), ("packed", 1, ("a.zip",)),
    ]  # fmt: skip
    assert verdict.faults == findings[:1]
    assert verdict.to_json()["ok"] is False
    assert replace(verdict, findings=findings[1:]).to_json()["ok"] is True
