"""Bake an object library and compose training shards from it, while a training run may already read them.

    python scripts/make_training_shards.py OUT --split train --shards 80 --seed 1

The data of the starter model. Items, looks and seeds of the splits are apart: an item's seed decides its
split, train and validation draw random looks and the named ones given by --styles, the test sets name theirs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2

from beltline.simulate.bags import SPLITS, BagRecipe
from beltline.simulate.library import ObjectLibrary, bake_library
from beltline.simulate.shards import ShardPlan, write_shard

CLASSES = (
    "gun", "knife", "wrench", "pliers", "scissors", "hammer",
    "handcuffs", "baton", "bullet", "lighter", "battery", "pressure_vessel",
)  # fmt: skip
# Guns and knives, the classes of every public set, are drawn more often.
DRAWN = (*CLASSES, "gun", "gun", "knife", "knife", "knife", "knife", "scissors")


def main() -> None:
    """Bake, then write shard after shard."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--shards", type=int, default=80)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--count", type=int, default=250, help="bags per shard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", type=Path, help="folder of the baked objects; default OUT-library")
    parser.add_argument("--each", type=int, default=16)
    parser.add_argument("--threats-each", type=int, default=60)
    parser.add_argument("--pixel-mm", type=float, default=1.3)
    parser.add_argument("--styles", default="random:0.6,any:0.4")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    root = arguments.library or arguments.out.with_name(arguments.out.name + "-library")
    if not (root / "index.json").is_file():
        bake_library(
            root,
            seed=arguments.seed,
            split=arguments.split,
            pixel_mm=arguments.pixel_mm,
            each=arguments.each,
            threats_each=arguments.threats_each,
        )
    library = ObjectLibrary(root)
    print(f"{len(library.objects)} objects in {root}", file=sys.stderr)
    styles = tuple(
        (name, float(share)) for name, share in (s.split(":") for s in arguments.styles.split(","))
    )
    plan = ShardPlan(CLASSES, count=arguments.count, styles=styles)
    recipe = BagRecipe(classes=DRAWN, positives=0.7, threats=(1, 4), items=(3, 32), garments=(0, 14))
    for index in range(arguments.first, arguments.first + arguments.shards):
        if (arguments.out / f"shard_{index:05d}").exists():
            continue
        start = time.perf_counter()
        write_shard(arguments.out, index, library, recipe, plan, seed=arguments.seed * 100_003 + index)
        rate = arguments.count / (time.perf_counter() - start)
        print(f"shard {index}: {rate:.1f} bags a second", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
