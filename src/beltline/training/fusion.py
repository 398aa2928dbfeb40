"""Training of every fusion network: the same loop, the same pairs, only model and loss differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.formats import write_json
from beltline.models.deepfuse import DeepFuse, deepfuse_losses
from beltline.models.fusion_losses import RwscWeights, rwsc_losses
from beltline.models.fusiongan import FusionGan, fusiongan_losses
from beltline.models.luma_fusion import LumaFusion
from beltline.models.mefnet import MefNet, mefnet_losses
from beltline.models.rwsc import RwscFusion, RwscSettings
from beltline.models.u2fusion import U2Fusion, u2fusion_losses
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.training.arrays import as_input
from beltline.training.checkpoint import WEIGHTS, load_weights
from beltline.training.loop import FitOptions, FitResult, fit
from beltline.training.recipes import building, with_values
from beltline.training.recipes.uses import Use

RECIPE, RESULT = "recipe.json", "result.json"
Losses = Callable[..., Mapping[str, Tensor]]


@dataclass(frozen=True)
class FusionMethod:
    """A network and what it is trained for.

    Attributes:
        build: The network of a recipe.
        losses: ``losses(model, bag, item, mask)`` of a recipe, and the truth for a method that is taught.
        taught: Trained against the true composite, which only a simulator has.
        network: Of RWSC-Fusion: what a recipe of this name begins with.
        weights: Same.
    """

    build: Callable[[FusionRecipe], nn.Module]
    losses: Callable[[FusionRecipe], Losses]
    taught: bool = False
    network: RwscSettings = field(default_factory=RwscSettings)
    weights: RwscWeights = field(default_factory=RwscWeights)


@dataclass(frozen=True)
class FusionRecipe:
    """How to train one of `METHODS`; begin with `fusion_recipe` or `narrow_recipe`.

    Attributes:
        method: Key of `METHODS`.
        width: Channels of the first layer; 0 for the published network.
        steps: Optimizer steps.
        batch_size: Pairs a step; 8 in the published recipe (inferred).
        crop: Side of the squares seen in training, around a point of the item; 0 for whole pictures.
        lr: Of Adam; 1e-4 in the published recipe (inferred).
        precision: Of Lightning Fabric; it reaches what ``forward`` computes, that is RWSC's fused picture;
            the pictures drawn again and the rivals' luminances stay in float32.
        seed: Of weights and pairs.
        network: Of RWSC-Fusion alone: its parts; a width above sets the widths in it.
        weights: Of RWSC-Fusion alone: how much each loss counts.
    """

    method: str = "RWSC"
    width: int = 0
    steps: int = 20_000
    batch_size: int = 8
    crop: int = 0
    lr: float = 1e-4
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    seed: int = 0
    network: RwscSettings = field(default_factory=RwscSettings)
    weights: RwscWeights = field(default_factory=RwscWeights)


def _rwsc(recipe: FusionRecipe) -> nn.Module:
    first = recipe.width
    widths = (first, 2 * first, 4 * first) if first else recipe.network.widths
    return RwscFusion(replace(recipe.network, widths=widths))


def _rwsc_losses(recipe: FusionRecipe) -> Losses:
    return partial(rwsc_losses, weights=recipe.weights)


def _rival(net: Callable[..., nn.Module], losses: Losses) -> FusionMethod:
    def build(recipe: FusionRecipe) -> nn.Module:
        return LumaFusion(net(recipe.width) if recipe.width else net())

    return FusionMethod(build, lambda recipe: losses)


def taught_losses(
    model: nn.Module, bag: Tensor, item: Tensor, mask: Tensor, truth: Tensor
) -> dict[str, Tensor]:
    """Mean absolute error to the true composite under the mask (ours)."""
    apart = ((model(bag, item, mask) - truth).abs() * mask).sum() / (3 * mask.sum() + 1e-6)
    return {"loss": apart}


METHODS: Mapping[str, FusionMethod] = {
    "RWSC": FusionMethod(_rwsc, _rwsc_losses),
    "RWSC literal": FusionMethod(
        _rwsc, _rwsc_losses, network=RwscSettings(residual=False), weights=RwscWeights(colour=False)
    ),
    "RWSC without edge attention": FusionMethod(
        _rwsc, _rwsc_losses, network=RwscSettings(edge_attention=False)
    ),
    "RWSC pooling only": FusionMethod(_rwsc, _rwsc_losses, network=RwscSettings(deviation=False)),
    "RWSC legible": FusionMethod(_rwsc, _rwsc_losses, weights=RwscWeights(bag=0.6)),
    "RWSC taught": FusionMethod(_rwsc, lambda recipe: taught_losses, taught=True),
    "U2Fusion": _rival(U2Fusion, u2fusion_losses),
    "FusionGAN": _rival(FusionGan, fusiongan_losses),
    "DeepFuse": _rival(DeepFuse, deepfuse_losses),
    "MEFNet": _rival(MefNet, mefnet_losses),
}


class PairBatch(NamedTuple):
    """What `FusionBatches` yields; pictures (B, 3, S, S) in [0, 1]."""

    bag: Tensor
    item: Tensor
    mask: Tensor  # (B, 1, S, S) in [0, 1]
    truth: Tensor | None  # where asked for


@dataclass(frozen=True, eq=False)
class FusionBatches:
    """Bags and items paired by chance, so that no truth exists, or together with their truth.

    Attributes:
        pairs: From `beltline.simulate.fusion_pairs`, or of the same make.
        batch_size: Pairs a batch.
        seed: Of pairing and flips.
        taught: Keep a bag with its item and give the true composite.
        crop: Side of the squares, a multiple of 4; 0 for whole pictures.
    """

    pairs: FusionPairs
    batch_size: int
    seed: int = 0
    taught: bool = False
    crop: int = 0

    def __call__(self, start: int, stride: int = 1) -> Iterator[PairBatch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        index = start
        while True:
            yield self.build(index)
            index += stride

    def build(self, index: int) -> PairBatch:
        """Batch number ``index``; depends on nothing but the seed and the index."""
        rng = np.random.default_rng((self.seed, index))
        bags, items = rng.integers(0, len(self.pairs), (2, self.batch_size))
        if self.taught:
            bags = items
        truth = self.pairs.truth
        masks = self.pairs.mask[items]
        corners = [self._corner(mask, rng) for mask in masks]
        turn = int(rng.integers(8))

        def cut(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
            side = self.crop or pictures.shape[1]
            parts = [p[r : r + side, c : c + side] for p, (r, c) in zip(pictures, corners, strict=True)]
            return _turned(np.stack(parts), turn)

        return PairBatch(
            as_input(cut(self.pairs.bag[bags])),
            as_input(cut(self.pairs.item[items])),
            torch.from_numpy(cut(masks)).float()[:, None] / 255,
            as_input(cut(truth[items])) if self.taught and truth is not None else None,
        )

    def _corner(self, mask: NDArray[np.uint8], rng: np.random.Generator) -> tuple[int, int]:
        """Where a square begins that holds a point of the item; anywhere if there is no item."""
        if not self.crop:
            return 0, 0
        rows, columns = np.nonzero(mask)
        last = np.array(mask.shape) - self.crop
        if not len(rows):
            row, column = rng.integers(0, last + 1)
            return int(row), int(column)
        point = int(rng.integers(len(rows)))
        low = np.array([rows[point], columns[point]]) - self.crop + 1
        corner = rng.integers(np.clip(low, 0, last), np.clip(low + self.crop - 1, 0, last) + 1)
        return int(corner[0]), int(corner[1])


def _turned(images: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    images = images.swapaxes(1, 2) if turn & 4 else images
    return np.ascontiguousarray(images[:, :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1])


def uses_of_fusion() -> tuple[Use[FusionRecipe], ...]:
    """Fields of `FusionRecipe` that do not always count."""
    return (
        Use("method", lambda r: False, "as --method alone, which brings the network and weights of its own"),
        Use("network.widths", lambda r: r.width == 0, "with width=0"),
        Use("network", lambda r: METHODS[r.method].build is _rwsc, "for RWSC-Fusion"),
        Use("weights", lambda r: METHODS[r.method].losses is _rwsc_losses, "for RWSC-Fusion untaught"),
    )


def train_fusion(
    recipe: FusionRecipe,
    pairs: FusionPairs,
    out: Path,
    *,
    resume: bool = False,
    log_steps: int = 50,
    checkpoint_steps: int = 200,
) -> FitResult:
    """Train one network.

    Args:
        recipe: What and how.
        pairs: Bags and items; the truth is not looked at, except by a method that is taught.
        out: Run folder: recipe.json, weights, checkpoint, metrics, and result.json once it is finished.
        resume: Go on from the folder's checkpoint.
        log_steps: Steps between lines of progress.
        checkpoint_steps: Steps between checkpoints.

    Raises:
        BadInputError: If the method is not known, the pairs are none or too small for the crop, or ``out``
            holds a run of another recipe.
    """
    method = _method(recipe.method)
    _check_pairs(pairs, recipe.crop)
    path = out / RECIPE
    if path.is_file() and not (resume and read_recipe(out) == recipe):
        raise BadInputError(
            f"{out}: holds a run already; choose another folder, or resume it with the recipe it began with"
        )
    with building():
        torch.manual_seed(recipe.seed)
        model, losses = method.build(recipe), method.losses(recipe)
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    write_json(path, asdict(recipe))

    def loss(network: nn.Module, batch: PairBatch) -> Mapping[str, Tensor]:
        given = (batch.bag, batch.item, batch.mask)
        return losses(network, *given, *(() if batch.truth is None else (batch.truth,)))

    result = fit(
        model,
        FusionBatches(pairs, recipe.batch_size, recipe.seed, method.taught, recipe.crop),
        loss,
        optimizer,
        steps=recipe.steps,
        options=FitOptions(
            resume=resume, log_steps=log_steps, checkpoint_steps=checkpoint_steps, tensorboard=False
        ),
        out=out,
        fabric=Fabric(accelerator="auto", devices=1, precision=recipe.precision),
    )
    if result.values or not (out / RESULT).is_file():  # a finished run that is resumed keeps its numbers
        write_json(out / RESULT, {"steps": result.step, "minutes": round(result.minutes, 2), **result.values})
    return result


def read_recipe(run: Path) -> FusionRecipe:
    """The recipe a run was begun with.

    Raises:
        BadInputError: If ``run`` holds none of this version.
    """
    path = run / RECIPE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return with_values(fusion_recipe(values["method"]), values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInputError(f"{path}: not the recipe of a fusion network ({error}); train one") from error


def load_fusion(run: Path) -> nn.Module:
    """The network of a run, ready to fuse.

    Raises:
        BadInputError: If ``run`` holds no finished run.
    """
    if not (run / RESULT).is_file():
        raise BadInputError(f"{run}: holds no finished run ({RESULT}); train one, or resume it")
    recipe = read_recipe(run)
    model = _method(recipe.method).build(recipe)
    load_weights(model, run / WEIGHTS)
    return model.eval()


def fusion_recipe(method: str, **changes: Any) -> FusionRecipe:
    """The published recipe of a method, changed.

    Raises:
        BadInputError: If the method is not known.
    """
    known = _method(method)
    return replace(FusionRecipe(method, network=known.network, weights=known.weights), **changes)


def narrow_recipe(method: str, **changes: Any) -> FusionRecipe:
    """A recipe that a CPU trains in minutes: an eighth to a quarter of the published widths."""
    width = {"U2Fusion": 12, "FusionGAN": 32, "DeepFuse": 8, "MEFNet": 16}.get(method, 12)
    return replace(fusion_recipe(method, width=width, steps=600, crop=64, lr=1e-3), **changes)


def _check_pairs(pairs: FusionPairs, crop: int) -> None:
    if not len(pairs):
        raise BadInputError("training a fusion needs pairs of bag and item, got none")
    side = min(pairs.mask.shape[1:])
    if not 0 <= crop <= side:
        raise BadInputError(f"crop must be within 0 and {side}, the side of the pairs, got {crop}")


def _method(name: str) -> FusionMethod:
    if name not in METHODS:
        raise BadInputError(f"no fusion method {name!r}; there is {', '.join(METHODS)}")
    return METHODS[name]
