"""Painters as a system: how the engine trains and watches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.formats.inpainting_shards import InpaintingWindows, open_inpainting_shards
from beltline.models.painter import Painter
from beltline.models.patch_codec import PatchCodec
from beltline.systems.xsyn.data import XsynBatches
from beltline.systems.xsyn.recipe import (
    NETWORK,
    XsynRecipe,
    build_model,
    start_from,
    xsyn_autoencoder,
    xsyn_lone,
    xsyn_painter,
    xsyn_seen,
)
from beltline.training.loop import Evaluate, Loss
from beltline.training.system import Json, System
from beltline.training.uses import Use

CELLS = 32  # a window's side is a multiple of so many pixels: three halvings by the autoencoder, two after
BEGIN_WITH = 64  # windows that the spread of latents is taken from
FIT_WITH = 600  # windows that the codec of lone threats is fitted to
WATCHED = 64  # windows


def open_data(folder: Path, recipe: XsynRecipe) -> tuple[InpaintingWindows, XsynRecipe]:
    """Inpainting shards; classes and channels are theirs.

    Raises:
        BadInputError: If the folder holds none, or they are of other classes than the recipe's.
    """
    data = open_inpainting_shards(folder)
    if recipe.classes and recipe.classes != data.classes:
        raise BadInputError(
            f"{folder}: has the classes {', '.join(data.classes)}, the run {', '.join(recipe.classes)};"
            " a painter's tokens belong to its classes"
        )
    if data.shape[1] % CELLS:
        raise BadInputError(f"{folder}: windows must be multiples of {CELLS} pixels, got {data.shape[1]}")
    if strange := [name for name in recipe.often if name not in data.classes]:
        raise BadInputError(f"often: {strange[0]} is none of {', '.join(data.classes)}")
    return data, replace(recipe, classes=data.classes, channels=data.shape[0])


def begin(recipe: XsynRecipe, model: nn.Module, data: InpaintingWindows) -> None:
    """The codec of lone threats, and the spread of latents, by which a painter scales them.

    One that goes on has both.
    """
    if not isinstance(model, Painter) or recipe.training.init:
        return
    rng = np.random.default_rng((recipe.training.seed, 2))
    if isinstance(model.autoencoder, PatchCodec):
        rows = rng.choice(len(data), min(FIT_WITH, len(data)), replace=False)
        windows = torch.from_numpy(data.painted(rows)).float() / 255
        model.autoencoder.fit(windows)
    else:
        windows = torch.from_numpy(data.bag(rng.integers(0, len(data), BEGIN_WITH))).float() / 255
    with torch.no_grad():
        latents = model.autoencoder.encode(windows)
    model.scale.fill_(1 / float(latents.std()))


def loss_of(recipe: XsynRecipe) -> Loss:
    """What the network's own forward says: of windows, or of windows to paint in."""

    def losses(model: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = model(batch)
        return found

    return losses


def watch(recipe: XsynRecipe, data: InpaintingWindows) -> Evaluate:
    """The same losses on fixed windows that it was not trained on."""
    fixed = replace(recipe, nameless=0.0, training=replace(recipe.training, batch_size=WATCHED, seed=0))
    batches = XsynBatches(data, fixed)

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        device = next(model.parameters()).device
        found = model(_moved(next(iter(batches(0))), device))
        return {f"val_{name}": float(value) for name, value in found.items()}

    return evaluate


def measure(
    recipe: XsynRecipe, model: nn.Module, data: InpaintingWindows, chosen: Json | None, limit: int | None
) -> Json:
    """The losses over a test set, a batch after the other."""
    number = len(data) if limit is None else min(limit, len(data))
    evaluate = watch(recipe, data)
    with torch.no_grad():
        return {"windows": number, **evaluate(model)}


def table(found: Json) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    return [f"{name:12s} {value:.4g}" for name, value in found.items()]


def uses_of(recipe: XsynRecipe, data: InpaintingWindows) -> tuple[Use[XsynRecipe], ...]:
    """Fields that do not count always."""
    painting = "with stage=painter"
    held = "with stage=autoencoder and init"
    return (
        Use("encoder_held", lambda r: r.stage == "autoencoder" and bool(r.training.init), held),
        Use("autoencoder", lambda r: r.stage == "painter", painting),
        Use("widths", lambda r: r.stage == "painter", painting),
        Use("seen", lambda r: r.stage == "painter", painting),
        Use("alone", lambda r: r.stage == "painter", painting),
        Use("turns", lambda r: r.stage == "painter", painting),
        Use("nameless", lambda r: r.stage == "painter", painting),
    )


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device)
    return type(batch)(*(tensor.to(device) for tensor in batch))


SYSTEM: System[XsynRecipe, InpaintingWindows] = System(
    name="xsyn",
    recipes={
        "xsyn_painter": xsyn_painter,
        "xsyn_autoencoder": xsyn_autoencoder,
        "xsyn_seen": xsyn_seen,
        "xsyn_lone": xsyn_lone,
    },
    open=open_data,
    build=build_model,
    batches=lambda recipe, data: XsynBatches(data, recipe),
    loss=loss_of,
    uses=uses_of,
    start=start_from,
    begin=begin,
    watch=watch,
    measure=measure,
    table=table,
    network=NETWORK,
)
