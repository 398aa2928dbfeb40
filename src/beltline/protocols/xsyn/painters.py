"""The painter of the experiment: a trained one by name, or one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.models.painter import Painter
from beltline.protocols.cells import Say
from beltline.protocols.xsyn.data import XsynData
from beltline.protocols.xsyn.plan import XsynScale
from beltline.systems.xsyn.recipe import XsynRecipe, xsyn_autoencoder, xsyn_painter
from beltline.systems.xsyn.system import SYSTEM
from beltline.systems.xsyn.window_painting import TrainedPainter, load_painter
from beltline.training.run import Watching, train
from beltline.training.run_folder import RESULT

#: Side of the windows that painters see, pixels: attention is read at 16 x 16.
WINDOW = 256


@dataclass(frozen=True, eq=False)
class PainterInUse:
    """A painter with what a report says of it.

    Attributes:
        painter: In eval mode.
        classes: That it paints, in its order.
        digest: SHA-256 of its weights.
        told: What it was trained on.
    """

    painter: Painter
    classes: tuple[str, ...]
    digest: str
    told: str

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Its numbers of classes by name."""
        return np.array([self.classes.index(name) for name in names], np.int64)


def open_painter(model: str) -> PainterInUse:
    """A painter of ours by run folder, or by the name of a shipped model.

    Raises:
        BadInputError: If there is none.
    """
    found = load_painter(model)
    if not isinstance(found, TrainedPainter):
        raise BadInputError(f"{model}: expected a painter of ours, which gives latents; name a run of one")
    told = "trained elsewhere, on windows of its own: more than any fraction here"
    return PainterInUse(found.net, found.classes, found.sha256, told)


def require_fit(use: PainterInUse, data: XsynData) -> PainterInUse:
    """The painter itself.

    Raises:
        BadInputError: If it reads other planes than the data have, or lacks a class.
    """
    channels = use.painter.channels
    if channels != data.view.channels:
        raise BadInputError(
            f"the painter paints windows of {channels} channels, the data have {data.view.channels} (two"
            " energies are 2, colours 3); name another one"
        )
    if missing := [name for name in data.classes if name not in use.classes]:
        raise BadInputError(
            f"the painter was not trained on {', '.join(missing)}, only on {', '.join(use.classes)};"
            " name another one"
        )
    return use


def own_painter(data: XsynData, scale: XsynScale, folder: Path, say: Say) -> PainterInUse:
    """A painter trained on the experiment's windows, unless it is there.

    Raises:
        BadInputError: If there are no windows to train on.
    """
    if data.windows is None:
        raise BadInputError(
            "real scans give no windows without their items to train a painter on; name one with --model"
        )
    first = replace(xsyn_autoencoder(), latent_widths=scale.latent_widths)
    behind = _trained(first, scale.latent_steps, scale.latent_batch, data, folder / "autoencoder", say)
    second = replace(
        xsyn_painter(), autoencoder=str(behind), latent_widths=scale.latent_widths,
        widths=scale.painter_widths,
    )  # fmt: skip
    run = _trained(second, scale.painter_steps, scale.painter_batch, data, folder / "painter", say)
    told = f"trained here, {scale.painter_steps} steps on windows of the articles of all real windows"
    return replace(open_painter(str(run)), told=told)


def _trained(recipe: XsynRecipe, steps: int, batch: int, data: XsynData, out: Path, say: Say) -> Path:
    assert data.windows is not None
    if (out / RESULT).is_file():
        return out
    say(f"training {out.name}")
    ema_decay = min(recipe.training.ema_decay, max(0.0, 1 - 10 / steps))
    training = replace(recipe.training, steps=steps, batch_size=batch, ema_decay=ema_decay)
    windows = data.windows.trained
    whole = replace(recipe, training=training, classes=windows.classes, channels=windows.shape[0])
    train(SYSTEM, whole, windows, out, watching=Watching(log_steps=10**9, tensorboard=False), resume=True)
    return out
