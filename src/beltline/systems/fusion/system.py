"""Fusion networks as a system: how the engine trains and measures them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.simulate.fusion_pairs import FusionPairs, open_fusion_pairs
from beltline.systems.fusion.data import FusionBatches, PairBatch
from beltline.systems.fusion.figures import measure_fusion, table
from beltline.systems.fusion.recipe import RECIPES, FusionRecipe, find_method
from beltline.training.loop import Loss
from beltline.training.run import load
from beltline.training.run_folder import RESULT
from beltline.training.system import System
from beltline.training.uses import Use


def open_pairs(folder: Path, recipe: FusionRecipe) -> tuple[FusionPairs, FusionRecipe]:
    """Pairs of a folder; the recipe stays as it is.

    Raises:
        BadInputError: If it holds none.
    """
    try:
        return open_fusion_pairs(folder), recipe
    except ValueError as error:
        raise BadInputError(str(error)) from error


def build_model(recipe: FusionRecipe) -> nn.Module:
    """The recipe's network with weights drawn from its seed."""
    torch.manual_seed(recipe.training.seed)
    return find_method(recipe.method).build(recipe)


def build_batches(recipe: FusionRecipe, pairs: FusionPairs) -> FusionBatches:
    """Pairs by chance; the truth is not looked at, except by a method that is taught.

    Raises:
        BadInputError: If there are no pairs, or they are too small for the crop.
    """
    if not len(pairs):
        raise BadInputError("training a fusion needs pairs of bag and item, got none")
    side = min(pairs.mask.shape[1:])
    if not 0 <= recipe.crop <= side:
        raise BadInputError(f"crop must be within 0 and {side}, the side of the pairs, got {recipe.crop}")
    training, taught = recipe.training, find_method(recipe.method).taught
    return FusionBatches(pairs, training.batch_size, training.seed, taught, recipe.crop)


def build_loss(recipe: FusionRecipe) -> Loss:
    """The method's losses of a batch."""
    losses = find_method(recipe.method).losses(recipe)

    def loss(network: nn.Module, batch: PairBatch) -> Mapping[str, Tensor]:
        given = (batch.bag, batch.item, batch.mask)
        return losses(network, *given, *(() if batch.truth is None else (batch.truth,)))

    return loss


def load_fusion(run: Path) -> nn.Module:
    """The network of a finished run, ready to fuse.

    Raises:
        BadInputError: If ``run`` holds no finished run.
    """
    if not (run / RESULT).is_file():
        raise BadInputError(f"{run}: holds no finished run ({RESULT}); train one, or resume it")
    return load(SYSTEM, run).model


def uses_of(recipe: FusionRecipe, pairs: FusionPairs) -> tuple[Use[FusionRecipe], ...]:
    """Fields that are not every method's."""
    method = find_method(recipe.method)
    return (
        Use("method", lambda r: False, "as --recipe, which brings the network and weights of its own"),
        Use("network.widths", lambda r: r.width == 0, "with width=0"),
        Use("network", lambda r: method.is_rwsc, "for RWSC-Fusion"),
        Use("weights", lambda r: method.is_rwsc and not method.taught, "for RWSC-Fusion untaught"),
    )


SYSTEM: System[FusionRecipe, FusionPairs] = System(
    name="fusion",
    recipes=RECIPES,
    open=open_pairs,
    build=build_model,
    batches=build_batches,
    loss=build_loss,
    uses=uses_of,
    measure=lambda recipe, model, pairs, chosen, limit: measure_fusion(model, pairs, limit),
    table=table,
)
