"""Killed by force while a checkpoint is being written: the old one is whole, and the run goes on from it.

That a run killed between two checkpoints ends with the same bits is in test_resume.py.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from beltline.training.checkpoint import CHECKPOINT, WEIGHTS, load_checkpoint, load_weights
from beltline.training.loop import fit

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")

# Arguments: output folder, file whose writing hangs, the how-manieth time.
HANGS = """
import os, sys, time
from pathlib import Path
import torch
from tests_of_killing import batches, loss, model, options
from beltline.training.loop import fit

out, name, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sync, seen = os.fsync, 0


def hang(handle):
    global seen
    seen += name in os.readlink(f"/proc/self/fd/{handle}")
    if seen == when:
        print("half written", flush=True)
        time.sleep(600)
    sync(handle)


os.fsync = hang
made = model()
fit(made, batches, loss, torch.optim.AdamW(made.parameters(), 0.01), steps=9, options=options(), out=out)
"""

# The same for this process and the killed one.
SHARED = """
import itertools
import torch
from torch import nn
from beltline.training.loop import FitOptions


def batches(start, stride=1):
    for index in itertools.count(start, stride):
        x = torch.rand(4, 3, generator=torch.Generator().manual_seed(index))
        yield x, x.sum(1, keepdim=True)


def loss(model, batch):
    return {"loss": (model(batch[0]) - batch[1]).square().mean()}


def model():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def options(resume=False):
    return FitOptions(checkpoint_steps=2, tensorboard=False, resume=resume)
"""

SAVES = """
import sys, torch
from pathlib import Path
from beltline.training.checkpoint import save_checkpoint

torch.set_num_threads(1)
for step in range(10**6):
    save_checkpoint(Path(sys.argv[1]), {"step": step, "weights": torch.full((300_000,), float(step))})
    print(step, flush=True)
"""


@pytest.fixture
def shared(tmp_path):
    """The shared module's names, and the environment in which another process finds it too."""
    (tmp_path / "tests_of_killing.py").write_text(SHARED)
    names = {}
    exec(SHARED, names)
    threads = torch.get_num_threads()
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    yield names, {**os.environ, "PYTHONPATH": path}
    torch.set_num_threads(threads)


def finish(names, out, *, resume):
    made = names["model"]()
    optimizer = torch.optim.AdamW(made.parameters(), 0.01)
    fit(made, names["batches"], names["loss"], optimizer, steps=9, options=names["options"](resume), out=out)
    return load_checkpoint(out / CHECKPOINT)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to name an open file")
@pytest.mark.parametrize(
    ("name", "reached"), [(CHECKPOINT, 2), pytest.param(WEIGHTS, 4, marks=pytest.mark.slow)]
)
def test_killed_in_the_middle_of_a_write_the_old_checkpoint_serves(tmp_path, shared, name, reached):
    """The second checkpoint hangs before it is renamed, or the weights that follow it."""
    names, env = shared
    out = tmp_path / "run"
    command = [sys.executable, "-c", HANGS, str(out), name, "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as process:
        assert process.stdout.readline() == "half written\n"
        process.send_signal(signal.SIGKILL)
    assert list(out.glob(f".{name}.*.tmp"))  # what was being written
    assert load_checkpoint(out / CHECKPOINT)["step"] == reached
    load_weights(nn.Linear(3, 1), out / WEIGHTS)  # whole, and its checksum fits
    resumed = finish(names, out, resume=True)
    whole = finish(names, tmp_path / "whole", resume=False)
    assert resumed["step"] == whole["step"] == 9
    for key, value in whole["model"].items():
        assert torch.equal(resumed["model"][key], value)
    assert not list(out.glob(".*.tmp"))


# Arguments: output folder. Ten steps of a tenth of a second, a checkpoint by time alone.
EARLY = """
import sys, time
from dataclasses import replace
from pathlib import Path
import torch
from tests_of_killing import batches, loss, model, options
from beltline.training.loop import fit


def slow(network, batch):
    time.sleep(0.1)
    return loss(network, batch)


made = model()
chosen = replace(options(), checkpoint_steps=200, checkpoint_minutes=0.15 / 60)
optimizer = torch.optim.AdamW(made.parameters(), 0.01)
fit(made, batches, slow, optimizer, steps=9, options=chosen, out=Path(sys.argv[1]))
"""


def test_killed_long_before_the_first_checkpoint_by_steps(tmp_path, shared):
    """A slow machine: what the last minutes came to is there, and the run ends with the same bits."""
    names, env = shared
    out = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", EARLY, str(out)], stderr=subprocess.PIPE, env=env
    ) as process:
        deadline = time.monotonic() + 60
        while not (out / WEIGHTS).is_file() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 1 <= load_checkpoint(out / CHECKPOINT)["step"] < 9
    resumed = finish(names, out, resume=True)
    whole = finish(names, tmp_path / "whole", resume=False)
    for key, value in whole["model"].items():
        assert torch.equal(resumed["model"][key], value)


@pytest.mark.slow
def test_killed_at_any_moment_the_checkpoint_is_whole(tmp_path):
    path, chance = tmp_path / CHECKPOINT, random.Random(0)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", SAVES, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
            printed = process.stdout.read().split()
        state = load_checkpoint(path)
        assert state["step"] >= int(printed[-1] if printed else 0)
        assert (state["weights"] == state["step"]).all()
