"""What a run writes can be read: TensorBoard's own reader finds every number of the JSON lines."""

import json
import math

import pytest

from beltline.training.journal import METRICS, Journal


def events(folder):
    """``{tag: [(step, value), ...]}`` by TensorBoard's reader."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    }


def test_tensorboard_reads_what_was_recorded(tmp_path):
    journal = Journal(tmp_path, start_step=0)
    for step in (1, 2):
        journal.record(step, {"loss": 1 / step, "lr": 0.1})
    journal.record(2, {"map": 0.75}, kind="evaluate")
    journal.close()
    found = events(tmp_path / "tensorboard")
    assert found.keys() == {"train/loss", "train/lr", "evaluate/map"}
    assert found["train/loss"] == [(1, 1.0), (2, 0.5)]
    assert found["evaluate/map"] == [(2, 0.75)]


def test_after_a_resume_every_step_is_there_once(tmp_path):
    journal = Journal(tmp_path, start_step=0)
    for step in range(1, 6):
        journal.record(step, {"loss": step})
    journal.close()
    journal = Journal(tmp_path, start_step=3)  # killed at 5, the last checkpoint is of 3
    for step in range(4, 7):
        journal.record(step, {"loss": 10 * step})
    journal.close()
    expected = [(1, 1), (2, 2), (3, 3), (4, 40), (5, 50), (6, 60)]
    lines = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == expected
    assert events(tmp_path / "tensorboard")["train/loss"] == expected


def test_json_has_no_nan(tmp_path):
    journal = Journal(tmp_path, start_step=0, tensorboard=False)
    journal.record(1, {"map": math.nan, "nested": {"pd": [0.5, math.nan]}})
    journal.close()
    assert json.loads((tmp_path / METRICS).read_text()) == {
        "step": 1, "kind": "train", "map": None, "nested": {"pd": [0.5, None]},
    }  # fmt: skip


def test_no_folder_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    journal = Journal(None, start_step=0)
    journal.record(1, {"loss": 1.0})
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_time_left_follows_what_this_process_gained(monkeypatch, capsys):
    clock = iter([100.0, 160.0])
    monkeypatch.setattr("beltline.training.journal.time.monotonic", lambda: next(clock))
    # resumed at 50 %; a minute brought 10 %, so that 40 % take four
    Journal(None, start_step=5).progress(6, 0.6, 0.1, {"loss": 0.25})
    assert capsys.readouterr().err == " 60.0 %  step 6  loss 0.25  left 00:04:00\n"
