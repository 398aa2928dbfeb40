"""Trains with two processes on gloo and writes what each one knows; see test_distributed.py.

Arguments: output folder, and "steps" or "clock" for what ends the run.
"""

import itertools
import json
import sys
import warnings
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from beltline.training.loop import FitOptions, fit


def batches(start, stride=1):
    """Batch number i is the number i."""
    for index in itertools.count(start, stride):
        yield torch.full((1, 1), float(index))


def main(out, ends_by):
    """One of the two processes."""
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    seen = []

    def loss(model, batch):
        seen.append(int(batch.item()))
        x = batch % 7 / 7
        return {"loss": (model(x) - 2 * x).square().mean()}

    torch.manual_seed(fabric.global_rank)  # different on purpose: the first process's weights count
    model = nn.Linear(1, 1)
    options = FitOptions(tensorboard=False, accumulate=2, max_minutes=0.03 if ends_by == "clock" else None)
    steps = 10**9 if ends_by == "clock" else 10
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    result = fit(model, batches, loss, optimizer, steps=steps, options=options, out=out, fabric=fabric)
    report = {"seen": seen[:20], "step": result.step, "weights": [p.item() for p in model.parameters()]}
    (out / f"rank{fabric.global_rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2])
