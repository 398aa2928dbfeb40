"""Two processes with batches of b are one process with batches of 2 b: the same weights at the end.

That two processes agree with each other, see different batches and stop together is in test_distributed.py.
"""

import os
import signal
import subprocess
import sys

import pytest
import torch

from beltline.training.checkpoint import CHECKPOINT, load_checkpoint

LAUNCHERS = {"LOCAL_RANK", "RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}

# Arguments: output folder, processes, batches accumulated. The launcher starts the file again as the second.
SCRIPT = """
import itertools, sys
from pathlib import Path
import torch
from lightning_fabric import Fabric
from torch import nn
from beltline.training.loop import FitOptions, fit

out, processes, accumulate = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def one(index):
    chance = torch.Generator().manual_seed(index)
    image = torch.rand(3, 3, 8, 8, generator=chance)
    return image, (image.mean((1, 2, 3)) > 0.5).float()[:, None]


def batches(start, stride=1):
    if processes == 2:
        for index in itertools.count(start, stride):
            yield one(index)
    for index in itertools.count(start, stride):  # twice as large
        pair = one(2 * index), one(2 * index + 1)
        yield torch.cat([image for image, _ in pair]), torch.cat([label for _, label in pair])


def loss(model, batch):
    return {"loss": nn.functional.binary_cross_entropy_with_logits(model(batch[0]), batch[1])}


torch.set_num_threads(1)
strategy = "ddp" if processes == 2 else "auto"
fabric = Fabric(accelerator="cpu", devices=processes, strategy=strategy)
fabric.launch()
torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1)
)
# gradient descent, because Adam does not notice a gradient that is twice as large
optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9)
clip = 0.05 if accumulate == 2 else None
options = FitOptions(tensorboard=False, accumulate=accumulate, clip_norm=clip, ema_decay=0.9)
fit(model, batches, loss, optimizer, steps=12, options=options, out=out, fabric=fabric)
"""


def train(tmp_path, processes, accumulate):
    script, out = tmp_path / "script.py", tmp_path / f"{processes}_{accumulate}"
    script.write_text(SCRIPT)
    env = {name: value for name, value in os.environ.items() if name not in LAUNCHERS}
    process = subprocess.Popen(
        [sys.executable, str(script), str(out), str(processes), str(accumulate)],
        stderr=subprocess.PIPE, text=True, env=env, start_new_session=True,
    )  # fmt: skip
    try:
        _, err = process.communicate(timeout=180)
    finally:
        if process.poll() is None:  # also the process that the first one started
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, err
    return load_checkpoint(out / CHECKPOINT)


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_are_one_with_the_double_batch(tmp_path, accumulate):
    two, one = train(tmp_path, 2, accumulate), train(tmp_path, 1, accumulate)
    assert two["step"] == one["step"] == 12
    for name, value in one["model"].items():
        torch.testing.assert_close(two["model"][name], value, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(two["average"][name], one["average"][name], rtol=1e-4, atol=1e-6)
    moments = [state["optimizer"]["state"][0]["momentum_buffer"] for state in (one, two)]
    torch.testing.assert_close(*moments, rtol=1e-3, atol=1e-6)
