"""Trains recipe file argv[1] on shards argv[2] into argv[3], slowly enough to be killed on the way."""

import sys
import time
from pathlib import Path

import torch

from beltline.training import runs
from beltline.training.recipes import load_recipe
from beltline.training.recipes.chr_starter import build_loss


def slow_loss(recipe):
    """The recipe's loss, a fifth of a second later."""
    loss = build_loss(recipe)

    def delayed(model, batch):
        time.sleep(0.2)
        return loss(model, batch)

    return delayed


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs.build_loss = slow_loss
    recipe, data, out = sys.argv[1:]
    runs.train_chr(load_recipe(recipe), Path(data), Path(out), checkpoint_steps=3)
