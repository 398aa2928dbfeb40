"""Copy a trained run without the classes that it did not learn.

    python scripts/drop_classes.py RUN OUT --data VALIDATION --least-auc 0.7

Keeps the classes whose AUC on validation shards reaches ``--least-auc`` and cuts the others out of the heads.
A class at chance would only add false alarms. Calibrate and evaluate the copy afterwards.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from beltline.metrics import roc_auc
from beltline.systems.chr.data import open_data
from beltline.systems.chr.figures import score
from beltline.systems.chr.system import SYSTEM
from beltline.training.checkpoint import save_weights
from beltline.training.recipe_values import recipe_values
from beltline.training.run import load


def main() -> None:
    """Write OUT/recipe.json and OUT/weights.safetensors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--least-auc", type=float, default=0.7)
    parser.add_argument("--limit", type=int, default=500)
    a = parser.parse_args()
    loaded = load(SYSTEM, a.run)
    recipe, model = loaded.recipe, loaded.model
    found = score(recipe, model, open_data(a.data, recipe)[0], limit=a.limit, boxes=False)
    values = [float(roc_auc(found.labels[:, k], found.logits[:, k])) for k in range(len(recipe.classes))]
    kept = [k for k, value in enumerate(values) if value >= a.least_auc]
    smaller = replace(recipe, classes=tuple(recipe.classes[k] for k in kept))
    target = SYSTEM.build(smaller).state_dict()
    state = {}
    for name, tensor in model.state_dict().items():
        if tensor.shape == target[name].shape:
            state[name] = tensor
            continue
        axis = next(
            i for i, (x, y) in enumerate(zip(tensor.shape, target[name].shape, strict=True)) if x != y
        )
        state[name] = tensor.index_select(axis, torch.tensor(kept)).contiguous()
    a.out.mkdir(parents=True, exist_ok=True)
    recipe_json = {"system": SYSTEM.name, "recipe": "chr_starter", **recipe_values(smaller)}
    (a.out / "recipe.json").write_text(json.dumps(recipe_json, indent=1) + "\n")
    save_weights(a.out / "weights.safetensors", state)
    for name, value in zip(recipe.classes, values, strict=True):
        print(f"{name:18s} AUC {value:.3f} {'kept' if name in smaller.classes else 'dropped'}")


if __name__ == "__main__":
    main()
