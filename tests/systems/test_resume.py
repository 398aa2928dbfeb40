"""A killed run goes on as if nothing had happened; a checkpoint is whole or the old one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tests.tiny_chr import chr_tiny

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.systems.chr.system import SYSTEM
from beltline.training import run as engine
from beltline.training.checkpoint import (
    CHECKPOINT,
    WEIGHTS,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from beltline.training.recipe_values import recipe_values, with_values
from beltline.training.run import Watching

STEPS = 14


def train_chr(recipe, data, out, *, log_steps=20, resume=False):
    return engine.train(SYSTEM, recipe, data, out, watching=Watching(log_steps=log_steps), resume=resume)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tensors(value, path=""):
    """Every tensor and number of a nested state by its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from tensors(inner, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from tensors(inner, f"{path}/{index}")
    else:
        yield path, value


def assert_same_state(one, other):
    one, other = dict(tensors(one)), dict(tensors(other))
    assert one.keys() == other.keys()
    for path, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other[path]), path
        elif path != "/seconds":  # the clock is the one thing that may differ
            assert value == other[path], path


def lines(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_by_force_ends_with_the_same_bits(tmp_path, tiny_recipe, tiny_shards):
    recipe = with_values(tiny_recipe, {"steps": STEPS})
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(recipe_values(recipe)))
    script = Path(__file__).with_name("killed_run.py")
    command = [sys.executable, str(script), str(file), str(tiny_shards), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        # the uninterrupted run passes meanwhile
        train_chr(recipe, tiny_shards, tmp_path / "whole")
        deadline = time.monotonic() + 120
        while not (tmp_path / "killed" / WEIGHTS).is_file() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    reached = load_checkpoint(tmp_path / "killed" / CHECKPOINT)["step"]
    assert 3 <= reached < STEPS
    result = train_chr(recipe, tiny_shards, tmp_path / "killed", resume=True)
    assert result.step == STEPS
    whole, killed = (load_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "killed"))
    assert_same_state(whole, killed)
    weights = [(tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


@pytest.mark.usefixtures("one_thread")
def test_the_journal_holds_every_step_once_after_a_resume(tmp_path, tiny_recipe, tiny_shards):
    run = tmp_path / "run"
    train_chr(with_values(tiny_recipe, {"steps": 4}), tiny_shards, run, log_steps=1)
    with (run / "metrics.jsonl").open("a") as file:  # a killed run: beyond its checkpoint, the last line cut
        file.write('{"step": 5, "kind": "train", "loss": 1}\n{"step": 6, "ki')
    train_chr(with_values(tiny_recipe, {"steps": 7}), tiny_shards, run, resume=True, log_steps=1)
    assert [line["step"] for line in lines(run)] == [1, 2, 3, 4, 5, 6, 7]
    assert all("loss" in line for line in lines(run))


def test_another_run_is_not_overwritten(tmp_path, tiny_recipe, tiny_shards):
    run = tmp_path / "run"
    recipe = with_values(tiny_recipe, {"steps": 1})
    train_chr(recipe, tiny_shards, run)
    with pytest.raises(BadInputError, match="--resume"):
        train_chr(recipe, tiny_shards, run)
    with pytest.raises(BadInputError, match="lr was"):
        train_chr(with_values(recipe, {"lr": 1.0}), tiny_shards, run, resume=True)


def test_a_recipe_from_before_a_field_existed_can_go_on(tmp_path, tiny_recipe, tiny_shards):
    run = tmp_path / "run"
    recipe = with_values(tiny_recipe, {"steps": 1})
    train_chr(recipe, tiny_shards, run)
    written = json.loads((run / "recipe.json").read_text())
    del written["normalise"]
    (run / "recipe.json").write_text(json.dumps(written))
    assert train_chr(with_values(recipe, {"steps": 2}), tiny_shards, run, resume=True).step == 2


@pytest.mark.parametrize("data", ["no classes", "no shards", "other classes"])
def test_nothing_is_written_where_the_data_do_not_serve(tmp_path, tiny_recipe, write_tiny_shards, data):
    folder = tmp_path / "data"
    folder.mkdir()
    if data == "no shards":
        (folder / "classes.json").write_text('["gun", "knife"]')
    elif data == "other classes":
        write_tiny_shards(folder)
        (folder / "classes.json").write_text('["axe", "saw"]')
    with pytest.raises(BadInputError):
        train_chr(tiny_recipe, folder, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / CHECKPOINT
    save_checkpoint(path, {"step": 1})

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="space"):
        save_checkpoint(path, {"step": 2})
    monkeypatch.undo()
    assert load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == [CHECKPOINT]  # nor does the half stay behind


def test_a_checkpoint_holds_data_never_code(tmp_path):
    torch.save({"step": eval}, tmp_path / "bad.pt")
    with pytest.raises(UntrustedWeightsError, match=r"bad\.pt"):
        load_checkpoint(tmp_path / "bad.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(UntrustedWeightsError, match="got list"):
        load_checkpoint(tmp_path / "list.pt")


def test_a_cut_checkpoint_is_one_clear_line(tmp_path):
    path = tmp_path / CHECKPOINT
    save_checkpoint(path, {"weights": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInputError, match="not a readable checkpoint"):
        load_checkpoint(path)


def test_weights_return_bit_for_bit_and_are_checked(tmp_path):
    torch.manual_seed(0)
    model, other = chr_tiny(), chr_tiny()
    path = tmp_path / WEIGHTS
    digest = save_weights(path, model.state_dict())
    assert load_weights(other, path) == digest
    assert_same_state(dict(model.state_dict()), dict(other.state_dict()))
    with pytest.raises(UntrustedWeightsError, match="expected 00"):
        load_weights(other, path, sha256="00")
    with pytest.raises(UntrustedWeightsError, match="does not fit"):
        load_weights(chr_tiny(5), path)
    path.with_suffix(".sha256").unlink()
    with pytest.raises(UntrustedWeightsError, match="no checksum"):
        load_weights(other, path)


def test_changed_weights_are_refused(tmp_path):
    model = chr_tiny()
    path = tmp_path / WEIGHTS
    save_weights(path, model.state_dict())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UntrustedWeightsError, match="SHA-256"):
        load_weights(model, path)
