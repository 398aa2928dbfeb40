"""Two processes on one machine: they see different batches, agree on the weights and stop together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from beltline.training.checkpoint import CHECKPOINT, load_checkpoint


@pytest.mark.slow
@pytest.mark.parametrize("ends_by", ["steps", "clock"])
def test_two_processes_train_one_model(tmp_path, ends_by):
    script = Path(__file__).with_name("two_processes.py")
    env = {name: value for name, value in os.environ.items() if name not in ("LOCAL_RANK", "RANK")}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), ends_by],
        capture_output=True, text=True, timeout=180, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    assert first["step"] == second["step"]
    assert first["weights"] == second["weights"]
    assert (first["seen"], second["seen"]) == (list(range(0, 40, 2)), list(range(1, 40, 2)))
    state = load_checkpoint(tmp_path / CHECKPOINT)
    assert state["step"] == first["step"]
    saved = torch.cat([value.flatten() for value in state["model"].values()])
    assert saved.tolist() == first["weights"]
    assert (tmp_path / "metrics.jsonl").is_file()
