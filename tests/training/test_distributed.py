"""Two processes on one machine: they see different batches, agree on the weights and stop together."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from beltline.training.checkpoint import CHECKPOINT, load_checkpoint

LAUNCHERS = {"LOCAL_RANK", "RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


@pytest.mark.slow
@pytest.mark.parametrize("ends_by", ["steps", "clock"])
def test_two_processes_train_one_model(tmp_path, ends_by):
    script = Path(__file__).with_name("two_processes.py")
    env = {name: value for name, value in os.environ.items() if name not in LAUNCHERS}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), ends_by],
        stderr=subprocess.PIPE, text=True, env=env, start_new_session=True,
    )  # fmt: skip
    try:
        _, err = process.communicate(timeout=180)
    finally:
        if process.poll() is None:  # also the process that the first one started
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, err
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    assert first["step"] == second["step"]
    assert first["weights"] == second["weights"]
    assert (first["seen"], second["seen"]) == (list(range(0, 40, 2)), list(range(1, 40, 2)))
    state = load_checkpoint(tmp_path / CHECKPOINT)
    assert state["step"] == first["step"]
    saved = torch.cat([value.flatten() for value in state["model"].values()])
    assert saved.tolist() == first["weights"]
    assert (tmp_path / "metrics.jsonl").is_file()
