"""Trains recipe file argv[1] on shards argv[2] into argv[3], slowly enough to be killed on the way."""

import dataclasses
import sys
import time
from pathlib import Path

import torch

from beltline.systems.chr.recipe import build_loss
from beltline.systems.chr.system import SYSTEM
from beltline.training.recipe_values import read_recipe
from beltline.training.run import Watching, train


def slow_loss(recipe):
    """The recipe's loss, a fifth of a second later."""
    loss = build_loss(recipe)

    def delayed(model, batch):
        time.sleep(0.2)
        return loss(model, batch)

    return delayed


if __name__ == "__main__":
    torch.set_num_threads(1)
    recipe, data, out = sys.argv[1:]
    slow = dataclasses.replace(SYSTEM, loss=slow_loss)
    named = read_recipe(recipe, (), SYSTEM.recipes)
    train(slow, named, Path(data), Path(out), watching=Watching(checkpoint_steps=3))
