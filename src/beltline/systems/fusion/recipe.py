"""Recipes of fusion networks: which there are, what they are trained for, in two sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.models.deepfuse import DeepFuse
from beltline.models.fusion_losses import RwscWeights, rwsc_losses
from beltline.models.fusiongan import FusionGan, fusiongan_losses
from beltline.models.luma_fusion import LumaFusion, mef_ssim_losses
from beltline.models.mefnet import MefNet
from beltline.models.rwsc import RwscFusion, RwscSettings
from beltline.models.u2fusion import U2Fusion, u2fusion_losses
from beltline.training.recipe_values import with_values
from beltline.training.settings import TrainingSettings

PUBLISHED = TrainingSettings(optimizer="adam", lr=1e-4, weight_decay=0.0, batch_size=8)
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

    @property
    def is_rwsc(self) -> bool:
        """Whether the network is RWSC-Fusion's, or an ablation of it."""
        return self.build is _rwsc


@dataclass(frozen=True)
class FusionRecipe:
    """How to train one of `METHODS`; begin with `published_recipe` or `narrow_recipe`.

    Attributes:
        method: Key of `METHODS`.
        width: Channels of the first layer; 0 for the published network.
        crop: Side of the squares seen in training, around a point of the item; 0 for whole pictures.
        network: Of RWSC-Fusion alone: its parts; a width above sets the widths in it.
        weights: Of RWSC-Fusion alone: how much each loss counts.
        training: Adam at 1e-4 in batches of 8 (inferred). ``precision`` reaches what ``forward`` computes,
            that is RWSC's fused picture; the pictures drawn again and the rivals' luminances stay in float32.
    """

    method: str = "RWSC"
    width: int = 0
    crop: int = 0
    network: RwscSettings = field(default_factory=RwscSettings)
    weights: RwscWeights = field(default_factory=RwscWeights)
    training: TrainingSettings = PUBLISHED


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
    "DeepFuse": _rival(DeepFuse, mef_ssim_losses),
    "MEFNet": _rival(MefNet, mef_ssim_losses),
}


def published_recipe(method: str, **changes: Any) -> FusionRecipe:
    """The published recipe of a method, with fields of it or of its training changed.

    Raises:
        BadInputError: If the method is not known.
    """
    known = find_method(method)
    recipe = FusionRecipe(method, network=known.network, weights=known.weights)
    return with_values(recipe, changes)


def narrow_recipe(method: str, **changes: Any) -> FusionRecipe:
    """A recipe that a CPU trains in minutes: an eighth to a quarter of the published widths."""
    width = {"U2Fusion": 12, "FusionGAN": 32, "DeepFuse": 8, "MEFNet": 16}.get(method, 12)
    return published_recipe(method, **{"width": width, "steps": 600, "crop": 64, "lr": 1e-3, **changes})


def recipe_name(method: str) -> str:
    """How a method's recipe is called on the command line.

    Example:
        >>> recipe_name("RWSC without edge attention")
        'rwsc_without_edge_attention'
    """
    return method.lower().replace(" ", "_")


def find_method(name: str) -> FusionMethod:
    """A method by name.

    Raises:
        BadInputError: If the table has no such method.
    """
    if name not in METHODS:
        raise BadInputError(f"no fusion method {name!r}; there is {', '.join(METHODS)}")
    return METHODS[name]


#: Narrow networks by the method's name, and the published ones.
RECIPES: Mapping[str, Callable[[], FusionRecipe]] = {
    **{recipe_name(method): partial(narrow_recipe, method) for method in METHODS},
    **{f"{recipe_name(method)}_published": partial(published_recipe, method) for method in METHODS},
}
