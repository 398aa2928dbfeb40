"""Seconds of a training step on one core: what quicker gradients and kept memory save.

    python benchmarks/training_step.py [--repeats 6] [--frozen 3]

CHR with light wiring on 16 random scans of 288 pixels, 17 classes, bfloat16: a narrow ResNet-18, then
EfficientNet-Lite0 as the library has it, with quicker gradients of its depthwise convolutions, and with
memory that is kept. CPU seconds, the least of the repeats; the arms follow each other in one run, and only
their ratios mean something.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from beltline.core import STARTER_CLASSES
from beltline.systems.chr.recipe import ChrRecipe, build_loss, build_model, chr_lite0, classifier_of
from beltline.training.allocator import keep_freed_memory
from beltline.training.depthwise import quicken
from beltline.training.freezing import hold_still
from beltline.training.settings import TrainingSettings, build_optimizer
from beltline.training.shards import Batch

SIDE, SCANS = 288, 16


def step_of(recipe: ChrRecipe, *, quick: bool) -> Callable[[], None]:
    """One optimizer step on the same random batch each time."""
    model = build_model(recipe).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if quick:
        quicken(model)
    still = hold_still(classifier_of(model).backbone, recipe.training)
    model.train()
    for module in still:
        module.eval()
    optimizer, loss = build_optimizer(recipe.training, model), build_loss(recipe)
    count = len(recipe.classes)
    batch = Batch(
        torch.rand(SCANS, 3, SIDE, SIDE).to(memory_format=torch.channels_last),
        (torch.rand(SCANS, count) < 0.1).float(),
        torch.rand(SCANS, count, SIDE // 8, SIDE // 8),
    )

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(model, batch)["loss"]
        value.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def seconds(step: Callable[[], None], repeats: int) -> float:
    """CPU seconds, the least of some repeats after one that warms up."""
    step()
    found = []
    for _ in range(repeats):
        began = time.process_time()
        step()
        found.append(time.process_time() - began)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--frozen", type=int, default=0, help="first stages of Lite0 that are held still")
    given = parser.parse_args()
    torch.set_num_threads(1)
    training = TrainingSettings(frozen_stages=given.frozen)
    lite0 = replace(chr_lite0(), classes=STARTER_CLASSES, pretrained=False, training=training)
    narrow = replace(
        lite0, backbone="resnet18", backbone_channels=(32, 64, 128, 256), training=TrainingSettings()
    )
    for name, recipe, quick, kept in (
        ("ResNet-18, narrow", narrow, False, False),
        ("EfficientNet-Lite0", lite0, False, False),
        ("EfficientNet-Lite0, quicker gradients", lite0, True, False),
        ("EfficientNet-Lite0, and kept memory", lite0, True, True),
        ("ResNet-18, narrow, and kept memory", narrow, True, True),
    ):
        if kept:
            keep_freed_memory()  # cannot be undone: these come last
        print(f"{name:40s} {seconds(step_of(recipe, quick=quick), given.repeats):.2f} s", flush=True)


if __name__ == "__main__":
    main()
