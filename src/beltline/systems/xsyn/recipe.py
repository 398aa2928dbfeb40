"""The recipes of painters: the autoencoder first, then what paints behind it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import nn

from beltline.core import BadInputError
from beltline.models.latents import Autoencoder
from beltline.models.painter import Painter
from beltline.training.initial import read_start, take_over, take_over_part
from beltline.training.settings import TrainingSettings

Stage = Literal["autoencoder", "painter"]
#: Fields that make the network.
NETWORK = (
    "stage", "classes", "channels", "latent_widths", "widths", "seen", "alone",
)  # fmt: skip
LONE_WIDTHS = (96, 112, 128)


def _training() -> TrainingSettings:
    return TrainingSettings(batch_size=16, lr=1e-3, weight_decay=0.01, steps=30_000, ema_decay=0.999)


@dataclass(frozen=True)
class XsynRecipe:
    """Hyperparameters of a painter; every field can be set from the command line.

    Attributes:
        stage: ``autoencoder``, or ``painter`` behind a trained one.
        autoencoder: Of a painter: run folder of its autoencoder.
        classes: Of threats; taken from the data.
        channels: Of a window, 2 for two energies, 3 for colour; taken from the data.
        latent_widths: Channels of the autoencoder at full, half, quarter and eighth size.
        encoder_held: Of an autoencoder that goes on from another one: whether the decoder alone learns, so
            that painters behind the other one may take it over.
        widths: Channels of the denoiser at 1, 1/2 and 1/4 of the latents' size, multiples of 8.
        seen: Whether the painter sees the bag behind what it paints, see `Painter`.
        alone: Whether it paints lone threats over air, see `Painter`; its windows hold nothing else.
        often: Classes drawn once more for each mention; all are drawn alike without.
        turns: In how many of the eight ways to lay a square it sees each window; each costs the encoding of
            all windows once.
        nameless: Share of windows in which it is not told what to paint, for classifier-free guidance.
        training: Steps, rate, precision, start.
    """

    stage: Stage = "painter"
    autoencoder: str = ""
    classes: tuple[str, ...] = ()
    channels: int = 2
    latent_widths: tuple[int, ...] = (16, 32, 64, 64)
    encoder_held: bool = False
    widths: tuple[int, ...] = (64, 96, 144)
    seen: bool = False
    alone: bool = False
    often: tuple[str, ...] = ()
    turns: int = 2
    nameless: float = 0.1
    training: TrainingSettings = field(default_factory=_training)

    def __post_init__(self) -> None:
        if not 0 <= self.nameless < 1:
            raise ValueError(f"nameless must be in [0, 1), got {self.nameless}")
        if not 1 <= self.turns <= 8:
            raise ValueError(f"turns must be in 1..8, got {self.turns}")
        if self.seen and self.alone:
            raise ValueError("a painter of lone threats sees no bag; set seen or alone, not both")
        if any(width % 8 for width in (*self.latent_widths, *self.widths)):
            raise ValueError(f"widths must be multiples of 8, got {self.latent_widths} and {self.widths}")


def xsyn_autoencoder() -> XsynRecipe:
    """What a painter works behind."""
    return XsynRecipe("autoencoder")


def xsyn_painter() -> XsynRecipe:
    """Paints anew what a box holds, as published."""
    return XsynRecipe()


def xsyn_seen() -> XsynRecipe:
    """Paints over what it sees there (ours)."""
    return XsynRecipe(seen=True)


def xsyn_lone() -> XsynRecipe:
    """Paints lone threats over air, which are laid into bags by physics (ours)."""
    return XsynRecipe(
        widths=LONE_WIDTHS, alone=True, turns=8,
        training=replace(_training(), batch_size=64),
    )  # fmt: skip


def build_model(recipe: XsynRecipe) -> nn.Module:
    """The recipe's network, weights drawn from its seed."""
    torch.manual_seed(recipe.training.seed)
    if recipe.stage == "autoencoder":
        autoencoder = Autoencoder(recipe.channels, recipe.latent_widths)
        if recipe.encoder_held:
            autoencoder.hold_encoder()
        return autoencoder
    return Painter(
        len(recipe.classes), recipe.channels, recipe.latent_widths, recipe.widths, seen=recipe.seen,
        alone=recipe.alone,
    )  # fmt: skip


def autoencoder_of(recipe: XsynRecipe) -> Autoencoder:
    """The autoencoder that a painter works behind: its own run's, or that of the painter it starts from.

    Raises:
        BadInputError: If there is none, or it does not fit.
    """
    found = Autoencoder(recipe.channels, recipe.latent_widths)
    if recipe.autoencoder:
        take_over_part(found, read_start(recipe.autoencoder), "")
    elif recipe.training.init:
        take_over_part(found, read_start(recipe.training.init), "autoencoder.")
    else:
        raise BadInputError(
            "a painter needs an autoencoder: train one with --recipe xsyn_autoencoder and name its run with"
            " --set autoencoder=RUN"
        )
    return found.eval().requires_grad_(False)


def start_from(recipe: XsynRecipe, model: nn.Module) -> None:
    """A painter's autoencoder, or the weights of an earlier run.

    Raises:
        BadInputError: If there is none, or it does not fit.
    """
    if recipe.training.init:
        take_over(model, read_start(recipe.training.init), recipe.classes)
    if isinstance(model, Painter) and not recipe.alone:
        model.autoencoder.load_state_dict(autoencoder_of(recipe).state_dict())
